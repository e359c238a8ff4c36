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

  it("has the key file of each host, and of the jump host in front of it", async () => {
    const [own, jump] = ["own", "jump"].map((name) => {
      const key = path.join(dir, name);
      fs.writeFileSync(key, "");
      return key;
    });
    const config = `Host 10.0.0.1\n IdentityFile ${own ?? ""}\n ProxyJump j\nHost j\n IdentityFile ${jump ?? ""}\n`;
    fs.writeFileSync(path.join(dir, "ssh_config"), config);
    const known = path.join(dir, "known");
    fs.writeFileSync(known, "j ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00\n");
    const more = `  pause-sandbox:sshConfig: ${path.join(dir, "ssh_config")}\n  pause-sandbox:knownHosts: ${known}\n`;
    const { nodes } = await readStackFile(stack(more));
    assert.deepEqual([nodes[0]?.keyFile, nodes[0]?.bastion?.keyFile], [own, jump]);
  });

  it("has paths that are relative to its project, wherever it is read", async () => {
    const project = fs.realpathSync(fs.mkdtempSync(path.join(dir, "project-")));
    for (const folder of ["stacks", "below"]) fs.mkdirSync(path.join(project, folder));
    fs.writeFileSync(path.join(project, "Pulumi.yaml"), "name: pause-sandbox\nstackConfigDir: stacks\n");
    fs.writeFileSync(
      path.join(project, "hosts"),
      "10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00\n",
    );
    const own = path.join(project, "stacks/Pulumi.own.yaml");
    const lines = [
      "imageSource: carried",
      "imageArchive: pause.tar",
      "reference: r.example/pause:1",
      "knownHosts: hosts",
    ];
    const more = ["sshPrivateKeyFile: key", "nodes: [{ name: w, host: 10.0.0.1 }]"];
    fs.writeFileSync(own, `config:\n${[...lines, ...more].map((line) => `  pause-sandbox:${line}\n`).join("")}`);
    const here = process.cwd();
    process.chdir(path.join(project, "below"));
    try {
      const { args, nodes, keyFile } = await readStackFile("../stacks/Pulumi.own.yaml");
      assert.deepEqual(
        [args.image.archive, nodes[0]?.hostKey, keyFile, process.cwd()],
        [
          path.join(project, "pause.tar"),
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00",
          path.join(project, "key"),
          path.join(project, "below"),
        ],
      );
    } finally {
      process.chdir(here);
    }
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
