import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * This machine's address in the docker engine's own network. A registry there is met as any other is, while clients speak
 * plain HTTP to loopback, or verify nothing.
 */
export function bridgeAddress(): string {
  // Its IPAM settings have no gateway until the engine has been started a second time; the interface has the address.
  const format = '{{index .Options "com.docker.network.bridge.name"}}';
  const inspect = ["network", "inspect", "bridge", "--format", format];
  const bridge = execFileSync("docker", inspect, { encoding: "utf8" }).trim();
  // `ip`, and not os.networkInterfaces(): that leaves out a bridge that no container is on.
  const addresses = execFileSync("ip", ["-4", "-o", "address", "show", "dev", bridge], { encoding: "utf8" });
  const address = /inet ([0-9.]+)\//.exec(addresses)?.[1];
  if (address === undefined) throw new Error(`the docker engine's bridge ${bridge} has no IPv4 address`);
  return address;
}

// So Mocha ends a suite that is interrupted; nothing would be taken back.
process.once("SIGTERM", () => process.exit(143));

/**
 * Has the docker engine trust an authority for one registry; it needs no restart to see that.
 * @returns takes it back, as the end of this process does
 */
export function trustInEngine(host: string, authority: Buffer): () => void {
  const folder = path.join("/etc/docker/certs.d", host);
  const takeBack = () => {
    fs.rmSync(folder, { recursive: true, force: true });
    process.off("exit", takeBack);
  };
  process.on("exit", takeBack);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "ca.crt"), authority);
  return takeBack;
}
