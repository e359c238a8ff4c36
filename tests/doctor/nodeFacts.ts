/** The facts of a node on which all is well, but for what a test says. */
import type { Facts } from "../../doctor/facts";

/**
 * Its clock, in seconds: certificates that a test has just made are valid by it, also minutes after this file was loaded. A clock that
 * differs by 300 is a finding.
 */
export const CLOCK = Math.floor(Date.now() / 1000) + 280;

export const DIR = "/etc/containerd/certs.d";

export const runtime = (image: string) => ({
  configPath: DIR,
  image,
  name: "containerd",
  socket: "/run/containerd/containerd.sock",
  startedSeconds: CLOCK - 1000,
  target: "/etc/containerd/config.toml",
  unit: "containerd",
  version: "1.7.28",
});

/** A runtime that serves Pods. */
export const READY = {
  conditions: [
    { type: "RuntimeReady", status: true },
    { type: "NetworkReady", status: true },
  ],
};

/** A line of the journal. */
export const journal = (atSeconds: number, program: string, text: string): string =>
  `${atSeconds}.000000 worker-7 ${program}[12]: ${text}`;

/** What a kubelet says of a sandbox that failed. */
export const failed = (atSeconds: number, pod: string, error: string): string =>
  journal(
    atSeconds,
    "kubelet",
    `E1129 10:00:00.000000 12 kuberuntime_sandbox.go:72] "Failed to create sandbox for pod" err=${JSON.stringify(error)} pod="${pod}"`,
  );

/** @param image What the runtime takes. The image is not on the node yet. */
export function factsOf(image: string, more: Partial<Facts> = {}): Facts {
  const lines = ["1:version = 2", '2:[plugins."io.containerd.grpc.v1.cri"]', `3:  sandbox_image = "${image}"`];
  return {
    host: { architecture: "amd64", epochSeconds: CLOCK, kubernetes: true, name: "worker-7" },
    runtime: runtime(image),
    able: [],
    files: [{ changedSeconds: CLOCK - 2000, lines, path: "/etc/containerd/config.toml" }],
    registry: { directories: [], directory: DIR, files: [], trusted: "" },
    roots: { packed: "", path: "" },
    name: { addresses: ["127.0.0.1"], host: "registry" },
    proxy: [],
    status: READY,
    image: null,
    sandbox: null,
    kubelet: { flagged: [], state: "active", version: "1.34.2" },
    events: [],
    failed: {},
    ...more,
  };
}

/** A node whose containerd cannot use its image: nothing has to be walked to. */
export function sickFacts(image: string, more: Partial<Facts> = {}): Facts {
  return factsOf("pause", { runtime: { ...runtime(image), version: "2.3.1" }, ...more });
}
