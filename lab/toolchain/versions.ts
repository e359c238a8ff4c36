/** The versions that `lab/toolchain/versions` names: what the lab and the tests run, by its use. */
import * as fs from "node:fs";
import * as path from "node:path";

const lines = fs.readFileSync(path.join(__dirname, "versions"), "utf8").matchAll(/^([A-Z_0-9]+)="?([0-9. ]+)"?$/gm);
const named = new Map([...lines].map(([, name = "", versions = ""]) => [name, versions.split(" ")]));

function all(name: string): string[] {
  const versions = named.get(name);
  if (!versions) throw new Error(`lab/toolchain/versions has no line ${name}=`);
  return versions;
}

const one = (name: string): string => all(name)[0] ?? "";

/** Of the control plane and of kubectl. */
export const KUBERNETES = one("KUBERNETES");

export const KUBELET = {
  newest: KUBERNETES,
  /** Knows the flag, as the last minor release. */
  flagged: one("KUBELET_FLAGGED"),
  /** Its garbage collection keeps what the flag names, as the last minor release. For `make test-long`. */
  collecting: one("KUBELET_COLLECTING"),
  /** Has the dockershim in it. */
  dockershim: one("KUBELET_DOCKERSHIM"),
  /** Further ones, for `make test-long`. */
  more: all("KUBELET_MORE"),
};

export const CONTAINERD = {
  newest: one("CONTAINERD"),
  /** The last line of 1.x. */
  one: one("CONTAINERD_1"),
  oldest: one("CONTAINERD_OLDEST"),
  /** Further ones, for `make test-long`. */
  more: all("CONTAINERD_MORE"),
};

/** With further ones, for `make test-long`. */
export const CRIO = { newest: one("CRIO"), more: all("CRIO_MORE") };

export const CRI_DOCKERD = one("CRI_DOCKERD");
export const CRICTL = one("CRICTL");
export const PULUMI = one("PULUMI");
/** The oldest that README.md allows, for `make test-long`. */
export const PULUMI_OLDEST = one("PULUMI_OLDEST");

/** The version of the SDK whose plugin it is. */
export const DOCKER_BUILD = one("DOCKER_BUILD");

/** Of Node.js, where the machine's own is too old. */
export const NODE = one("NODE");
/** The oldest that `engines` allows, and the newest. Only the package is tried on these. */
export const NODE_MORE = all("NODE_MORE");
