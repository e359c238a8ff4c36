/** What a real containerd has under its names, whatever becomes of a run. No Pod runs there, and no container. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type NodeSettings } from "../../components/node/nodeSettings";
import { type Host } from "./host";
import { RealContainerd } from "./realContainerd";
import { describeWith, ranContainerd } from "./toolchain";
import { needs } from "../support/needs";
import { atLeast } from "../support/tier";
import { CONTAINERD } from "../../lab/toolchain/versions";

interface Registry {
  port: number;
  digests: { good: string; other: string; arm64: string };
}

const VERSIONS = [CONTAINERD.newest, CONTAINERD.one, CONTAINERD.oldest];

for (const version of VERSIONS.slice(0, atLeast("long") ? 3 : atLeast("all") ? 2 : 1)) {
  const describeImages = needs("crictl") ? describeWith(version) : describe.skip;
  describeImages(`the images of a node with containerd ${version}`, function () {
    this.timeout(180_000);
    ranContainerd("containerd, images", version);
    let folder: string;
    let registry: Registry & { process: ChildProcess };
    let real: RealContainerd;
    let host: Host;
    let image: string;

    before(async () => {
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
      real = new RealContainerd(version);
      ({ host } = real);
      image = `127.0.0.1:${registry.port}/a/pause:1`;
      leads(registry.digests.good);
      fs.writeFileSync(path.join(folder, "requests"), "");
      fs.rmSync(path.join(folder, "gone"), { force: true });
    });
    afterEach(() => {
      real.remove();
    });

    /** What the tag leads to, each time that it is asked for. */
    const leads = (...digests: string[]): void => {
      fs.writeFileSync(path.join(folder, "tags.json"), JSON.stringify({ "1": digests }));
    };
    const ctr = (...args: string[]): string => real.ctr(...args);
    const crictl = (...args: string[]): string => real.crictl(...args);
    const names = (): Record<string, string> => real.names();
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

    it("are asked of the registry by a plan, which pulls nothing and says what the registry does not have", () => {
      const before = [names(), host.files()];
      const asked = (settings: Partial<NodeSettings>): string => {
        const plan = host.run("plan", wanted(settings));
        assert.equal(plan.status, 0, plan.stderr);
        assert.deepEqual([names(), host.files()], before);
        return plan.stderr;
      };
      const repository = image.replace(/:1$/, "");
      for (const settings of [{}, { digest: undefined }, { digest: undefined, plainHttp: true }]) {
        const wants = !("digest" in settings) ? `${repository}@${registry.digests.good}` : image;
        assert.ok(asked(settings).includes(`the registry has ${wants}: `));
        fs.writeFileSync(path.join(folder, "gone"), "");
        assert.ok(asked(settings).includes(`the registry does not have ${wants}, so a run fails with PS-N01`));
        fs.rmSync(path.join(folder, "gone"));
      }
      assert.doesNotMatch(fs.readFileSync(path.join(folder, "requests"), "utf8"), /GET .*\/blobs\//);
      image = image.replace(/:\d+\//, ":1/");
      assert.match(asked({}), /whether the registry has .* is unknown: .*refused/);
    });

    it("follow to another digest under the same tag, with no moment without an image", async () => {
      applied();
      const events = spawn("ctr", [...real.ctrArgs, "events"], { env: real.env });
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
      // The name of the bytes of before goes, not the one that a configuration has.
      const deleted = seen.match(/\/images\/delete.*/g)?.join("\n") ?? "";
      assert.ok(deleted.includes(`@${registry.digests.good}`) && !deleted.includes(`"${image}"`), deleted);
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
        if (!atLeast(version === CONTAINERD.newest ? "all" : "long")) return;
        for (const digest of ["other", undefined] as const) {
          it(`are as they were, or as asked for, wherever the run is killed (${digest ?? "no digest"})`, () => {
            const asked = wanted({ digest: digest && registry.digests.other, plainHttp: true });
            const before = names();
            const files = host.files();
            // Names that go are taken away behind the commit: the next run takes the rest of them.
            const committed: Record<string, string>[] = [];
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
                  for (const one of committed) assert.deepEqual(one, names());
                  host.done("restore", { ...asked, owner: "us" });
                  for (const name of Object.keys(names())) assert.ok(name in before, name);
                  break;
                }
                // Undoing is killed as well: after its first change.
                host.write("calls", "0");
                host.write("kill", "after 1");
                host.run("restore", { ...asked, owner: "somebody else" });
                fs.rmSync(path.join(host.dir, "kill"));
                const { stderr } = host.done("restore", { ...asked, owner: "somebody else" }) as { stderr?: string };
                if (state !== "a node without it" && names()[image] !== before[image]) {
                  committed.push(names());
                  applied();
                }
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

    it("go when the node is given back, and are as they were where it had them before", () => {
      const before = names();
      applied();
      host.done("restore", { owner: "us" });
      assert.deepEqual(names(), before);
      crictl("pull", image);
      real.ctr("images", "label", image, "io.cri-containerd.pinned=");
      const had = names();
      applied();
      assert.notDeepEqual(names(), had);
      host.done("restore", { owner: "us" });
      assert.deepEqual(names(), had);
    });

    // It waits half a minute for the daemon.
    if (version === CONTAINERD.newest || atLeast("long"))
      it("keep their names, which is said, where the node is given back with a broken configuration and a daemon that is down", () => {
        applied();
        fs.appendFileSync(path.join(host.dir, "root/containerd/config.toml"), "broken\n");
        real.stop();
        const run = host.run("restore", { owner: "us" });
        assert.equal(run.status, 0, run.stderr);
        assert.match(run.stderr, /PS-N007 /);
        assert.match(run.stderr, new RegExp(`the image keeps its names .*${image}.*: remove them by hand`));
        assert.doesNotMatch(run.stderr, /PS-N010/);
        assert.equal(fs.existsSync(path.join(host.dir, "home")), false, "state is left behind");
      });

    it("go when the node gets the same bytes under another tag, but for one that a container runs on", () => {
      applied();
      const [first, second] = [image, image.replace(/:1$/, ":2")];
      const tags = { "1": [registry.digests.good], "2": [registry.digests.good] };
      fs.writeFileSync(path.join(folder, "tags.json"), JSON.stringify(tags));
      ctr("containers", "create", first, "sandbox");
      host.done("apply", wanted({ image: second }));
      assert.equal(names()[first], registry.digests.good, "it stays, without a pin");
      ctr("containers", "rm", "sandbox");
      applied();
      assert.equal(names()[second], undefined);
      host.done("restore", { owner: "us" });
      assert.equal(names()[first], registry.digests.good, "garbage collection takes what was left to it");
    });

    it("go when the node gets other bytes, but for the pin of one that a container runs on", () => {
      const before = names();
      applied();
      const [good = "", other = ""] = [registry.digests.good, registry.digests.other].map(
        (digest) => `${image.slice(0, -2)}@${digest}`,
      );
      real.ctr("containers", "create", good, "sandbox");
      leads(registry.digests.other);
      applied({ digest: registry.digests.other });
      assert.deepEqual(names()[good], registry.digests.good, "it stays, without a pin");
      real.ctr("containers", "rm", "sandbox");
      assert.ok(names()[other]);
      host.done("restore", { owner: "us" });
      assert.deepEqual(
        Object.keys(names()).filter((name) => name.includes(other)),
        [],
      );
      assert.ok(Object.keys(before).every((name) => name in names()));
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
