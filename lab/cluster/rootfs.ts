/** Debian file systems made with mmdebstrap from the mirror that this host's own apt uses, and kept in the cache. */
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import { existsSync } from "node:fs";
import * as path from "node:path";
import type { Log } from "../log";
import { docker, imageExists } from "./docker";
import { exec } from "./exec";
import { draftOf } from "./files";
import { cacheDir } from "./layout";

export interface RootFs {
  /** Name in the cache and among the engine's images. */
  name: string;
  suite: string;
  /** "minbase" for a system that boots; "extract" for files only, whose maintainer scripts never ran. */
  variant: "minbase" | "extract";
  packages: string[];
  /** Shell commands run after the installation, with the file system at `$1`. */
  hooks: string[];
}

/** The machines' system: one for all roles, since downloading and unpacking is what costs time. */
export const MACHINE_ROOTFS: RootFs = {
  name: "rootfs",
  suite: "trixie",
  variant: "minbase",
  packages: [
    ...["systemd", "systemd-sysv", "procps", "kmod", "mount", "util-linux", "sudo", "openssh-server"],
    ...["containerd", "runc", "conmon", "containernetworking-plugins", "etcd-server", "docker-registry"],
    ...[
      "iproute2",
      "iptables",
      "conntrack",
      "ethtool",
      "socat",
      "curl",
      "ca-certificates",
      "busybox-static",
      "gawk",
      "e2fsprogs",
      "strace",
    ],
  ],
  // Each role enables what it runs, and each machine gets host keys of its own.
  hooks: ['rm -rf "$1"/etc/systemd/system/*.wants "$1"/etc/ssh/ssh_host_*'],
};

/** The same with a docker engine, and what gives CRI-O an image without a registry: only the tests' nodes with those runtimes need it. */
export const DOCKER_ROOTFS: RootFs = {
  ...MACHINE_ROOTFS,
  name: "docker-rootfs",
  packages: [...MACHINE_ROOTFS.packages, "docker.io", "docker-cli", "skopeo", "podman"],
};

/** What the images of the sample Pod are made from: nginx, socat, and a busybox to look around with. */
export const WORKLOAD_ROOTFS: RootFs = {
  name: "workload",
  suite: "trixie",
  variant: "extract",
  packages: ["base-files", "nginx", "socat", "busybox-static"],
  hooks: ['for d in etc var/log/nginx var/lib/nginx run tmp; do mkdir -p "$1/$d"; done'],
};

/** Name of the image for this file system; its tag is a fingerprint of the description. */
export function rootFsReference(rootFs: RootFs): string {
  const key = createHash("sha256").update(JSON.stringify(rootFs)).digest("hex").slice(0, 12);
  return `pause-sandbox-lab/${rootFs.name}:${key}`;
}

/** Makes the file system an image of the engine and returns its reference. */
export async function rootFsImage(rootFs: RootFs, log: Log): Promise<string> {
  const reference = rootFsReference(rootFs);
  if (await imageExists(reference)) return reference;
  const archive = path.join(cacheDir(), "lab", `${path.basename(reference).replace(":", "-")}.tar`);
  if (!existsSync(archive)) {
    await log.step(`install Debian ${rootFs.suite} (${rootFs.packages.length} packages and what they need)`, () =>
      install(rootFs, archive, log),
    );
  }
  await log.step(`import ${path.basename(archive)} into the engine`, () => docker(["import", archive, reference]));
  return reference;
}

async function install(rootFs: RootFs, archive: string, log: Log): Promise<void> {
  const draft = await draftOf(archive);
  const mirror = await hostMirror();
  // Where nothing is installed, the hooks for after the installation are skipped without a word.
  const hookStage = rootFs.variant === "extract" ? "extract" : "customize";
  const args = [
    `--variant=${rootFs.variant}`,
    "--format=tar",
    "--components=main",
    ...(await hostAptOptions()).map((option) => `--aptopt=${option}`),
    ...["doc", "man", "info", "locale"].map((part) => `--dpkgopt=path-exclude=/usr/share/${part}/*`),
    "--dpkgopt=force-unsafe-io",
    `--include=${rootFs.packages.join(",")}`,
    ...rootFs.hooks.map((hook) => `--${hookStage}-hook=${hook}`),
    // The host's way to its mirror is no business of the image, and may hold credentials.
    `--${hookStage}-hook=rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/apt.conf.d/99mmdebstrap`,
    rootFs.suite,
    draft,
    mirror,
  ];
  await exec("mmdebstrap", args, {
    onStderr: (line) => {
      relay(line, log);
    },
  });
  await fs.rename(draft, archive);
}

/** mmdebstrap names each of its stages on a line that starts with "I:"; the rest is for the error message. */
function relay(line: string, log: Log): void {
  if (/^I: (running|downloading|extracting|installing|creating)/.test(line)) log.info(line.slice(3));
}

/** The mirror that the host's apt uses for its own release: no other is known to be reachable from here. */
async function hostMirror(): Promise<string> {
  const release = await fs.readFile("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1]?.replaceAll('"', "") ?? "";
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await exec("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const mirror = targets
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, suite, component]) => suite === codename && component === "main")?.[0];
  if (!mirror || !/^ID="?debian"?$/m.test(release)) {
    throw new Error(
      "no Debian mirror in the host's apt configuration: the lab's machines are installed from the mirror of a Debian " +
        `host; add a source for "${codename || "your release"} main" to /etc/apt/sources.list.d`,
    );
  }
  return mirror;
}

/** How the host's apt reaches its mirror (proxy, time-outs, checks, credentials); mmdebstrap starts from none of it. */
async function hostAptOptions(): Promise<string[]> {
  const dump = await exec("apt-config", ["dump", "--no-empty"]);
  const reach = /^Acquire::(http|https|ftp|Proxy|Proxy-Auto-Detect|Retries|Check-[\w-]+|ForceIPv[46]|Queue-Mode)\b/;
  const options = dump.split("\n").filter((line) => reach.test(line));
  if (existsSync("/etc/apt/auth.conf")) options.push('Dir::Etc::netrc "/etc/apt/auth.conf";');
  if (existsSync("/etc/apt/auth.conf.d")) options.push('Dir::Etc::netrcparts "/etc/apt/auth.conf.d";');
  return [...options, 'Acquire::Languages "none";'];
}
