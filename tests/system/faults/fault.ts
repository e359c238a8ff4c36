/** What a row of the table is. */
import { nodePlans } from "../../../lab/cluster/layout";
import type { Random } from "./random";
import type { Run, State, Target } from "../../support/nodes/target";

/** Where a fault is injected: the node as it is, and what it is being asked to become. */
export interface Attempt {
  target: Target;
  random: Random;
  to: State;
  /** Which of the fault's turns this is, from 1 on; always 1 where it has none. */
  turn: number;
  /** Notes how to take the fault away, as an operator would: done once the node was judged, also if that fails. */
  afterwards: (repair: () => Promise<unknown>) => void;
}

/** What came of it, while the fault is still there. */
export interface Injected {
  /** The run that met the fault, where there is one to be judged. */
  run?: Run;
  /** Asked for by the next run instead of what this one was asked for. */
  next?: State;
  /** What else the node may look like, where more than one run was under way. */
  orAs?: State;
  /** Files that the fault itself has changed: no word about them while it is there. */
  exempt?: string[];
  /** In the table's last column, counted. */
  note?: string;
  /** The fault came too late to meet anything: drawn again, and not counted. */
  missed?: boolean;
}

export interface Fault {
  name: string;
  /** How many times on all nodes together. */
  runs: { long: number; short: number };
  /** Nodes that can have it. Default: each. */
  on?: (target: Target) => boolean;
  /** How many different turns it has on a node. The runs are taken from them, evenly spaced; the long form takes each. */
  turns?: (target: Target) => Promise<number>;
  /** What the node says, by which we know that it was this fault; the run has failed and undone itself. */
  says?: RegExp;
  /** The run cannot undo itself while the fault is there (exit 5): checked is that the next one does. */
  lasting?: boolean;
  /** What the node is before. Default: what the run before has left. */
  from?: State;
  /** What the node is asked to become. Default: the other image. */
  to?: (from: State, random: Random) => State;
  inject: (attempt: Attempt) => Promise<Injected>;
}

/** A kubelet that has no flag (from 1.35 on) is not restarted by a run. */
export const withFlag = ({ node }: Target): boolean =>
  nodePlans().some(({ name, initialPause }) => name === node.name && initialPause !== undefined);
