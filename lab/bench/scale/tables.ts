/** The figures as rows. */
import type { Cost } from "../support/cost";
import type { Size } from "./stack";

/** One operation at one size, by both programs. */
export interface Measured {
  nodes: number;
  operation: "preview" | "up";
  bare: Cost;
  ours: Cost;
  /** What lies in the backend afterwards, after an `up`. */
  state?: { bare: Size; ours: Size };
}

/** A second `up`, after the tag was changed. */
export interface Change {
  name: string;
  nodes: number;
  cost: Cost;
  state: Size;
}

const FIGURES = ["wall", "cpu", "megabytes"] as const;
const seconds = (value: number): string => value.toFixed(1);
export const ratio = (ours: number, bare: number): number => ours / bare;
/** For a row of its own: `1.08`. */
const times = (ours: number, bare: number): string => ratio(ours, bare).toFixed(2);
const perNode = (bytes: number, nodes: number): string => Math.round(bytes / nodes).toLocaleString("en");

export const SIZE_HEAD = [
  "nodes, operation, program",
  ...["wall, s", "CPU, s", "memory, MB", "wall ours/bare", "CPU ours/bare", "memory ours/bare"],
  ...["JSON per node, B", "gzipped per node, B"],
];

export function sizeRows(measured: readonly Measured[]): string[][] {
  return measured.flatMap(({ nodes, operation, bare, ours, state }) => {
    const sized = (size?: Size) => (size ? [perNode(size.json, nodes), perNode(size.gzip, nodes)] : ["", ""]);
    const costs = ({ wall, cpu, megabytes }: Cost) => [seconds(wall), seconds(cpu), megabytes.toFixed(0)];
    return [
      [`${nodes}, ${operation}, bare`, ...costs(bare), "", "", "", ...sized(state?.bare)],
      [
        `${nodes}, ${operation}, ours`,
        ...costs(ours),
        ...FIGURES.map((figure) => times(ours[figure], bare[figure])),
        ...sized(state?.ours),
      ],
    ];
  });
}

export const GROWTH_HEAD = [
  "a further node costs",
  "CPU, ms, bare",
  "CPU, ms, ours",
  "memory, kB, bare",
  "memory, kB, ours",
];

/** What each node adds between one size and the next. */
export function growthRows(measured: readonly Measured[]): string[][] {
  return growth(measured).map(({ from, to, bare, ours }) => [
    `${from.operation}, from ${from.nodes} to ${to.nodes} nodes`,
    ...[bare, ours].map(({ cpu }) => (cpu * 1000).toFixed(1)),
    ...[bare, ours].map(({ megabytes }) => (megabytes * 1024).toFixed(0)),
  ]);
}

export interface Growth {
  from: Measured;
  to: Measured;
  bare: Cost;
  ours: Cost;
}

export function growth(measured: readonly Measured[]): Growth[] {
  return measured.flatMap((to) => {
    const from = measured.filter(({ nodes, operation }) => operation === to.operation && nodes < to.nodes).at(-1);
    if (!from) return [];
    const further = (program: "bare" | "ours"): Cost => {
      const part = (figure: keyof Cost) => (to[program][figure] - from[program][figure]) / (to.nodes - from.nodes);
      return { wall: part("wall"), cpu: part("cpu"), megabytes: part("megabytes") };
    };
    return [{ from, to, bare: further("bare"), ours: further("ours") }];
  });
}

export const CHANGE_HEAD = [
  "program",
  ...["wall, s", "CPU, s", "memory, MB", "CPU/bare", "JSON per node, B", "gzipped per node, B"],
];

export function changeRow({ name, nodes, cost, state }: Change, bare: Cost): string[] {
  return [
    name,
    ...[seconds(cost.wall), seconds(cost.cpu), cost.megabytes.toFixed(0), times(cost.cpu, bare.cpu)],
    ...[perNode(state.json, nodes), perNode(state.gzip, nodes)],
  ];
}
