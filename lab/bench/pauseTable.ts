import Table from "cli-table3";
import type { Pair } from "./pauseFigures";

/** A figure of both pauses, named for people. */
export interface Row {
  readonly figure: string;
  readonly pair: Pair;
  /** @default "B" */
  readonly unit?: string;
}

const none = ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"];
const between = ["mid", "left-mid", "mid-mid", "right-mid"];
const MARKDOWN = {
  ...Object.fromEntries([...none, ...between].map((place) => [place, ""])),
  ...{ left: "|", right: "|", middle: "|" },
};

/** The rows as a table in Markdown, so that docs can quote it as it is printed. */
export function render(rows: readonly Row[]): string {
  const table = new Table({
    head: ["", "own", "upstream's", ""],
    colAligns: ["left", "right", "right", "left"],
    style: { head: [], border: [] },
    chars: MARKDOWN,
  });
  table.push(["---", "--:", "--:", "---"], ...rows.map(cells));
  return table.toString();
}

/** A reason instead of figures where there are none. */
function cells({ figure, pair: { own, upstream, skipped }, unit = "B" }: Row): string[] {
  const show = (value: number | undefined) =>
    value === undefined ? "–" : `${value.toLocaleString("en")} ${unit}`.trim();
  const ratio = own && upstream ? `1/${(upstream / own).toFixed(upstream < own * 10 ? 2 : 0)}` : "";
  return [figure, show(own), show(upstream), skipped === undefined ? ratio : `skipped: ${skipped}`];
}

/** The largest file that pause may be, in bytes, on amd64. */
export const FILE_LIMIT = 1000;
/** The least factor by which upstream's pause occupies more memory. */
export const MEMORY_FACTOR = 40;

/** What this project promises of its pause and these figures do not keep, one line each. */
export function broken(amd64File: Pair, rss: Pair): string[] {
  const lines: string[] = [];
  const { own: bytes } = amd64File;
  if (bytes === undefined || bytes > FILE_LIMIT) {
    lines.push(`the file for amd64 is ${bytes ?? "not measured"}, and may be ${FILE_LIMIT} bytes`);
  }
  const { own, upstream } = rss;
  if (own === undefined || upstream === undefined || own * MEMORY_FACTOR > upstream) {
    const [ours, theirs] = [own, upstream].map((value) => (value === undefined ? "not measured" : `${value} kB`));
    lines.push(`RSS is ${ours}, and may be 1/${MEMORY_FACTOR} of upstream's, which is ${theirs}`);
  }
  return lines;
}
