/** The same nodes with other people's shells and tools first on PATH. */
import { strict as assert } from "node:assert";

import { nodePlans } from "../../../lab/cluster/layout";
import { differing } from "../../support/nodes/snapshot";
import type { Target } from "../../support/nodes/target";
import { done, nodes } from "./lab";

const FLAVOURS: { name: string; folder: string; make: string; says: RegExp }[] = [
  {
    name: "as on RHEL: bash as sh, gawk, a UTF-8 locale",
    folder: "/opt/rhel-like",
    make: 'mkdir -p "$1"; ln -sf /bin/bash "$1/sh"; ln -sf /usr/bin/gawk "$1/awk"',
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
  before(async () => {
    ({ targets } = await nodes());
  });

  for (const { name } of nodePlans()) {
    for (const { name: flavour, folder, make, says } of FLAVOURS) {
      it(`${name}, ${flavour}: is healed, has nothing to do, and is given back byte for byte`, async () => {
        const target = targets.find(({ node }) => node.name === name);
        assert.ok(target);
        await target.sh(make, folder);
        const wrap = ["env", `PATH=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"];
        assert.match(await target.sh(`PATH=${folder}:$PATH; { awk --version || awk; } 2>&1 | head -n 2`), says);
        const before = await target.snapshot();
        const first = done(await target.run("A", { wrap }));
        assert.deepEqual([first.status, first.pinned, first.digest], ["changed", true, target.images.A.digest]);
        const second = done(await target.run("A", { wrap }));
        assert.deepEqual([second.status, second.changed, second.restarted], ["unchanged", [], []]);
        assert.equal(done(await target.run("B", { wrap })).image, target.images.B.reference);
        done(await target.run("none", { wrap }));
        assert.deepEqual(differing(await target.snapshot(), before), []);
        await target.sh('rm -r "$1"', folder);
      });
    }

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
