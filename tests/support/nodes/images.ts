/** The images that the nodes are asked to use: two versions of pause, and one for a machine that the nodes are not. */

import { pauseContext } from "../../../image/compile";
import { docker } from "../../../lab/cluster/docker";
import type { LabInfo } from "../../../lab/cluster";
import { registryDigest } from "../../../lab/proof";

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

/** Copies first: after any other step the classic builder refuses to copy for another platform than its own. */
const dockerfile = (file: string) => `FROM scratch\nCOPY ${file} /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n`;

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
  // Without the cache: the classic builder takes a cached step of another platform for its own, and then fails on it.
  const build = ["build", "--quiet", "--no-cache", "--platform", platform, "--tag", reference, "--file", "-"];
  await docker([...build, context], { input: dockerfile(`pause-linux-${arch}`) });
  await docker(["push", "--quiet", reference]);
  return { reference, digest: await registryDigest(lab, reference) };
}
