/** The ways to change all hosts: for each, the command that does it and what must lie ready. */
import * as fs from "node:fs";
import * as path from "node:path";

import { costOf, type Cost } from "../support/cost";
import { newStack, TSX } from "../support/pulumi";
import { runJobs, writeJobs } from "./plain";
import { hostsToml, type ProgramName } from "./programs";
import type { Wanted } from "./wanted";

export interface Contender {
  kind: "empty" | "ours" | "plain" | "ansible" | "pyinfra" | "naive";
  name: string;
  run: (wanted: Wanted) => Promise<Cost>;
}

export interface Tools {
  folder: string;
  /** Variables under which `pulumi` keeps all it writes below the folder. */
  env: NodeJS.ProcessEnv;
}

/** All of them, in the order in which they run: plain ssh sends what this project has sent before. */
export function contendersOf(size: number, tools: Tools): Contender[] {
  const jobs = new Map<string, string>();
  const ours = pulumi("this project", "ours", size, tools);
  const run = async (wanted: Wanted) => {
    const cost = await ours.run(wanted);
    jobs.set(wanted.ca, writeJobs(tools.folder, `ours-${size}`, wanted.hosts));
    return cost;
  };
  return [
    pulumi("pulumi up of an empty program", "empty", size, tools),
    { ...ours, run },
    plainSsh(jobs, tools),
    ansible(tools),
    pyinfra(tools),
    pulumi("Pulumi, eight commands per host", "naive", size, tools),
  ];
}

/** A program under `pulumi up`, with a stack of its own. */
function pulumi(name: string, program: ProgramName, size: number, { folder, env }: Tools): Contender {
  const project = newStack(path.join(folder, "pulumi"), `${program}-${size}`, env);
  const run = (wanted: Wanted) => {
    const file = path.join(project, "wanted.json");
    fs.writeFileSync(file, JSON.stringify(wanted));
    return costOf(["node", "--import", TSX, path.join(__dirname, "run.ts"), program, file], { cwd: project, env });
  };
  return { kind: program, name, run };
}

function ansible({ folder, env }: Tools): Contender {
  const run = (wanted: Wanted) => {
    const inventory = path.join(folder, "inventory.ini");
    const variables = path.join(folder, "ansible.json");
    const { registry, reference, ca, keyFile } = wanted;
    fs.writeFileSync(inventory, `[all]\n${wanted.hosts.join("\n")}\n`);
    fs.writeFileSync(variables, JSON.stringify({ registry, reference, ca, hosts_toml: hostsToml(wanted) }));
    const login = ["--user", "root", "--private-key", keyFile, "--ssh-extra-args", knownHosts(folder).join(" ")];
    const command = ["ansible-playbook", "-i", inventory, "-e", `@${variables}`, ...login];
    const own = { ...env, ANSIBLE_CONFIG: path.join(__dirname, "ansible/ansible.cfg") };
    return costOf([...command, path.join(__dirname, "ansible/playbook.yml")], { cwd: folder, env: own });
  };
  return { kind: "ansible", name: "Ansible, pipelining, 50 forks", run };
}

function pyinfra({ folder, env }: Tools): Contender {
  const run = (wanted: Wanted) => {
    const file = path.join(folder, "pyinfra.json");
    const more = { hostsToml: hostsToml(wanted), knownHosts: path.join(folder, "known_hosts") };
    fs.writeFileSync(file, JSON.stringify({ ...wanted, ...more }));
    const [inventory, deploy] = ["inventory.py", "deploy.py"].map((name) => path.join(__dirname, "pyinfra", name));
    const command = ["pyinfra", "-y", "--parallel", "50", inventory ?? "", deploy ?? ""];
    return costOf(command, { cwd: folder, env: { ...env, WANTED: file } });
  };
  return { kind: "pyinfra", name: "pyinfra, 50 at a time", run };
}

/** @param jobs What this project has sent, by the CA that was wanted. */
function plainSsh(jobs: ReadonlyMap<string, string>, { folder, env }: Tools): Contender {
  const run = (wanted: Wanted) => {
    const options = ["-i", wanted.keyFile, "-o", "BatchMode=yes", ...knownHosts(folder)];
    return costOf(runJobs(jobs.get(wanted.ca) ?? "", options), { cwd: folder, env });
  };
  return { kind: "plain", name: "plain ssh, the same script, 50 at a time", run };
}

const knownHosts = (folder: string): string[] => ["-o", `UserKnownHostsFile=${path.join(folder, "known_hosts")}`];
