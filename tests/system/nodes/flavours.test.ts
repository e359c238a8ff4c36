/** The same nodes with other people's shells and tools first on PATH. */
import { strict as assert } from "node:assert";

import { nodePlans } from "../../../lab/cluster/layout";
import { laneOf } from "../../support/lanes";
import { differing } from "../../support/nodes/snapshot";
import type { Target } from "../../support/nodes/target";
import { atLeast } from "../../support/tier";
import { done, nodes } from "./lab";

/** As kubeadm's package for RHEL has it: the owner's arguments are in /etc/sysconfig/kubelet, and win over kubeadm's. */
const SYSCONFIG = `
unit=$(systemctl show kubelet -p DropInPaths --value | tr ' ' '\\n' | grep kubeadm)
mkdir -p /etc/sysconfig /etc/systemd/system/kubelet.service.d
sed 's#/etc/default/kubelet#/etc/sysconfig/kubelet#' "$unit" >/etc/systemd/system/kubelet.service.d/10-kubeadm.conf
echo 'KUBELET_EXTRA_ARGS="--v=1 --pod-infra-container-image=registry.k8s.io/pause:3.7 --max-pods=77"' >/etc/sysconfig/kubelet
systemctl daemon-reload
systemctl restart kubelet`;
const NO_SYSCONFIG = `
rm /etc/systemd/system/kubelet.service.d/10-kubeadm.conf /etc/sysconfig/kubelet
rmdir /etc/systemd/system/kubelet.service.d /etc/sysconfig 2>/dev/null || true
systemctl daemon-reload
systemctl restart kubelet`;

/** The words that the kubelet runs with. */
const WORDS = 'cat "/proc/$(systemctl show kubelet -p MainPID --value)/cmdline"';

interface Flavour {
  name: string;
  folder: string;
  make: string;
  undo?: string;
  says: RegExp;
  /** Where the kubelet's flag is. */
  flagIn?: string;
}

const FLAVOURS: Flavour[] = [
  {
    name: "as on RHEL: bash as sh, gawk, a UTF-8 locale, /etc/sysconfig/kubelet",
    folder: "/opt/rhel-like",
    make: 'mkdir -p "$1"; ln -sf /bin/bash "$1/sh"; ln -sf /usr/bin/gawk "$1/awk"' + SYSCONFIG,
    undo: NO_SYSCONFIG,
    flagIn: "/etc/sysconfig/kubelet",
    says: /GNU Awk/,
  },
  {
    name: "busybox for all that it can",
    folder: "/opt/busybox",
    make: 'mkdir -p "$1"; busybox --install -s "$1"',
    says: /BusyBox/,
  },
];

describe("nodes with other tools", function () {
  this.timeout("10m");
  let targets: Target[] = [];
  const before = async () => {
    ({ targets } = await nodes());
  };

  for (const [i, { name, initialPause }] of nodePlans().entries()) {
    const it = laneOf(name, { before });
    // A tool does not know the runtime: all of them meet all runtimes in the long form.
    const flavours = FLAVOURS.filter((_, of) => atLeast("long") || of % nodePlans().length === i)
      // A kubelet from 1.35 on does not start with the flag.
      .filter(({ flagIn }) => flagIn === undefined || initialPause !== undefined);
    for (const { name: flavour, folder, make, undo = "", says, flagIn } of flavours) {
      it(`${name}, ${flavour}: is healed, has nothing to do, and is given back byte for byte`, async () => {
        const target = targets.find(({ node }) => node.name === name);
        assert.ok(target);
        await target.sh(make, folder);
        const wrap = ["env", `PATH=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"];
        assert.match(await target.sh(`PATH=${folder}:$PATH; { awk --version || awk; } 2>&1 | head -n 2`), says);
        const before = await target.snapshot();
        const first = done(await target.run("A", { wrap }));
        assert.deepEqual([first.status, first.pinned, first.digest], ["changed", true, target.images.A.digest]);
        if (flagIn !== undefined) {
          assert.ok(first.changed.includes(flagIn), first.changed.join(", "));
          const words = (await target.sh(WORDS)).split("\0");
          const flags = words.filter((word) => word.startsWith("--pod-infra-container-image"));
          assert.deepEqual(flags, [`--pod-infra-container-image=${target.images.A.reference}`]);
          assert.ok(words.includes("--v=1") && words.includes("--max-pods=77"), words.join(" "));
        }
        const second = done(await target.run("A", { wrap }));
        assert.deepEqual([second.status, second.changed, second.restarted], ["unchanged", [], []]);
        assert.equal(done(await target.run("B", { wrap })).image, target.images.B.reference);
        done(await target.run("none", { wrap }));
        assert.deepEqual(differing(await target.snapshot(), before), []);
        await target.sh(`rm -r "$1"${undo}`, folder);
      });
    }

    // Elsewhere all files are new: no drop-in was there, and the kubelet has no flag.
    if (initialPause === undefined) continue;
    it(`${name}, with SELinux labels: an edited file keeps its own, and so does one given back`, async () => {
      const target = targets.find(({ node }) => node.name === name);
      assert.ok(target);
      const files = ["/etc/containerd/config.toml", "/etc/default/kubelet", "/var/lib/kubelet/kubeadm-flags.env"];
      const each = (code: string) => target.sh(`for file; do [ ! -e "$file" ] || ${code}; done`, ...files);
      const labels = () => each('stat -c "%n %C" "$file"');
      // Each another one, so that none is its directory's or a neighbour's.
      await each('chcon "system_u:object_r:$(basename "$file" | tr . _)_t:s0" "$file"');
      const before = await labels();
      assert.match(before, /config\.toml system_u:object_r:config_toml_t:s0/);
      const { changed } = done(await target.run("A"));
      assert.ok(
        changed.some((file) => files.includes(file)),
        changed.join(", "),
      );
      assert.equal(await labels(), before);
      assert.equal(done(await target.run("B")).status, "changed");
      assert.equal(await labels(), before);
      done(await target.run("none"));
      assert.equal(await labels(), before);
    });
  }
});
