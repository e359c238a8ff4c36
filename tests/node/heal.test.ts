/** A carried image that comes back by itself: the files that do it are planned, compared, undone and given back like all others. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { Host } from "./host";
import { shells, wanted as image } from "./script";
import { describeWith } from "./toolchain";
import { archiveHash, packedArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { filesOfTar } from "../../components/archive/tar";
import { type NodeSettings } from "../../components/node/nodeSettings";
import { CONTAINERD } from "../../lab/toolchain/versions";

const carried = pauseArchive(["linux/amd64"]);
const archive = packedArchive(carried);
const { digest } = carried;
const settings: Partial<NodeSettings> = { digest, archive, owner: "us" };
const TIMER = "pause-sandbox-heal.timer";
const FILES = [
  "pause-sandbox/heal",
  "pause-sandbox/image.tar",
  "systemd/multi-user.target.d/zz-pause-sandbox.conf",
  "systemd/pause-sandbox-heal.service",
  `systemd/${TIMER}`,
];

for (const shell of shells) {
  describeWith(CONTAINERD.one)(`${shell.join(" ")}: a node that has a carried image again`, function () {
    this.timeout(60_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
      host.containerd(
        CONTAINERD.one,
        'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "a.b/c:1"\n',
      );
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const root = (name: string): string => path.join(host.dir, "root", name);
    const there = (): string[] => FILES.filter((name) => fs.existsSync(root(name)));
    const isActive = (): boolean => host.read("units").split("\n").includes(TIMER);

    it("has the archive, a unit and a timer that runs, and nothing to do the second time", () => {
      const report = host.done("apply", settings);
      assert.deepEqual([there(), isActive(), report.restarted.includes(TIMER)], [FILES, true, true]);
      assert.ok(host.read("root/pause-sandbox/heal").includes(` ${archiveHash(archive)}\n`));
      const again = host.done("apply", settings);
      assert.deepEqual([again.status, again.changed, again.restarted, again.did], ["unchanged", [], [], []]);
    });

    it("is refused where a unit is masked, and the device that it leads to stays", function () {
      if (process.getuid?.() !== 0) this.skip();
      fs.mkdirSync(root("systemd"), { recursive: true });
      const device = path.join(host.dir, "null");
      assert.equal(spawnSync("mknod", [device, "c", "1", "3"]).status, 0);
      fs.symlinkSync(device, root(`systemd/${TIMER}`));
      const { status, stderr } = host.run("apply", settings);
      assert.deepEqual([status, there()], [3, [`systemd/${TIMER}`]], stderr);
      assert.match(stderr, /PS-N013 \S+null is no file: see systemctl unmask/);
      assert.ok(fs.statSync(device).isCharacterDevice());
    });

    it("is told which of these files somebody changed, and gets it back without a restart of the runtime", () => {
      host.done("apply", settings);
      for (const name of ["pause-sandbox/image.tar", "systemd/pause-sandbox-heal.service"]) {
        const before = host.files();
        if (name.endsWith(".tar")) fs.rmSync(root(name));
        else fs.appendFileSync(root(name), "# somebody\n");
        assert.match(host.run("plan", settings).stderr, new RegExp(`would (change|create) ${root(name)}$`, "m"));
        const { stderr, did } = host.run("apply", settings);
        const restarted = did.filter((one) => !one.startsWith("ctr "));
        assert.match(stderr, new RegExp(`${root(name)} was (changed|removed) since the last run`));
        assert.deepEqual([restarted, host.files()], [[`restart ${TIMER}`], before], name);
      }
    });

    it("is told once of a timer that is new: it does not run, and its file would change", () => {
      const { stdout, stderr } = host.run("plan", settings);
      assert.equal(stderr.match(new RegExp(`would (re)?start ${TIMER}`, "g"))?.length, 1, stderr);
      const { restarted } = JSON.parse(stdout) as { restarted: string[] };
      assert.deepEqual(restarted, [...new Set(restarted)]);
      assert.ok(restarted.includes(TIMER));
    });

    it("is told that the timer does not run, and has it started", () => {
      host.done("apply", settings);
      host.write("units", host.read("units").replace(`${TIMER}\n`, ""));
      assert.match(host.run("plan", settings).stderr, new RegExp(`would restart ${TIMER}`));
      const { status, changed, restarted } = host.done("apply", settings);
      assert.deepEqual([status, changed, restarted, isActive()], ["changed", [], [TIMER], true]);
    });

    it("has none of it with selfHeal false, also where it was there, edited or not", () => {
      host.done("apply", { ...settings, selfHeal: false });
      assert.deepEqual(there(), []);
      const without = host.files();
      host.done("apply", settings);
      fs.appendFileSync(root("pause-sandbox/heal"), "# somebody\n");
      assert.match(host.run("plan", { ...settings, selfHeal: false }).stderr, new RegExp(`would stop ${TIMER}`));
      const { restarted, changed } = host.done("apply", { ...settings, selfHeal: false });
      assert.deepEqual([restarted, changed, isActive()], [[], FILES.map(root), false]);
      assert.deepEqual(host.files(), without);
    });

    it("is refused where systemd's directory is read-only, with the way out, and heals without these files", function () {
      const units = root("systemd");
      fs.mkdirSync(units, { recursive: true });
      if (spawnSync("mount", ["-t", "tmpfs", "-o", "ro", "none", units]).status !== 0) this.skip();
      try {
        const before = host.files();
        const { status, stderr } = host.run("apply", settings);
        assert.match(stderr, /PS-N013 .*systemd\/.* remount it writable, .*or set selfHeal to false/);
        // Root may write anywhere, by the word of busybox: there the disk says so.
        assert.deepEqual([status, host.files()], [shell[0] === "busybox" ? 4 : 3, before]);
        assert.equal(host.done("apply", { ...settings, selfHeal: false }).status, "changed");
      } finally {
        spawnSync("umount", [units]);
      }
    });

    it("has none of it once it is given back, nor where the timer does not start", () => {
      const before = host.files();
      host.done("apply", settings);
      host.done("restore", { owner: "us" });
      assert.deepEqual([host.files(), isActive()], [before, false]);
      host.write("more.sh", 'heal_timed() { [ ! -e "$units_at/$heal.timer" ]; }\n');
      const { status, stderr } = host.run("apply", settings);
      assert.match(stderr, /PS-N028 pause-sandbox-heal\.timer does not start/);
      assert.deepEqual([status, host.files()], [4, before]);
    });

    it("has no timer after an undo, also where a boot in between has started it", () => {
      const booted = `: >"$node_dir/booted"; echo ${TIMER} >>"$node_dir/units"; return 1`;
      host.write("more.sh", `manage() { [ -e "$node_dir/booted" ] || { ${booted}; }; }\n`);
      const { status, stderr } = host.run("apply", settings);
      assert.deepEqual([status, there(), isActive()], [4, [], false], stderr);
    });
  });

  describe(`${shell.join(" ")}: a node of k3s that has a carried image again`, function () {
    this.timeout(30_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
      host.unit("k3s", "--config @DIR@/root/config.yaml --data-dir=@DIR@/root/data", "k3s version v1.33.4+k3s1 (abc)");
      host.write("root/config.yaml", "node-label:\n  - a=b\n");
      host.write(
        "root/data/agent/etc/containerd/config.toml",
        'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "rancher/mirrored-pause:3.6"\n',
      );
      host.write("running", "rancher/mirrored-pause:3.6");
      // Where the simulated k3s writes its configuration.
      fs.symlinkSync("root/data", path.join(host.dir, "data"));
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const file = "root/data/agent/images/pause-sandbox.tar";
    const at = (): string => path.join(host.dir, file);

    it("gets the archive where k3s imports it at each start, under the exact name, and imports it at once", () => {
      const before = host.files();
      const { did, digest: reported, pinned, restarted } = host.done("apply", settings);
      assert.deepEqual([reported, pinned, restarted], [digest, true, ["k3s"]]);
      assert.ok(!did.some((one) => one.startsWith("pull")), did.join());
      const index = JSON.parse(String(filesOfTar(fs.readFileSync(at())).get("index.json"))) as {
        manifests: { digest: string; annotations: Record<string, string> }[];
      };
      assert.deepEqual(
        index.manifests.map((one) => [one.digest, one.annotations]),
        [[digest, { "io.containerd.image.name": image }]],
      );
      assert.deepEqual(host.done("apply", settings).did, []);
      host.done("restore", { owner: "us" });
      assert.deepEqual(host.files(), before);
    });

    it("gets it back where it was removed, without a restart, and has none with selfHeal false", () => {
      host.done("apply", settings);
      fs.rmSync(at());
      const { restarted, changed } = host.done("apply", settings);
      assert.deepEqual([restarted, changed, fs.existsSync(at())], [[], [at()], true]);
      const without = host.done("apply", { ...settings, selfHeal: false });
      assert.deepEqual([without.restarted, without.changed, fs.existsSync(at())], [[], [at()], false]);
    });

    it("is told where k3s imports an archive only once", () => {
      host.write("root/data/agent/images/.cache.json", "{}");
      assert.match(host.run("apply", settings).stderr, /\.cache\.json is there, so k3s imports an archive only once/);
    });
  });
}
