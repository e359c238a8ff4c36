/** What the doctor names before a sandbox fails of it. */
import { strict as assert } from "node:assert";

import { diagnose } from "../../doctor/diagnose";
import type { DiskFact, Facts } from "../../doctor/facts";
import { hostsFile } from "../../doctor/routes";
import { pulledImage } from "../../doctor/pulledImage";
import { DIR, factsOf, failed, CLOCK, READY, runtime } from "./nodeFacts";

const IMAGE = "localhost/pause:1";
const PINNED = { status: { pinned: true } };
const judged = (more: Partial<Facts>) => {
  const facts = factsOf(IMAGE, { image: PINNED, ...more });
  return diagnose({ node: "w", host: "w", facts, walks: [], ourSeconds: CLOCK });
};
const disk = (more: Partial<DiskFact>): DiskFact => ({
  ...{ path: "/var/lib/containerd", freeKilobytes: 5 << 20, freeInodes: 1000, inodes: 2000, writable: true },
  ...more,
});

describe("what fails before a sandbox is tried", () => {
  const disks: [string, Partial<DiskFact>, [string, RegExp] | undefined][] = [
    ["a disk with room", {}, undefined],
    ["a full disk", { freeKilobytes: 12 }, ["PS-D031", /the disk of \/var\/lib\/containerd has no space left/]],
    ["a disk without inodes", { freeInodes: 0 }, ["PS-D031", /has no inodes left/]],
    ["a file system that counts no inodes", { freeInodes: 0, inodes: 0 }, undefined],
    ["a disk that is read-only", { writable: false, freeKilobytes: 0 }, ["PS-D032", /cannot be written/]],
  ];
  for (const [what, more, expected] of disks) {
    it(`is judged of ${what}`, () => {
      const { findings, evidence } = judged({ disks: [disk({ path: "/run" }), disk(more)] });
      assert.equal(findings[0]?.code, expected?.[0]);
      if (expected) assert.match(findings[0]?.what ?? "", expected[1]);
      else assert.ok(evidence.some(({ text }) => text.includes("have room: at least 5 GiB")));
    });
  }

  it("is said once where a sandbox has failed of it already", () => {
    const events = [failed(CLOCK - 9, "a/b", "write /var/lib/containerd/x: no space left on device")];
    const codes = judged({ disks: [disk({ freeKilobytes: 0 })], events }).findings.map(({ code }) => code);
    assert.deepEqual(codes, ["PS-D031"]);
  });

  const drivers: [string, string, string, boolean, boolean | undefined][] = [
    ["1.7.28", "1.34.2", "systemd", true, undefined],
    ["1.7.28", "1.34.2", "cgroupfs", true, true],
    ["1.7.28", "1.34.2", "", true, true],
    ["1.7.28", "1.34.2", "systemd", false, false],
    ["1.7.28", "1.34.2", "", false, undefined],
    ["2.3.7", "1.34.2", "cgroupfs", true, undefined],
    ["2.3.7", "1.30.1", "cgroupfs", true, true],
  ];
  for (const [version, kubelet, cgroupDriver, systemdCgroup, fatal] of drivers) {
    const has = systemdCgroup ? "systemd" : "cgroupfs";
    it(`compares ${has} of containerd ${version} with ${cgroupDriver || "the default"} of kubelet ${kubelet}`, () => {
      const { findings } = judged({
        runtime: { ...runtime(IMAGE), version },
        kubelet: { flagged: [], state: "active", version: kubelet, cgroupDriver },
        status: { ...READY, systemdCgroup },
      });
      const found = findings.find(({ code }) => code === "PS-D030");
      assert.equal(found?.fatal, fatal);
    });
  }

  it("is read from the directory that containerd takes first for a name with a port", () => {
    const image = pulledImage("registry.example:5000/a/pause:1");
    assert.ok(image);
    const file = (name: string) => ({ entries: [], path: `${DIR}/${name}/hosts.toml` });
    const first = (...names: string[]) => {
      const registry = { directories: names, directory: DIR, files: names.map(file), trusted: "" };
      return hostsFile(factsOf(IMAGE, { registry }), image)?.path;
    };
    const [port, colon] = ["registry.example_5000_", "registry.example:5000"];
    assert.equal(first("_default", colon, port), `${DIR}/${port}/hosts.toml`);
    assert.equal(first("_default", colon), `${DIR}/${colon}/hosts.toml`);
    assert.equal(first("_default"), `${DIR}/_default/hosts.toml`);
  });
});
