/**
 * What the doctor costs for a fleet: `make bench-doctor NODES=500`. ssh is a script that answers with the facts of a real node's size, so
 * that only the doctor is measured. Fails when 500 nodes take more than a minute or 400 MB on two idle cores.
 */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

import { messageOf } from "../../components/errors";
import { fakeSsh } from "../../tests/doctor/fakeSsh";
import { CLOCK, failed, sickFacts } from "../../tests/doctor/nodeFacts";

const TREE = path.join(__dirname, "../..");
const MOST = { seconds: 60, megabytes: 400, nodes: 500 };
const ROOTS = "/etc/ssl/certs/ca-certificates.crt";

function factsOfOne(name: string) {
  const roots = fs.existsSync(ROOTS) ? gzipSync(fs.readFileSync(ROOTS)).toString("base64") : "";
  const error =
    "rpc error: code = Unknown desc = failed to get sandbox image: x509: certificate signed by unknown authority";
  return {
    ...sickFacts(""),
    // A registry that nobody reaches: each node is walked from.
    runtime: {
      ...sickFacts("").runtime,
      image: "registry.bank.example:5000/platform/pause:1.0.0",
      version: "2.3.7",
    } as never,
    host: { architecture: "amd64", epochSeconds: CLOCK, kubernetes: true, name },
    roots: { packed: roots, path: ROOTS },
    events: Array.from({ length: 100 }, (_, at) => failed(CLOCK - 100 + at, `web/a-${at}`, `${error} ${at}`)),
  };
}

function main(): void {
  const nodes = Number(process.argv[2] ?? MOST.nodes);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-bench-"));
  try {
    const names = Array.from({ length: nodes }, (_, at) => `worker-${at + 1}`);
    fakeSsh(folder, Object.fromEntries(names.map((name) => [name, factsOfOne(name)])));
    fs.writeFileSync(path.join(folder, "hosts"), names.join("\n"));
    const note = path.join(folder, "usage");
    const preload = path.join(folder, "usage.cjs");
    const write = `require("node:fs").writeFileSync(${JSON.stringify(note)}, JSON.stringify(process.resourceUsage()))`;
    fs.writeFileSync(preload, `process.on("exit", () => ${write})`);
    const began = process.hrtime.bigint();
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...["--require", preload, "--import", "tsx", "cli/main.ts"], "doctor", "--hosts", path.join(folder, "hosts")],
      {
        cwd: TREE,
        encoding: "utf8",
        maxBuffer: 1 << 28,
        env: { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}` },
      },
    );
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const [first = ""] = stdout.split("\n");
    if (status !== 1 || !first.startsWith(`${nodes} of ${nodes}: `))
      throw new Error(`ended with ${String(status)}: ${first}\n${stderr}`);
    const { maxRSS } = JSON.parse(fs.readFileSync(note, "utf8")) as NodeJS.ResourceUsage;
    const megabytes = maxRSS / 1024;
    const version = execFileSync("node", ["--version"], { encoding: "utf8" }).trim();
    process.stdout.write(`${nodes} nodes: ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB (Node.js ${version})\n`);
    if (nodes <= MOST.nodes && (seconds > MOST.seconds || megabytes > MOST.megabytes)) {
      throw new Error(`more than ${MOST.seconds} s or ${MOST.megabytes} MB`);
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`make bench-doctor: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
