import { done, failed, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { laneOf } from "../../support/lanes";
import type { Run } from "../../support/nodes/target";
import { BUILT_IN, DockerNode } from "./dockerNode";

const BROKEN = "[Service]\nExecStartPre=/bin/false";
const OTHER =
  "[Service]\nExecStart=\nExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd:// --pod-infra-container-image=other.example.com/pause:1";

describe("a real node on cri-dockerd, where something fails", function () {
  this.timeout("15m");
  let shared: Nodes;
  let node: DockerNode;

  const before = async () => {
    shared = await nodes();
    node = await DockerNode.up(shared);
  };
  const it = laneOf("other runtimes", { before, afterEach: () => node.reset() });
  after(() => DockerNode.remove());

  /** Brings the unit into a state in which it neither starts on the files of after nor on those of before. */
  async function breakUnit(): Promise<Run> {
    await node.dropIn("99-broken", BROKEN);
    const run = await node.run("A");
    assert.equal(run.status, 5, run.stderr);
    assert.match(run.stderr, /PS-N015 .*\n[^]*PS-N020 /);
    return run;
  }
  const mendUnit = (): Promise<string> =>
    node.sh("rm /etc/systemd/system/cri-docker.service.d/99-broken.conf; systemctl daemon-reload");
  const active = (): Promise<string> => node.sh("systemctl is-active cri-docker cri-docker.socket docker");

  it("keeps its journal where not even the way back works, and the next apply recovers", async () => {
    await breakUnit();
    assert.equal(await node.sh("ls -d /var/lib/pause-sandbox/journal"), "/var/lib/pause-sandbox/journal\n");
    await mendUnit();
    const run = await node.run("A");
    assert.match(run.stderr, /an earlier run was killed: undoing it first/);
    assert.equal(done(run).image, shared.images.A.reference);
    assert.equal(await active(), "active\nactive\nactive\n");
    assert.equal(await node.startSandbox("recovered"), shared.images.A.reference);
  });

  it("keeps its journal where not even the way back works, and a restore brings the runtime back", async () => {
    await breakUnit();
    await mendUnit();
    const run = await node.run("none");
    assert.match(run.stderr, /an earlier run was killed: undoing it first/);
    assert.equal(done(run).status, "unchanged");
    assert.equal(await active(), "active\nactive\nactive\n");
    assert.equal(await node.startSandbox("restored"), BUILT_IN);
  });

  it("runs on after three failing applies in a row, and so does its socket", async () => {
    await node.dropIn("zzz-other", OTHER);
    // systemd's own limit is five in ten seconds: each run restarts it twice, however long that takes here.
    await node.dropIn("10-limit", "[Unit]\nStartLimitIntervalSec=10min\nStartLimitBurst=5", "cri-docker.socket");
    for (let times = 1; times <= 3; times++) {
      const run = await node.run("A");
      failed(run, /PS-N014 .*zz-pause-sandbox\.conf: cri-dockerd does not use .* it reads other\.example\.com/);
      assert.match(run.stderr, /the node is as it was before this run/);
      assert.equal(await active(), "active\nactive\nactive\n");
    }
  });

  it("is refused without docker's command line, before anything is touched", async () => {
    const processes = await node.processes();
    await node.sh("mv /usr/bin/docker /usr/bin/docker.away");
    try {
      failed(await node.run("A"), /PS-N003 docker is not on PATH/);
    } finally {
      await node.sh("mv /usr/bin/docker.away /usr/bin/docker");
    }
    assert.deepEqual([await node.changes(), await node.processes()], [[], processes]);
  });

  it("is refused where its unit is masked", async () => {
    await node.sh("systemctl mask --quiet cri-docker");
    try {
      const run = await node.run("A");
      assert.equal(run.status, 3, run.stderr);
      assert.match(run.stderr, /PS-N005 cri-docker\.service is masked, .*: systemctl unmask cri-docker/);
    } finally {
      await node.sh("systemctl unmask --quiet cri-docker");
    }
  });

  it("is healed where only its socket is up, which starts it", async () => {
    await node.sh(
      "systemctl stop kubelet cri-docker; systemctl reset-failed cri-docker.socket; systemctl start cri-docker.socket",
    );
    const run = await node.run("A");
    assert.equal(done(run).image, shared.images.A.reference);
    assert.doesNotMatch(run.stderr, /\/proc\/0|No such file/);
    assert.equal(await active(), "active\nactive\nactive\n");
  });

  it("says that the runtime does not answer where service and socket are down, and nothing of /proc/0", async () => {
    await node.sh("systemctl stop kubelet cri-docker cri-docker.socket");
    const run = await node.run("A");
    failed(run, /PS-N010 /);
    assert.doesNotMatch(run.stderr, /\/proc\/0|No such process/);
    assert.deepEqual(await node.changes(), []);
  });
});
