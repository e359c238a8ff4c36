/** A stack of one of the programs: what each operation on it costs, and how large its state is. */
import * as fs from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";

import { type Cost, costOf, shown } from "../support/cost";
import { newStack, PROJECT, TSX } from "../support/pulumi";
import type { ProgramName, Wanted } from "./programs";

export interface Size {
  json: number;
  gzip: number;
}

export class Stack {
  private readonly project: string;

  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly program: ProgramName,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.project = newStack(folder, name, env);
  }

  async run(operation: "preview" | "up", wanted: Wanted): Promise<Cost> {
    const command = ["node", "--import", TSX, path.join(__dirname, "run.ts"), operation, this.program];
    const cost = await costOf([...command, JSON.stringify(wanted)], {
      ...{ cwd: this.project, env: this.env },
      apart: "lab/bench/scale/plugin",
    });
    shown(`${operation} of ${this.name}`, cost);
    return cost;
  }

  /** Of the state as it lies in the backend. */
  size(): Size {
    const file = path.join(this.folder, "state/.pulumi/stacks", PROJECT, `${this.name}.json.gz`);
    const packed = fs.readFileSync(file);
    return { json: gunzipSync(packed).length, gzip: packed.length };
  }
}
