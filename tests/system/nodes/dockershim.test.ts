/** The seed's own case: a kubelet with the dockershim, where the flag alone decides what a sandbox runs on. */
import { strict as assert } from "node:assert";

import { laneOf } from "../../support/lanes";
import { ran } from "../../support/ran";
import { DockerNode } from "./dockerNode";
import { carriedCases } from "./carriedCases";
import { done, nodes, type Nodes } from "./lab";
import { LOGIN, withTokens } from "./registries";

const FLAG = "--pod-infra-container-image";
/** What the kubelet's flag names. Its registry has a certificate of an authority that the node does not know. */
const UPSTREAM = "k8s.gcr.io/pause:3.5";

describe("a real node on the dockershim", function () {
  this.timeout("15m");
  let shared: Nodes;
  let node: DockerNode;

  const before = async () => {
    shared = await nodes();
    node = await DockerNode.up(shared, "dockershim");
  };
  const it = laneOf("other runtimes", { before });
  ran("dockershim", () => node.sh("kubelet --version"));
  ran("docker, nodes", () => node.sh("docker --version"));
  after(function () {
    this.timeout("2m");
    return DockerNode.remove("dockershim");
  });

  it("starts no sandbox, is healed by the flag alone, has nothing to do, and is given back byte for byte", async () => {
    const flags = async () => (await node.argv("kubelet")).filter((word) => word.startsWith(FLAG));
    await node.givePod("stuck");
    const says = /failed pulling image \W*k8s\.gcr\.io\/pause:3\.5\W.*x509: certificate signed by unknown authority/;
    await node.until("the kubelet to say why no sandbox starts", async () =>
      says.test(await node.sh("journalctl -u kubelet --no-pager -o cat")),
    );

    const { reference, digest } = shared.images.A;
    const report = done(await node.run("A"));
    assert.deepEqual(
      [report.runtime, report.status, report.previousImage, report.digest, report.restarted],
      ["dockershim", "changed", UPSTREAM, digest, ["kubelet"]],
    );
    const ca = `/etc/docker/certs.d/${shared.lab.registry.host}/pause-sandbox-ca.crt`;
    assert.deepEqual(report.changed, [ca, "/var/lib/kubelet/kubeadm-flags.env"]);
    assert.deepEqual(await flags(), [`${FLAG}=${reference}`]);
    const pod = await node.podRuns("stuck");
    const image = "docker inspect -f '{{.Config.Image}}' \"$(docker ps -q --filter name=k8s_POD_stuck-)\"";
    assert.equal((await node.sh(image)).trim(), reference);

    const processes = await node.processes();
    const again = done(await node.run("A"));
    assert.deepEqual([again.status, again.changed, again.restarted], ["unchanged", [], []]);
    assert.equal(await node.processes(), processes);

    done(await node.run("none"));
    assert.deepEqual(await flags(), [`${FLAG}=${UPSTREAM}`]);
    assert.deepEqual(await node.podProcesses("stuck"), pod);
    await node.sh("rm /etc/kubernetes/manifests/stuck.json");
    assert.deepEqual(await node.changes(), []);
  });

  it("pulls with a login that leaves nothing, where tokens are given out", async () => {
    const image = shared.images.A.reference.replace(shared.lab.registry.host, await withTokens());
    const report = done(await node.run("A", { settings: { image, login: { ...LOGIN, keep: false } } }));
    assert.deepEqual([report.image, report.digest], [image, shared.images.A.digest]);
    assert.deepEqual(await node.withLogin(LOGIN), []);
    done(await node.run("none"));
    assert.deepEqual(await node.changes(), []);
  });

  carriedCases(
    it,
    () => node,
    DockerNode.ways(() => node),
  );
});
