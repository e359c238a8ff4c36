/** Shows that the handmade Pod is a Pod, as a transcript of what anyone can do by hand. */
import Table from "cli-table3";

import { docker } from "../cluster/docker";
import {
  addresses,
  answer,
  CONTAINERS,
  kill,
  NAMESPACES,
  namespaces,
  pauseAddress,
  type Pod,
  PS,
  reap,
  startAgain,
  startedAt,
} from "./checks";

/** Prints to `write` what is done and what is seen. @throws Error if the Pod is not one, saying in what. */
export async function show(pod: Pod, write: (text: string) => void): Promise<void> {
  const named: Pod = { ...pod, ...(await names(pod)) };
  await showAnswer(named, write);
  await showProcesses(named, write);
  await showNamespaces(named, write);
  await showSurvival(named, write);
  await showReaping(named, write);
}

/** Names read better than ids. */
async function names(pod: Pod): Promise<Omit<Pod, "url">> {
  const nameOf = async (id: string) =>
    (await docker(["container", "inspect", "--format", "{{.Name}}", id])).trim().slice(1);
  return { pause: await nameOf(pod.pause), nginx: await nameOf(pod.nginx), app: await nameOf(pod.app) };
}

async function showAnswer(pod: Pod, write: (text: string) => void): Promise<void> {
  const local = { ...pod, url: pod.url.replace("127.0.0.1", "localhost").replace(/\/$/, "") };
  const text = await answer(local);
  write(`\n$ curl ${local.url}\n${text}`);
  expect(text.trim() === "Hello Docker World", `${local.url} answers ${JSON.stringify(text)}`);
}

async function showProcesses(pod: Pod, write: (text: string) => void): Promise<void> {
  const text = await docker(["exec", pod.app, ...PS]);
  write(`\n$ docker exec ${pod.app} ${PS.join(" ")}\n${text}`);
  expect(/^ *1 +0 .* \/pause$/m.test(text), "process 1 in the app's container is not /pause");
  for (const other of ["nginx: master", "java -jar /app.jar"]) expect(text.includes(other), `ps shows no ${other}`);
}

async function showNamespaces(pod: Pod, write: (text: string) => void): Promise<void> {
  const found = await namespaces(pod);
  const table = new Table({ head: ["", ...CONTAINERS, ""], style: { head: [], border: [] } });
  for (const kind of NAMESPACES) {
    const inodes = CONTAINERS.map((container) => found[container][kind]);
    const different = new Set(inodes).size;
    table.push([kind, ...inodes, different === 1 ? "shared" : "each its own"]);
    const right = kind === "mnt" ? CONTAINERS.length : 1;
    expect(different === right, `the ${kind} namespaces are ${inodes.join(", ")}`);
  }
  write(`\nNamespaces (readlink /proc/<pid>/ns/…):\n${table.toString()}\n`);
}

async function showSurvival(pod: Pod, write: (text: string) => void): Promise<void> {
  const [address, since] = [(await addresses(pod)).app, await startedAt(pod.pause)];
  write(`\n$ docker exec ${pod.app} ip -4 -o addr show eth0    # ${address}\n`);
  await kill(pod);
  write(`$ docker kill --signal KILL ${pod.nginx} ${pod.app}\n`);
  write(`  only pause is left, and keeps ${await pauseAddress(pod)}\n`);
  await startAgain(pod);
  const text = (await answer(pod)).trim();
  const now = (await addresses(pod)).app;
  write(`$ docker start ${pod.nginx} ${pod.app}\n  the address is ${now}, and curl prints: ${text}\n`);
  expect(now === address, `the address was ${address} and is ${now}`);
  expect((await startedAt(pod.pause)) === since, "pause was started again");
}

async function showReaping(pod: Pod, write: (text: string) => void): Promise<void> {
  const { orphans, adopted, zombies, left } = await reap(pod, 50);
  write(
    `\n${orphans} processes were left by their parents; pause became the parent of ${adopted}. They were ended while ` +
      `pause was stopped: ${zombies} zombies. It continued: ${left} zombies.\n`,
  );
  expect(adopted === orphans, `pause adopted ${adopted} of ${orphans} orphans`);
  expect(zombies === orphans, `${zombies} of ${orphans} orphans waited for pause: someone else reaps here`);
  expect(left === 0, `${left} zombies are left`);
}

function expect(right: boolean, otherwise: string): void {
  if (!right) throw new Error(`this is no Pod: ${otherwise}`);
}
