/** One text file for a ticket: what was found, with nothing secret in it. */
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";

import { Refused } from "./refuse";
import type { Result } from "./text";
import { messageOf } from "../components/errors";
import { redacted } from "../doctor/redact";
import { print, printed, tell } from "./terminal";

/** Before anybody waits for nodes. */
export function refuseExisting(file: string): void {
  if (existsSync(file)) throw new Refused(`--bundle ${file}: the file exists, and is never overwritten`);
}

/**
 * @param verdicts What the doctor prints, without colours.
 * @param record The facts by which it came to that, redacted.
 */
export function bundleText(verdicts: string, results: readonly Result[], record: string): string {
  const parts = [
    "pause-sandbox doctor: a bundle for a ticket. Known forms of logins, tokens and private keys are redacted. Read it before you send it.",
    `Versions\n\n${versions()}`,
    `Findings\n\n${verdicts}`,
    `Events\n\n${results.map(eventsOf).join("\n")}`,
  ];
  return `${redacted(parts.join("\n\n---\n\n"))}\n${record}`;
}

function versions(): string {
  const { version } = JSON.parse(readFileSync(packageFile(), "utf8")) as { version: string };
  const { node, openssl } = process.versions;
  return `pause-sandbox ${version}, Node.js ${node}, OpenSSL ${openssl}, ${process.platform} ${release()}`;
}

/** Of this checkout, or of the package, where this file is one folder deeper. */
function packageFile(): string {
  const near = path.join(__dirname, "../package.json");
  return existsSync(near) ? near : path.join(__dirname, "../../package.json");
}

function eventsOf(one: Result): string {
  const said = "events" in one ? one.events : [];
  const pods = (one.pods ?? []).map(({ namespace, name, event }) => `${namespace}/${name}: ${event}`);
  const lines = [...said, ...pods];
  return (
    [`${one.node}:`, ...(lines.length === 0 ? ["none"] : lines)]
      .map((line) => `  ${line.replaceAll("\n", "\n    ")}`)
      .join("\n") + "\n"
  );
}

/**
 * Shows the text, and writes it where the user says yes.
 * @param yes Without the question.
 */
export async function askForFile(file: string, text: string, yes = false): Promise<void> {
  print(text);
  if (!yes && !(await saysYes(`Write this to ${file}? [y/N] `))) {
    tell(`${file} is not written\n`);
    return;
  }
  try {
    // Only its owner reads it, and what came there meanwhile stays.
    writeFileSync(file, printed(text), { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new Refused(`--bundle ${file}: ${messageOf(error)}`);
  }
  tell(`${file} is written\n`);
}

/** A terminal that is closed says no. */
async function saysYes(question: string): Promise<boolean> {
  tell(question);
  const lines = createInterface({ input: process.stdin });
  const first = await Promise.race([once(lines, "line"), once(lines, "close")]);
  lines.close();
  return /^y(es)?$/i.test(String(first[0] ?? "").trim());
}
