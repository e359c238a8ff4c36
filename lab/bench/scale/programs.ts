/** The two programs that are compared: this project's, and the smallest that runs a command on every node. */
import * as command from "@pulumi/command";

import { PauseImageSource, PauseSandbox } from "../../../components";
import { summaryOf } from "../../../settings/outputs";
import * as pulumi from "@pulumi/pulumi";

export interface Wanted {
  nodes: number;
  /** What a second run changes. */
  tag: string;
  login: boolean;
}

const HOST_KEY = `ssh-ed25519 ${Buffer.from(`\0\0\0\x0bssh-ed25519\0\0\0 ${"k".repeat(32)}`).toString("base64")}`;

/** Both programs log in with the agent: a private key would add the same bytes to both states. */
const host = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const reference = (tag: string): string => `registry.example.com:5000/platform/pause:${tag}`;
const numbers = ({ nodes }: Wanted): number[] => [...Array(nodes).keys()];

/** As index.ts has it, with an image that exists: no image is built, and nothing is asked of a registry. */
function ours(wanted: Wanted): Record<string, unknown> {
  const login = { username: "puller", password: pulumi.secret("p".repeat(32)) };
  const sandbox = new PauseSandbox("pause", {
    image: { reference: reference(wanted.tag), source: PauseImageSource.Existing },
    nodes: numbers(wanted).map((i) => ({
      name: `worker-${i}`,
      connection: { host: host(i), hostKey: HOST_KEY },
    })),
    maxUnavailable: "100%",
    trust: wanted.login ? { login } : undefined,
  });
  return { nodes: sandbox.nodes.apply((reports) => summaryOf(reports).count) };
}

/** One command per node, and no component: what no program of this kind can go below. */
function bare(wanted: Wanted): Record<string, unknown> {
  for (const i of numbers(wanted)) {
    const script = `set -eu; sed -i 's|sandbox_image = .*|sandbox_image = "${reference(wanted.tag)}"|' /etc/containerd/config.toml; systemctl restart containerd`;
    new command.remote.Command(`worker-${i}`, {
      connection: { host: host(i), hostKey: HOST_KEY, dialErrorLimit: 3, perDialTimeout: 15 },
      create: script,
      update: script,
      delete: "systemctl restart containerd",
      addPreviousOutputInEnv: false,
    });
  }
  return { nodes: wanted.nodes };
}

export const PROGRAMS = { bare, ours };
export type ProgramName = keyof typeof PROGRAMS;
