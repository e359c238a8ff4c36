/** The fleet itself: main.ts FOLDER PULUMI PLUGIN HOSTS…, in namespaces of its own, where all of loopback is ours. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { type Contender, contendersOf, type Tools } from "./contenders";
import { Host, makePrograms } from "./hosts";
import { Server } from "./server";
import { type Figures, report, type RunName, RUNS } from "./tables";
import type { Wanted } from "./wanted";
import { messageOf } from "../../../components/errors";
import { shown } from "../support/cost";
import { environment, load } from "../support/pulumi";

type Runs = Record<RunName, Wanted>;

const REGISTRY = "registry.example.com:5000";

async function main(): Promise<void> {
  const [folder = "", cli = "", plugin = "", ...sizes] = process.argv.slice(2);
  prepare(folder);
  const env = { ...environment(path.join(folder, "pulumi"), cli, plugin), HOME: path.join(folder, "home") };
  const server = await Server.start(folder);
  const certificates = [1, 2].map((number) => certificate(folder, number)) as [string, string];
  try {
    for (const size of sizes.map(Number)) await measure(size, { folder, env }, server, certificates);
  } finally {
    server.stop();
  }
  // The sockets of the hosts would keep this process.
  process.exit();
}

function prepare(folder: string): void {
  for (const name of ["pulumi", "home", "hosts"]) fs.mkdirSync(path.join(folder, name), { recursive: true });
  fs.copyFileSync(path.join(__dirname, "enter.sh"), path.join(folder, "enter.sh"));
  fs.writeFileSync(path.join(folder, "fleet"), folder);
  makePrograms(folder);
}

/** A CA of the registry. The second one is what changes in the third run. */
function certificate(folder: string, number: number): string {
  const out = path.join(folder, `ca-${number}.pem`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null"];
  execFileSync("openssl", ["req", "-x509", ...key, "-subj", `/CN=ca-${number}`, "-out", out], { stdio: "pipe" });
  return fs.readFileSync(out, "utf8");
}

async function measure(size: number, tools: Tools, server: Server, [ca, otherCa]: [string, string]): Promise<void> {
  const { folder } = tools;
  const digest = `sha256:${"d".repeat(64)}`;
  const addresses = Array.from({ length: size }, (_, i) => `127.1.${Math.floor(i / 250)}.${(i % 250) + 1}`);
  const hosts = await Promise.all(addresses.map((address) => Host.at(path.join(folder, "hosts"), address, digest)));
  fs.writeFileSync(path.join(folder, "known_hosts"), addresses.map((host) => `${host} ${server.hostKey}\n`).join(""));
  const wanted: Wanted = {
    ...{ hosts: addresses, reference: `${REGISTRY}/platform/pause:1.0.0`, registry: REGISTRY, digest, ca, recheck: 0 },
    ...{ hostKey: server.hostKey, keyFile: server.keyFile },
  };
  const runs: Runs = {
    first: wanted,
    nothing: wanted,
    file: { ...wanted, ca: otherCa },
    again: { ...wanted, ca: otherCa, recheck: 1 },
  };
  const start = load();
  const figures: Figures[] = [];
  for (const contender of contendersOf(size, tools)) {
    for (const host of hosts) host.reset();
    figures.push({ contender, costs: await costsOf(contender, runs, hosts, server) });
  }
  process.stdout.write(`${report(size, figures)}\nload: ${start} at the start, ${load()} at the end\n\n`);
}

async function costsOf(contender: Contender, runs: Runs, hosts: readonly Host[], server: Server) {
  const costs: Figures["costs"] = {};
  for (const [run, wanted] of Object.entries(runs) as [RunName, Wanted][]) {
    // Only this project can be asked to look at every host although nothing changed: the others always do, or never.
    if (run === "again" && contender.kind !== "ours") continue;
    const before = server.cpu();
    const cost = await contender.run(wanted);
    shown(`${hosts.length} hosts, ${contender.name}, ${RUNS[run]}`, cost);
    costs[run] = { ...cost, hosts: server.cpu() - before };
    const wrong = contender.kind === "empty" ? [] : hosts.flatMap((host) => host.wrong(wanted));
    if (wrong.length > 0) throw new Error(`${contender.name}, ${RUNS[run]}: ${wrong.slice(0, 5).join("; ")}`);
  }
  return costs;
}

main().catch((error: unknown) => {
  process.stderr.write(`make bench-fleet: ${messageOf(error)}\n`);
  process.exit(1);
});
