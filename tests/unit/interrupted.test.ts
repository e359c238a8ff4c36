/** What Ctrl-C does to a program. Under the language host, it goes to the program and to the engine. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

const TREE = path.join(__dirname, "../..");
const PROGRAM = `
  const { interrupted } = require("./components/engine.ts");
  interrupted().addEventListener("abort", () => console.log(interrupted().reason.message));
  setInterval(() => undefined, 1000);
  console.log("ready");
`;

describe("an interrupted program", () => {
  const run = (environment: NodeJS.ProcessEnv) =>
    spawn(process.execPath, ["--import", "tsx", "-e", PROGRAM], {
      ...{ cwd: TREE, env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "inherit"] },
    });

  it("stays until the engine is done, is told once, and ends at the second signal", async () => {
    const program = run({ PULUMI_NODEJS_ENGINE: "127.0.0.1:1" });
    assert.equal(String(await once(program.stdout, "data")), "ready\n");
    program.kill("SIGINT");
    assert.equal(String(await once(program.stdout, "data")), "the run was interrupted\n");
    assert.equal(program.exitCode, null);
    program.kill("SIGINT");
    assert.deepEqual(await once(program, "exit"), [null, "SIGINT"]);
  });

  it("ends at the first signal where no engine has started it", async () => {
    const program = run({ PULUMI_NODEJS_ENGINE: undefined });
    await once(program.stdout, "data");
    program.kill("SIGINT");
    assert.deepEqual(await once(program, "exit"), [null, "SIGINT"]);
  });
});
