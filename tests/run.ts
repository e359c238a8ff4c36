/**
 * Runs the suites of a tier (PAUSE_SANDBOX_TIER), or those in the folders named on the command line. Each has a process of its own,
 * since mocks and the real engine cannot share one. Ends with `N passed, N failed, N skipped` over all of them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type Counts, KEPT, RAN, type Result, succeeded, told } from "./runner/result";
import { type Job, schedule } from "./runner/schedule";
import { type Suite, SUITES } from "./runner/suites";
import { currentTier, includes, type Tier } from "./support/tier";
import { messageOf } from "../components/errors";

/** The first waits for the lab, the second works. On two cores, a third one would only take time from both. */
const LANES = 2;

/** Suites run `make` as people do, not as a part of the `make test` that runs them: it would say so on stdout. */
const outside = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^MAKE(FLAGS|LEVEL)$/.test(name)));

/**
 * Where the lab of the tests stands, unless the caller names another: never the one of `make up`, whose nodes would get other kubelets and
 * faults.
 */
const OWN_LAB = {
  PAUSE_SANDBOX_NAME: "pause-tests",
  PAUSE_SANDBOX_SUBNET: "10.203.8",
  PAUSE_SANDBOX_LAB: "/var/lib/pause-sandbox-tests",
};

class Run {
  readonly results: Result[] = [];
  private readonly temporary = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-tests-"));
  private readonly lackingFile = path.join(this.temporary, "lacking");
  private readonly env: NodeJS.ProcessEnv;
  private labFailed = false;

  constructor(
    private readonly suites: readonly Suite[],
    private readonly tier: Tier,
  ) {
    const own = { PAUSE_SANDBOX_TIER: tier, LACKING_FILE: this.lackingFile };
    this.env = { ...outside, ...own };
  }

  /** What this machine lacks; only `make check` leaves something out for it. */
  get lacking(): string[] {
    if (!fs.existsSync(this.lackingFile)) return [];
    return [...new Set(fs.readFileSync(this.lackingFile, "utf8").split("\n").filter(Boolean))].sort();
  }

  async all(): Promise<void> {
    const onLab = this.suites.filter(({ needs }) => needs === "the lab");
    const job = (suite: Suite): Job => ({
      alone: suite.needs === "the lab" || suite.needs === "labs of its own" ? "lab" : undefined,
      run: () => this.suite(suite),
    });
    const jobs = this.suites.map(job);
    // A lab that the caller names, and that stands, is used and left. A single suite takes care of its own.
    if (onLab.length > 0 && this.suites.length > 1 && !namedLabStands()) {
      const last = this.suites.lastIndexOf(onLab.at(-1) as Suite);
      jobs.splice(last + 1, 0, { alone: "lab", run: () => this.lab("down") });
      jobs.unshift({ alone: "lab", run: () => this.lab("up") });
    }
    await schedule(jobs, LANES);
    fs.rmSync(this.temporary, { recursive: true });
  }

  private async lab(verb: "up" | "down"): Promise<void> {
    const command = ["--import", "tsx", "tests/runner/lab.ts", verb];
    const name = `the lab, ${verb}`;
    this.labFailed = false;
    await this.suite({ name, needs: "the lab", command });
    this.labFailed = this.results.some(({ suite, failed }) => suite === name && failed.length > 0);
  }

  private async suite({ name, needs, command, parallel }: Omit<Suite, "tier" | "proves">): Promise<void> {
    if (needs === "the lab" && this.labFailed) {
      const failed = ["did not run: the lab did not come up"];
      this.results.push({ suite: name, seconds: 0, passed: 0, failed, skipped: [], times: [] });
      return;
    }
    const countsFile = path.join(this.temporary, name.replace(/\W/g, "-"));
    const jobs = parallel ? ["--parallel", "--jobs", String(os.availableParallelism())] : [];
    const mocha = ["node_modules/.bin/mocha", ...jobs, "--reporter", "tests/reporter.ts", `${name}/*.test.ts`];
    const started = Date.now();
    process.stdout.write(`# ${name} starts\n`);
    const lab = needs === "the lab" || needs === "labs of its own" ? OWN_LAB : {};
    const env = { ...lab, ...this.env, COUNTS_FILE: countsFile };
    const { status, output } = await spawned(command ?? mocha, env, this.suites.length === 1);
    const seconds = (Date.now() - started) / 1000;
    process.stdout.write(`\n# ${name}\n${output}# ${name} took ${seconds.toFixed(0)} s\n\n`);
    this.results.push({ suite: name, seconds, ...countsOf(countsFile, status, command !== undefined) });
    this.keep(name, output);
  }

  /** After each suite: a run that is ended leaves the times of those that were through. */
  private keep(name: string, output: string): void {
    fs.mkdirSync(KEPT, { recursive: true });
    fs.writeFileSync(path.join(KEPT, `${name.replace(/\W+/g, "-")}.log`), output);
    const suites = this.results.map(({ suite, seconds, times }) => ({ suite, seconds, tests: times }));
    fs.writeFileSync(path.join(KEPT, "times.json"), `${JSON.stringify({ tier: this.tier, suites }, null, 1)}\n`);
  }
}

function namedLabStands(): boolean {
  const folder = process.env.PAUSE_SANDBOX_LAB;
  return folder !== undefined && fs.existsSync(path.join(folder, "lab.json"));
}

const running = new Set<ChildProcess>();

// From a terminal an interrupt reaches all of them; what a program sends reaches this process alone.
process.once("SIGTERM", () => {
  for (const child of running) child.kill("SIGTERM");
  process.exit(143);
});

interface Ended {
  status: string;
  /** Empty where it was shown as it came. */
  output: string;
}

/** Runs Node.js. What suites in two lanes print would mix, so it is kept until the end, unless only one runs. */
function spawned(args: readonly string[], env: NodeJS.ProcessEnv, shown: boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", ...io(shown)] });
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    running.add(child);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ status: String(code ?? signal), output: Buffer.concat(chunks).toString() });
    });
  });
}

const io = (shown: boolean): ["inherit" | "pipe", "inherit" | "pipe"] =>
  shown ? ["inherit", "inherit"] : ["pipe", "pipe"];

function countsOf(file: string, status: string, command: boolean): Counts {
  const none = { passed: 0, failed: [], skipped: [], times: [] };
  if (!fs.existsSync(file)) {
    if (command) return status === "0" ? { ...none, passed: 1 } : { ...none, failed: [`ended with ${status}`] };
    // A suite that died before its end has no counts; it must not pass for one without failures.
    return { ...none, failed: [`ended with ${status}, without its counts`] };
  }
  const counts = JSON.parse(fs.readFileSync(file, "utf8")) as Counts;
  return status === "0" || counts.failed.length > 0 ? counts : { ...counts, failed: [`ended with ${status}`] };
}

function chosen(folders: readonly string[], tier: Tier): Suite[] {
  if (folders.length === 0) return SUITES.filter((suite) => includes(tier, suite.tier));
  const below = (folder: string) => SUITES.filter(({ name }) => name === folder || name.startsWith(`${folder}/`));
  const unknown = folders.filter((folder) => below(folder).length === 0);
  if (unknown.length > 0) {
    throw new Error(`no suites in ${unknown.join(", ")}; there are ${SUITES.map(({ name }) => name).join(", ")}`);
  }
  return [...new Set(folders.flatMap(below))];
}

async function main(folders: readonly string[]): Promise<void> {
  process.stdout.write(`# Node.js ${process.version} (${process.execPath})\n`);
  const tier = currentTier();
  const whole = folders.length === 0 && includes(tier, "all");
  // A run of every suite leaves out nothing that an earlier one noted.
  if (whole) fs.rmSync(path.join(KEPT, RAN), { force: true });
  const run = new Run(chosen(folders, tier), tier);
  await run.all();
  process.stdout.write(`${told(run.results, { lacking: run.lacking, whole }).join("\n")}\n`);
  process.exitCode = succeeded(run.results, whole) ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
