/** The images that the nodes are asked to use: two versions of pause, and one for a machine that the nodes are not. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { pack } from "tar-stream";

import { pauseContext } from "../../image/compile";
import { docker } from "../../lab/cluster/docker";
import type { LabInfo } from "../../lab/cluster";
import { registryDigest } from "../../lab/proof";

export interface Image {
  reference: string;
  digest: string;
}

export interface Images {
  A: Image;
  B: Image;
  /** One manifest, for another architecture, under a tag of its own. */
  foreign: Image;
}

const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm64: "arm64", ppc64: "ppc64le", s390x: "s390x" };

export async function pushImages(lab: LabInfo): Promise<Images> {
  const own = ARCHITECTURES[process.arch] ?? process.arch;
  return {
    A: await push(lab, "1.0.0", own),
    B: await push(lab, "1.0.1", own),
    foreign: await push(lab, "1.0.0-foreign", own === "arm64" ? "amd64" : "arm64"),
  };
}

async function push(lab: LabInfo, version: string, arch: string): Promise<Image> {
  const platform = `linux/${arch}`;
  const reference = `${lab.registry.host}/faults/pause:${version}`;
  const context = pauseContext({ platforms: [platform], version });
  // No build: the classic builder cannot build for another platform than its own.
  const archive = pack();
  archive.entry({ name: "pause", mode: 0o755 }, readFileSync(path.join(context, `pause-linux-${arch}`)));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  const changes = ["--change", "USER 65535:65535", "--change", 'ENTRYPOINT ["/pause"]'];
  await docker(["import", "--platform", platform, ...changes, "-", reference], { input: Buffer.concat(chunks) });
  await docker(["push", "--quiet", reference]);
  return { reference, digest: await registryDigest(lab, reference) };
}
