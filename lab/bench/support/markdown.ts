import Table from "cli-table3";

const none = ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"];
const between = ["mid", "left-mid", "mid-mid", "right-mid"];
const LINES = {
  ...Object.fromEntries([...none, ...between].map((place) => [place, ""])),
  ...{ left: "|", right: "|", middle: "|" },
};

/** A table in Markdown, so that docs can quote it as it is printed. The first column is text, the others are figures. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? "left" : "right")),
    style: { head: [], border: [] },
    chars: LINES,
  });
  table.push(
    head.map((_, i) => (i === 0 ? "---" : "--:")),
    ...rows.map((row) => [...row]),
  );
  return table.toString();
}
