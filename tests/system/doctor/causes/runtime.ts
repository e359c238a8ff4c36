/** Why the runtime starts no sandbox. */
import { type Cause, CONFIG, fails, removed, runcOption, sandbox } from "./cause";

const RUNC = "runc=$(command -v runc)";

/** Where the runtime keeps the files of sandboxes. */
const SANDBOXES = "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes";
const small = (options: string): string => `mount -t tmpfs -o ${options} lab-disk ${SANDBOXES}`;
const NOT_SMALL = `umount ${SANDBOXES} 2>/dev/null || true`;

const SECCOMP =
  '"security_context":{"seccomp":{"profile_type":2,"localhost_ref":"/var/lib/kubelet/seccomp/gone.json"}}';

const HANDLER = `printf '%s\\n' '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.gvisor]' 'runtime_type = "io.containerd.runc.v2"' >>${CONFIG}
  systemctl restart containerd`;

export const RUNTIME: Cause[] = [
  {
    what: "a CRI plugin that is disabled",
    then: `sed -i '1i disabled_plugins = ["io.containerd.grpc.v1.cri"]' ${CONFIG}`,
    remedy: /See docs\/errors\/PS-N024\.md/,
    mend: `sed -i '/^disabled_plugins/d' ${CONFIG}; systemctl restart containerd`,
    code: "PS-D020",
    verdict: /disabled_plugins holds "io\.containerd\.grpc\.v1\.cri"/,
  },
  {
    what: "a configuration that cannot be read",
    tier: "long",
    last: `echo 'this is = = no TOML' >>${CONFIG}`,
    remedy: /See docs\/errors\/PS-N007\.md/,
    mend: `sed -i '$d' ${CONFIG}`,
    code: "PS-D020",
    verdict: /PS-N007/,
  },
  {
    what: "a runc that is missing",
    last: `${RUNC}; mv "$runc" "$runc.own"; ${fails()}`,
    remedy: /Install it where containerd looks for it/,
    mend: 'runc=$(command -v runc.own); cp -a "$runc" "${runc%.own}"',
    undo: 'runc=$(command -v runc.own); mv -f "$runc" "${runc%.own}"',
    code: "PS-D029",
    verdict: /Containerd cannot start runc, which starts containers/,
  },
  {
    what: "a runc that cannot be executed",
    tier: "long",
    node: 2,
    last: `chmod -x "$(command -v runc)"; ${fails()}`,
    remedy: /executable/,
    mend: "chmod 755 /usr/sbin/runc",
    undo: "chmod 755 /usr/sbin/runc",
    code: "PS-D029",
    verdict: /cannot start .*runc, which starts containers: .*(permission|not there)/,
  },
  {
    what: "a runc at another path",
    tier: "long",
    then: runcOption(`'BinaryName = "/opt/lab/runc"'`),
    last: fails(),
    remedy: /correct its path in the runtime's configuration/,
    mend: `sed -i 's|/opt/lab/runc|/usr/sbin/runc|' ${CONFIG}; systemctl restart containerd`,
    code: "PS-D029",
    verdict: /cannot start \/opt\/lab\/runc, which starts containers: /,
  },
  {
    what: "cgroup drivers that differ",
    then: runcOption("'SystemdCgroup = true'"),
    last: fails('"cgroup_parent":"/doctor"'),
    remedy: /Make them equal: SystemdCgroup of runtime runc in containerd's config\.toml/,
    mend: `sed -i 's|SystemdCgroup = true|SystemdCgroup = false|' ${CONFIG}; systemctl restart containerd`,
    code: "PS-D030",
    verdict: /The kubelet and containerd have different cgroup drivers/,
  },
  {
    what: "a disk without space",
    last: `${small("size=64k")}; cat /dev/zero >${SANDBOXES}/full 2>/dev/null || true; ${fails()}`,
    remedy: /Find what fills it: df -h, df -i/,
    mend: `rm ${SANDBOXES}/full`,
    undo: NOT_SMALL,
    code: "PS-D031",
    verdict: /no space or no inodes left/,
  },
  {
    what: "a disk without inodes",
    tier: "long",
    node: 2,
    last: `${small("nr_inodes=3")}; touch ${SANDBOXES}/1 ${SANDBOXES}/2; ${fails()}`,
    remedy: /df -i/,
    mend: `mount -o remount,nr_inodes=1000 ${SANDBOXES}; rm ${SANDBOXES}/1 ${SANDBOXES}/2`,
    undo: NOT_SMALL,
    code: "PS-D031",
    verdict: /no space or no inodes left/,
  },
  {
    what: "a disk that cannot be written",
    last: `${small("ro")}; ${fails()}`,
    remedy: /Repair it and mount it for writing again/,
    mend: `mount -o remount,rw ${SANDBOXES}`,
    undo: NOT_SMALL,
    code: "PS-D032",
    verdict: /Containerd cannot use what it has stored: read-only file system/,
  },
  {
    what: "content that is gone",
    node: 2,
    last: `crictl pull "$1" >/dev/null
      for one in /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/*; do
        if head -c 2000 "$one" | grep -q '"rootfs"'; then rm "$one"; fi
      done; systemctl restart containerd; ${fails()}`,
    remedy: /^Run: (ctr -n k8s\.io content rm sha256:\w+; crictl pull \S*\w)/,
    code: "PS-D032",
    verdict: /cannot use what it has stored: blob not found/,
  },
  {
    what: "a snapshotter that is missing",
    tier: "long",
    then: `printf '%s\\n' '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]' 'runtime_type = "io.containerd.runc.v2"' 'snapshotter = "stargz"' >>${CONFIG}`,
    last: fails(),
    remedy: /correct snapshotter/,
    mend: `sed -i '/stargz/d' ${CONFIG}; systemctl restart containerd`,
    code: "PS-D032",
    verdict: /snapshotter/,
  },
  {
    what: "a runtime class without its handler",
    node: 2,
    last: fails("", "--runtime gvisor"),
    remedy: /Add it: \[plugins\."io\.containerd\.cri\.v1\.runtime"\.containerd\.runtimes\.gvisor\] in its config\.toml/,
    mend: HANDLER,
    code: "PS-D033",
    verdict: /Containerd has no handler "gvisor"/,
  },
  {
    what: "a sandbox whose name is taken",
    last: `${sandbox()}; sh /run/doctor-again >/dev/null; ! crictl runp /run/doctor.json 2>/dev/null`,
    remedy: /(crictl rmp -f [0-9a-f]{64})/,
    mend: `id=$(crictl runp /run/doctor.json); ${removed("$id")}`,
    code: "PS-D034",
    verdict:
      /Pods can start, but something is wrong\. Containerd still has an earlier sandbox of this Pod by the same name/,
  },
  {
    what: "a limit of processes",
    tier: "long",
    last: `tasks=$(systemctl show containerd -P TasksCurrent); systemctl set-property --runtime containerd TasksMax=$tasks; ${fails()}`,
    remedy: /TasksMax of containerd/,
    mend: "systemctl set-property --runtime containerd TasksMax=infinity",
    undo: "systemctl set-property --runtime containerd TasksMax=infinity; systemctl restart containerd",
    code: "PS-D035",
    verdict: /a limit of processes is reached/i,
  },
  {
    what: "a seccomp profile that is missing",
    last: fails(SECCOMP),
    remedy: /localhostProfile of a Pod is a path below \/var\/lib\/kubelet\/seccomp/,
    mend: `mkdir -p /var/lib/kubelet/seccomp; echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >/var/lib/kubelet/seccomp/gone.json`,
    undo: "rm -rf /var/lib/kubelet/seccomp",
    code: "PS-D036",
    verdict: /security profile of a Pod is not on the node: \/var\/lib\/kubelet\/seccomp\/gone\.json/,
  },
  {
    what: "a runtime that does not run",
    node: 2,
    last: "systemctl stop containerd",
    remedy: /^Run: (systemctl start containerd)\./,
    undo: "systemctl start containerd",
    code: "PS-D037",
    verdict: /Containerd does not run/,
  },
  {
    what: "a runtime that hangs",
    tier: "long",
    last: "kill -STOP $(systemctl show containerd -P MainPID)",
    remedy: /(systemctl restart containerd)/,
    undo: "systemctl restart containerd",
    code: "PS-D037",
    verdict: /gives no answer on \/run\/containerd\/containerd\.sock: /,
  },
];
