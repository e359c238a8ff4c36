/** An image that comes with the script, on a real containerd, and as docker gets it: no registry is asked. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { RealContainerd } from "./realContainerd";
import { shells } from "./script";
import { describeWith, ranContainerd } from "./toolchain";
import { type Blobs, type Descriptor, laidOut, packedArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { filesOfTar } from "../../components/archive/tar";
import { type NodeSettings } from "../../components/node/nodeSettings";
import { joinedScript } from "../../components/node/program";
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
    ranContainerd("containerd, images", version);
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

    describe("and heals itself", () => {
      /** What the unit runs. */
      const heal = (env = real.env) => {
        const [, command = ""] =
          /^ExecStart=(.*)$/m.exec(real.host.read("root/systemd/pause-sandbox-heal.service")) ?? [];
        const run = spawnSync("sh", ["-c", command], { encoding: "utf8", env });
        return [run.status, `${run.stdout}${run.stderr}`] as const;
      };

      it("comes back with its names and its pin after crictl rmi --all, and is left alone where it is there", () => {
        applied();
        const before = real.names();
        assert.deepEqual(heal(), [0, ""]);
        real.crictl("rmi", "--all");
        assert.equal(real.names()[IMAGE], undefined);
        assert.deepEqual(heal(), [0, `imported ${IMAGE}\n`]);
        const { status } = inspected();
        assert.deepEqual([status.pinned, status.repoDigests], [true, [`${REPOSITORY}@${ours.digest}`]]);
        // CRI copies the pin to its own name, or not, as it hears of it.
        const ofOurs = (names: Record<string, string>) =>
          Object.keys(names).filter((name) => names[name]?.startsWith(ours.digest));
        assert.deepEqual(ofOurs(real.names()), ofOurs(before));
        assert.equal(real.names()[IMAGE], `${ours.digest} pinned`);
        assert.deepEqual(heal(), [0, ""]);
        assert.equal(real.host.done("apply", wanted()).status, "unchanged");
      });

      it("imports nothing where CRI tells of no pin, as before containerd 1.6.38, and again where the pin is gone", () => {
        applied();
        real.host.write(
          "bin/crictl",
          `#!/bin/sh\nexec ${real.crictlPath} "$@" | sed 's/^true$/<no value>/; s/"pinned": *true/"pinned": false/'\n`,
          0o755,
        );
        const env = { ...real.env, PATH: `${path.join(real.host.dir, "bin")}:${real.env.PATH ?? ""}` };
        assert.deepEqual(heal(env), [0, ""]);
        // 2.x sets its pin again by itself.
        if (!version.startsWith("1.")) return;
        real.ctr("images", "label", IMAGE, "io.cri-containerd.pinned=");
        assert.deepEqual(heal(env), [0, `imported ${IMAGE}\n`]);
      });

      it("imports nothing from an archive that somebody changed", () => {
        applied();
        real.crictl("rmi", "--all");
        fs.appendFileSync(path.join(real.host.dir, "root/pause-sandbox/image.tar"), "x");
        const [status, said] = heal();
        assert.equal(status, 1);
        assert.match(
          said,
          /^\S+image\.tar has another SHA-256 than [0-9a-f]{64}: nothing is imported, so run pulumi up\n$/,
        );
        assert.equal(real.names()[IMAGE], undefined);
      });
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

    it("leaves no name at the end, also where somebody took its pin away in between", () => {
      const before = real.names();
      applied();
      real.ctr("images", "label", IMAGE, "io.cri-containerd.pinned=");
      applied();
      real.host.done("restore", { owner: "us" });
      assert.deepEqual(real.names(), before);
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

    it("is refused for another architecture, with an index and without, and leaves nothing", () => {
      const before = [real.names(), real.host.files()];
      const index = pauseArchive(["linux/s390x"]);
      const blobs: Blobs = new Map();
      for (const [name, bytes] of filesOfTar(index.tar))
        if (name.startsWith("blobs/")) blobs.set(name.slice("blobs/".length).replace("/", ":"), bytes);
      const { manifests } = JSON.parse(String(blobs.get(index.digest))) as { manifests: [Descriptor] };
      blobs.delete(index.digest);
      for (const archive of [index, laidOut(blobs, manifests[0])]) {
        const run = real.host.run("apply", wanted(archive));
        assert.equal(run.status, 4, run.stderr);
        assert.match(run.stderr, /PS-N012 .*name it in platforms/);
        assert.deepEqual([real.names(), real.host.files()], before);
      }
    });
  });
}

for (const [program = "sh", ...args] of shells) {
  describe(`${[program, ...args].join(" ")}: a carried image for docker`, () => {
    const IMAGES = ["amd64/v3", "arm", "arm/v6", "arm/v7", "arm64/v8"];
    const of = (platform: string, what: string) => `sha256:${what}-${platform.replace("/", "-")}`;
    let dir: string;
    beforeEach(() => {
      dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-carried-"));
      fs.mkdirSync(path.join(dir, "archive"));
      const lines = IMAGES.map((one) => `${one} ${of(one, "config")} ${of(one, "layer")} ${of(one, "last")}\n`);
      fs.writeFileSync(path.join(dir, "archive/images"), lines.join(""));
    });
    afterEach(() => {
      fs.rmSync(dir, { recursive: true });
    });
    const carries = (machine: string, store: string) => {
      const code = `plan=${dir} error_file=${dir}/error image=${IMAGE} digest=sha256:whole archive=x\ndocker() { echo '${store}'; }
bounded() { shift; "$@"; }\nuname() { echo ${machine}; }\ndocker_carries\necho "$digest"`;
      return spawnSync(program, [...args, "-eu"], {
        ...{ encoding: "utf8", input: `${joinedScript({ run: false })}\n${code}\n` },
      });
    };

    for (const [machine, platform] of [
      ["x86_64", "amd64/v3"],
      ["aarch64", "arm64/v8"],
      ["armv5tel", "arm"],
      ["armv6l", "arm/v6"],
      ["armv7l", "arm/v7"],
      ["armv8l", "arm/v7"],
    ] as const) {
      it(`is that for ${platform} on ${machine}, and is known by its ID`, () => {
        const run = carries(machine, "[[Backing Filesystem extfs]]");
        assert.equal(run.stdout, `${of(platform, "config")}\n`, run.stderr);
        const file = (what: string) => `blobs/${of(platform, what).replace(":", "/")}`;
        assert.deepEqual(JSON.parse(fs.readFileSync(path.join(dir, "archive/manifest.json"), "utf8")), [
          { Config: file("config"), RepoTags: [], Layers: [file("layer"), file("last")] },
        ]);
      });
    }

    it("is known by the archive's digest in containerd's image store", () => {
      assert.equal(carries("x86_64", "[[driver-type io.containerd.snapshotter.v1]]").stdout, "sha256:whole\n");
    });

    it("is refused on a machine that it is not for", () => {
      const run = carries("s390x", "");
      assert.match(run.stderr, /PS-N012 .*it holds other platforms only, and this node is s390x: name it in platforms/);
    });
  });
}
