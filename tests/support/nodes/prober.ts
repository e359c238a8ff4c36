/** A client that asks a Pod over and over, from another machine of the cluster, and counts what is not answered. */
import { type ChildProcess, spawn } from "node:child_process";

/** How long an answer may take: many times what it takes, so that a busy machine is not a failed request. */
const ANSWER_SECONDS = 5;

/**
 * One process for all requests, without a fork a request. Its input is its clock and its end: nothing ever comes, so that
 * reading waits for the time between two requests, until the input is closed.
 */
const CLIENT = `
ask() {
  exec 3<>"/dev/tcp/$1/80" || return 1
  printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && IFS= read -r -t ${ANSWER_SECONDS} line <&3 && [[ $line == *' 200 '* ]]
}
while :; do
  if { ask "$1"; } 2>/dev/null; then echo ok; else echo failed; fi
  exec 3>&-
  read -r -t "$2"
  [ $? -gt 128 ] || break
done`;

export class Prober {
  answered = 0;
  failed = 0;
  private client: ChildProcess | undefined;

  /**
   * @param machine The container that asks: not the one whose Pod is asked, which may be killed.
   * @param pauseSeconds Between an answer and the next request.
   */
  constructor(
    private readonly machine: string,
    private readonly pauseSeconds = 0.1,
  ) {}

  /** Starts asking the Pod at this address. */
  start(podIp: string): void {
    const client = spawn(
      "docker",
      ["exec", "-i", this.machine, "bash", "-c", CLIENT, "prober", podIp, String(this.pauseSeconds)],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    client.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\n").filter(Boolean)) {
        if (line === "ok") this.answered++;
        else this.failed++;
      }
    });
    this.client = client;
  }

  /** Stops after the request under way. */
  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (!client || client.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      client.once("close", () => {
        resolve();
      });
      client.stdin?.end();
    });
  }

  /** Fails unless the client is at work: one that died has no failed requests either. */
  checkAlive(): void {
    if (!this.client || this.client.exitCode !== null) throw new Error(`the client in ${this.machine} has ended`);
  }
}
