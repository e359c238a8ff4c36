/** How the doctor reaches a node: the system's own ssh, or this machine itself. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { Duplex } from "node:stream";

import { CouldNotLook } from "./facts";
import { sshFailure, tellingLines } from "./sshFailure";
import { doctorParts, running, unpacking } from "../components/node/program";

/** A node, and what can be done there without changing it. */
export interface Reach {
  /** As it was given. */
  readonly name: string;
  /** What ssh is given beside it; missing where no ssh is needed. */
  readonly options?: readonly string[];
  /**
   * Runs the doctor's program.
   * @param tries Whether it starts a sandbox too, in the host's network, and removes it. Default: false.
   * @throws CouldNotLook where it did not run.
   */
  run(tries?: boolean): Promise<string>;
  /**
   * Runs the node script's verb `plan`, which changes nothing either.
   * @param stdin The program with its settings.
   * @throws CouldNotLook where it did not run, or was refused.
   */
  plan(stdin: string): Promise<Said>;
  /** A connection that starts on the node. Where it cannot be had, the stream ends with an error that says why. */
  dial(host: string, port: number): Duplex;
}

/** What a program printed. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as a shell takes it on stdin; braces make a transfer that is cut do nothing. */
export function doctorStdin(tries = false): string {
  const verb = tries ? " try" : "";
  return `{ ${unpacking(doctorParts)}\n${running("pause-sandbox-doctor")}${verb} </dev/null;exit;}\n`;
}

/** Users other than root become root the way that their node lets them, without a question. */
const asRoot = (shell: string): string => `if [ "$(id -u)" = 0 ]; then exec ${shell}; else exec sudo -n ${shell}; fi`;
/** A command that any log-in shell takes, fish and csh too: words, and single quotes. */
const inSh = (command: string): string => `exec sh -c '${command}'`;
const LOOK = asRoot("sh");
const PLAN = asRoot("sh -s -- plan");

/** This machine. */
export const local = (name: string, seconds = TIMEOUT_SECONDS): Reach => ({
  name,
  run: async (tries) => (await collect("sh", ["-c", LOOK], { stdin: doctorStdin(tries), seconds })).stdout,
  plan: (stdin) => collect("sh", ["-c", PLAN], { stdin, seconds }),
  dial: (host, port) => connect({ host, port }),
});

/**
 * A machine that ssh reaches. Its configuration, known hosts, agent and keys are ssh's own business.
 * @param options Given to ssh as they are, such as `-J` and `jump.example.com`.
 * @param seconds How long a program may take there, log-in included.
 */
export const overSsh = (host: string, options: readonly string[] = [], seconds = TIMEOUT_SECONDS): Reach => {
  // ssh ends by itself where the connection is dead.
  const alive = ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"];
  const base = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", ...alive, ...options];
  const inside = (command: string, stdin: string): Promise<Said> => {
    const why = (ended: Ended) => sshFailure(host, base, ended);
    return collect("ssh", [...base, "-T", "--", host, inSh(command)], { stdin, seconds, why });
  };
  return {
    name: host,
    options,
    run: async (tries) => (await inside(LOOK, doctorStdin(tries))).stdout,
    plan: (stdin) => inside(PLAN, stdin),
    dial: (to, port) => piped("ssh", [...base, "-o", "ClearAllForwardings=no", "-W", `[${to}]:${port}`, "--", host]),
  };
};

/** In seconds. A look takes some, on a slow node some ten. */
export const TIMEOUT_SECONDS = 120;
/** In characters, of stdout and of stderr. Facts have some 200 kB. */
const LONGEST_OUTPUT = 4 << 20;
/** In characters, of what ssh says of a connection. */
const LONGEST_TEXT = 4096;

/** How a program ended that failed. */
interface Ended {
  readonly status: number | null;
  readonly said: string;
}

interface Limits {
  readonly stdin: string;
  readonly seconds: number;
  /** Default: the last line that it said. */
  readonly why?: (ended: Ended) => Promise<string>;
}

function collect(program: string, args: readonly string[], { stdin, seconds, why }: Limits): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "pipe" });
    const refuse = (text: string) => {
      clearTimeout(timer);
      reject(new CouldNotLook(text));
    };
    const stop = (text: string) => {
      refuse(text);
      child.kill("SIGKILL");
      // What it has started may hold these open.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    };
    const timer = setTimeout(() => {
      stop(`no answer in ${seconds} s`);
    }, seconds * 1000);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
        if (said[name].length > LONGEST_OUTPUT) stop(`it printed more than ${LONGEST_OUTPUT >> 20} MiB`);
      });
    }
    child.on("error", (error) => {
      refuse(`${program}: ${error.message}`);
    });
    // A node that refuses the log-in takes no input; what it said counts.
    child.stdin.on("error", () => undefined);
    child.on("close", (status) => {
      clearTimeout(timer);
      const last = said.stderr.trim().split("\n").pop() ?? "";
      const text = last === "" ? `${program} ended with ${String(status)}` : last;
      if (status === 0) resolve(said);
      else
        void (why?.({ status, said: said.stderr }) ?? Promise.resolve(text)).then(refuse, () => {
          refuse(text);
        });
    });
    child.stdin.end(stdin);
  });
}

/** A child's stdin and stdout as one stream; what it says when it fails is the stream's error. */
function piped(program: string, args: readonly string[]): Duplex {
  const child = spawn(program, args, { stdio: "pipe" });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-LONGEST_TEXT)));
  child.stdin.on("error", () => undefined);
  const stream = new Duplex({
    read: () => child.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      child.stdin.write(chunk, () => {
        done();
      });
    },
    final: (done) => {
      child.stdin.end(done);
    },
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.on("error", (error) => stream.destroy(error));
  child.on("close", (status) => {
    const lines = tellingLines(said);
    // The first line has the reason. The last one says only that forwarding failed, or that the connection was closed.
    const why = lines.find((line) => line.includes("open failed")) ?? lines[0] ?? "";
    if (status === 0) stream.push(null);
    else stream.destroy(new Error(why === "" ? `${program} ended with ${String(status)}` : why));
  });
  return stream;
}
