/** Reads shell text as far as it takes to know which words stand where a command stands. */

interface Frame {
  /** What ends it: a parenthesis, or a double quote. */
  end: ")" | '"' | "";
  /** `case` words whose `in` is still to come. */
  cases: number;
  command: boolean;
  /** Between the name of a variable and the end of its value. */
  assigning?: boolean;
  arithmetic?: boolean;
}

const leading = new Set(["if", "then", "else", "elif", "while", "until", "do", "!", "{"]);
const closing = new Set(["fi", "done", "esac", "}"]);

/** The functions that a script defines. */
export function functionsOf(script: string): Set<string> {
  return new Set([...script.matchAll(/^\s*([A-Za-z_]\w*)\(\)/gm)].map((match) => match[1] ?? ""));
}

/** The words in command position. Those in variables, and the programs of awk and sed, are not seen. */
export function commandsOf(script: string): Set<string> {
  const found = new Set<string>();
  const frames: Frame[] = [{ end: "", cases: 0, command: true }];
  let i = 0;
  const frame = (): Frame => frames[frames.length - 1] ?? { end: "", cases: 0, command: true };
  const rest = (pattern: RegExp): string => {
    pattern.lastIndex = i;
    return pattern.exec(script)?.[0] ?? "";
  };
  /** Past a pattern of `case`, or not at all before `esac`. */
  const pattern = (): void => {
    i += rest(/(?:\s|#[^\n]*\n)*/y).length;
    if (rest(/esac\b/y)) {
      frame().command = true;
      return;
    }
    i += rest(/(?:"[^"]*"|'[^']*'|[^)"'])*\)/y).length;
    frame().command = true;
  };
  /** Past what begins with a dollar. */
  const dollar = (): void => {
    if (script.startsWith("$((", i)) {
      i += 3;
      for (let n = 0; n < 2; n++) frames.push({ end: ")", cases: 0, command: false, arithmetic: true });
    } else if (script.startsWith("$(", i)) {
      i += 2;
      frames.push({ end: ")", cases: 0, command: true });
    } else if (script.startsWith("${", i)) {
      let depth = 0;
      do {
        if (script.startsWith("${", i)) depth++;
        else if (script[i] === "}") depth--;
        i += script.startsWith("${", i) ? 2 : 1;
      } while (depth > 0);
    } else i += rest(/\$[\w#?!*@$-]?/y).length;
  };

  while (i < script.length) {
    const now = frame();
    const char = script[i] ?? "";
    if (char === "\\") {
      i += 2;
    } else if (char === "$") {
      dollar();
      if (now.end !== '"') now.command = false;
    } else if (char === now.end) {
      i++;
      frames.pop();
      if (frame().end !== '"') frame().command = false;
    } else if (now.end === '"') {
      i++;
    } else if (char === '"') {
      i++;
      now.command = false;
      frames.push({ end: '"', cases: 0, command: false });
    } else if (char === "'") {
      i = script.indexOf("'", i + 1) + 1;
      now.command = false;
    } else if (char === "#") {
      i += rest(/[^\n]*/y).length;
    } else if (/[<>]/.test(char)) {
      const was = now.command;
      i += rest(/[<>]+&?[\w-]*/y).length;
      now.command = was;
    } else if (script.startsWith(";;", i)) {
      i += 2;
      pattern();
    } else if (char === "(") {
      i++;
      frames.push({ end: ")", cases: 0, command: true, arithmetic: now.arithmetic });
    } else if (/[\s;|&]/.test(char)) {
      i++;
      if (now.assigning || !/[ \t]/.test(char)) now.command = true;
      now.assigning = false;
    } else {
      const word = rest(/[^\s;|&()<>"'$\\]+/y) || char;
      i += word.length;
      if (now.cases > 0 && word === "in") {
        now.cases--;
        pattern();
      } else if (now.command && word === "case") {
        now.cases++;
        now.command = false;
      } else if (now.command && rest(/\(\)/y)) {
        i += 2;
      } else if (now.command && leading.has(word)) {
        now.command = true;
      } else if (now.command && closing.has(word)) {
        now.command = false;
      } else if (now.command && word === "for") {
        now.command = false;
      } else if (now.command && /^\w+=/.test(word)) {
        now.assigning = true;
        now.command = false;
      } else if (now.command && /^\d+$/.test(word) && /[<>]/.test(script[i] ?? "")) {
        now.command = true;
      } else {
        if (now.command) found.add(word);
        now.command = false;
      }
    }
    if (frame().arithmetic) frame().command = false;
  }
  return found;
}
