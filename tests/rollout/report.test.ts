/** What a hostile or broken node prints, under the real engine: nothing of it reaches the machine that runs Pulumi. */
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { Engine, node } from "./engine";
import { REPORT } from "./reportOf";

/** The marks of the wire between a program and the engine: an object with this key is an asset, a secret and so on. */
const MARK = "4dabf18193072939515e22adb298388d";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** Texts that mean "not known yet" on the same wire. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("a node's report under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  let server: http.Server;
  const asked: string[] = [];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-report-"));
  const file = path.join(folder, "of-this-machine");
  let url = "";
  before(async () => {
    engine = new Engine();
    fs.writeFileSync(file, randomBytes(24).toString("hex"));
    server = http.createServer(({ url: path = "" }, response) => {
      asked.push(path);
      response.end("fetched");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    engine.close();
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  beforeEach(() => {
    asked.length = 0;
  });

  const marked = (mark: string, more: object) => ({ [MARK]: mark, ...more });
  const objects = (): Record<string, unknown> => ({
    asset: marked(ASSET, { uri: `${url}/asset` }),
    file: marked(ASSET, { path: file }),
    hostname: marked(ASSET, { path: "/etc/hostname" }),
    missing: marked(ASSET, { path: "/nonexistent" }),
    archive: marked(ARCHIVE, { uri: `${url}/archive.zip` }),
    secret: marked(SECRET, { value: marked(ASSET, { path: file }) }),
    resource: marked(RESOURCE, { urn: "urn:pulumi:s::p::t::n", id: "i", packageVersion: "" }),
    output: marked(OUTPUT, { value: marked(ASSET, { uri: `${url}/output` }), secret: true, dependencies: [] }),
  });

  /** Nothing was fetched, and no state has the hash of a file of this machine. */
  async function nothingLeft(stack: Awaited<ReturnType<Engine["stack"]>>): Promise<void> {
    assert.deepEqual(asked, []);
    const deployment = (await stack.exportStack()).deployment as { resources: { type: string; outputs?: object }[] };
    const state = JSON.stringify(deployment);
    for (const read of [file, "/etc/hostname"]) {
      const content = fs.readFileSync(read);
      assert.ok(!state.includes(createHash("sha256").update(content).digest("hex")), `the hash of ${read} is in state`);
    }
    const component = deployment.resources.find(({ type }) => type === "pause-sandbox:index:PauseSandbox");
    assert.ok(!JSON.stringify(component?.outputs ?? {}).includes(MARK), JSON.stringify(component));
  }

  it("brings no field but its own: no URL is fetched, no file read, no secret made", async () => {
    const all = { ...REPORT, ...objects() };
    engine.prints(
      "a",
      JSON.stringify(all).replace(/}$/, `,"__proto__":${JSON.stringify(objects())},"constructor":{}}`),
    );
    const stack = await engine.stack("fields", [node("a")]);
    const { failed, said } = await engine.up(stack);
    await nothingLeft(stack);
    assert.equal(failed, false, said);
    const { resources } = (await stack.exportStack()).deployment as { resources: { type: string; outputs: object }[] };
    const component = resources.find(({ type }) => type === "pause-sandbox:index:PauseSandbox");
    assert.deepEqual((component?.outputs as { nodes: object }).nodes, { a: REPORT });
    const command = resources.find(({ type }) => type === "command:remote:Command")?.outputs as { stderr?: object };
    assert.equal(
      (command.stderr as Record<string, unknown>)[MARK],
      SECRET,
      "a diff of a node's files is not kept in clear",
    );
  });

  it("with an object where a text is due is refused, and nothing of it goes further", async () => {
    const field = (value: unknown, i: number) =>
      [
        { ...REPORT, node: value, pinned: value },
        { ...REPORT, changed: [value] },
        { ...REPORT, restarted: value, scriptVersion: value },
      ][i % 3];
    const hostile = Object.values(objects()).map(field);
    // The canary is in order: of the others, each run begins one.
    const nodes = [node("ok"), ...hostile.map((_, i) => node(`h${i}`))];
    hostile.forEach((report, i) => {
      engine.prints(`h${i}`, JSON.stringify(report));
    });
    const stack = await engine.stack("values", nodes, { maxUnavailable: "100%" });
    const { failed, said } = await engine.up(stack);
    await nothingLeft(stack);
    assert.equal(failed, true);
    assert.match(said, /the node's report lacks or misstates (node, pinned|changed|restarted, scriptVersion):/);
  });

  it("with a text that means 'not known yet' to the engine is refused", async () => {
    engine.prints("unknown", JSON.stringify({ ...REPORT, kubelet: UNKNOWN, changed: [UNKNOWN] }));
    const { failed, said } = await engine.up(await engine.stack("unknown", [node("unknown")]));
    assert.equal(failed, true);
    assert.match(said, /the node's report lacks or misstates changed, kubelet:/);
  });
});
