/** The plugins under the real engine: what only shows there, above all what becomes of secrets. */
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import Docker from "dockerode";
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { PLUGIN_DIR } from "./provider";
import { Registry } from "../../../tests/support/registry";
import { SshServer } from "./sshServer";
import "../../ownConnections";

const GET = path.resolve(__dirname, "../../toolchain/get");

describe("plugins under the engine", function () {
  this.timeout(180_000);
  let folder: string;
  let ssh: SshServer;
  let registry: Registry;
  let stack: Stack;
  const file = (name: string) => path.join(folder, name);
  const SECRET = "not-for-the-state-file";
  let stdin = `first ${SECRET}`;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-engine-"));
    [ssh, registry] = await Promise.all([SshServer.start(), Registry.start()]);
    fs.mkdirSync(file("context"));
    fs.writeFileSync(file("context/Dockerfile"), "FROM scratch\nCOPY file /file\n");
    fs.writeFileSync(file("context/file"), folder);
    stack = await openStack(program);
  });
  after(async () => {
    ssh.stop();
    registry.stop();
    const image = new Docker().getImage(`${registry.host}/test/engine:amd64`);
    await image.remove();
    fs.rmSync(folder, { recursive: true });
  });

  function program() {
    const node = new command.remote.Command("node", {
      connection: { ...ssh.connection, privateKey: pulumi.secret(ssh.connection.privateKey) },
      create: `echo created >> ${file("log")}; wc -c`,
      update: `echo updated >> ${file("log")}; wc -c`,
      delete: `echo deleted >> ${file("log")}`,
      stdin: pulumi.secret(stdin),
      addPreviousOutputInEnv: false,
      logging: "none",
    });
    const image = new docker.Image("image", {
      imageName: `${registry.host}/test/engine:amd64`,
      build: { context: file("context"), dockerfile: file("context/Dockerfile"), platform: "linux/amd64" },
      registry: { server: registry.host, ...Registry.user, password: pulumi.secret(Registry.user.password) },
    });
    return Promise.resolve({ length: node.stdout.apply(Number), repoDigest: image.repoDigest });
  }

  async function openStack(inline: () => Promise<Record<string, unknown>>, stackName = "test"): Promise<Stack> {
    const pulumiDir = path.dirname(execFileSync(GET, ["pulumi"], { encoding: "utf8" }).trim());
    const envVars = {
      PATH: [PLUGIN_DIR, pulumiDir, process.env.PATH].join(path.delimiter),
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_HOME: file("home"),
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    // The automation library looks for `pulumi` on the PATH of this process.
    process.env.PATH = envVars.PATH;
    const options = { workDir: folder, envVars };
    return LocalWorkspace.createOrSelectStack({ stackName, projectName: "contract", program: inline }, options);
  }

  const log = () => (fs.existsSync(file("log")) ? fs.readFileSync(file("log"), "utf8").trim().split("\n") : []);

  it("previews without touching anything", async () => {
    const { changeSummary } = await stack.preview();
    assert.equal(changeSummary.create, 3);
    assert.deepEqual(log(), []);
    await assert.rejects(registry.manifest("test/engine", "amd64"), /404/);
  });

  it("creates everything, and lets no secret into state or outputs", async () => {
    const { outputs } = await stack.up();
    assert.deepEqual(log(), ["created"]);
    assert.equal(outputs.length?.value, stdin.length);
    const { digest } = await registry.manifest("test/engine", "amd64");
    assert.equal(outputs.repoDigest?.value, `${registry.host}/test/engine@${digest}`);
    const state = fs.readFileSync(file(".pulumi/stacks/contract/test.json"), "utf8");
    assert.ok(state.includes("created >>"), "the state file is another than thought");
    assert.ok(!state.includes("BEGIN OPENSSH PRIVATE KEY"), "private key in state");
    assert.ok(!state.includes(Registry.user.password), "password in state");
    assert.ok(!state.includes(SECRET), "stdin in state");
    const node = stateOf("command:remote:Command", state);
    assert.ok(isSecret(node.inputs.stdin) && isSecret(node.outputs.stdin), "stdin is not secret in state");
    assert.ok(isSecret(node.outputs.connection), "connection is not secret in state");
  });

  it("has nothing to do the second time, nor after a refresh", async () => {
    await stack.refresh();
    await stack.up({ expectNoChanges: true });
    assert.deepEqual(log(), ["created"]);
  });

  it("updates in place for another stdin, and leaves the rest alone", async () => {
    stdin = `second ${SECRET}`;
    const { summary } = await stack.up();
    assert.deepEqual([summary.resourceChanges?.update, summary.resourceChanges?.replace], [1, undefined]);
    assert.deepEqual(log(), ["created", "updated"]);
  });

  it("shows the lines of a command in their order", async () => {
    const saying = () => {
      new command.remote.Command("lines", { connection: ssh.connection, create: "seq 1 300", logging: "stdout" });
      return Promise.resolve({});
    };
    const lines: string[] = [];
    const other = await openStack(saying, "lines");
    await other.up({
      color: "never",
      onEvent: ({ diagnosticEvent: said }) => {
        if (said?.urn?.endsWith("::lines") === true) lines.push(...said.message.trim().split("\n"));
      },
    });
    assert.deepEqual(
      lines.map((line) => Number(line)),
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
    await other.destroy();
  });

  it("runs delete on destroy, and leaves the image", async () => {
    await stack.destroy();
    assert.deepEqual(log(), ["created", "updated", "deleted"]);
    await registry.manifest("test/engine", "amd64");
  });
});

interface Resource {
  type: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

function stateOf(type: string, state: string): Resource {
  const { checkpoint } = JSON.parse(state) as { checkpoint: { latest: { resources: Resource[] } } };
  const found = checkpoint.latest.resources.find((resource) => resource.type === type);
  assert.ok(found, `no ${type} in state`);
  return found;
}

/** Encrypted values stand in state as objects with this signature. */
function isSecret(value: unknown): boolean {
  return JSON.stringify(value).includes("1b47061264138c4ac30d75fd1eb44270");
}
