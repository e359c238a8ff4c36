import { done, failed, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { laneOf } from "../../support/lanes";
import type { Run } from "../../support/nodes/target";
import { BUILT_IN, DockerNode } from "./dockerNode";
import { FAULT_PATH } from "../faults/killed";

const BROKEN = "[Service]\nExecStartPre=/bin/false";
/** In the place of crictl: no sandbox starts, which shows after the restart of the runtime. */
const NO_SANDBOX = `
mkdir -p /tmp/fault
cat >/tmp/fault/crictl <<END
#!/bin/sh
case " \\$* " in *' runp '*) echo 'no sandbox starts today' >&2; exit 1 ;; esac
exec $(command -v crictl) "\\$@"
END
chmod +x /tmp/fault/crictl`;

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
    // systemd's own limit is five in ten seconds: each run restarts it twice, however long that takes here.
    await node.dropIn("10-limit", "[Unit]\nStartLimitIntervalSec=10min\nStartLimitBurst=5", "cri-docker.socket");
    await node.sh(NO_SANDBOX);
    for (let times = 1; times <= 3; times++) {
      const run = await node.run("A", { wrap: ["env", FAULT_PATH] });
      failed(run, /PS-N017 .*no sandbox starts today/);
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
