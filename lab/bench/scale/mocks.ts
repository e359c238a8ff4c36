/** What the program alone costs, without an engine: the time until every resource of 1,000 nodes is there under mocks. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";

import { markdown } from "../support/markdown";
import { TSX } from "../support/pulumi";
import { target } from "../support/target";
import type { ProgramName } from "./programs";

const NODES = 1000;
const RUNS = 3;
const SECONDS = 3;

interface Registered {
  wall: number;
  cpu: number;
  resources: number;
}

/** The table, and whether the target is met. */
export function underMocks(): string[] {
  const [bare, ours] = [middle("bare"), middle("ours")];
  const row = (name: string, { wall, cpu, resources }: Registered) => [
    ...[name, String(resources), wall.toFixed(2), cpu.toFixed(2)],
    (cpu / bare.cpu).toFixed(2),
  ];
  const head = [`${NODES} nodes under mocks, the middle of ${RUNS} runs`, "resources", "wall, s", "CPU, s", "CPU/bare"];
  const table = markdown(head, [row("bare", bare), row("ours", ours)]);
  return [table, "", target(`wall seconds for ${NODES} nodes under mocks`, ours.wall, SECONDS), ""];
}

function middle(program: ProgramName): Registered {
  const runs = Array.from({ length: RUNS }, () => register(program)).sort((a, b) => a.wall - b.wall);
  const run = runs[Math.floor(RUNS / 2)];
  if (!run) throw new Error("nothing was measured");
  return run;
}

function register(program: ProgramName): Registered {
  const script = path.join(__dirname, "register.ts");
  const said = execFileSync("node", ["--import", TSX, script, program, String(NODES)], { encoding: "utf8" });
  return JSON.parse(said) as Registered;
}
