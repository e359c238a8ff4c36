/** The facts of a node on which all is well, but for what a test says. */
import type { Facts } from "../../doctor/facts";

/** Its clock, in seconds: certificates that a test has just made are valid by it. */
export const CLOCK = Math.floor(Date.now() / 1000) + 120;

export const DIR = "/etc/containerd/certs.d";

export const runtime = (image: string) => ({
  configPath: DIR,
  image,
  name: "containerd",
  socket: "/run/containerd/containerd.sock",
  startedSeconds: CLOCK - 1000,
  target: "/etc/containerd/config.toml",
  version: "1.7.28",
});

/** @param image What the runtime takes. The image is not on the node yet. */
export function factsOf(image: string, more: Partial<Facts> = {}): Facts {
  const lines = ["1:version = 2", '2:[plugins."io.containerd.grpc.v1.cri"]', `3:  sandbox_image = "${image}"`];
  return {
    host: { architecture: "amd64", epochSeconds: CLOCK, name: "worker-7" },
    runtime: runtime(image),
    able: [],
    files: [{ changedSeconds: CLOCK - 2000, lines, path: "/etc/containerd/config.toml" }],
    registry: { directories: [], directory: DIR, files: [], trusted: "" },
    roots: { packed: "", path: "" },
    name: { addresses: ["127.0.0.1"], host: "registry" },
    proxy: [],
    image: null,
    kubelet: { flagged: [], state: "active", version: "1.34.2" },
    events: [],
    failed: {},
    ...more,
  };
}
