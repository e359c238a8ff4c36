import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

import { kubectl, until } from "../../../lab/kubectl";
import { commandLine, TREE } from "../../support/commandLine";
import { atLeast } from "../../support/tier";
import { done, nodes, type Nodes } from "../nodes/lab";
import { sshConfig } from "./sshConfig";

/** What must be the same behind a try. What has ended of a Pod that is gone, the kubelet collects once in a minute. */
const STATE = `crictl pods -q --state Ready | sort; crictl images -q | sort; ls /run/pause-sandbox* 2>/dev/null
  find /etc /root /usr /opt -xdev -printf '%p %C@ %m %s\\n' | sort; findmnt -rno TARGET | grep -v kubelet | sort`;

const ALL = `${STATE}; crictl pods -q; ls /var/log/pods`;

describe("pause-sandbox doctor --try on real nodes", function () {
  this.timeout("10m");
  if (!atLeast("all")) return;
  let shared: Nodes;
  let kubeconfig: string[];
  let host: string[];
  const node = () => {
    const [target] = shared.targets;
    assert.ok(target);
    return target;
  };
  before(async () => {
    shared = await nodes();
    host = ["--host", node().node.name, "-F", sshConfig(shared.lab)];
    kubeconfig = ["--kubeconfig", shared.lab.kubeconfig, "--try", "--namespace", "default"];
    done(await node().run("A"));
  });
  after(async () => {
    done(await node().run("none"));
  });
  const doctor = (...args: string[]) => commandLine(["doctor", ...host, ...args]);
  const pods = () => kubectl(shared.lab, ["get", "pods", "--all-namespaces", "-o", "name"]);
  const ours = async () => (await pods()).split("\n").filter((name) => name.includes("pause-sandbox-try"));

  it("starts a sandbox in the host's network, and leaves nothing behind", async () => {
    const before = await node().sh(ALL);
    const { status, stdout, stderr } = await doctor("--try");
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^node-1: all is well\. A sandbox started here, in the host's network\. /);
    assert.equal(await node().sh(ALL), before);
  });

  it("starts a Pod, shows its address and its events, and leaves nothing behind", async () => {
    const before = await node().sh(STATE);
    const { status, stdout, stderr } = await doctor(...kubeconfig);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /\nnode-1: all is well\. A Pod started here, with the address 10\./);
    assert.match(stdout, /\n {2}Started: /);
    assert.deepEqual(await ours(), []);
    await until("the node to be as before", 60, async () => ((await node().sh(STATE)) === before ? true : undefined));
  });

  it("names why a Pod does not start, and deletes it, after Ctrl-C too", async () => {
    await node().sh("mkdir /run/cni-before; mv /etc/cni/net.d/* /run/cni-before");
    try {
      await node().sh("until crictl info | grep -q NetworkPluginNotReady; do :; done");
      const { status, stdout, stderr } = await doctor(...kubeconfig);
      assert.equal(status, 1, stdout + stderr);
      assert.match(stdout, /\nnode-1: no Pod can start\. Containerd has no network for Pods/);
      assert.match(stdout, /Pod default\/pause-sandbox-try-\w+ did not start here/);
      assert.deepEqual(await ours(), []);
      const args = ["--import", "tsx", path.join(TREE, "cli/main.ts"), "doctor", ...host, ...kubeconfig];
      const child = spawn(process.execPath, args, { cwd: TREE, stdio: "ignore" });
      const ended = once(child, "close");
      const count = async () => (await ours()).length;
      await until("a Pod", 60, async () => ((await count()) > 0 ? true : undefined));
      child.kill("SIGINT");
      assert.deepEqual(await ended, [130, null]);
      await until("no Pod", 60, async () => ((await count()) === 0 ? true : undefined));
    } finally {
      await node().sh("mv /run/cni-before/* /etc/cni/net.d; rmdir /run/cni-before");
      await node().sh("until ! crictl info | grep -q NetworkPluginNotReady; do :; done");
    }
  });
});
