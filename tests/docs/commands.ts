/** Commands that pages tell people to type. */
/** Blocks without a language are commands too, unless they are drawings or what a program prints: those begin with a space or a line. */
const BLOCK = /^( *)```(?:sh)?\n\1([a-zA-Z][^]*?)^\1```$/gm;
const TYPED = /`((?:make|npm|npx|node) [^`]+)`/g;

const trimmed = (line: string): string =>
  line
    .replace(/\s+#.*$/, "")
    .replace(/\s+/g, " ")
    .trim();

/** In blocks and in sentences, without comments, each once. */
export function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(BLOCK)].flatMap(([, , text = ""]) => text.split("\n"));
  const inline = [...markdown.replace(/^( *)```[^]*?^\1```$/gm, "").matchAll(TYPED)].map(([, text = ""]) => text);
  return [...new Set([...blocks, ...inline].map(trimmed).filter(Boolean))];
}
