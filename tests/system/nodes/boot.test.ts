import { done, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { parse, stringify } from "yaml";

import type { BootSettings } from "../../../components/boot/bootFiles";
import { type BootForm, renderBootSetup } from "../../../components/boot/renderBootSetup";
import { docker } from "../../../lab/cluster/docker";
import { REGISTRY_CONTAINER } from "../../../lab/cluster/layout";
import { waitFor } from "../../../lab/cluster/wait";
import { kubectl } from "../../../lab/kubectl";
import { lineLog } from "../../../lab/log";
import { HOSTS } from "../../support/nodes/machines";
import { Prober } from "../../support/nodes/prober";
import { Target } from "../../support/nodes/target";
import { bootMachine, JOIN, UPSTREAM } from "./bootMachine";

const BOOT = "pause-sandbox-boot";
const OWNER = "project/stack/boot";

describe("a machine that is made with the payload and joins the cluster", function () {
  this.timeout("15m");
  let shared: Nodes;
  before(async () => {
    shared = await nodes();
  });

  /** The payload as user data, with how the node joins behind it. */
  function userData(form: BootForm): string {
    const { reference, digest } = shared.images.A;
    const settings: BootSettings = { image: reference, digest, ca: shared.caPem };
    const payload = renderBootSetup(settings, form);
    if (form === "shell") return `${payload}${JOIN.join("\n")}\n`;
    const config = parse(payload) as { runcmd: string[] };
    return `#cloud-config\n${stringify({ ...config, runcmd: [...config.runcmd, ...JOIN] }, { lineWidth: 0 })}`;
  }

  const made: Target[] = [];
  after(async () => {
    for (const { node } of made) {
      await docker(["rm", "--force", "--volumes", node.container]);
      await kubectl(shared.lab, ["delete", "node", node.name, "--ignore-not-found"]);
    }
  });

  async function boots(name: string, host: number, form: BootForm): Promise<Target> {
    const image = shared.images.A.reference;
    const { container } = await bootMachine({ name, host, userData: userData(form), image }, lineLog());
    const node = { name, host: "", port: 22, hostKey: "", container, containerd: "1.7.24" };
    const target = new Target(node, shared.images, shared.caPem, new Prober(""));
    made.push(target);
    return target;
  }

  const cursors = new Map<Target, string>();
  /**
   * What a unit said since the machine's last reboot; nothing where it was not started. By a place in the journal: lines of a
   * start that is over before journald reads them have no invocation's id.
   */
  const journal = (target: Target, unit: string): Promise<string> => {
    const since = cursors.get(target);
    const from = since === undefined ? [] : [`--after-cursor=${since}`];
    return target.sh('journalctl --sync; journalctl --no-pager -q -o cat -u "$@"', unit, ...from);
  };
  const everSaid = (target: Target, unit: string): Promise<string> =>
    target.sh('journalctl --no-pager -o cat -u "$1"', unit);

  function ready(target: Target): Promise<void> {
    const status = '{.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.bootID}';
    return waitFor({
      what: `${target.node.name} has joined, and its kubelet runs`,
      timeoutSeconds: 180,
      missing: async () => {
        const now = await kubectl(shared.lab, ["get", "node", target.node.name, "-o", `jsonpath=${status}`]);
        await target.sh("systemctl -q is-active kubelet");
        return now.startsWith("True ") ? undefined : `Ready is ${now}`;
      },
      explain: () => target.sh("cloud-init status --long; systemctl list-jobs; journalctl -b --no-pager -n 60"),
    });
  }

  /** The image of the sandbox of the node's first Pod, once it runs. */
  async function firstSandbox(target: Target): Promise<string> {
    let image = "";
    await waitFor({
      what: `the first Pod of ${target.node.name} runs`,
      timeoutSeconds: 180,
      missing: async () => {
        const ids = await target.sh("crictl ps -q --state Running --name pause");
        if (ids === "") return "its container does not run";
        const pods = await target.sh("crictl pods -q --state Ready --name ^first-");
        image = await target.sh('crictl inspectp -o go-template --template "{{.info.image}}" "$1"', pods.trim());
        return undefined;
      },
      explain: () => target.sh("journalctl -b --no-pager -n 80 -u kubelet -u containerd"),
    });
    return image.trim();
  }

  /** What containerd and the kubelet say of upstream's image, but for the configuration that containerd starts with. */
  const triedUpstream = (target: Target): Promise<string> =>
    target.sh(
      'journalctl --no-pager -o cat -u containerd -u kubelet | grep -F -e "$1" | grep -viF "start cri plugin" || true',
      UPSTREAM.replace(/:.*/, ""),
    );

  const times = async (target: Target): Promise<Record<string, number>> => {
    const show = `systemctl show ${BOOT} -p ExecMainExitTimestampMonotonic; systemctl show kubelet -p ExecMainStartTimestampMonotonic`;
    const pairs = (await target.sh(show)).trim().split("\n");
    return Object.fromEntries(pairs.map((pair) => [pair.split("=")[0] ?? "", Number(pair.split("=")[1])]));
  };

  async function reboot(target: Target): Promise<void> {
    const last = await target.sh("journalctl --sync; journalctl --no-pager -q -o cat -n 1 --show-cursor");
    cursors.set(target, last.replace(/[^]*-- cursor: /, "").trim());
    await docker(["restart", target.node.container]);
    await waitFor({
      what: `${target.node.name} has started its units`,
      timeoutSeconds: 240,
      missing: async () => {
        const jobs = await target.sh("systemctl is-system-running >/dev/null || true; systemctl list-jobs --no-legend");
        await target.sh("systemctl -q is-active kubelet");
        return jobs.trim() === "" ? undefined : jobs;
      },
      explain: () => target.sh("systemctl list-jobs; journalctl -b --no-pager -n 60"),
    });
  }

  describe("as a script in user data", () => {
    let target: Target;
    before(async () => {
      target = await boots("boot-shell", HOSTS.bootShell, "shell");
      await ready(target);
    });

    it("has its first sandbox on our image, and has never tried upstream's", async () => {
      assert.equal(await firstSandbox(target), shared.images.A.reference);
      assert.equal(await triedUpstream(target), "");
      assert.doesNotMatch(await target.sh("crictl images"), /registry\.k8s\.io/);
    });

    it("was healed again before the kubelet that kubeadm starts, with the flag that kubeadm has written", async () => {
      const flags = await target.sh("cat /var/lib/kubelet/kubeadm-flags.env");
      assert.match(flags, new RegExp(`--pod-infra-container-image=${shared.images.A.reference}"`));
      const { ExecMainExitTimestampMonotonic: healed = 0, ExecMainStartTimestampMonotonic: started = 0 } =
        await times(target);
      assert.ok(healed > 0 && healed < started, `healed at ${healed} and the kubelet started at ${started}`);
    });

    it("does nothing at its second boot, before its kubelet starts", async () => {
      await reboot(target);
      assert.match(await journal(target, BOOT), /\[boot-shell\] nothing to do/);
      assert.doesNotMatch(await journal(target, BOOT), /restarting|PS-N/);
      const { ExecMainExitTimestampMonotonic: looked = 0, ExecMainStartTimestampMonotonic: started = 0 } =
        await times(target);
      assert.ok(looked > 0 && looked < started, `looked at ${looked} and the kubelet started at ${started}`);
      assert.equal(await firstSandbox(target), shared.images.A.reference);
    });

    it("is adopted by a stack without a change, also at the boot after that", async () => {
      const adopted = done(await target.run("A", { settings: { owner: OWNER } }));
      assert.deepEqual([adopted.status, adopted.changed, adopted.restarted], ["unchanged", [], []]);
      await reboot(target);
      assert.match(await journal(target, BOOT), /\[boot-shell\] nothing to do/);
      assert.equal(await target.sh("sed -n 's/^owner //p' /var/lib/pause-sandbox/state"), `${OWNER}\n`);
    });

    it("restarts a kubelet that runs, although each start of it waits for the boot unit", async () => {
      const off = done(await target.run("A", { settings: { owner: OWNER, kubeletFlag: false } }));
      assert.deepEqual(off.restarted, ["kubelet"]);
      const on = done(await target.run("A", { settings: { owner: OWNER } }));
      assert.deepEqual(on.restarted, ["kubelet"]);
      await ready(target);
    });

    it("stays as it was once a stack has given it back, also at the next boot", async () => {
      assert.equal(done(await target.run("none", { settings: { owner: OWNER } })).status, "changed");
      assert.equal(await target.sh(`systemctl is-enabled ${BOOT} || true`), "disabled\n");
      await reboot(target);
      assert.equal(await journal(target, BOOT), "");
      assert.match(await target.sh("cat /etc/containerd/config.toml"), new RegExp(`sandbox_image = "${UPSTREAM}"`));
      assert.equal(await target.sh("ls /var/lib/pause-sandbox 2>/dev/null || true"), "");
    });
  });

  describe("as cloud-init's configuration, while its registry is down", () => {
    let target: Target;
    before(async () => {
      await docker(["stop", REGISTRY_CONTAINER]);
      target = await boots("boot-cloud", HOSTS.bootCloud, "cloudInit");
      await ready(target);
    });
    after(async () => {
      await docker(["start", REGISTRY_CONTAINER]);
    });

    it("boots and joins, and its journal says why it is not healed", async () => {
      assert.match(await target.sh("cloud-init status --wait || true"), /status: done/);
      assert.match(await journal(target, BOOT), /PS-N010 image .* cannot be pulled/);
      // It may be in the middle of a pull.
      await waitFor({
        what: "a further try has failed",
        timeoutSeconds: 120,
        missing: async () => {
          const said = await everSaid(target, "pause-sandbox-retry");
          return /PS-N010 image .* cannot be pulled/.test(said) ? undefined : said;
        },
      });
      assert.match(await target.sh("cat /etc/containerd/config.toml"), new RegExp(`sandbox_image = "${UPSTREAM}"`));
    });

    it("boots so a second time", async () => {
      await reboot(target);
      await ready(target);
      assert.match(await journal(target, BOOT), /PS-N010 image .* cannot be pulled/);
    });

    it("is healed by systemd once the registry is there", async () => {
      await docker(["start", REGISTRY_CONTAINER]);
      assert.equal(await firstSandbox(target), shared.images.A.reference);
      await waitFor({
        what: "nothing is tried any more",
        timeoutSeconds: 120,
        missing: async () =>
          (await target.sh("systemctl show pause-sandbox-retry -p ActiveState")).includes("=inactive")
            ? undefined
            : "the unit still runs",
      });
      assert.equal(done(await target.run("A", { settings: { owner: OWNER } })).status, "unchanged");
    });
  });
});
