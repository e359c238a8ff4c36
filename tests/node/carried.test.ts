/** An image that comes with the script, on a real containerd: no registry is asked. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { RealContainerd } from "./realContainerd";
import { describeWith } from "./toolchain";
import { packedArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { type NodeSettings } from "../../components/node/nodeSettings";
import { needs } from "../support/needs";
import { atLeast } from "../support/tier";
import { CONTAINERD } from "../../lab/toolchain/versions";

const IMAGE = "localhost/pause-sandbox/pause:1.0.0";
const REPOSITORY = "localhost/pause-sandbox/pause";
const ours = pauseArchive(["linux/amd64", "linux/arm64"]);
const other = pauseArchive(["linux/amd64"]);
const wanted = (archive = ours, more: Partial<NodeSettings> = {}): Partial<NodeSettings> => ({
  ...{ image: IMAGE, digest: archive.digest, archive: packedArchive(archive), owner: "us" },
  ...more,
});

const VERSIONS = [CONTAINERD.newest, CONTAINERD.one, CONTAINERD.oldest];

for (const version of VERSIONS.slice(0, atLeast("long") ? 4 : atLeast("all") ? 2 : 1)) {
  const describeCarried = needs("crictl") ? describeWith(version) : describe.skip;
  describeCarried(`a carried image on a node with containerd ${version}`, function () {
    this.timeout(180_000);
    let real: RealContainerd;
    beforeEach(() => {
      real = new RealContainerd(version);
    });
    afterEach(() => {
      real.remove();
    });

    const inspected = () =>
      JSON.parse(real.crictl("inspecti", IMAGE)) as {
        status: { pinned: boolean; repoDigests: string[]; repoTags: string[] };
        info: { imageSpec: { architecture: string } };
      };
    const applied = (archive = ours) => {
      const report = real.host.done("apply", wanted(archive));
      const { status, info } = inspected();
      assert.deepEqual([report.pinned, status.pinned], [true, true]);
      assert.equal(report.digest, archive.digest);
      assert.ok(status.repoDigests.includes(`${REPOSITORY}@${archive.digest}`));
      assert.equal(info.imageSpec.architecture, "amd64");
      assert.ok(!report.did.some((did) => did.startsWith("pull")), "nothing is pulled");
      return report;
    };

    it("is imported under its exact name, is pinned, and is left alone by the next run", () => {
      assert.equal(applied().status, "changed");
      assert.equal(real.names()[IMAGE], `${ours.digest} pinned`);
      assert.equal(real.host.done("apply", wanted()).status, "unchanged");
    });

    it("is planned without a question to any registry", () => {
      const { stderr, status } = real.host.run("plan", wanted());
      assert.equal(status, 0, stderr);
      assert.match(stderr, /would import localhost\/pause-sandbox\/pause:1\.0\.0: it is not on this node/);
      assert.doesNotMatch(stderr, /the registry/);
    });

    it("comes back at the next run after crictl rmi --all", () => {
      applied();
      real.crictl("rmi", "--all");
      assert.equal(real.names()[IMAGE], undefined);
      applied();
    });

    it("gives its name to other bytes, and restore leaves no name and no file of ours", () => {
      const before = [real.names(), real.host.files()];
      applied();
      applied(other);
      real.host.done("restore", { owner: "us" });
      assert.deepEqual([real.names(), real.host.files()], before);
      assert.ok(!fs.existsSync(path.join(real.host.dir, "home")));
    });

    it("leaves what was there under other names", () => {
      const before = real.names();
      applied();
      real.ctr("images", "tag", IMAGE, "registry.example.org/theirs:1");
      real.host.done("restore", { owner: "us" });
      const { "registry.example.org/theirs:1": theirs, ...others } = real.names();
      assert.ok(theirs?.startsWith(ours.digest), theirs);
      assert.deepEqual(
        Object.keys(others).filter((name) => !name.startsWith("sha256:")),
        Object.keys(before),
      );
    });

    it("loses its pin alone where a sandbox runs on it, and restore says so", () => {
      applied();
      real.ctr("containers", "create", IMAGE, "sandbox");
      const { stderr, status } = real.host.run("restore", { owner: "us" });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /pause:1\.0\.0 stays while a sandbox runs on it, and is not pinned any more/);
      assert.equal(real.names()[IMAGE], ours.digest);
      assert.equal(inspected().status.pinned, false);
    });

    // Each run that is killed takes seconds: with one containerd, in the longest run.
    if (version === CONTAINERD.newest && atLeast("long")) {
      it("is as before, or as wanted, wherever apply and restore are killed", () => {
        const state = () => [real.names(), real.host.files()];
        const others: Partial<NodeSettings> = { owner: "somebody else" };
        for (const verb of ["apply", "restore"] as const) {
          const before = state();
          for (let call = 1; ; call++) {
            real.host.write("calls", "0");
            real.host.write("kill", `after ${call}`);
            const run = real.host.run(verb, verb === "apply" ? wanted() : { owner: "us" });
            fs.rmSync(path.join(real.host.dir, "kill"));
            if (run.signal === null) {
              assert.equal(run.status, 0, run.stderr);
              assert.ok(call > 3, `${verb} has only ${call} calls`);
              break;
            }
            // The next run of anybody finishes it, or undoes it.
            real.host.run("restore", others);
            if (!fs.existsSync(path.join(real.host.dir, "home/state")) && verb === "restore") {
              assert.deepEqual(
                Object.keys(real.names()).filter((name) => name.startsWith(REPOSITORY)),
                [],
              );
              real.host.done("apply", wanted());
            } else assert.deepEqual(state(), before, `${verb}, killed after ${call}`);
          }
        }
        assert.deepEqual(
          Object.keys(real.names()).filter((name) => name.startsWith("localhost/")),
          [],
        );
      });
    }

    it("is refused for another architecture, and leaves nothing", () => {
      const before = [real.names(), real.host.files()];
      const run = real.host.run("apply", wanted(pauseArchive(["linux/s390x"])));
      assert.equal(run.status, 4, run.stderr);
      assert.match(run.stderr, /PS-N012 .*name it in platforms/);
      assert.deepEqual([real.names(), real.host.files()], before);
    });
  });
}
