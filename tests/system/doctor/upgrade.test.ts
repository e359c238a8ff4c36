import { strict as assert } from "node:assert";
import * as path from "node:path";

import type { Diagnosis } from "../../../doctor/finding";
import { docker } from "../../../lab/cluster/docker";
import { KUBELET } from "../../../lab/toolchain/versions";
import { commandLine } from "../../support/commandLine";
import type { Target } from "../../support/nodes/target";
import { atLeast } from "../../support/tier";
import { done, nodes, type Nodes } from "../nodes/lab";
import { getTools } from "../nodes/tools";
import { sshConfig } from "./sshConfig";

/** Shell that exchanges programs in /usr/bin for others, and back. */
const PUT =
  'for one; do cp -a "/usr/bin/$one" "/run/$one.before"; cp "/root/newer/$one" "/usr/bin/.new"; mv -f /usr/bin/.new "/usr/bin/$one"; done';
const BACK = 'for one; do mv -f "/run/$one.before" "/usr/bin/.old"; mv -f /usr/bin/.old "/usr/bin/$one"; done';
const CONTAINERD = ["containerd", "containerd-shim-runc-v2", "ctr"];
/** What a newer containerd makes of its notes is nothing for an older one. */
const NOTES = "/var/lib/containerd/io.containerd.metadata.v1.bolt";
const CONFIG = "/etc/containerd/config.toml";
/** The test starts it more often than the five times in ten seconds that systemd allows. */
/** containerd is ready for systemd a moment before its CRI takes a call. */
const ANSWERS = "until crictl info >/dev/null 2>&1; do :; done";
const RESET = "systemctl reset-failed containerd 2>/dev/null || true";

describe("pause-sandbox doctor --upgrade-to on real nodes", function () {
  this.timeout("10m");
  if (!atLeast("all")) return;
  let shared: Nodes;
  let ssh: string;
  const node = (): Target => {
    const [target] = shared.targets;
    assert.ok(target);
    return target;
  };
  before(async () => {
    shared = await nodes();
    ssh = sshConfig(shared.lab);
    const [kubelet = "", containerd = ""] = getTools(`kubelet@${KUBELET.newest}`, "containerd");
    await node().sh("mkdir -p /root/newer");
    await docker(["cp", kubelet, `${node().node.container}:/root/newer/kubelet`]);
    for (const one of CONTAINERD) {
      await docker(["cp", path.join(containerd, one), `${node().node.container}:/root/newer/${one}`]);
    }
    done(await node().run("A"));
  });
  after(async () => {
    done(await node().run("none"));
    await node().sh("rm -r /root/newer");
  });

  /** What the report says that does not start. */
  async function stops(to: string): Promise<string[]> {
    const { stdout, stderr } = await commandLine(
      ["doctor", "-F", ssh, "--host", node().node.name, "--upgrade-to", to, "-o", "json"],
      {},
    );
    assert.notEqual(stdout, "", stderr);
    const [one] = (JSON.parse(stdout) as { nodes: Diagnosis[] }).nodes;
    return (one?.upgrade ?? []).filter(({ grade }) => grade === "does not start").map(({ what }) => what);
  }

  it("names the flag with which a kubelet 1.35 does not start, and it starts where that was heeded", async () => {
    const target = node();
    const [said = "", ...others] = await stops("kubernetes=1.35");
    assert.match(said, /^\/var\/lib\/kubelet\/kubeadm-flags\.env:1 has --pod-infra-container-image/);
    assert.deepEqual(others, []);
    await target.sh("cp -a /var/lib/kubelet/kubeadm-flags.env /run/flags.before");
    const started = (
      says: string,
    ) => `systemctl reset-failed kubelet 2>/dev/null || true; began=$(date +%s); systemctl restart kubelet || true
      until journalctl --no-pager -q -u kubelet --since "@$began" | grep -qE "${says}"; do :; done`;
    try {
      await target.sh(PUT, "kubelet");
      await target.sh(started("unknown flag: --pod-infra-container-image"));
      await target.sh("sed -i 's|--pod-infra-container-image=[^ \"]*||' /var/lib/kubelet/kubeadm-flags.env");
      assert.deepEqual(await stops("kubernetes=1.35"), []);
      await target.sh(started("Successfully registered node|Node was previously registered"));
      const state = await target.sh("/usr/bin/kubelet --version; systemctl is-active kubelet");
      assert.ok(state.endsWith(`v${KUBELET.newest}\nactive\n`), state);
    } finally {
      await target.sh(BACK, "kubelet");
      await target.sh(
        `cp -a /run/flags.before /var/lib/kubelet/kubeadm-flags.env; ${started("Node was previously registered")}`,
      );
    }
  });

  it("names the directories with which containerd 2.3 starts no sandbox, and it does where that was heeded", async () => {
    const target = node();
    const image = shared.images.A.reference;
    const pathOf = (directories: string) =>
      target.sh(
        `sed -i 's|config_path = .*|config_path = "${directories}"|' ${CONFIG}; ${RESET}; systemctl restart containerd
        crictl rmi "$1" >/dev/null 2>&1 || true`,
        image,
      );
    const tried = async () =>
      (await commandLine(["doctor", "-F", ssh, "--host", target.node.name, "--try", "-o", "json"])).stdout;
    const started = async () => (JSON.parse(await tried()) as { nodes: Diagnosis[] }).nodes[0]?.tried?.started;
    const upgrade = async () => {
      await target.sh(`systemctl stop containerd; cp -a ${NOTES} /run/notes.before`);
      await target.sh(PUT, ...CONTAINERD);
      await target.sh(`${RESET}; systemctl start containerd`);
    };
    const downgrade = async () => {
      await target.sh("systemctl stop containerd");
      await target.sh(BACK, ...CONTAINERD);
      await target.sh(
        `rm -rf ${NOTES}; cp -a /run/notes.before ${NOTES}; rm -rf /run/notes.before; ${RESET}; systemctl start containerd`,
      );
    };
    await target.sh(`cp -a ${CONFIG} /run/config.before`);
    try {
      for (const heeded of [false, true]) {
        await pathOf(heeded ? "/etc/containerd/certs.d" : "/etc/containerd/certs.d:/etc/docker/certs.d");
        const said = await stops("containerd=2.3");
        assert.deepEqual(said.length, heeded ? 0 : 1, said.join("\n"));
        if (!heeded)
          assert.match(said.join(), /^config_path is ".*:.*", which this containerd takes for one directory/);
        await upgrade();
        try {
          assert.equal(await started(), heeded);
        } finally {
          await downgrade();
        }
      }
    } finally {
      await target.sh(
        `cp -a /run/config.before ${CONFIG}; ${RESET}; systemctl restart containerd; ${ANSWERS}; crictl pull "$1"`,
        image,
      );
    }
  });
});
