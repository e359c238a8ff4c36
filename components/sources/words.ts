import { parse, type ParseEntry } from "shell-quote";

/** Words as a shell would split them; a comment ends them. */
export function wordsOf(text: string): string[] {
  const isWord = (entry: ParseEntry): entry is string => typeof entry === "string";
  // What is an operator or a pattern for a shell is text here.
  const plain = text.replace(/[|&;<>()*?{}!$`\\]/g, (letter) => `\uE000${letter.charCodeAt(0).toString(16)}\uE001`);
  return parse(plain)
    .filter(isWord)
    .map((word) =>
      word.replace(/\uE000([0-9a-f]+)\uE001/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
    );
}
