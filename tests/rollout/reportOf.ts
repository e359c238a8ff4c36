/** What a node prints at the end of a run. */
export const REPORT = {
  changed: ["/etc/containerd/conf.d/zz-pause-sandbox.toml"],
  digest: `sha256:${"d".repeat(64)}`,
  image: "registry.example.com/platform/pause:1",
  kubelet: "1.35.4",
  node: "a",
  pinned: true,
  previousImage: "registry.k8s.io/pause:3.10",
  restarted: ["containerd"],
  runtime: "containerd",
  runtimeVersion: "2.3.4",
  scriptVersion: "0123456789ab",
  status: "changed",
};
