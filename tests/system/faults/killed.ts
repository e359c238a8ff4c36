/** The script is ended from outside, at instants that nobody chose. */
import { readFileSync } from "node:fs";
import type { Attempt, Fault, Injected } from "./fault";
import { waitReady, watch } from "./harness";
import type { Random } from "./random";
import { messageOf } from "../../../components/errors";
import { type LabInfo, readLab } from "../../../lab/cluster";
import { docker } from "../../../lab/cluster/docker";
import { waitFor } from "../../../lab/cluster/wait";
import { connected, type Connection } from "../../../lab/plugins/command/connection";
import { delivered } from "../../support/nodes/delivered";
import { type Run, type State, STATES, type Target } from "../../support/nodes/target";

export const KILLED = 137;

const another = (from: State, random: Random): State => random.pick(STATES.filter((state) => state !== from));

/** How far a killed run has come, from what it left. */
export const PHASE = `
cd /var/lib/pause-sandbox 2>/dev/null || { echo before; exit; }
if [ -d commit ]; then echo committed; elif [ -d journal ]; then echo changing; elif [ -d plan ]; then echo planning; else echo between; fi`;

/** `timeout` puts the run in a process group of its own and kills all of it, itself too: nothing is left to clean up. */
export function killAfter(target: Target, to: State, random: Random): Promise<Run> {
  const seconds = random.next() * (target.seconds.get(to) ?? 10);
  return target.run(to, { wrap: ["timeout", "--signal", "KILL", seconds.toFixed(3)] });
}

async function kill9({ target, random, to }: Attempt): Promise<Injected> {
  let run = await killAfter(target, to, random);
  if (run.status !== KILLED) return { run, missed: true };
  let note = (await target.sh(PHASE)).trim();
  // The run that cleans up may be killed as well, and need not be asked for the same.
  const next = random.chance(0.25) ? another(to, random) : to;
  if (random.chance(0.25)) {
    run = await killAfter(target, to, random);
    if (run.status === KILLED) note = `${note}, then ${(await target.sh(PHASE)).trim()}`;
  }
  return { run, next, note };
}

export function connectionTo(target: Target, lab: LabInfo): Connection {
  const { host, port, hostKey } = target.node;
  const privateKey = readFileSync(lab.ssh.privateKeyFile, "utf8");
  return { host, port, hostKey, user: lab.ssh.user, privateKey, dialErrorLimit: 0 };
}

/** Nobody is there any more to be told: the script goes on to its end, whichever that is. */
async function cutSession({ target, random, to }: Attempt): Promise<Injected> {
  const { command, stdin } = await delivered(target.node.container, target.verb(to), target.settings(to));
  const seconds = random.next() * (target.seconds.get(to) ?? 10);
  const ended = await connected(
    connectionTo(target, readLab()),
    new AbortController().signal,
    () => undefined,
    (client) =>
      new Promise<boolean>((resolve, reject) => {
        client.exec(command, (error, channel) => {
          if (error) {
            reject(error);
            return;
          }
          const cut = setTimeout(() => {
            client.destroy();
            resolve(false);
          }, seconds * 1000);
          channel.on("error", () => undefined);
          channel.on("exit", () => {
            clearTimeout(cut);
            resolve(true);
          });
          channel.resume();
          channel.stderr.resume();
          channel.end(stdin);
        });
      }),
  );
  await waitForNoRun(target);
  return ended ? { missed: true } : {};
}

/**
 * A snapshot of a node that is still being changed would say nothing. Every run is a `sh` with our name in its command line, from the
 * check of its script to its end. The brackets keep this search from finding itself.
 */
async function waitForNoRun(target: Target): Promise<void> {
  await waitFor({
    what: `no run is under way on ${target.node.name}`,
    timeoutSeconds: 120,
    missing: async () => {
      const running = await target.sh("pgrep -fa 'sh .*[p]ause-sandbox' || true");
      return running === "" ? undefined : `there is ${running.slice(0, 80)}`;
    },
  });
}

/** Takes the place of a tool for one run (in /tmp, since /run is mounted noexec): stops where it is asked for `restart containerd`, and says so. */
const STOP_AT_RESTART = `
mkdir -p /tmp/fault
cat >/tmp/fault/systemctl <<'END'
#!/bin/sh
if [ "$1 $2" = 'restart containerd' ]; then : >/tmp/fault/reached; exec sleep infinity; fi
exec /usr/bin/systemctl "$@"
END
chmod +x /tmp/fault/systemctl`;

export const FAULT_PATH = "PATH=/tmp/fault:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Its Pods die with the machine: nobody asks them until it is back, but they must come back by themselves. */
async function killMachine({ target, to }: Attempt): Promise<Injected> {
  await target.sh(STOP_AT_RESTART);
  const run = target.run(to, { wrap: ["env", FAULT_PATH] }).catch((error: unknown) => messageOf(error));
  await waitFor({
    what: "the files are written and containerd is about to be restarted",
    timeoutSeconds: 60,
    missing: async () => {
      await target.sh("test -e /tmp/fault/reached");
      return undefined;
    },
  });
  await target.prober.stop();
  await docker(["kill", target.node.container]);
  await run;
  await docker(["start", target.node.container]);
  await waitReady(target);
  await watch(readLab(), target);
  return {};
}

export const killed: Fault[] = [
  { name: "kill -9 at a random instant", runs: { long: 200, short: 8 }, to: another, inject: kill9 },
  { name: "SSH session cut at a random instant", runs: { long: 30, short: 2 }, to: another, inject: cutSession },
  { name: "machine killed between write and restart", runs: { long: 4, short: 1 }, inject: killMachine },
];
