/** What `make handmade` and `make handmade-down` run, as processes of their own. */
import * as assert from "assert";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { docker } from "../../../lab/cluster/docker";
import { TREE } from "../../../lab/cluster/layout";
import { freePort, requirePort } from "../../../lab/handmade/port";

describe("lab/handmade/main.ts", function () {
  this.timeout("10m");
  let directory: string;
  let port: number;

  const main = (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const own = { PAUSE_SANDBOX_LAB: path.join(directory, "lab"), PAUSE_SANDBOX_PORT: String(port), ...env };
    const child = spawn(process.execPath, ["--import", "tsx", "lab/handmade/main.ts", ...args], {
      cwd: TREE,
      env: { ...process.env, ...own },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
    return new Promise<{ code: number | null } & typeof said>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        resolve({ code, ...said });
      });
    });
  };

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-handmade-main-"));
    port = await freePort();
  });
  afterEach(async () => {
    await main(["down"]);
    fs.rmSync(directory, { recursive: true });
  });

  it("up shows the Pod, twice up is the same Pod, and down leaves nothing", async () => {
    const up = await main(["up"]);
    assert.strictEqual(up.code, 0, up.stderr);
    assert.ok(up.stdout.startsWith(`\n$ curl http://localhost:${port}\nHello Docker World\n`), up.stdout);
    assert.ok(up.stdout.endsWith("It continued: 0 zombies.\n\nmake handmade-down removes it.\n"), up.stdout);
    assert.match(up.stderr, /==> the program: pause's image and three containers\n/);
    const containers = new Set(up.stdout.match(/\bpod-(nginx|app)-\w+/g));
    assert.strictEqual(containers.size, 2);

    const again = await main(["up"]);
    assert.strictEqual(again.code, 0, again.stderr);
    assert.deepStrictEqual(new Set(again.stdout.match(/\bpod-(nginx|app)-\w+/g)), containers);

    const down = await main(["down"]);
    assert.deepStrictEqual([down.code, down.stdout], [0, ""], down.stderr);
    assert.match(down.stderr, /✓ remove the handmade Pod/);
    assert.deepStrictEqual(fs.readdirSync(directory), []);
    const there = (await docker(["ps", "--all", "--format", "{{.Names}}"])).split("\n");
    for (const container of containers) assert.ok(!there.includes(container), `${container} is left`);
    await requirePort(port);
  });

  it("down where there is no Pod says so, and is no failure", async () => {
    const { code, stdout, stderr } = await main(["down"]);
    assert.deepStrictEqual([code, stdout, stderr], [0, "", "there is no handmade Pod\n"]);
  });

  it("fails before anything is made where another program has the port", async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    try {
      const { code, stdout, stderr } = await main(["up"]);
      assert.deepStrictEqual([code, stdout], [1, ""]);
      assert.match(stderr, new RegExp(`^make handmade: port ${port} of 127\\.0\\.0\\.1 cannot be published`));
      assert.deepStrictEqual(fs.readdirSync(directory), []);
    } finally {
      other.close();
    }
  });

  const wrong: [what: string, args: string[], env: NodeJS.ProcessEnv, says: RegExp][] = [
    ["an unknown command", ["sideways"], {}, /^make handmade: usage: main\.ts up\|destroy\|down\n$/],
    ["a port that is none", ["up"], { PAUSE_SANDBOX_PORT: "http" }, /PAUSE_SANDBOX_PORT is "http": give a port from 1/],
  ];
  for (const [what, args, env, says] of wrong) {
    it(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await main(args, env);
      assert.deepStrictEqual([code, stdout], [1, ""]);
      assert.match(stderr, says);
    });
  }
});
