/**
 * The checks of `kubeadm init`, which pull pause from the repository of all of kubeadm's images, under a tag of kubeadm's own. They run
 * behind nodes.test.ts: tests of other files run side by side, and this one changes both nodes.
 */
import { nodes } from "./lab";
import { strict as assert } from "node:assert";

import { docker } from "../../../lab/cluster/docker";
import { openStack } from "../../../lab/engine";
import { KUBERNETES } from "../../../lab/toolchain/versions";
import { ran } from "../../support/ran";
import { atLeast } from "../../support/tier";
import { getTools } from "./tools";

/** A folder of its own for certificates: that of a node, which has some, would be refused. */
const configuration = (imageRepository: string): string => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: { criSocket: "unix:///run/containerd/containerd.sock" }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
imageRepository: ${imageRepository}
kubernetesVersion: v${KUBERNETES}
certificatesDir: /root/kubeadm/pki
`;

const PULL =
  "/root/kubeadm/kubeadm init phase preflight --config /root/kubeadm/config.yaml --ignore-preflight-errors=all 2>&1";

if (atLeast("long")) {
  describe("kubeadm on a node", function () {
    this.timeout("10m");
    let said = "";
    ran("kubeadm", () => said);

    it("pulls our image under its own tag of pause if alsoTags has that tag, and fails on pause if not", async () => {
      const { lab, targets } = await nodes();
      const target = targets.find(({ node }) => node.name === "node-2");
      assert.ok(target);
      const repository = `${lab.registry.host}/kubeadm`;
      const reference = `${repository}/pause:1.0.0`;
      const [kubeadm = ""] = getTools("kubeadm");
      await target.sh('mkdir /root/kubeadm && printf %s "$1" >/root/kubeadm/config.yaml', configuration(repository));
      await docker(["cp", kubeadm, `${target.node.container}:/root/kubeadm/kubeadm`]);
      said = await target.sh("/root/kubeadm/kubeadm version -o short");
      const images = await target.sh("/root/kubeadm/kubeadm config images list --config /root/kubeadm/config.yaml");
      const [, pause = "", tag = ""] = /^(\S+\/pause:(\S+))$/m.exec(images) ?? [];
      const without = (image: string): string => `[WARNING ImagePull]: failed to pull image ${image}`;
      try {
        await (await openStack(lab, { reference })).up();
        const before = await target.sh(PULL);
        assert.ok(before.includes(without(pause)), before);

        const { outputs } = await (await openStack(lab, { reference, alsoTags: [tag] })).up();
        const after = await target.sh(PULL);
        assert.ok(!after.includes(without(pause)), after);
        // The registry has none of the others.
        assert.ok(after.includes(without(`${repository}/etcd:`)), after);
        const pulled = await target.sh('crictl inspecti "$1"', pause);
        assert.ok(pulled.includes(`${repository}/pause@${String(outputs.digest?.value)}`), pulled);
      } finally {
        await (await openStack(lab, { reference })).destroy();
        await target.sh('rm -r /root/kubeadm; crictl rmi "$1"', pause);
      }
    });
  });
}
