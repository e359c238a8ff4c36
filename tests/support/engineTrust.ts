import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * This machine's address in the docker engine's own network. A registry there is met as any other is, while clients speak
 * plain HTTP to loopback, or verify nothing.
 */
export function bridgeAddress(): string {
  const format = "{{(index .IPAM.Config 0).Gateway}}";
  return execFileSync("docker", ["network", "inspect", "bridge", "--format", format], { encoding: "utf8" }).trim();
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
