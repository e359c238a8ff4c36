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

export const CRIO = one("CRIO");
export const CRI_DOCKERD = one("CRI_DOCKERD");
export const CRICTL = one("CRICTL");
export const PULUMI = one("PULUMI");
