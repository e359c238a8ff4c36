/** The plugin as Pulumi installs and starts it: its language host for Node.js runs these commands. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";

import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { GetSchemaRequest, type GetSchemaResponse } from "@pulumi/pulumi/proto/provider_pb";

import { folder, ROOT, SCHEMA, succeed } from "./sdk";

const PLUGIN = path.join(ROOT, "plugin");

/** Its first line is the port that it listens on. */
async function portOf(started: ChildProcess): Promise<string> {
  let out = "";
  let said = "";
  started.stderr?.on("data", (text: Buffer) => (said += text.toString()));
  started.stdout?.on("data", (text: Buffer) => (out += text.toString()));
  const ended = once(started, "exit");
  while (!out.includes("\n") && started.exitCode === null) {
    await Promise.race([once(started.stdout ?? started, "data"), ended]);
  }
  assert.match(out, /^\d+\n/, `the plugin did not start:\n${out}${said}`);
  return out.trim();
}

async function schemaFrom(port: string): Promise<unknown> {
  const options = { "grpc.max_receive_message_length": 64 * 1024 * 1024 };
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  const answer = await new Promise<GetSchemaResponse>((done, fail) => {
    client.getSchema(new GetSchemaRequest(), (error, response) => {
      if (error) fail(error);
      else done(response);
    });
  });
  client.close();
  return JSON.parse(answer.getSchema());
}

describe("the plugin", function () {
  this.timeout("5m");

  const settings = { "tsconfig.json": '{ "compilerOptions": { "target": "es5", "module": "amd" } }\n' };
  for (const [what, files] of Object.entries<Record<string, string>>({
    "no settings for TypeScript": {},
    "settings of its own": settings,
  })) {
    it(`is started by Pulumi from a program's folder that has ${what}, and has the schema that was agreed on`, async () => {
      const program = folder("program");
      for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(program, name), text);
      const main = require.resolve("@pulumi/pulumi/cmd/run-plugin");
      // Where the engine listens; nobody asks it for a schema.
      const started = spawn("node", [main, PLUGIN, "127.0.0.1:9"], { cwd: program, stdio: ["pipe", "pipe", "pipe"] });
      try {
        assert.deepEqual(await schemaFrom(await portOf(started)), SCHEMA);
      } finally {
        started.kill();
      }
    });
  }

  describe("installed in a clone that Pulumi has made", () => {
    /** What `npm install` in the plugin's folder, with an npm in its place, is asked to run in addition. */
    function asked(clone: string): string {
      const plugin = path.join(clone, "plugin");
      fs.mkdirSync(plugin, { recursive: true });
      fs.copyFileSync(path.join(PLUGIN, "package.json"), path.join(plugin, "package.json"));
      const bin = folder("bin");
      const calls = path.join(clone, "calls");
      fs.writeFileSync(path.join(bin, "npm"), `#!/bin/sh\necho "$*" >>"${calls}"\n`, { mode: 0o755 });
      const npm = succeed(ROOT, "sh", ["-c", "command -v npm"]).trim();
      succeed(plugin, npm, ["install", "--offline"], { PATH: `${bin}:${process.env.PATH ?? ""}` });
      return fs.existsSync(calls) ? fs.readFileSync(calls, "utf8") : "";
    }

    it("gets the packages of the components", () => {
      assert.equal(asked(folder("clone")), "ci --omit=dev --ignore-scripts --prefix ..\n");
    });

    it("leaves those of a checkout alone", () => {
      const checkout = folder("checkout");
      fs.mkdirSync(path.join(checkout, "node_modules"));
      assert.equal(asked(checkout), "");
    });
  });
});
