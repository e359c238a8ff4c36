import { carriedCases } from "./carriedCases";
import { done, failed, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import type { NodeSettings } from "../../../components/node/nodeSettings";
import { CRI_DOCKERD } from "../../../lab/toolchain/versions";
import { laneOf } from "../../support/lanes";
import { ran } from "../../support/ran";
import { BUILT_IN, DockerNode, DROPIN } from "./dockerNode";
import { giveIPv6, registryIPv6 } from "./ipv6";
import { LOGIN, withTokens } from "./registries";

const flag = "--pod-infra-container-image";
const START = "ExecStart=\nExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd://";

/** How the flag may stand in a unit before us, and what cri-dockerd makes of it. */
const FLAGS: { how: string; service: string; image: string }[] = [
  { how: "not at all", service: START, image: BUILT_IN },
  { how: "with =", service: `${START} ${flag}=one.example.com/pause:1`, image: "one.example.com/pause:1" },
  { how: "with a space", service: `${START} ${flag} one.example.com/pause:1`, image: "one.example.com/pause:1" },
  {
    how: "twice",
    service: `${START} ${flag}=one.example.com/pause:1 --log-level info ${flag} two.example.com/pause:2`,
    image: "two.example.com/pause:2",
  },
  {
    how: "and once more in a variable behind it",
    service: `Environment=OPTIONS=${flag}=two.example.com/pause:2\n${START} ${flag}=one.example.com/pause:1 $OPTIONS`,
    image: "two.example.com/pause:2",
  },
];

/** What docker cannot be told of one registry. */
const REFUSED: { what: string; settings: Partial<NodeSettings>; says: RegExp }[] = [
  { what: "a login", settings: { login: LOGIN }, says: /PS-N022 .*\/\.docker\/config\.json/ },
  { what: "mirrors", settings: { mirrors: ["https://mirror.example.com"] }, says: /PS-N022 .*Docker Hub only/ },
  { what: "plain HTTP", settings: { plainHttp: true }, says: /PS-N022 .*insecure-registries/ },
];

describe("a real node on cri-dockerd", function () {
  this.timeout("15m");
  let shared: Nodes;
  let node: DockerNode;

  const before = async () => {
    shared = await nodes();
    node = await DockerNode.up(shared);
  };
  const it = laneOf("other runtimes", { before, afterEach: () => node.reset() });
  ran("cri-dockerd", () => node.sh("cri-dockerd --version"));
  ran("docker, nodes", () => node.sh("docker --version"));

  it("is healed: a new sandbox runs on the image, which is pinned, and Pods that run keep their processes", async () => {
    assert.equal(await node.startSandbox("before"), BUILT_IN);
    const pod = await node.startPod("first");
    const report = done(await node.run("A"));
    assert.deepEqual(
      [report.runtime, report.runtimeVersion, report.status, report.pinned, report.digest, report.restarted],
      ["cri-dockerd", CRI_DOCKERD, "changed", true, shared.images.A.digest, ["cri-docker", "kubelet"]],
    );
    const ca = `/etc/docker/certs.d/${shared.lab.registry.host}/pause-sandbox-ca.crt`;
    assert.deepEqual(report.changed, [ca, DROPIN, "/var/lib/kubelet/kubeadm-flags.env"]);
    assert.equal(report.previousImage, BUILT_IN);
    assert.equal(await node.startSandbox("after"), shared.images.A.reference);
    assert.deepEqual(await node.podProcesses("first"), pod);
    await node.stopPod("first");
  });

  it("is healed from a registry at an IPv6 address, and a second run has nothing to do", async () => {
    const registry = await registryIPv6();
    await giveIPv6(node.node.container);
    const image = shared.images.A.reference.replace(shared.lab.registry.host, registry);
    const report = done(await node.run("A", { settings: { image } }));
    assert.deepEqual([report.image, report.pinned, report.digest], [image, true, shared.images.A.digest]);
    assert.ok(report.changed.includes(`/etc/docker/certs.d/${registry}/pause-sandbox-ca.crt`), report.changed.join());
    assert.equal(await node.startSandbox("ipv6"), image);
    assert.equal(done(await node.run("A", { settings: { image } })).status, "unchanged");
  });

  it("has nothing to do at a second run, also where a Pod was started in between", async () => {
    const first = await node.sandboxesTried(async () => void done(await node.run("A")));
    assert.ok(first > 0, "the first run tried no sandbox, so that this counts nothing");
    for (const between of ["nothing", "a-pod"]) {
      if (between === "a-pod") await node.startPod(between);
      const processes = await node.processes();
      const tried = await node.sandboxesTried(async () => {
        const run = await node.run("A");
        const { status, changed, restarted } = done(run);
        assert.deepEqual([status, changed, restarted], ["unchanged", [], []], between);
        assert.match(run.stderr, /nothing to do/, between);
      });
      assert.equal(tried, 0, between);
      assert.equal(await node.processes(), processes, between);
    }
    await node.stopPod("a-pod");
  });

  it("is given back byte for byte, and a new sandbox runs on the image of before", async () => {
    done(await node.run("A"));
    const report = done(await node.run("none"));
    assert.deepEqual([report.status, report.image], ["changed", BUILT_IN]);
    assert.deepEqual(await node.changes(), []);
    assert.equal(await node.startSandbox("restored"), BUILT_IN);
    assert.ok(!(await node.argv()).some((word) => word.startsWith(flag)));
  });

  it("pulls with a login that leaves nothing, where tokens are given out", async () => {
    const image = shared.images.A.reference.replace(shared.lab.registry.host, await withTokens());
    const report = done(await node.run("A", { settings: { image, login: { ...LOGIN, keep: false } } }));
    assert.deepEqual([report.image, report.digest], [image, shared.images.A.digest]);
    assert.deepEqual(await node.withLogin(LOGIN), []);
  });

  it("keeps the image while the kubelet deletes others because its disk is full", async () => {
    done(await node.run("A"));
    const before = await node.sh("cat /var/lib/kubelet/config.yaml");
    await node.sh("echo unused >/root/unused; tar -cC /root unused | docker import - unused.example.com/image:1");
    const listed = () => node.sh("docker image ls --format '{{.Repository}}:{{.Tag}}'");
    try {
      // Without capacity isolation a kubelet measures no disk.
      const full = "s/available: 0%/available: 99.9%/g; s/Isolation: false/Isolation: true/; $a imageMinimumGCAge: 1s";
      await node.sh('sed -i "$1" /var/lib/kubelet/config.yaml', full);
      await node.restart("kubelet");
      // The image before ours counts as unused by now, too.
      const kept = () => listed().then((images) => [BUILT_IN, "unused."].some((image) => images.includes(image)));
      await node.until("the kubelet deletes what is not used", async () => !(await kept()));
    } finally {
      await node.sh('printf "%s" "$1" >/var/lib/kubelet/config.yaml', before);
      await node.restart("kubelet");
      await node.loadBuiltIn();
    }
    assert.ok((await listed()).includes(shared.images.A.reference));
    assert.equal(await node.startSandbox("full"), shared.images.A.reference);
  });

  for (const { how, service, image } of FLAGS) {
    it(`whose flag stands there ${how} is healed once, and given back`, async () => {
      await node.dropIn("10-flag", `[Service]\n${service}`);
      await node.restart("cri-docker");
      const before = await node.argv();
      const report = done(await node.run("A"));
      assert.deepEqual([report.previousImage, report.restarted[0]], [image, "cri-docker"]);
      assert.equal(await node.startSandbox("flag"), shared.images.A.reference);
      const again = done(await node.run("A"));
      assert.deepEqual([again.status, again.previousImage], ["unchanged", image]);
      assert.equal(done(await node.run("B")).previousImage, image);
      assert.equal(done(await node.run("none")).image, image);
      assert.deepEqual(await node.argv(), before);
    });
  }

  it("with a socket of its own is asked there", async () => {
    const socket = "/run/own/cri.sock";
    await node.dropIn("10-socket", `[Service]\nRuntimeDirectory=own\n${START.replace("fd://", `unix://${socket}`)}`);
    await node.restart("cri-docker");
    const env = "/var/lib/kubelet/kubeadm-flags.env";
    const before = await node.sh(`cat ${env}`);
    await node.sh(`sed -i 's,/run/cri-dockerd.sock,${socket},' ${env}`);
    await node.restart("kubelet");
    try {
      const report = done(await node.run("A"));
      assert.deepEqual([report.runtime, report.restarted], ["cri-dockerd", ["cri-docker", "kubelet"]]);
      assert.ok((await node.argv()).includes(`${flag}=${shared.images.A.reference}`));
      assert.match(await node.sh("cat /var/lib/pause-sandbox/state"), new RegExp(`^socket ${socket}$`, "m"));
      assert.equal(done(await node.run("A")).status, "unchanged");
      done(await node.run("none"));
    } finally {
      await node.sh(`printf %s "$1" >${env}`, before);
    }
  });

  carriedCases(
    it,
    () => node,
    DockerNode.ways(() => node),
  );

  for (const { what, settings, says } of REFUSED) {
    it(`refuses ${what} before anything is touched, and says what works`, async () => {
      const processes = await node.processes();
      failed(await node.run("A", { settings }), says);
      assert.deepEqual([await node.changes(), await node.processes()], [[], processes]);
    });
  }
});
