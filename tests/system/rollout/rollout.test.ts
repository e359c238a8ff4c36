/** Rollouts under the real engine, with a double of the command plugin that connects to nobody. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { LocalWorkspace, type Stack, type UpOptions } from "@pulumi/pulumi/automation";

import { type ClusterNode, PauseImageSource, PauseSandbox } from "../../../components";
import { environment, TREE, tool } from "../../../bench/support/pulumi";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

describe("a rollout under the engine", function () {
  this.timeout(300_000);
  let folder: string;
  let env: Record<string, string>;
  const { PATH } = process.env;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-rollout-"));
    const plugin = path.join(TREE, "bench/scale/plugin/pulumi-resource-command");
    env = environment(folder, tool("pulumi"), plugin) as Record<string, string>;
    // Where the SDK looks for the engine.
    process.env.PATH = env.PATH;
  });
  after(() => {
    process.env.PATH = PATH;
    fs.rmSync(folder, { recursive: true });
  });

  const node = (name: string, host = name): ClusterNode => ({ name, connection: { host, hostKey: HOST_KEY } });

  function stackOf(stackName: string, nodes: ClusterNode[], maxUnavailable = "1"): Promise<Stack> {
    const program = () => {
      const image = { reference: "registry.example.com/platform/pause:1", source: PauseImageSource.Existing };
      new PauseSandbox("pause", { image, nodes, maxUnavailable });
      return Promise.resolve();
    };
    const stack = { stackName, projectName: "rollout", program };
    return LocalWorkspace.createOrSelectStack(stack, { envVars: env, pulumiHome: path.join(folder, "home") });
  }

  /** The end of a run, and the nodes that it has in its state. */
  async function up(stack: Stack, options: UpOptions = {}): Promise<{ said: string; nodes: string[] }> {
    let said = "";
    await stack.up({ ...options, onOutput: (text) => (said += text) }).catch(() => undefined);
    const { resources = [] } = (await stack.exportStack()).deployment as {
      resources?: { type: string; urn: string }[];
    };
    const commands = resources.filter(({ type }) => type === "command:remote:Command");
    return { said, nodes: commands.map(({ urn }) => urn.split("::pause-").at(-1) ?? "").sort() };
  }

  it("stops at the first node that fails, and says how many are done and wait", async () => {
    const stack = await stackOf("first", [node("a"), node("b"), node("c", "fails"), node("d"), node("e")]);
    const { said, nodes } = await up(stack);
    assert.deepEqual(nodes, ["a", "b"]);
    assert.match(said, /the rollout stops: 2 of 5 nodes done, 1 failed, 2 waiting or under way/);
  });

  it("begins no further node either where the engine goes on with what does not depend on it", async () => {
    // Two chains behind the canary: one ends with the node that fails, the other would go on.
    const nodes = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((name) =>
      node(name, name === "c" ? "fails" : name),
    );
    const { said, nodes: changed } = await up(await stackOf("on", nodes, "2"), { continueOnError: true });
    assert.match(said, /the rollout stops: \d of 9 nodes done, 1 failed/);
    assert.match(said, /not begun, because pause-c(-script)? failed: the rollout stops at the first failure/);
    assert.ok(changed.includes("a") && !changed.includes("i"), changed.join());
  });

  it("goes on where it stopped once the cause is mended, and touches nothing twice", async () => {
    const { nodes } = await up(
      await stackOf(
        "first",
        ["a", "b", "c", "d", "e"].map((name) => node(name)),
      ),
    );
    assert.deepEqual(nodes, ["a", "b", "c", "d", "e"]);
    const again = await (
      await stackOf(
        "first",
        ["a", "b", "c", "d", "e"].map((name) => node(name)),
      )
    ).up();
    assert.deepEqual(Object.keys(again.summary.resourceChanges ?? {}), ["same"]);
  });
});
