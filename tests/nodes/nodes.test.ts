import "./environment";
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";

import { type NodeReport, parseReport } from "../../components/nodeScript";
import { clusterDown, clusterUp, type LabInfo, readLab } from "../../lab/cluster";
import { waitForNode } from "../../lab/cluster/api";
import { clusterAuthorities } from "../../lab/cluster/authorities";
import { docker, inContainer } from "../../lab/cluster/docker";
import { KUBERNETES, nodePlans } from "../../lab/cluster/layout";
import { waitFor } from "../../lab/cluster/wait";
import { lineLog } from "../../lab/log";
import { registryDigest } from "../../lab/proof";
import { pushImages } from "../faults/images";
import { Prober } from "../faults/prober";
import { type Run, type State, Target } from "../faults/target";

/** The first line of kubelets that does not know the flag any more. */
const NEWER = "1.35.4";
const flag = "--pod-infra-container-image";

const FLAG_FILES = "cat /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet 2>/dev/null || true";
const CONFIGURATION =
  "find /etc/containerd /etc/default /var/lib/kubelet/kubeadm-flags.env /etc/systemd/system -printf '%p %y %m %U:%G\\n' -type f -exec sha256sum {} +";

describe("real nodes", function () {
  this.timeout("20m");
  let lab: LabInfo;
  let newer = "";
  let targets: Target[] = [];
  const stoodBefore = stands();

  before(async () => {
    newer = execFileSync(path.join(__dirname, "../../lab/toolchain/get"), [`kubelet@${NEWER}`], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    lab = await clusterUp(lineLog());
    const images = await pushImages(lab);
    const caPem = readFileSync(lab.registry.caFile, "utf8");
    targets = lab.nodes.map((node) => new Target(node, images, caPem, new Prober("")));
  });

  after(async () => {
    if (!stoodBefore) await clusterDown(lineLog());
  });

  const on = (name: string): Target => {
    const target = targets.find(({ node }) => node.name === name);
    assert.ok(target);
    return target;
  };
  const done = (run: Run): NodeReport => {
    assert.equal(run.status, 0, run.stderr);
    return parseReport(run.stdout);
  };
  const apply = async (target: Target, to: State = "A"): Promise<NodeReport> => done(await target.run(to));
  const look = (target: Target): Promise<string> => target.sh(CONFIGURATION);

  async function ready(target: Target): Promise<void> {
    const plan = nodePlans().find(({ name }) => name === target.node.name);
    assert.ok(plan);
    await waitForNode(await clusterAuthorities(), plan);
  }

  /** Puts another kubelet in place as a package does: a new file, renamed, then a restart, whatever comes of that. */
  async function swapKubelet(target: Target, binary: string): Promise<void> {
    await docker(["cp", binary, `${target.node.container}:/usr/bin/kubelet.new`]);
    await target.sh("mv -f /usr/bin/kubelet.new /usr/bin/kubelet; systemctl restart kubelet || true");
  }

  for (const { name } of nodePlans()) {
    it(`${name}: applied, nothing to do, another image, given back byte for byte`, async () => {
      const target = on(name);
      const before = await look(target);
      const first = await apply(target);
      assert.deepEqual([first.status, first.pinned, first.digest], ["changed", true, target.images.A.digest]);
      assert.deepEqual(first.restarted, ["containerd", "kubelet"]);
      const second = await apply(target);
      assert.deepEqual([second.status, second.changed, second.restarted], ["unchanged", [], []]);
      const other = await apply(target, "B");
      assert.deepEqual([other.image, other.pinned], [target.images.B.reference, true]);
      const back = done(await target.run("none"));
      assert.equal(back.status, "changed");
      assert.equal(await look(target), before);
      await ready(target);
    });

    it(`${name}: the same bytes under another tag are the same image`, async () => {
      const target = on(name);
      await apply(target);
      const { reference } = target.images.A;
      const alias = `${reference}-alias`;
      await docker(["tag", reference, alias]);
      await docker(["push", "--quiet", alias]);
      const settings = { image: alias, digest: await registryDigest(lab, alias) };
      const report = done(await target.run("A", { settings }));
      assert.deepEqual([report.image, report.pinned], [alias, true]);
      assert.equal(done(await target.run("A", { settings })).status, "unchanged");
      done(await target.run("none"));
    });
  }

  it("an edited hosts.toml stays, and the CA that it names with it", async () => {
    const target = on("node-2");
    await apply(target);
    const dir = `/etc/containerd/certs.d/${lab.registry.host}`;
    await target.sh('echo "# mine" >>"$1/hosts.toml"', dir);
    const run = await target.run("none");
    done(run);
    assert.match(run.stderr, /ca\.crt stays: .*hosts\.toml, which was edited since, refers to it/);
    assert.equal(await target.sh('cd "$1" && ls', dir), "ca.crt\nhosts.toml\n");
    await target.sh('rm -r "$1"; rmdir "${1%/*}" 2>/dev/null || true', dir);
  });

  it(`a kubelet upgraded to ${NEWER} under the flag does not start; the next apply strips it and heals the node`, async () => {
    const target = on("node-1");
    const old = await kubeletOf(target);
    await apply(target);
    assert.match(await target.sh(FLAG_FILES), new RegExp(`${flag}=`));
    await swapKubelet(target, newer);
    await waitFor({
      what: "the new kubelet to refuse the flag",
      timeoutSeconds: 60,
      missing: async () =>
        (await target.sh("journalctl -b -u kubelet -n 400 --no-pager")).includes(`unknown flag: ${flag}`)
          ? undefined
          : "no such line in its log",
    });
    const report = await apply(target);
    assert.deepEqual([report.kubelet, report.restarted], [NEWER, ["kubelet"]]);
    assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag));
    await ready(target);
    assert.equal((await apply(target)).status, "unchanged");

    done(await target.run("none"));
    assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag), "restore brings the flag back");
    await ready(target);
    await swapKubelet(target, old);
  });

  it(`a node with a kubelet ${NEWER} joins one with ${KUBERNETES}, and never gets the flag`, async () => {
    const target = on("node-2");
    const old = await kubeletOf(target);
    await target.sh(`sed -i 's/ *${flag}=[^ "]*//' /var/lib/kubelet/kubeadm-flags.env`);
    await swapKubelet(target, newer);
    await ready(target);
    const before = await look(target);
    const report = await apply(target);
    assert.deepEqual([report.kubelet, report.pinned, report.restarted], [NEWER, true, ["containerd"]]);
    assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag));
    await ready(target);
    done(await target.run("none"));
    assert.equal(await look(target), before);
    await swapKubelet(target, old);
  });

  /** A copy of the node's own kubelet, for the way back: the lab may stand on. */
  async function kubeletOf(target: Target): Promise<string> {
    const file = path.join(process.env["PAUSE_SANDBOX_LAB"] ?? "", `kubelet-${target.node.name}`);
    await docker(["cp", `${target.node.container}:/usr/bin/kubelet`, file]);
    assert.match(await inContainer(target.node.container, ["/usr/bin/kubelet", "--version"]), new RegExp(KUBERNETES));
    return file;
  }
});

function stands(): boolean {
  try {
    readLab();
    return true;
  } catch {
    return false;
  }
}
