/** Shapes of containerd's configuration as nodes have them. A new shape is one entry. */
export interface Shape {
  name: string;
  /** Files under /etc/containerd; `@ETC@` stands for that directory. */
  files: Record<string, string>;
  /** Major versions of containerd that read it. */
  majors: (1 | 2)[];
  /** The first of a version line that reads it, like `2.3`. @default all */
  since?: string;
  /** The file that is to be changed. @default config.toml */
  target?: string;
}

const kubeadm = `# written by hand
version = 2   # the schema
root = "/var/lib/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins]
  [ plugins . 'io.containerd.grpc.v1.cri' ]
	"sandbox_image"	=   'registry.k8s.io/pause:3.6'   # old
    max_concurrent_downloads=5
    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = true
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = ""
`;

const byHand = (version: number): string => `version = ${version}
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = 'registry.k8s.io/pause:3.10'
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = ''
`;

const vendor3 = `version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.nvidia]
  runtime_type = 'io.containerd.runc.v2'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.nvidia.options]
    BinaryName = '/usr/bin/nvidia-container-runtime'
`;

const vendor2 = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
    BinaryName = "/usr/bin/nvidia-container-runtime"
`;

export const shapes: Shape[] = [
  { name: "no file", files: {}, majors: [1, 2] },
  { name: "an empty file", files: { "config.toml": "" }, majors: [1] },
  { name: "only a version, 2", files: { "config.toml": "version = 2\n" }, majors: [1, 2] },
  { name: "only a version, 3", files: { "config.toml": "version = 3\n" }, majors: [2] },
  { name: "only a version, 4", files: { "config.toml": "version = 4\n" }, majors: [2], since: "2.3" },
  { name: "kubeadm's way, version 2", files: { "config.toml": kubeadm }, majors: [1, 2] },
  { name: "CRLF", files: { "config.toml": kubeadm.replaceAll("\n", "\r\n") }, majors: [1, 2] },
  {
    name: "no newline at the end",
    files: { "config.toml": 'version = 2\nroot = "/var/lib/containerd"' },
    majors: [1, 2],
  },
  {
    name: "version 1",
    files: {
      "config.toml": '[plugins.cri]\n  sandbox_image = "k8s.gcr.io/pause:3.1"\n  max_concurrent_downloads = 7\n',
    },
    majors: [1],
  },
  { name: "version 1 without the table", files: { "config.toml": "oom_score = -999\n" }, majors: [1] },
  {
    name: "Debian's package, version 2",
    files: {
      "config.toml":
        'version = 2\n\n[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n    [plugins."io.containerd.grpc.v1.cri".cni]\n      bin_dir = "/usr/lib/cni"\n      conf_dir = "/etc/cni/net.d"\n  [plugins."io.containerd.internal.v1.opt"]\n    path = "/var/lib/containerd"\n',
    },
    majors: [1, 2],
  },
  {
    name: "only a table below the CRI's",
    files: {
      "config.toml":
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n  default_runtime_name = "runc"\n# the end\n',
    },
    majors: [1, 2],
  },
  {
    name: "dotted keys",
    files: {
      "config.toml":
        'version = 2\n[plugins]\n  "io.containerd.grpc.v1.cri".max_concurrent_downloads = 4 # why\n  "io.containerd.grpc.v1.cri".sandbox_image = "a.b/c:1"\n',
    },
    majors: [1, 2],
  },
  {
    name: "dotted keys without ours",
    files: { "config.toml": 'version = 2\nplugins."io.containerd.grpc.v1.cri".max_concurrent_downloads = 4\n' },
    majors: [1, 2],
  },
  {
    name: "text that looks like our table",
    files: {
      "config.toml":
        'version = 2\n# [plugins."io.containerd.grpc.v1.cri"]\n# sandbox_image = "no"\ndisabled_plugins = [ # [plugins]\n  "io.containerd.a#.v1.x", \'io.containerd.c].v1.y\',\n]\n[plugins."io.containerd.grpc.v1.cri"]\n  max_container_log_line_size = 16384\n',
    },
    majors: [1, 2],
  },
  { name: "version 3 by hand", files: { "config.toml": byHand(3) }, majors: [2] },
  { name: "version 4 by hand", files: { "config.toml": byHand(4) }, majors: [2], since: "2.3" },
  {
    name: "version 3 with an empty drop-in directory",
    files: { "config.toml": 'version = 3\nimports = ["@ETC@/conf.d/*.toml"]\n' },
    majors: [2],
    target: "conf.d/zz-pause-sandbox.toml",
  },
  {
    name: "version 2 with a vendor's drop-in",
    files: { "config.toml": `imports = ["@ETC@/conf.d/*.toml"]\n${kubeadm}`, "conf.d/99-nvidia.toml": vendor2 },
    majors: [2],
    target: "conf.d/zz-pause-sandbox.toml",
  },
  {
    name: "version 3 with a vendor's drop-in",
    files: { "config.toml": `imports = ["@ETC@/conf.d/*.toml"]\n${byHand(3)}`, "conf.d/99-nvidia.toml": vendor3 },
    majors: [2],
    target: "conf.d/zz-pause-sandbox.toml",
  },
  {
    name: "1.x with a vendor's drop-in, which replaces the whole table",
    files: { "config.toml": `imports = ["@ETC@/conf.d/*.toml"]\n${kubeadm}`, "conf.d/99-nvidia.toml": vendor2 },
    majors: [1],
    target: "conf.d/99-nvidia.toml",
  },
  {
    name: "a drop-in that already sets the key",
    files: {
      "config.toml": 'version = 3\nimports = ["@ETC@/extra.toml"]\n',
      "extra.toml":
        "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = 'vendor/pause:1'\n",
    },
    majors: [2],
    target: "extra.toml",
  },
];
