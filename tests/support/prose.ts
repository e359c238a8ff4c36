/** What people read in a file, as sentences: pages, comments, messages. */

/** Where a sentence ends: not within `e.g.`, a version or a name. */
const END = /(?<=[^.\s][.!?]["')]*|;)\s+|(?<=\.\))\s+/;

/** A sentence without what is no word of it: code and references count as one word, signs as none. */
function bare(text: string): string {
  return text
    .replace(/`[^`]*`/g, "code")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<[^>\s]+>/g, "")
    .replace(/\*+/g, "");
}

export function sentencesOf(text: string): string[] {
  return bare(text)
    .replace(/\s+/g, " ")
    .split(END)
    .map((sentence) => sentence.trim())
    .filter(Boolean);
}

export const wordsOf = (sentence: string): number =>
  sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** Paragraphs, items, headings and cells of a page in Markdown; no blocks of code. */
export function pageParts(markdown: string): string[] {
  const lines = markdown.replace(/^[ \t]*```[^]*?^[ \t]*```.*$/gm, "").split("\n");
  const parts: string[] = [""];
  for (const line of lines) {
    if (/^\|[\s|:-]+$/.test(line)) continue;
    if (line.startsWith("|")) parts.push(...line.split(/(?<!\\)\|/), "");
    else if (/^\s*$/.test(line)) parts.push("");
    else if (/^\s*([-*]|\d+\.)\s|^#/.test(line)) parts.push(line.replace(/^\s*([-*]|\d+\.|#+)\s/, ""));
    else parts[parts.length - 1] = `${parts.at(-1) ?? ""} ${line.trim()}`;
    if (line.startsWith("#")) parts.push("");
  }
  return parts.filter((part) => part.trim() !== "");
}

/** Documentation comments of TypeScript, a part per paragraph, item and tag. */
export function docstringParts(source: string): string[] {
  return [...source.matchAll(/\/\*\*([^]*?)\*\//g)].flatMap(([, text = ""]) =>
    pageParts(text.replace(/^\s*\* ?/gm, "")).flatMap((part) => part.split(/(?=@(?:param|returns?|throws|default)\b)/)),
  );
}

/** What the node script says to people: the text behind `die CODE`, `say` and `warn`. */
export function messagesOf(script: string): string[] {
  return [...script.matchAll(/\b(?:die \d{3}|say|warn)\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)')/g)].map(
    ([, double, single]) => double ?? single ?? "",
  );
}

/** Names of suites and tests. */
export function testNames(source: string): string[] {
  return [...source.matchAll(/\b(?:it|describe)(?:\.\w+)?\(\s*(["`])((?:(?!\1)[^\\]|\\.)*)\1/g)].map(
    ([, , name = ""]) => name,
  );
}
