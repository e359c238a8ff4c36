/** The functions of node/*.sh as text: the comment over each, and what its body does by itself, not through others. */
import * as fs from "node:fs";
import * as path from "node:path";

import { parts } from "../../components/node/program";

const folder = path.join(__dirname, "../../node");

/** A function of the script. */
export interface ShellFunction {
  readonly name: string;
  readonly part: string;
  /** The comment right above it, as one line. */
  readonly comment: string;
  /** The lines of that comment that show an example. */
  readonly examples: string[];
  /** Without comments, and without what stands in single quotes: programs for awk and sed, and messages. */
  readonly body: string;
}

/** A part's text. */
export const textOf = (part: string): string => fs.readFileSync(path.join(folder, `${part}.sh`), "utf8");

/** Takes out single-quoted text, which no other quote holds, and whole-line comments. */
export function withoutQuoted(text: string): string {
  const code = text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n");
  let out = "";
  let double = false;
  for (let at = 0; at < code.length; at++) {
    const c = code.charAt(at);
    if (c === "\\") out += c + code.charAt(++at);
    else if (c === "'" && !double) {
      at = code.indexOf("'", at + 1);
      out += "''";
    } else {
      if (c === '"') double = !double;
      out += c;
    }
  }
  return out;
}

/** Every function of the script, in its order. */
export function functions(): ShellFunction[] {
  return parts.flatMap((part) => {
    const found = textOf(part).matchAll(/((?:^#.*\n)*)^([a-z_0-9]+)\(\) (\{ .*|\{\n[\s\S]*?\n\}.*)$/gm);
    return [...found].map(([, comment = "", name = "", body = ""]) => ({
      name,
      part,
      comment: comment.replace(/^# ?/gm, "").replaceAll("\n", " ").trim(),
      examples: comment.split("\n").filter((line) => line.startsWith("#   ")),
      body: withoutQuoted(body),
    }));
  });
}

const all = (pattern: RegExp, text: string): string[] => [...text.matchAll(pattern)].map(([, one = ""]) => one);

/** The codes that a function dies with by itself. */
export const codesOf = ({ body }: ShellFunction): string[] => [...new Set(all(/\bdie (\d{3})\b/g, body))].sort();

/** The variables that a body assigns, other than those that it gives to one command alone. */
export function assigned({ body }: ShellFunction): Set<string> {
  const words = all(/(?:^|[\s;({&|])(?<!-v )([a-z_][a-z0-9_]*)=(?!=)/gm, body);
  const loops = all(/\bfor ([a-z_]+)\b/g, body);
  const read = all(/\bread -r ([a-z_ ]+)/g, body).flatMap((list) => list.split(" "));
  return new Set([...words, ...loops, ...read].filter((name) => name !== "" && name !== "_"));
}

const readBy = (text: string): string[] => all(/\$\{?([a-z_][a-z0-9_]*)/g, text);

/** The variables that some function reads without assigning them itself: what functions tell each other. */
export function sharedVariables(list: readonly ShellFunction[]): Set<string> {
  const shared = list.flatMap((one) => {
    const own = assigned(one);
    return readBy(one.body).filter((name) => !own.has(name));
  });
  return new Set(shared);
}

/** Where the shell takes a word for a command, or `within` does. */
const command = String.raw`(?:^|[;|&({!)]|\b(?:then|do|else|if|elif|while|until)\b|\bwithin \d+)\s*(?:[A-Za-z_]+=\S*\s+)*`;

/** Does a function run one of these commands by itself? What its messages say is no command. */
export const runs = ({ body }: ShellFunction, commands: readonly string[]): boolean =>
  new RegExp(`${command}(?:${commands.join("|")})(?=[\\s;)]|$)`, "m").test(
    body.replace(/\b(?:die \d{3}|say) .*$/gm, ""),
  );

/** The files that a function redirects to, up to the first variable in their names below the first; not those by parameter. */
export function redirectedTo({ body }: ShellFunction): string[] {
  const targets = all(/[^0-9&]>>?\s*"?(\$[^\s;)&|"]*)/g, body).concat(all(/\d>\s*"?(\$[^\s;)&|"]*)/g, body));
  return [...new Set(targets)]
    .map((one) => one.slice(0, 1) + one.slice(1).replace(/\/?\$.*/, ""))
    .filter((one) => /^\$[a-z]/.test(one));
}
