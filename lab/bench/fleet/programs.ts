/** The Pulumi programs of the fleet: this project's, the one that people write first, and an empty one. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as fs from "node:fs";

import { PauseImageSource, PauseSandbox } from "../../../components";
import { summaryOf } from "../../../settings/outputs";
import type { Wanted } from "./wanted";

type Program = (wanted: Wanted) => Record<string, unknown>;

const privateKey = ({ keyFile }: Wanted) => pulumi.secret(fs.readFileSync(keyFile, "utf8"));

const ours: Program = (wanted) => {
  const { hosts, reference, digest, hostKey, ca, recheck } = wanted;
  const key = privateKey(wanted);
  const sandbox = new PauseSandbox("pause", {
    image: { reference, digest, source: PauseImageSource.Existing },
    nodes: hosts.map((host) => ({ name: host, connection: { host, hostKey, privateKey: key } })),
    maxUnavailable: "100%",
    trust: { ca },
    recheck,
  });
  return { nodes: sandbox.nodes.apply((reports) => summaryOf(reports).count) };
};

/** A command per step, each after the one before it. */
const naive: Program = (wanted) => {
  const privateKeyOfAll = privateKey(wanted);
  for (const host of wanted.hosts) {
    const connection = { host, hostKey: wanted.hostKey, privateKey: privateKeyOfAll };
    let before: command.remote.Command | undefined;
    for (const [step, script] of Object.entries(steps(wanted))) {
      const options = before ? { dependsOn: before } : {};
      before = new command.remote.Command(`${host}-${step}`, { connection, create: script }, options);
    }
  }
  return { hosts: wanted.hosts.length };
};

function steps({ registry, reference, ca }: Wanted): Record<string, string> {
  const certs = `/etc/containerd/certs.d/${registry}`;
  const config = "/etc/containerd/config.toml";
  return {
    folder: `mkdir -p ${certs}`,
    ca: `cat >${certs}/ca.crt <<'EOF'\n${ca.trim()}\nEOF`,
    hosts: `cat >${certs}/hosts.toml <<'EOF'\n${hostsToml({ registry })}EOF`,
    keep: `cp ${config} /var/lib/config.toml.before`,
    image: `sed -i 's|sandbox_image = .*|sandbox_image = "${reference}"|' ${config}`,
    pull: `crictl pull ${reference}`,
    restart: "systemctl restart containerd",
    check: `crictl inspecti -o go-template --template '{{.status.pinned}}' ${reference} | grep -q '^true'`,
  };
}

/** How the registry is reached, as all contenders but this project write it. */
export function hostsToml({ registry }: Pick<Wanted, "registry">): string {
  const url = `https://${registry}`;
  const ca = `/etc/containerd/certs.d/${registry}/ca.crt`;
  return `server = "${url}"\n\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n  ca = "${ca}"\n`;
}

export const PROGRAMS = { ours, naive, empty: (() => ({})) as Program };
export type ProgramName = keyof typeof PROGRAMS;
