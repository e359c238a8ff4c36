/** What a program has switched off. It is said at every run, since a run that says nothing looks like a safe one. */
import * as pulumi from "@pulumi/pulumi";

import type { ClusterNode } from "./clusterNode";
import { counted } from "./counted";
import type { SshConnection, SshHost } from "./node/connection";
import { isOutput } from "./problems";
import { registryOf } from "./registry/reference";
import { type RegistryTrust, trustOf } from "./registry/trust";

const NAMED = 5;

/** Names of nodes, the first ones and a count. */
const some = (names: readonly string[]): string =>
  names.length > NAMED ? `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more` : names.join(", ");

/** Whether the host, or the jump host in front of it, is logged in to without its key. */
function ignoresHostKey({ insecureIgnoreHostKey, bastion }: SshConnection): boolean {
  return insecureIgnoreHostKey === true || (bastion as SshHost | undefined)?.insecureIgnoreHostKey === true;
}

const hasOutput = (connection: ClusterNode["connection"]): boolean => {
  if (isOutput(connection)) return true;
  const { insecureIgnoreHostKey, bastion } = connection as SshConnection;
  return (
    isOutput(insecureIgnoreHostKey) ||
    isOutput(bastion) ||
    isOutput((bastion as SshHost | undefined)?.insecureIgnoreHostKey)
  );
};

/**
 * What to warn of.
 * @param reference The image.
 */
export function weakenedBy(
  nodes: readonly ClusterNode[],
  trust: pulumi.Input<RegistryTrust> | undefined,
  reference: pulumi.Input<string>,
): pulumi.Output<string[]> {
  // Nobody connects to a host that is gone.
  const there = nodes.filter(({ gone }) => gone !== true);
  // An Output per node of thousands costs more than the nodes themselves.
  const [later, plain] = [
    there.filter(({ connection }) => hasOutput(connection)),
    there.filter(({ connection }) => !hasOutput(connection)),
  ];
  const open = plain.filter(({ connection }) => ignoresHostKey(connection as SshConnection)).map(({ name }) => name);
  const { plainHttp, login } = trustOf(trust);
  const others = later.map(({ connection }) =>
    pulumi.unsecret(pulumi.output(connection).apply((known) => ignoresHostKey(known as SshConnection))),
  );
  const sent = pulumi.output([plainHttp, login]).apply(([http, given]) => http === true && given !== undefined);
  return pulumi.all([pulumi.all(others), pulumi.unsecret(sent), reference]).apply(([loose, isSent, image]) => {
    const names = [...open, ...later.flatMap(({ name }, i) => (loose[i] ? [name] : []))];
    return [
      ...(names.length === 0
        ? []
        : [
            `insecureIgnoreHostKey: host keys are not checked of ${counted(names.length, "node")}: ${some(names)}. ` +
              "An attacker on the network can become root there. Set hostKey",
          ]),
      ...(isSent
        ? [
            `trust.plainHttp: the nodes send trust.login unencrypted to ${registryOf(image)} with every pull. Give the registry TLS`,
          ]
        : []),
    ];
  });
}
