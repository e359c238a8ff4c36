/** Text for a terminal: colours, and lines that fit. */
import { styleText } from "node:util";

const COLUMNS = 100;

/** How text is marked; without colours where nobody sees them. */
export type Paint = (style: "bold" | "red" | "green" | "yellow" | "dim", text: string) => string;

/** @param colours Whether the text goes to a terminal that shows them. */
export const painter =
  (colours: boolean): Paint =>
  (style, text) =>
    colours ? styleText(style, text) : text;

/** Colours where somebody sees them. */
export const terminalPainter = (): Paint => painter(process.stdout.isTTY && process.env.NO_COLOR === undefined);

/** Words in lines of at most 100 columns. A word that is longer stays whole: it may be copied. */
export function filled(text: string, first: string, others: string, paint = (line: string) => line): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > COLUMNS) {
      lines.push(paint(line));
      line = others;
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return [...lines, paint(line)].join("\n");
}
