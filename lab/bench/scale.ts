/**
 * What a large cluster costs the engine: `make bench-scale`. This project's program beside one that has a bare command per
 * node, with a double of the command plugin: no node is there, so that engine and program are what is measured.
 *
 * Sizes are the arguments: `make bench-scale SIZES="500 2000:preview"`. Without any they are 500, and previews of 2000 and 5000: an
 * up writes the whole state after each step, which takes hours there.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { underMocks } from "./scale/mocks";
import type { Wanted } from "./scale/programs";
import { Stack } from "./scale/stack";
import { changeRow, growthRows, sizeRows, SIZE_HEAD, CHANGE_HEAD, GROWTH_HEAD, type Measured } from "./scale/tables";
import { changeTargets, sizeTargets } from "./scale/targets";
import { markdown } from "./support/markdown";
import { environment, load, tool, versions } from "./support/pulumi";
import { messageOf } from "../../components/errors";

/** So many nodes has the stack whose tag is changed. */
const CHANGED = 250;

async function main(): Promise<void> {
  const wanted = wantedSizes();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-scale-"));
  try {
    const pulumi = tool("pulumi");
    const env = environment(folder, pulumi, path.join(__dirname, "scale/plugin/pulumi-resource-command"));
    say(versions(pulumi), "command plugin: the double in lab/bench/scale/plugin", `load at the start: ${load()}`, "");
    say(...underMocks());
    const targets = [...(await changedTag(folder, env)), ...(await sizes(wanted, folder, env))];
    say(...targets, `load at the end: ${load()}`);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

interface Size {
  readonly nodes: number;
  readonly operations: readonly ("preview" | "up")[];
}

/** @returns the sizes to measure */
function wantedSizes(): Size[] {
  const given = process.argv.slice(2);
  return (given.length > 0 ? given : ["500", "2000:preview", "5000:preview"]).map((size) => {
    const [, nodes, only] = /^([1-9]\d*)(:preview)?$/.exec(size) ?? [];
    if (nodes === undefined)
      throw new Error(`${size}: sizes are whole numbers from 1, for a preview alone with :preview`);
    return { nodes: Number(nodes), operations: only === undefined ? ["preview", "up"] : ["preview"] };
  });
}

async function sizes(all: readonly Size[], folder: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const measured: Measured[] = [];
  for (const { nodes, operations } of all) {
    const wanted: Wanted = { nodes, tag: "1.0.0", login: false };
    const stacks = pairOf(folder, `size-${nodes}`, env);
    for (const operation of operations) {
      const row: Measured = {
        nodes,
        operation,
        bare: await stacks.bare.run(operation, wanted),
        ours: await stacks.ours.run(operation, wanted),
        ...(operation === "up" && { state: { bare: stacks.bare.size(), ours: stacks.ours.size() } }),
      };
      measured.push(row);
      // Each is shown as soon as it is known: a large size takes its time.
      say(markdown(SIZE_HEAD, sizeRows([row])), "");
    }
  }
  say("All sizes:", "", markdown(SIZE_HEAD, sizeRows(measured)), "");
  say(markdown(GROWTH_HEAD, growthRows(measured)), "");
  return sizeTargets(measured);
}

async function changedTag(folder: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const before: Wanted = { nodes: CHANGED, tag: "1.0.0", login: false };
  const { bare, ours } = pairOf(folder, "tag", env);
  const withLogin = new Stack(folder, "tag-login", "ours", env);
  await bare.run("up", before);
  await ours.run("up", before);
  await withLogin.run("up", { ...before, login: true });
  const after = { ...before, tag: "1.0.1" };
  const base = { nodes: CHANGED, cost: await bare.run("up", after), state: bare.size() };
  const changes = [
    { name: "ours", nodes: CHANGED, cost: await ours.run("up", after), state: ours.size() },
    {
      ...{ name: "ours, with a registry login", nodes: CHANGED },
      cost: await withLogin.run("up", { ...after, login: true }),
      state: withLogin.size(),
    },
  ];
  const rows = [{ name: "bare", ...base }, ...changes].map((change) => changeRow(change, base.cost));
  say(`A changed tag, ${CHANGED} nodes:`, "", markdown(CHANGE_HEAD, rows), "");
  return changeTargets(changes, base.cost);
}

function pairOf(folder: string, name: string, env: NodeJS.ProcessEnv) {
  return {
    bare: new Stack(folder, `${name}-bare`, "bare", env),
    ours: new Stack(folder, `${name}-ours`, "ours", env),
  };
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`make bench-scale: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
