/** The plugin as Pulumi installs and starts it: its language host for Node.js runs these commands. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { GetSchemaRequest, type GetSchemaResponse } from "@pulumi/pulumi/proto/provider_pb";

import { folder, ROOT, SCHEMA, succeed } from "./sdk";
import { asked, INSECURE, start } from "./started";

const PLUGIN = path.join(ROOT, "plugin");

async function schemaFrom(address: string): Promise<unknown> {
  const options = { "grpc.max_receive_message_length": 64 * 1024 * 1024 };
  const client = new ResourceProviderClient(address, INSECURE, options);
  const answer = await asked<GetSchemaResponse>((done) => client.getSchema(new GetSchemaRequest(), done));
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
      const started = await start("run-plugin", [PLUGIN, "engine"], program);
      try {
        assert.deepEqual(await schemaFrom(started.address), SCHEMA);
      } finally {
        started.end();
      }
    });
  }

  describe("installed in a clone that Pulumi has made", () => {
    /** What `npm install` in the plugin's folder, with an npm in its place, is asked to run in addition. */
    function ranBy(clone: string): string {
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
      assert.equal(ranBy(folder("clone")), "ci --omit=dev --ignore-scripts --prefix ..\n");
    });

    it("leaves those of a checkout alone", () => {
      const checkout = folder("checkout");
      fs.mkdirSync(path.join(checkout, "node_modules"));
      assert.equal(ranBy(checkout), "");
    });
  });
});
