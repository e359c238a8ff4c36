/** What a real containerd has under its names, whatever becomes of a run. No Pod runs there, and no container. */
import { strict as assert } from "node:assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type NodeSettings } from "../../components/node/nodeSettings";
import { Host } from "./host";
import { containerdOf, describeWith } from "./toolchain";
import { needs } from "../support/needs";
import { atLeast } from "../support/tier";

const get = (tool: string): string =>
  execFileSync(path.join(__dirname, "../../lab/toolchain/get"), [tool], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

/** By the version of the file. */
const CONFIG = {
  2: `version = 2
root = "@DIR@/daemon/root"
state = "@DIR@/daemon/state"
[grpc]
address = "@DIR@/daemon/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "@DIR@/daemon/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example.org/pause:3.8"
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "@DIR@/daemon/cni"
`,
  3: `version = 3
root = "@DIR@/daemon/root"
state = "@DIR@/daemon/state"
[grpc]
address = "@DIR@/daemon/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "@DIR@/daemon/opt"
[plugins."io.containerd.nri.v1.nri"]
disable = true
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.example.org/pause:3.8"
[plugins."io.containerd.cri.v1.runtime".cni]
conf_dir = "@DIR@/daemon/cni"
`,
};

interface Registry {
  port: number;
  digests: { good: string; other: string; arm64: string };
}

const EVERY = [
  ["2.3.4", CONFIG[3]],
  ["1.7.28", CONFIG[2]],
] as const;

for (const [version, config] of atLeast("all") ? EVERY : EVERY.slice(0, 1)) {
  const describeImages = needs("crictl") ? describeWith(version) : describe.skip;
  describeImages(`the images of a node with containerd ${version}`, function () {
    this.timeout(180_000);
    let bin: string;
    let folder: string;
    let registry: Registry & { process: ChildProcess };
    let host: Host;
    let image: string;

    before(async () => {
      bin = `${containerdOf(version)}:${path.dirname(get("crictl"))}:${process.env.PATH ?? ""}`;
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-registry-"));
      const child = spawn(process.execPath, ["--import", "tsx", path.join(__dirname, "imageRegistry.ts"), folder]);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      registry = { ...(JSON.parse(line.toString()) as Registry), process: child };
    });
    after(() => {
      registry.process.kill();
      fs.rmSync(folder, { recursive: true });
    });

    beforeEach(() => {
      host = new Host(["dash"]);
      host.env = { PATH: bin };
      host.containerd(version, config);
      for (const file of ["kubelet.argv", "kubelet.words"]) {
        host.write(file, "kubelet\n--v=2\n--container-runtime-endpoint=unix://@DIR@/daemon/containerd.sock\n");
      }
      host.write("more.sh", fs.readFileSync(path.join(__dirname, "realImages.sh"), "utf8"));
      fs.mkdirSync(path.join(host.dir, "daemon/cni"), { recursive: true });
      const program = path.join(get(`containerd@${version}`), "containerd");
      host.write(
        "daemon/start",
        `#!/bin/sh
cd @DIR@/daemon
setsid ${program} -c @DIR@/root/containerd/config.toml >>log 2>&1 </dev/null 9>&- &
echo $! >pid
until ctr -a @DIR@/daemon/containerd.sock version >/dev/null 2>&1; do sleep 0.1; done
`,
        0o755,
      );
      execFileSync(path.join(host.dir, "daemon/start"), { env: { ...process.env, PATH: bin }, stdio: "ignore" });
      image = `127.0.0.1:${registry.port}/a/pause:1`;
      leads(registry.digests.good);
      fs.writeFileSync(path.join(folder, "requests"), "");
      fs.rmSync(path.join(folder, "gone"), { force: true });
    });
    afterEach(() => {
      const pid = Number(host.read("daemon/pid"));
      process.kill(pid);
      execFileSync("sh", ["-c", `while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`]);
      fs.rmSync(host.dir, { recursive: true });
    });

    /** What the tag leads to, each time that it is asked for. */
    const leads = (...digests: string[]): void => {
      fs.writeFileSync(path.join(folder, "tags.json"), JSON.stringify({ "1": digests }));
    };
    const ctr = (...args: string[]): string =>
      execFileSync("ctr", ["-a", path.join(host.dir, "daemon/containerd.sock"), "-n", "k8s.io", ...args], {
        encoding: "utf8",
        env: { ...process.env, PATH: bin },
        stdio: ["ignore", "pipe", "ignore"],
      });
    const crictl = (...args: string[]): string => {
      const socket = `unix://${host.dir}/daemon/containerd.sock`;
      return execFileSync("crictl", ["-c", "/dev/null", "-r", socket, "-i", socket, ...args], {
        encoding: "utf8",
        env: { ...process.env, PATH: bin },
        stdio: ["ignore", "pipe", "ignore"],
      });
    };
    /** What every name stands for, and whether its label has it kept. */
    const names = (): Record<string, string> =>
      Object.fromEntries(
        ctr("images", "ls")
          .trim()
          .split("\n")
          .slice(1)
          .map((line) => {
            const [name = "", , digest = ""] = line.split(/\s+/);
            return [name, `${digest}${line.includes("pinned=pinned") ? " pinned" : ""}`];
          }),
      );
    const wanted = (more: Partial<NodeSettings> = {}): Partial<NodeSettings> => ({
      image,
      digest: registry.digests.good,
      owner: "us",
      ...more,
    });
    const applied = (more: Partial<NodeSettings> = {}) => {
      const report = host.done("apply", wanted(more));
      const status = JSON.parse(crictl("inspecti", image)) as { status: { pinned: boolean; repoDigests: string[] } };
      assert.deepEqual([report.pinned, status.status.pinned], [true, true]);
      assert.ok(status.status.repoDigests.includes(`${image.replace(/:1$/, "")}@${report.digest}`), report.digest);
      assert.equal(names()[image], `${report.digest} pinned`);
      return report;
    };
    const refused = (code: string, more: Partial<NodeSettings> = {}): void => {
      const before = [names(), host.files()];
      const run = host.run("apply", wanted(more));
      assert.equal(run.status, 4, run.stderr);
      assert.match(run.stderr, new RegExp(`PS-N${code} `));
      assert.deepEqual([names(), host.files()], before, run.stderr);
    };

    it("are the ones that were pushed where the tag leads elsewhere by then, and nobody asks for the tag", () => {
      leads(registry.digests.other);
      assert.equal(applied().digest, registry.digests.good);
      assert.doesNotMatch(fs.readFileSync(path.join(folder, "requests"), "utf8"), /manifests\/1/);
      assert.equal(host.done("apply", wanted()).status, "unchanged");
    });

    it("follow to another digest under the same tag, with no moment without an image", async () => {
      applied();
      const events = spawn("ctr", ["-a", path.join(host.dir, "daemon/containerd.sock"), "-n", "k8s.io", "events"], {
        env: { ...process.env, PATH: bin },
      });
      let seen = "";
      events.stdout.on("data", (data: Buffer) => (seen += data.toString()));
      // Nobody is told of what happened before they listen, and nothing says when they do.
      let asked = 0;
      const listens = setInterval(() => ctr("images", "tag", image, `marker/first:${++asked}`), 100);
      while (!seen.includes("marker/first:")) await once(events.stdout, "data");
      clearInterval(listens);
      assert.equal(applied({ digest: registry.digests.other }).digest, registry.digests.other);
      ctr("images", "tag", image, "marker/last:1");
      while (!seen.includes("marker/last:1")) await once(events.stdout, "data");
      events.kill();
      assert.match(seen, /\/images\/update/);
      assert.doesNotMatch(seen, /\/images\/delete/);
    });

    for (const [state, before] of [
      ["a node without it", () => undefined],
      ["a node that runs on it", () => applied()],
    ] as const) {
      describe(`on ${state}`, () => {
        beforeEach(() => {
          before();
        });

        it("are as they were after each refusal", () => {
          leads(registry.digests.other);
          refused("012", { digest: registry.digests.arm64 });
          refused("011", { digest: `sha256:${"0".repeat(64)}` });
          host.write("no-sandbox", "");
          refused("017", { digest: registry.digests.other });
          fs.writeFileSync(path.join(folder, "gone"), "");
          refused("010", { digest: undefined });
        });

        it("are as they were after each refusal without a digest", () => {
          leads(registry.digests.other);
          host.write("no-sandbox", "");
          refused("017", { digest: undefined });
          leads(registry.digests.arm64);
          refused("012", { digest: undefined });
        });

        it("are as they were where containerd was told of the registry in this run", () => {
          host.write("no-sandbox", "");
          for (const digest of [undefined, registry.digests.other]) {
            leads(registry.digests.other, registry.digests.good);
            refused("017", { digest, plainHttp: true });
          }
        });

        // Each run that is killed takes seconds: with one containerd, but for the longest run.
        if (!atLeast(version === "2.3.4" ? "all" : "long")) return;
        for (const digest of ["other", undefined] as const) {
          it(`are as they were, or as asked for, wherever the run is killed (${digest ?? "no digest"})`, () => {
            const asked = wanted({ digest: digest && registry.digests.other, plainHttp: true });
            const before = names();
            const files = host.files();
            for (const when of ["before", "after"]) {
              for (let call = 1; ; call++) {
                leads(registry.digests.other);
                host.write("calls", "0");
                host.write("kill", `${when} ${call}`);
                const run = host.run("apply", asked);
                fs.rmSync(path.join(host.dir, "kill"));
                if (run.signal === null) {
                  assert.equal(run.status, 0, run.stderr);
                  assert.ok(call > 4, `only ${call} calls`);
                  host.done("restore", { ...asked, owner: "us" });
                  for (const name of Object.keys(names())) if (!(name in before)) ctr("images", "rm", name);
                  break;
                }
                // Undoing is killed as well: after its first change.
                host.write("calls", "0");
                host.write("kill", "after 1");
                host.run("restore", { ...asked, owner: "somebody else" });
                fs.rmSync(path.join(host.dir, "kill"));
                const { stderr } = host.done("restore", { ...asked, owner: "somebody else" }) as { stderr?: string };
                assert.deepEqual([names(), host.files()], [before, files], `killed ${when} ${call}: ${stderr ?? ""}`);
              }
              if (state !== "a node without it") break;
            }
          });
        }
      });
    }

    it("stay with the first pull where the tag moves between two, without a digest too", () => {
      leads(registry.digests.good, registry.digests.other);
      assert.equal(applied({ digest: undefined, plainHttp: true }).digest, registry.digests.good);
    });

    it("are looked at by a plan and an idle run, where somebody moves the name on the node", () => {
      applied();
      leads(registry.digests.other);
      crictl("pull", image);
      const plan = host.run("plan", wanted());
      assert.match(plan.stderr, /would pull .* again: this node has sha256:/);
      assert.equal(applied().digest, registry.digests.good);
    });
  });
}
