import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { parse } from "yaml";

import { readStackFile } from "../../cli/stackFile";

interface Declared {
  readonly config: Record<string, { readonly description?: string }>;
}

describe("a stack's file, read without Pulumi's engine", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-stack-file-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });
  const file = path.join(dir, "Pulumi.mine.yaml");
  const stack = (more: string): string => {
    const nodes = "  pause-sandbox:nodes: [{ name: w, host: 10.0.0.1, hostKey: ssh-ed25519 AAAA }]\n";
    fs.writeFileSync(file, `config:\n  pause-sandbox:reference: registry.example/pause:1\n${nodes}${more}`);
    return file;
  };
  const { config } = parse(fs.readFileSync(path.join(__dirname, "../../Pulumi.yaml"), "utf8")) as Declared;
  const secrets = Object.keys(config).filter((name) => /secret, set/i.test(config[name]?.description ?? ""));

  it("has secrets", () => {
    assert.ok(secrets.length >= 7, secrets.join());
  });

  for (const name of secrets) {
    it(`is read where ${name} is encrypted`, async () => {
      const user = name.endsWith("Password") ? name.replace("Password", "Username") : "";
      const beside = user in config ? `  pause-sandbox:${user}: robot\n` : "";
      const text = `${beside}  pause-sandbox:imagePublicKey: PUBLIC\n  pause-sandbox:${name}:\n    secure: v1:x:y\n`;
      const { args } = await readStackFile(stack(text));
      assert.equal(args.image.reference, "registry.example/pause:1");
    });
  }
});
