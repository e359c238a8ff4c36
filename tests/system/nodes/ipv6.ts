/** IPv6 in the lab: an address for a machine, beside the one that it has, and the lab's registry at such an address. */
import { clusterAuthorities } from "../../../lab/cluster/authorities";
import { docker } from "../../../lab/cluster/docker";
import { exec } from "../../../lab/cluster/exec";
import { NETWORK, REGISTRY_CONTAINER, subnetPrefix } from "../../../lab/cluster/layout";
import { serveAt } from "./registries";

const PORT = 5004;

/** The lab's addresses in IPv6: 10.203.0.12 is 2001:db8:203:0::12. */
const ipv6 = (host: string): string => `2001:db8:${subnetPrefix().split(".").slice(1).join(":")}::${host}`;

let registry: Promise<string> | undefined;

/** @returns `[address]:port` of a registry with the lab's images, and a certificate for its address */
export const registryIPv6 = (): Promise<string> => (registry ??= serve());

async function serve(): Promise<string> {
  await onHost();
  const ip = await giveIPv6(REGISTRY_CONTAINER);
  const { registry: authority } = await clusterAuthorities();
  const name = { name: "registry-ipv6", commonName: "pause-sandbox lab registry" };
  const pair = await authority.issue({ ...name, ip: [ip], usages: ["server"] });
  await serveAt(PORT, pair);
  return `[${ip}]:${PORT}`;
}

/** The engine switches IPv6 off where its network has none. @returns the address of the container, for as long as it runs */
export async function giveIPv6(container: string): Promise<string> {
  const format = `{{.State.Pid}} {{(index .NetworkSettings.Networks "${NETWORK}").IPAddress}}`;
  const [pid = "", ipv4 = ""] = (await docker(["inspect", "-f", format, container])).trim().split(" ");
  const ip = ipv6(ipv4.replace(/.*\./, ""));
  const on = 'echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip -6 addr replace "$1/64" dev eth0 nodad';
  await exec("nsenter", ["--net", "--target", pid, "sh", "-euc", on, "sh", ip]);
  return ip;
}

/** This machine's own address goes with the lab's network. */
async function onHost(): Promise<void> {
  const id = (await docker(["network", "inspect", "-f", "{{.Id}}", NETWORK])).trim();
  await exec("ip", ["-6", "addr", "replace", `${ipv6("1")}/64`, "dev", `br-${id.slice(0, 12)}`, "nodad"]);
}
