/** Text for a terminal: colours, and lines that fit. */
import { randomUUID } from "node:crypto";
import { inspect } from "node:util";

import { visible } from "../components/visible";

/** Of text that is piped, and the most of a terminal: longer lines are hard to read. */
const COLUMNS = 100;
const LEAST_COLUMNS = 40;

/** The columns that a line may have. */
export function columns({ isTTY, columns: has }: { isTTY?: boolean; columns?: number } = process.stdout): number {
  return isTTY && has ? Math.max(LEAST_COLUMNS, Math.min(COLUMNS, has)) : COLUMNS;
}

type Style = "bold" | "red" | "green" | "yellow" | "dim";

/** How text is marked; without colours where nobody sees them. */
export type Paint = (style: Style, text: string) => string;

/** Stands for a style until the text is printed. Nobody else knows it, so no node or registry can give its text a colour. */
const MARK = randomUUID();
const MARKS = new RegExp(`${MARK}<(\\w+)([01])>`, "g");

/** @param colours Whether the text goes to a terminal that shows them. */
export const painter =
  (colours: boolean): Paint =>
  (style, text) =>
    colours ? `${MARK}<${style}0>${text}${MARK}<${style}1>` : text;

/** A text as it is printed: every character visible, and our colours. */
export const printed = (text: string): string =>
  visible(text).replace(
    MARKS,
    (_, style: Style, end: string) => `\u001b[${inspect.colors[style]?.[Number(end)] ?? 0}m`,
  );

/** The one way of text to stdout. */
export function print(text: string): void {
  process.stdout.write(printed(text));
}

/** The one way of text to stderr. */
export function tell(text: string): void {
  process.stderr.write(printed(text));
}

/** Colours where somebody sees them. */
export const terminalPainter = (): Paint => painter(process.stdout.isTTY && process.env.NO_COLOR === undefined);

/** Words in lines of at most 100 columns, or of the terminal's width. A word that is longer stays whole: it may be copied. */
export function filled(text: string, first: string, others: string, paint = (line: string) => line): string {
  const most = columns();
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > most) {
      lines.push(paint(line));
      line = others;
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return [...lines, paint(line)].join("\n");
}
