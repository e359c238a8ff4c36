/** Plain ssh with what this project sends: the limit of what any way over SSH can do. */
import * as fs from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";

import { PROJECT } from "../support/pulumi";

interface Resource {
  type: string;
  urn: string;
  inputs: { create?: string; stdin?: string; remotePath?: string; source?: { path?: string; text?: string } };
}

/** What one host is sent: a command, and its input. */
interface Job {
  command: string;
  input: string;
}

/** Reads from a state of this project what each host was sent, and writes it as files for `ssh`: HOST.command, HOST.input. */
export function writeJobs(folder: string, stack: string, hosts: readonly string[]): string {
  const state = path.join(folder, "pulumi/state/.pulumi/stacks", PROJECT, `${stack}.json.gz`);
  const { checkpoint } = JSON.parse(gunzipSync(fs.readFileSync(state)).toString()) as {
    checkpoint: { latest: { resources: Resource[] } };
  };
  const jobs = fs.mkdtempSync(path.join(folder, "jobs-"));
  for (const host of hosts) {
    const own = checkpoint.latest.resources.filter(({ urn, type }) => type.startsWith("command:") && names(urn, host));
    const { command, input } = jobOf(own);
    fs.writeFileSync(path.join(jobs, `${host}.command`), command);
    fs.writeFileSync(path.join(jobs, `${host}.input`), input);
  }
  return jobs;
}

/** `…::pause-127.1.0.1`, and perhaps more behind it; 127.1.0.10 is another host. */
function names(urn: string, host: string): boolean {
  const name = urn.split("::").at(-1) ?? "";
  return name === `pause-${host}` || name.startsWith(`pause-${host}-`);
}

/** Files come first in the input, and the command takes them from there: so that one session is enough. */
function jobOf(resources: readonly Resource[]): Job {
  const run = resources.find(({ type }) => type === "command:remote:Command");
  if (run?.inputs.create === undefined) throw new Error("the state has no command for a host");
  const copies = resources.flatMap(({ inputs: { remotePath, source } }) =>
    remotePath === undefined ? [] : [{ remotePath, content: source?.text ?? fs.readFileSync(source?.path ?? "") }],
  );
  const takes = copies.map(({ remotePath, content }) => {
    const taken = `head -c ${Buffer.byteLength(content)} >${remotePath}`;
    return `mkdir -p ${path.dirname(remotePath)} && ${taken} && `;
  });
  const input = [...copies.map(({ content }) => content.toString()), run.inputs.stdin ?? ""].join("");
  return { command: `${takes.join("")}${run.inputs.create}`, input };
}

/** The command line that runs all jobs of a folder, 50 at a time. */
export function runJobs(jobs: string, options: readonly string[]): string[] {
  const one = `ssh ${options.join(" ")} "root@$1" "$(cat "$0/$1.command")" <"$0/$1.input" >/dev/null`;
  const all = `ls "$0" | sed -n 's/\\.command$//p' | xargs -P 50 -I HOST sh -c "$1" "$0" HOST`;
  return ["sh", "-c", all, jobs, one];
}
