/** Somebody who follows a page: types its commands, in its order, in a checkout that has nothing else. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { LabInfo } from "../../../lab/cluster";
import { exec } from "../../../lab/cluster/exec";
import { TREE } from "../../../lab/cluster/layout";
import { distrustRegistryInEngine } from "../../../lab/cluster/registry";
import { environmentOfProgram } from "../../../lab/engine";
import { kubectl } from "../../../lab/kubectl";

/** A numbered step of a page: its sentences, and the lines of its block. */
export interface Step {
  readonly text: string;
  readonly commands: readonly string[];
}

/** The numbered steps below a heading of a page. */
export function stepsOf(page: string, heading: string): Step[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split(/^\d+\. /m)
    .slice(1)
    .map((text) => {
      const block = /^ {3,4}```\n([^]*?)^ {3,4}```$/m.exec(text)?.[1] ?? "";
      return {
        text: text.split("```")[0] ?? "",
        commands: block
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean),
      };
    });
}

export interface Ran {
  readonly status: number | null;
  /** What a person sees: both streams. */
  readonly seen: string;
}

/**
 * A person at a machine that has this project's checkout, a key to log in with, and a kubeconfig. Neither this machine's docker engine nor
 * Pulumi's plugins trust the registry.
 */
export class Person {
  private constructor(
    private readonly checkout: string,
    private readonly home: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly values: readonly (readonly [string, string])[],
  ) {}

  static async arrive(lab: LabInfo): Promise<Person> {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-guide-"));
    const checkout = path.join(root, "checkout");
    const files = await exec("git", ["-C", TREE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    for (const file of files.split("\0").filter((name) => name !== "" && fs.existsSync(path.join(TREE, name)))) {
      fs.mkdirSync(path.dirname(path.join(checkout, file)), { recursive: true });
      fs.copyFileSync(path.join(TREE, file), path.join(checkout, file));
    }
    // What `npm ci` would write.
    fs.symlinkSync(path.join(TREE, "node_modules"), path.join(checkout, "node_modules"));
    const home = path.join(root, "ssh");
    fs.mkdirSync(home, { mode: 0o700 });
    fs.copyFileSync(lab.ssh.privateKeyFile, path.join(home, "id_ed25519"));
    fs.chmodSync(path.join(home, "id_ed25519"), 0o600);
    const passphrase = path.join(root, "passphrase");
    fs.writeFileSync(passphrase, "of the guide's stack", { mode: 0o600 });
    fs.mkdirSync(path.join(root, "state"));
    await distrustRegistryInEngine();
    const { env, inline } = await environmentOfProgram();
    const bin = inline ? `${upInline(root)}${path.delimiter}` : "";
    const [one, two] = lab.nodes;
    assert.ok(one && two);
    return new Person(
      checkout,
      home,
      {
        ...process.env,
        ...env,
        HOME: os.userInfo().homedir,
        PATH: `${bin}${env.PATH ?? ""}`,
        KUBECONFIG: lab.kubeconfig,
        PULUMI_HOME: path.join(root, "pulumi"),
        PULUMI_BACKEND_URL: `file://${path.join(root, "state")}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
        PULUMI_SKIP_CONFIRMATIONS: "true",
        SSL_CERT_FILE: undefined,
        NODE_EXTRA_CA_CERTS: undefined,
      },
      [
        ["10.0.0.11", one.host],
        ["10.0.0.12", two.host],
        ["registry.example.com", lab.registry.host],
        ["registry-ca.crt", lab.registry.caFile],
        ["~/.pulumi-ca.crt", path.join(root, "pulumi-ca.crt")],
      ],
    );
  }

  /** Types one line into a shell. The values of the page become those of this cluster; nothing else of the line changes. */
  async type(line: string): Promise<Ran> {
    const [, exported] = /^export (\w+)=/.exec(line) ?? [];
    if (exported === undefined) return this.run(line);
    // A shell of one's own lives on.
    const ran = await this.run(`${line} && printenv ${exported}`);
    this.env[exported] = ran.seen.trim();
    return ran;
  }

  private async run(line: string): Promise<Ran> {
    const typed = this.values.reduce((text, [page, own]) => text.replaceAll(page, own), line);
    const { homedir } = os.userInfo();
    const folder = path.join(homedir, ".ssh");
    // What is mounted upon. It stays, empty: others may use it by then.
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    // ssh takes the home of the user database, not of HOME. Only this shell sees the other folder there.
    const script = 'mount --bind "$1" "$2" && exec bash -c "$3"';
    const args = ["--mount", "--propagation", "private", "bash", "-c", script, "bash", this.home, folder, typed];
    return await new Promise((resolve, reject) => {
      const child = spawn("unshare", args, { cwd: this.checkout, env: this.env, stdio: ["ignore", "pipe", "pipe"] });
      let seen = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (seen += text));
      }
      child.on("error", reject);
      child.on("close", (status) => {
        resolve({ status, seen });
      });
    });
  }

  /** A file of the checkout. */
  read(file: string): string {
    return fs.readFileSync(path.join(this.checkout, file), "utf8");
  }

  leave(): void {
    fs.rmSync(path.dirname(this.checkout), { recursive: true, force: true });
  }
}

/** Without Pulumi's language host for Node.js, `pulumi up` and `preview` are this project's own program under the Automation API. The rest is Pulumi's CLI. */
function upInline(root: string): string {
  const bin = path.join(root, "bin");
  fs.mkdirSync(bin);
  const up = path.join(__dirname, "pulumiUp.ts");
  const tsx = path.join(TREE, "node_modules/tsx/dist/loader.mjs");
  const script = `#!/bin/sh
PATH=\${PATH#*:}
case $1 in
  up | preview) exec node --import '${tsx}' '${up}' "$1" ;;
  *) exec pulumi "$@" ;;
esac
`;
  fs.writeFileSync(path.join(bin, "pulumi"), script, { mode: 0o755 });
  return bin;
}

/** Whether a Pod of the cluster still waits for its sandbox. */
export async function waiting(lab: LabInfo): Promise<string[]> {
  const lines = (await kubectl(lab, ["get", "pods", "-A", "-o", "wide"])).split("\n");
  return lines.filter((line) => line.includes("ContainerCreating"));
}
