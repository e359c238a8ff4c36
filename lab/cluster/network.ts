/** The lab's own docker network: fixed addresses, so that certificates and settings can name them. */
import * as os from "node:os";
import { docker, inspectOutput } from "./docker";
import { LABEL, NETWORK, subnetPrefix } from "./layout";

interface NetworkState {
  Name: string;
  /** Those that run, by their ids. Only `network inspect` of one network has them. */
  Containers?: Record<string, { Name: string }>;
  Labels: Record<string, string> | null;
  IPAM: { Config: { Subnet?: string }[] | null };
}

/** Creates the network unless it stands; an overlap with another network is named before the engine refuses it. */
export async function ensureNetwork(): Promise<void> {
  const subnet = `${subnetPrefix()}.0/24`;
  const networks = await listNetworks();
  const own = networks.find((network) => network.Name === NETWORK);
  if (own && subnets(own).includes(subnet)) return;
  if (own) {
    throw new Error(
      `the lab stands on ${subnets(own).join(", ")}, but ${subnet} is asked for (PAUSE_SANDBOX_SUBNET): run make down first`,
    );
  }
  const other = networks.find((network) => subnets(network).some((taken) => overlaps(taken, subnet)));
  if (other) {
    throw new Error(
      `docker network "${other.Name}" already uses ${subnets(other).join(", ")}, which the lab wants (${subnet}): ` +
        "remove that network, or choose another prefix, e.g. PAUSE_SANDBOX_SUBNET=10.99.7",
    );
  }
  refuseHostNetwork(subnet);
  await docker(["network", "create", "--subnet", subnet, "--label", `${LABEL}=network`, NETWORK]);
}

/** The engine would take it, and the host would lose its way to the other network: a VPN's, say. */
function refuseHostNetwork(subnet: string): void {
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    const taken = addresses?.find(({ cidr }) => cidr !== null && overlaps(cidr, subnet))?.cidr;
    if (!taken) continue;
    throw new Error(
      `this host's interface ${name} has ${taken}, which the lab wants (${subnet}): choose another prefix, ` +
        "e.g. PAUSE_SANDBOX_SUBNET=10.99.7",
    );
  }
}

/**
 * Refuses to take the network away under somebody else's containers, which the engine would refuse later and without their names.
 * @param own Ids of the lab's containers.
 */
export async function refuseGuests(own: readonly string[]): Promise<void> {
  const [network] = JSON.parse((await inspectOutput(["network", "inspect", NETWORK])) || "[]") as NetworkState[];
  const guests = Object.entries(network?.Containers ?? {}).filter(([id]) => !own.includes(id));
  if (guests.length === 0) return;
  const names = guests.map(([, { Name }]) => Name).sort();
  throw new Error(
    `the lab's network "${NETWORK}" has containers that are not the lab's: ${names.join(", ")}. Nothing was removed. ` +
      `Take each off it (docker network disconnect ${NETWORK} ${names[0] ?? ""}) or remove it, then run make down again`,
  );
}

export async function removeNetwork(): Promise<void> {
  const ids = await docker(["network", "ls", "-q", "--filter", `label=${LABEL}`, "--filter", `name=^${NETWORK}$`]);
  const found = ids.split("\n").filter(Boolean);
  if (found.length > 0) await docker(["network", "rm", ...found]);
}

async function listNetworks(): Promise<NetworkState[]> {
  const ids = (await docker(["network", "ls", "-q"])).split("\n").filter(Boolean);
  return JSON.parse((await inspectOutput(["network", "inspect", ...ids])) || "[]") as NetworkState[];
}

function subnets(network: NetworkState): string[] {
  return (network.IPAM.Config ?? []).flatMap(({ Subnet }) => (Subnet ? [Subnet] : []));
}

/** Whether two IPv4 networks in CIDR notation have an address in common. */
export function overlaps(a: string, b: string): boolean {
  const [first, second] = [range(a), range(b)];
  return first !== undefined && second !== undefined && first[0] <= second[1] && second[0] <= first[1];
}

function range(cidr: string): [number, number] | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  if (!found) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = found.slice(1).map(Number);
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = address - (address % size);
  return [first, first + size - 1];
}
