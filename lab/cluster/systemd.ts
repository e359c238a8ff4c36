/** Flags of `docker create` for a machine that boots systemd; /usr/local/sbin/machine-init does the rest inside. */
export const SYSTEMD_FLAGS = [
  // All but one: on hosts where the engine itself lacks CAP_SYS_RESOURCE, --privileged fails, and this does not.
  ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
  // Mounting, namespaces and /proc/sys belong to a machine's daily work.
  ...["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"].flatMap((option) => [
    "--security-opt",
    option,
  ]),
  ...["--device-cgroup-rule", "a *:* rwm"],
  // A cgroup tree of its own, on version 1 and version 2 hosts alike.
  "--cgroupns=private",
  ...["--tmpfs", "/run", "--tmpfs", "/tmp:exec"],
  // Of this container's network name space only.
  ...["--sysctl", "net.ipv4.ip_forward=1"],
];
