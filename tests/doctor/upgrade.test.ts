import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import { targetIn } from "../../doctor/judge/upgrade";
import { judgeKubeadm } from "../../doctor/kubeadm";
import { RULES } from "../../doctor/versions";
import { calledHere } from "../support/commandLine";
import { node, nodesServer } from "../support/nodesServer";
import { fakeSsh } from "./fakeSsh";
import { CLOCK, factsOf, runtime } from "./nodeFacts";

const IMAGE = "registry.bank.example:5000/platform/pause:1.0.0";
const CONFIG = "/etc/containerd/config.toml";
const LATE = Date.parse("2026-12-01") / 1000;

/** A node that no row of the table hits. */
const well = (more: Partial<Facts> = {}): Facts =>
  factsOf(IMAGE, {
    host: { architecture: "amd64", cgroups: 2, epochSeconds: CLOCK, kubernetes: true, name: "w" },
    runtime: { ...runtime(IMAGE), version: "2.3.7" },
    image: { status: { pinned: true } },
    kubelet: { flagged: [], state: "active", version: "1.36.1", cgroupDriver: "", failCgroupV1: "" },
    ...more,
  });
const file = (...lines: string[]) => ({
  changedSeconds: 1,
  path: CONFIG,
  lines: lines.map((line, at) => `${at + 1}:${line}`),
});
const kubelet = (more: Partial<NonNullable<Facts["kubelet"]>>): Partial<Facts> => ({
  kubelet: { flagged: [], state: "active", version: "1.34.2", ...more },
});
const containerd = (version: string, more: Partial<ReturnType<typeof runtime>> = {}): Partial<Facts> => ({
  runtime: { ...runtime(IMAGE), version, ...more },
});
const SET = `sandbox_image = "${IMAGE}"`;
const V2 = ["version = 2", '[plugins."io.containerd.grpc.v1.cri"]', SET];
const MIRROR = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]';

const found = (facts: Facts, to: string, nowSeconds = LATE) =>
  diagnose({ ...{ node: "w", host: "w", facts, walks: [], ourSeconds: nowSeconds } }, targetIn(to)).upgrade ?? [];
const said = (facts: Facts, to: string) => found(facts, to).map(({ grade, kind }) => `${grade}: ${kind}`);

const FLAG = kubelet({ flagged: ["/var/lib/kubelet/kubeadm-flags.env:1"] });
const FLAGGED = "a flag that the kubelet does not know";
const OLD = "a containerd that is too old for the kubelet";
const TWO = "two directories in config_path";
const INLINE = "registry.mirrors or registry.configs";
const two = (version: string) => containerd(version, { configPath: "/etc/containerd/certs.d:/etc/docker/certs.d" });
const ONE = {
  changedSeconds: 1,
  path: "/etc/containerd/conf.d/a.toml",
  lines: ["1:version = 3", "2:[plugins.'io.containerd.cri.v1.images']"],
};

/** What a node has, what it is upgraded to, and all that is said of it. */
const CASES: [string, Partial<Facts>, string, string[]][] = [
  ["nothing", {}, "kubernetes=1.37,containerd=2.4", []],
  ["the flag, below 1.29", FLAG, "kubernetes=1.28", []],
  ["the flag, where it is ignored", FLAG, "kubernetes=1.34", ["warns: a flag without effect"]],
  ["the flag, where it is gone", FLAG, "kubernetes=1.35", [`does not start: ${FLAGGED}`]],
  ["the flag, and only containerd is upgraded", FLAG, "containerd=2.4", ["warns: a flag without effect"]],
  [
    "cgroup v1",
    { host: { architecture: "amd64", cgroups: 1, epochSeconds: CLOCK, name: "w" } },
    "kubernetes=1.35",
    ["does not start: cgroup v1"],
  ],
  [
    "cgroup v1 that is allowed",
    {
      host: { architecture: "amd64", cgroups: 1, epochSeconds: CLOCK, name: "w" },
      ...kubelet({ failCgroupV1: "false" }),
    },
    "kubernetes=1.37",
    ["warns: cgroup v1"],
  ],
  [
    "cgroup v1 below 1.35",
    { host: { architecture: "amd64", cgroups: 1, epochSeconds: CLOCK, name: "w" } },
    "kubernetes=1.34",
    [],
  ],
  [
    "containerd 1.7 for 1.37",
    containerd("1.7.28"),
    "kubernetes=1.37",
    [`warns: ${OLD}`, `not supported any more: ${OLD}`, "not supported any more: a containerd without fixes"],
  ],
  [
    "containerd 1.7 for 1.38",
    containerd("1.7.28"),
    "kubernetes=1.38",
    [`does not start: ${OLD}`, `not supported any more: ${OLD}`, "not supported any more: a containerd without fixes"],
  ],
  ["containerd 1.7 that is upgraded too", containerd("1.7.28"), "kubernetes=1.38,containerd=2.3", []],
  ["containerd 1.5 for 1.26", containerd("1.5.9"), "kubernetes=1.26", [`does not start: ${OLD}`]],
  [
    "containerd 2.2 for 1.37",
    containerd("2.2.9"),
    "kubernetes=1.37",
    [`not supported any more: ${OLD}`, "not supported any more: a containerd without fixes"],
  ],
  [
    "a digest behind the tag",
    {
      ...containerd("1.7.28", { image: `${IMAGE}@sha256:${"a".repeat(64)}` }),
      files: [file("version = 2", `sandbox_image = "${IMAGE}@sha256:${"a".repeat(64)}"`)],
    },
    "containerd=2.3.2",
    ["does not start: a reference that cannot be used"],
  ],
  [
    "a digest behind the tag, and the newest patch",
    {
      ...containerd("1.7.28", { image: `${IMAGE}@sha256:${"a".repeat(64)}` }),
      files: [file("version = 2", `sandbox_image = "${IMAGE}@sha256:${"a".repeat(64)}"`)],
    },
    "containerd=2.3",
    [],
  ],
  [
    "two directories, and an image that has to be pulled",
    { ...two("1.7.28"), image: null },
    "containerd=2.4",
    [`does not start: ${TWO}`],
  ],
  ["two directories, and a pinned image", two("1.7.28"), "containerd=2.4", [`warns: ${TWO}`]],
  [
    "two directories that 1.7 takes apart",
    { ...two("1.6.38"), ...kubelet({}) },
    "containerd=1.7",
    ["not supported any more: a containerd without fixes"],
  ],
  ["mirrors", { files: [file(...V2, MIRROR)] }, "containerd=2.4", [`warns: ${INLINE}`]],
  [
    "mirrors, where CRI does not load with them",
    { files: [file(...V2, MIRROR)] },
    "containerd=2.2.1",
    [`does not start: ${INLINE}`, `warns: ${INLINE}`, "not supported any more: a containerd without fixes"],
  ],
  [
    "mirrors, where they are gone",
    { files: [file(...V2, MIRROR)] },
    "containerd=2.7",
    [`not supported any more: ${INLINE}`],
  ],
  [
    "a file of version 1, which is migrated",
    { files: [file("[plugins.cri]", SET)] },
    "containerd=2.4",
    ["warns: a file of version 1"],
  ],
  [
    "a file of version 1, which is not",
    { files: [file("[plugins.cri]", SET)], ...kubelet({}) },
    "containerd=2.1",
    ["does not start: a file of version 1", "not supported any more: a containerd without fixes"],
  ],
  [
    "files of versions 2 and 3",
    { files: [file(...V2), ONE] },
    "containerd=2.3",
    ["does not start: files of versions 2 and 3"],
  ],
  ["files of versions 2 and 3, which are merged", { files: [file(...V2), ONE] }, "containerd=2.4", []],
  [
    "a shim of 1.x",
    { files: [file(...V2, 'runtime_type = "io.containerd.runtime.v1.linux"')] },
    "containerd=2.4",
    ["does not start: a shim that is gone"],
  ],
  [
    "the default image",
    { files: [], runtime: { ...runtime("registry.k8s.io/pause:3.8") } },
    "containerd=2.4",
    ["warns: another default sandbox image"],
  ],
  [
    "the default image, and it stays",
    { files: [], runtime: { ...runtime("registry.k8s.io/pause:3.10.2"), version: "2.3.7" } },
    "containerd=2.4",
    [],
  ],
  [
    "CRI-O, which has a version of its own",
    { runtime: { ...runtime(IMAGE), name: "cri-o", version: "1.34.0" } },
    "kubernetes=1.38,containerd=2.4",
    [],
  ],
];

describe("pause-sandbox doctor --upgrade-to", function () {
  this.timeout("1m");
  for (const [what, more, to, expected] of CASES) {
    it(`judges ${what} at ${to}`, () => {
      assert.deepEqual(said(well(more), to), expected);
    });
  }

  it("hits each row of the table by one of these cases", () => {
    const hit = new Set(CASES.flatMap(([, more, to]) => said(well(more), to)));
    const rows = new Set(RULES.map(({ grade, kind }) => `${grade}: ${kind}`));
    assert.deepEqual(
      [...rows].filter((row) => !hit.has(row)),
      [],
    );
  });

  it("has a source and a way out in each row", () => {
    for (const { source, remedy } of RULES) assert.ok(source !== "" && remedy !== "");
  });

  it("counts a containerd as supported until its last day", () => {
    const at = (day: string) => found(well(containerd("2.2.9")), "containerd=2.2", Date.parse(day) / 1000);
    assert.deepEqual([at("2026-11-06").length, at("2026-11-08").length], [0, 1]);
  });

  it("does not say that nothing is found of versions that it does not know, nor where facts are missing", () => {
    const unknown = (facts: Facts, to: string) =>
      diagnose({ node: "w", host: "w", facts, walks: [], ourSeconds: LATE }, targetIn(to)).unknown;
    assert.deepEqual(unknown(well(), "kubernetes=1.37"), []);
    assert.match(unknown(well(), "kubernetes=1.40")?.join() ?? "", /what kubernetes 1\.40 changes/);
    assert.match(
      unknown(well({ files: undefined, kubelet: undefined }), "containerd=2.4")?.join() ?? "",
      /flags,containerd's files/,
    );
  });

  for (const text of [
    "",
    "1.37",
    "kubernetes",
    "kubernetes=1",
    "docker=1.2",
    "kubernetes=1.36,kubernetes=1.37",
    "kubernetes=1.37;",
  ]) {
    it(`takes no ${JSON.stringify(text)}`, () => {
      assert.throws(() => targetIn(text), /is not kubernetes=1\.37/);
    });
  }

  it("reads the ConfigMaps of kubeadm", () => {
    const grades = (text: string, to: string) =>
      judgeKubeadm("kubeadm-config", text, targetIn(to)).map(({ grade }) => grade);
    const flag = "kubeletExtraArgs:\n  pod-infra-container-image: x\n";
    assert.deepEqual([grades(flag, "kubernetes=1.34"), grades(flag, "kubernetes=1.35")], [[], ["does not start"]]);
    const own = "imageRepository: registry.bank.example/k8s\n";
    assert.deepEqual([grades(own, "kubernetes=1.36"), grades(own, "kubernetes=1.37")], [[], ["warns"]]);
    assert.deepEqual(grades("imageRepository: registry.k8s.io\n", "kubernetes=1.37"), []);
  });

  describe("on the command line", () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-upgrade-"));
    after(() => {
      fs.rmSync(dir, { recursive: true });
    });
    const doctor = (...args: string[]) =>
      calledHere(["doctor", ...args], { env: { PATH: `${dir}:${process.env.PATH ?? ""}` } });
    const local = (name: string, more: Partial<Facts> = {}): Facts => {
      const image = "localhost/kubernetes/pause:latest";
      const host = { architecture: "amd64", cgroups: 2, epochSeconds: CLOCK, kubernetes: true, name };
      return well({
        host,
        runtime: { ...runtime(image), version: "2.3.7" },
        files: [file(`sandbox_image = "${image}"`)],
        ...more,
      });
    };

    it("groups the fleet, and names what to do with its source, per node", async () => {
      fakeSsh(dir, { a: local("w-1", FLAG), b: local("w-2", FLAG), c: local("w-3") });
      const { status, stdout, stderr } = await doctor("--host", "a", "b", "c", "--upgrade-to", "kubernetes=1.37");
      assert.equal(status, 1, stderr);
      const [head, first, second] = stdout.split("\n");
      assert.equal(head, "Upgrade to kubernetes 1.37");
      assert.equal(first, `2 of 3: does not start: ${FLAGGED} (w-1, w-2)`);
      assert.equal(second, "1 of 3: nothing is found (w-3)");
      assert.match(
        stdout,
        /\n\nw-1, w-2: does not start\n {2}✗ Does not start: \/var\/lib\/kubelet\/kubeadm-flags\.env:1 has /,
      );
      assert.match(
        stdout.replace(/\s+/g, " "),
        /Remove the flag there before the upgrade, or let a stack do it\. Source: kubernetes#133779\./,
      );
    });

    it("ends with 0 where nothing is found, and refuses another word", async () => {
      fakeSsh(dir, { c: local("w-3") });
      assert.equal((await doctor("--host", "c", "--upgrade-to", "kubernetes=1.37,containerd=2.4")).status, 0);
      const { status, stderr } = await doctor("--host", "c", "--upgrade-to", "docker=29");
      assert.equal(status, 2);
      assert.match(stderr, /is not kubernetes=1\.37 or containerd=2\.4/);
    });

    it("looks at all nodes of a cluster, and at what kubeadm has for them", async () => {
      fakeSsh(dir, { "10.0.0.7": local("w-1") });
      const server = await nodesServer([[node("w-1", { ip: "10.0.0.7" })]], { pods: [], events: [] }, (_, url) => {
        if (url.endsWith("/configmaps/kubeadm-config"))
          return { status: 200, body: { data: { a: "pod-infra-container-image: x" } } };
        return url.includes("/configmaps/") ? { status: 404, body: { kind: "Status", code: 404 } } : undefined;
      });
      const kubeconfig = path.join(dir, "kubeconfig");
      fs.writeFileSync(kubeconfig, server.kubeconfig);
      try {
        const { status, stdout, stderr } = await doctor("--kubeconfig", kubeconfig, "--upgrade-to", "kubernetes=1.37");
        assert.equal(status, 1, stderr);
        assert.match(stdout, /\nDoes not start: ConfigMap kube-system\/kubeadm-config has pod-infra-container-image/);
        assert.match(stdout, /\nw-1: nothing is found\n/);
      } finally {
        server.close();
      }
    });
  });
});
