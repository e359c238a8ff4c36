/** A machine that is made with the payload as user data, what the tests ask of it, and how it is rebooted. */
import { parse, stringify } from "yaml";

import type { BootSettings } from "../../../components/boot/bootFiles";
import { type BootForm, renderBootSetup } from "../../../components/boot/renderBootSetup";
import type { LabInfo } from "../../../lab/cluster";
import { docker } from "../../../lab/cluster/docker";
import { waitFor } from "../../../lab/cluster/wait";
import { kubectl } from "../../../lab/kubectl";
import { lineLog } from "../../../lab/log";
import { Prober } from "../../support/nodes/prober";
import { Target } from "../../support/nodes/target";
import { bootMachine, JOIN, UPSTREAM } from "./bootMachine";
import type { Nodes } from "./lab";

export const BOOT = "pause-sandbox-boot";
export const HEAL = "pause-sandbox-heal";
export const OWNER = "project/stack/boot";

/** The payload as user data, with how the node joins behind it. */
function userData({ images, caPem }: Nodes, form: BootForm): string {
  const { reference, digest } = images.A;
  const settings: BootSettings = { image: reference, digest, ca: caPem };
  const payload = renderBootSetup(settings, form);
  if (form === "shell") return `${payload}${JOIN.join("\n")}\n`;
  const config = parse(payload) as { runcmd: string[] };
  return `#cloud-config\n${stringify({ ...config, runcmd: [...config.runcmd, ...JOIN] }, { lineWidth: 0 })}`;
}

export class BootNode extends Target {
  private lab: LabInfo | undefined;
  /** A place in the journal, at the last reboot. */
  private cursor: string | undefined;

  /** Makes the machine; its first boot goes on. @param host Last number of its address. */
  static async boots(shared: Nodes, name: string, host: number, form: BootForm): Promise<BootNode> {
    const { lab, images, caPem } = shared;
    const machine = { name, host, userData: userData(shared, form), image: images.A.reference };
    const { container } = await bootMachine(machine, lineLog());
    const node = { name, host: "", port: 22, hostKey: "", container, containerd: "1.7.24" };
    const made = new BootNode(node, images, caPem, new Prober(""));
    made.lab = lab;
    return made;
  }

  async remove(): Promise<void> {
    await docker(["rm", "--force", "--volumes", this.node.container]);
    await this.kubectl("delete", "node", this.node.name, "--ignore-not-found");
  }

  private kubectl(...args: string[]): Promise<string> {
    if (!this.lab) throw new Error(`${this.node.name} was not made by boots()`);
    return kubectl(this.lab, args);
  }

  /**
   * What a unit said since the machine's last reboot; nothing where it was not started. By a place in the journal: lines of a
   * start that is over before journald reads them have no invocation's id.
   */
  journal(unit: string): Promise<string> {
    const from = this.cursor === undefined ? [] : [`--after-cursor=${this.cursor}`];
    return this.sh('journalctl --sync; journalctl --no-pager -q -o cat -u "$@"', unit, ...from);
  }

  everSaid(unit: string): Promise<string> {
    return this.sh('journalctl --no-pager -o cat -u "$1"', unit);
  }

  ready(): Promise<void> {
    const status = '{.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.bootID}';
    return waitFor({
      what: `${this.node.name} has joined, and its kubelet runs`,
      timeoutSeconds: 180,
      missing: async () => {
        const now = await this.kubectl("get", "node", this.node.name, "-o", `jsonpath=${status}`);
        await this.sh("systemctl -q is-active kubelet");
        return now.startsWith("True ") ? undefined : `Ready is ${now}`;
      },
      explain: () => this.sh("cloud-init status --long; systemctl list-jobs; journalctl -b --no-pager -n 60"),
    });
  }

  /** The image of the sandbox of the node's first Pod, once it runs. */
  async firstSandbox(): Promise<string> {
    let image = "";
    await waitFor({
      what: `the first Pod of ${this.node.name} runs`,
      timeoutSeconds: 180,
      missing: async () => {
        const ids = await this.sh("crictl ps -q --state Running --name pause");
        if (ids === "") return "its container does not run";
        const pods = await this.sh("crictl pods -q --state Ready --name ^first-");
        image = await this.sh('crictl inspectp -o go-template --template "{{.info.image}}" "$1"', pods.trim());
        return undefined;
      },
      explain: () => this.sh("journalctl -b --no-pager -n 80 -u kubelet -u containerd"),
    });
    return image.trim();
  }

  /** What containerd and the kubelet say of upstream's image, but for the configuration that containerd starts with. */
  triedUpstream(): Promise<string> {
    return this.sh(
      'journalctl --no-pager -o cat -u containerd -u kubelet | grep -F -e "$1" | grep -viF "start cri plugin" || true',
      UPSTREAM.replace(/:.*/, ""),
    );
  }

  /** When a unit was done, and when the kubelet started. Default: the boot unit. */
  async times(unit = BOOT): Promise<{ healed: number; started: number }> {
    const show = `systemctl show ${unit} -P ExecMainExitTimestampMonotonic; systemctl show kubelet -P ExecMainStartTimestampMonotonic`;
    const [healed = 0, started = 0] = (await this.sh(show)).trim().split("\n").map(Number);
    return { healed, started };
  }

  async reboot(): Promise<void> {
    const last = await this.sh("journalctl --sync; journalctl --no-pager -q -o cat -n 1 --show-cursor");
    this.cursor = last.replace(/[^]*-- cursor: /, "").trim();
    await docker(["restart", this.node.container]);
    await waitFor({
      what: `${this.node.name} has started its units`,
      timeoutSeconds: 240,
      missing: async () => {
        const jobs = await this.sh("systemctl is-system-running >/dev/null || true; systemctl list-jobs --no-legend");
        await this.sh("systemctl -q is-active kubelet");
        return jobs.trim() === "" ? undefined : jobs;
      },
      explain: () => this.sh("systemctl list-jobs; journalctl -b --no-pager -n 60"),
    });
  }
}
