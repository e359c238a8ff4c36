/** Nodes that a released version has changed, or was killed on, under the script of this checkout (recorded/README.md). */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { Host } from "./host";
import { type Shell, shells, wanted as image } from "./script";
import { containerdOf, describeWith } from "./toolchain";
import { type NodeSettings } from "../../components/node/nodeSettings";
import { joinedScript } from "../../components/node/program";
import { CONTAINERD } from "../../lab/toolchain/versions";

/** By its path below the node's folder; a directory has no text. */
type Files = Record<string, { mode: string; text?: string }>;

interface Recorded {
  settings: Partial<NodeSettings>;
  before: Files;
  after: Files;
}

const RECORDED = path.join(__dirname, "recorded");

/** `0.1.0/k3s`, and so on. */
const names = fs
  .readdirSync(RECORDED, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(/\.json$/, ""))
  .sort();

/** Version that a recorded node has by now, in its own line of containerd; none where its runtime is another. */
function versionsOf(name: string): string[] {
  const line = /containerd-(\d)/.exec(name)?.[1];
  return [CONTAINERD.one, CONTAINERD.newest].filter((version) => version[0] === line);
}

/** The node as it was left. */
function hostOf(shell: Shell, name: string, { after }: Recorded): Host {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-host-"));
  const containerd = versionsOf(name).map(containerdOf).join("");
  const here = (text: string) => text.replaceAll("@DIR@", dir).replaceAll("@CONTAINERD@", containerd);
  for (const [file, { mode, text }] of Object.entries(after).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const target = path.join(dir, file.replace("/@DIR@", dir));
    if (text === undefined) fs.mkdirSync(target, { recursive: true });
    else {
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, here(text));
    }
    fs.chmodSync(target, parseInt(mode, 8));
  }
  sumUp(path.join(dir, "home/state"));
  fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
  return new Host(shell, dir);
}

/**
 * What the node's state knows in another folder, and of another script: files that name the folder have other sums, and every
 * version of the script has an id of its own.
 */
function sumUp(state: string): void {
  if (!fs.existsSync(state)) return;
  const sum = (file: string) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  const text = fs.readFileSync(state, "utf8").replace(/^id .*$/m, "id recorded");
  fs.writeFileSync(
    state,
    text.replace(/^file \w{64} (.*)$/gm, (_line, file: string) => `file ${sum(file)} ${file}`),
  );
}

/** The node's files, as `Host.files` has them. */
function filesOf(host: Host, recorded: Files): Record<string, string> {
  const below = Object.entries(recorded).filter(([file]) => file.startsWith("root/"));
  return Object.fromEntries(
    below.map(([file, { mode, text }]) => [
      file.slice("root/".length),
      text === undefined ? "/" : `100${mode} ${text.replaceAll("@DIR@", host.dir)}`,
    ]),
  );
}

const owners = (host: Host) => host.read("home/state").match(/^owner .*$/gm) ?? [];

describe("Recorded nodes", () => {
  it("are there for every version that was released", () => {
    const versions = new Set(names.map((name) => name.split("/")[0]));
    assert.deepEqual([...versions], ["0.1.0"]);
    assert.ok(names.length >= 5, names.join(", "));
  });
});

// What a shell makes of the script is the other suites' matter.
for (const shell of shells.slice(0, 1)) {
  for (const name of names) {
    const killed = name.endsWith("-killed");
    describeWith(...versionsOf(name))(`${shell.join(" ")}: a node of ${name}`, function () {
      this.timeout(60_000);
      const recorded = JSON.parse(fs.readFileSync(path.join(RECORDED, `${name}.json`), "utf8")) as Recorded;
      const { settings } = recorded;
      let host: Host;
      beforeEach(() => {
        host = hostOf(shell, name, recorded);
      });
      afterEach(() => {
        fs.rmSync(host.dir, { recursive: true });
      });

      it("is given back byte for byte", () => {
        const { did } = host.done("restore", settings);
        assert.deepEqual(host.files(), filesOf(host, recorded.before));
        assert.equal(new Set(did).size, did.length, `nothing is done twice: ${did.join(", ")}`);
      });

      if (killed) {
        it("is healed, has one owner, and can be given back", () => {
          host.done("apply", settings);
          assert.deepEqual(owners(host), [`owner ${settings.owner ?? ""}`]);
          assert.deepEqual(host.done("apply", settings).changed, []);
          host.done("restore", settings);
          assert.deepEqual(host.files(), filesOf(host, recorded.before));
        });
        return;
      }

      it("is left as it is, by every run", () => {
        host.hasImage();
        for (const run of ["first", "second"]) {
          const { changed, restarted, did } = host.done("apply", settings);
          assert.deepEqual([changed, restarted, did], [[], [], []], `the ${run} run`);
          assert.deepEqual(host.files(), filesOf(host, recorded.after));
        }
        assert.deepEqual(owners(host), [`owner ${settings.owner ?? ""}`]);
      });

      it("pulls other bytes under the same reference", () => {
        host.hasImage();
        host.done("apply", settings);
        const digest = `sha256:${"b".repeat(64)}`;
        const { did, digest: got } = host.done("apply", { ...settings, digest });
        assert.equal(got, digest);
        const pulled = `pull ${image.slice(0, image.lastIndexOf(":"))}@${digest}`;
        assert.ok(
          [pulled, `${pulled} with the login`].some((one) => did.includes(one)),
          did.join(),
        );
      });

      it("stays with its new owner when the one of before leaves", () => {
        host.done("apply", { ...settings, owner: "project/stack/moved" });
        assert.deepEqual(owners(host), ["owner project/stack/moved"]);
        assert.deepEqual(host.done("restore", settings).changed, []);
        assert.deepEqual(host.files(), filesOf(host, recorded.after));
      });

      it("keeps the way back through a run of this version", () => {
        host.done("apply", settings);
        host.done("restore", settings);
        assert.deepEqual(host.files(), filesOf(host, recorded.before));
      });
    });
  }
}
