/** Healthy nodes of each runtime: all is well, and a look changes nothing. */
import { done, nodes, type Nodes } from "../nodes/lab";
import { strict as assert } from "node:assert";

import { docker } from "../../../lab/cluster/docker";
import { NETWORK, nodePlans } from "../../../lab/cluster/layout";
import { cniConfig } from "../../../lab/cluster/nodeFiles";
import { lineLog } from "../../../lab/log";
import { CONTAINERD } from "../../../lab/toolchain/versions";
import { laneOf } from "../../support/lanes";
import { Prober } from "../../support/nodes/prober";
import { Target } from "../../support/nodes/target";
import { ran } from "../../support/ran";
import { atLeast } from "../../support/tier";
import { crioMachine } from "../nodes/crioMachine";
import { dockerMachine } from "../nodes/dockerMachine";
import { getTools } from "../nodes/tools";
import { listsOf, standInKubelet, verdictOn } from "./machine";

/** Lines of containerd beside those that the nodes have. */
const OTHERS = [CONTAINERD.oldest, ...(atLeast("long") ? CONTAINERD.more : [])];

/** Shell that makes containerd run another's programs, and shell that takes that back. */
const OTHER = `mkdir -p /etc/systemd/system/containerd.service.d
  printf '[Service]\\nExecStart=\\nExecStart=/opt/other/containerd\\nEnvironment=PATH=/opt/other:/usr/sbin:/usr/bin:/sbin:/bin\\n' >/etc/systemd/system/containerd.service.d/other.conf
  systemctl daemon-reload; systemctl restart containerd`;
const OWN = `rm -rf /opt/other /etc/systemd/system/containerd.service.d; systemctl daemon-reload; systemctl restart containerd`;

/** The last one that does not find an image by tag and digest (containerd#13529). */
const LOSES_DIGESTS = "2.3.3";
/** Shell that has the sandbox image by tag and digest ($1), and shell that takes that back. */
const BY_DIGEST = `grep -rlE '^ *sandbox = "' /etc/containerd >/run/by-digest
  xargs sed -i -E 's|^( *sandbox = "[^"@]*)"|\\1@'"$1"'"|' </run/by-digest; systemctl restart containerd`;
const BY_TAG = `xargs sed -i -E 's|^( *sandbox = "[^"@]*)@[^"]*"|\\1"|' </run/by-digest; systemctl restart containerd`;
/** Shell that starts a sandbox, says what became of it, and removes it. */
const SANDBOX = `printf '%s' '{"metadata":{"name":"by-digest","namespace":"d","uid":"u"},"linux":{"security_context":{"namespace_options":{"network":2}}}}' >/run/sandbox.json
  until crictl info >/dev/null 2>&1; do sleep 0.1; done
  crictl runp /run/sandbox.json 2>&1 || true; crictl pods -q --name by-digest | xargs -r crictl rmp -f >/dev/null`;

describe("pause-sandbox doctor on a healthy node", function () {
  this.timeout("15m");
  let shared: Nodes;
  const before = async () => {
    shared = await nodes();
  };
  const other = laneOf("other runtimes", { before });
  after(async () => {
    for (const name of ["crio", "docker"]) await docker(["rm", "--force", "--volumes", `${NETWORK}-${name}`]);
  });

  /** Heals it, and looks. */
  async function well(target: Target): Promise<void> {
    done(await target.run("A"));
    try {
      const before = await listsOf(target.node.container);
      assert.match(await verdictOn(target.node.container), /: all is well\./);
      const after = await listsOf(target.node.container);
      for (const [name, list] of Object.entries(before)) assert.equal(after[name], list, name);
    } finally {
      done(await target.run("none"));
    }
  }

  /** A machine beside the lab's nodes, with a network. */
  async function machine(name: string, container: string, unit: string): Promise<Target> {
    const node = { name, host: "", port: 22, hostKey: "", container, containerd: "" };
    const target = new Target(node, shared.images, shared.caPem, new Prober(""));
    const [plan] = nodePlans();
    assert.ok(plan);
    await target.sh(
      `mkdir -p /opt/cni /etc/cni/net.d; ln -sfn /usr/lib/cni /opt/cni/bin; printf %s "$1" >/etc/cni/net.d/10-lab.conflist
      systemctl restart "$2"; until crictl info | grep -q '"NetworkReady"'; do :; done`,
      cniConfig(plan),
      unit,
    );
    return target;
  }

  // In no lane: when the lanes of the lab's nodes end, another file's `after` still gives the nodes back.
  it("with the containerd of each node of the lab says so, and changes nothing", async () => {
    await before();
    for (const target of shared.targets) await well(target);
  });

  for (const version of OTHERS) {
    describe(`with containerd ${version}`, () => {
      let said = "";
      ran("containerd, exchanged", () => said);

      async function exchanged(run: (target: Target) => Promise<void>): Promise<void> {
        await before();
        const [folder = ""] = getTools(`containerd@${version}`);
        const target = shared.targets[version.startsWith("1.") ? 0 : 1];
        assert.ok(target);
        await docker(["cp", `${folder}/.`, `${target.node.container}:/opt/other`]);
        await target.sh(OTHER);
        try {
          said = await target.sh('/proc/"$(systemctl show -P MainPID containerd)"/exe --version');
          await run(target);
        } finally {
          await target.sh(OWN);
        }
      }

      it("says so, and changes nothing", () => exchanged(well));

      if (version.startsWith("2.3.")) {
        const lost = version === LOSES_DIGESTS;
        const what = lost
          ? "names a sandbox image by tag and digest, which is not found"
          : "starts a sandbox by tag and digest";
        it(what, () =>
          exchanged(async (target) => {
            done(await target.run("A"));
            const { digest } = target.settings("A");
            try {
              await target.sh(BY_DIGEST, digest ?? "");
              const sandbox = await target.sh(SANDBOX);
              assert.match(sandbox, lost ? /failed to get sandbox image .*not found/ : /^[0-9a-f]{64}$/m);
              assert.match(await verdictOn(target.node.container), lost ? /no Pod can start/ : /: all is well\./);
            } finally {
              await target.sh(BY_TAG);
              done(await target.run("none"));
            }
          }),
        );
      }
    });
  }

  other("with CRI-O says so, and changes nothing", async () => {
    const container = await crioMachine(lineLog());
    await standInKubelet(container, "--container-runtime-endpoint=unix:///run/crio/crio.sock");
    await well(await machine("crio", container, "crio"));
  });

  other("with cri-dockerd says so, and changes nothing", async () => {
    await well(await machine("docker", await dockerMachine(lineLog()), "cri-docker"));
  });
});
