/** A machine with real systemd and real containerd that other people's files are laid over; its kubelet is a stand-in. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { Verb } from "../../../components/node/nodeCommand";
import { type NodeSettings } from "../../../components/node/nodeSettings";
import type { LabInfo } from "../../../lab/cluster";
import { docker, inContainer } from "../../../lab/cluster/docker";
import { address, INTERCEPTED_HOSTS, NETWORK, nodePlans, registryIp } from "../../../lab/cluster/layout";
import { ensureCreated, start } from "../../../lab/cluster/machine";
import { cniConfig, containerdConfig } from "../../../lab/cluster/nodeFiles";
import { SYSTEMD_FLAGS } from "../../../lab/cluster/systemd";
import { waitFor } from "../../../lab/cluster/wait";
import { delivered, logIn } from "../../support/nodes/delivered";
import { KUBELET_BEGUN } from "../../support/nodes/kubeletBegun";
import { type Run, runProgram } from "../../support/nodes/target";

export const DATA = path.join(__dirname, "data");

/** What the kubelet that runs has: its words, and its environment without what systemd gives again at each start. */
export interface Running {
  argv: string[];
  environ: string[];
}

const OWN = /^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MEMORY_PRESSURE_\w+)=/;
const PLACES =
  "/etc/default /etc/systemd /etc/kubernetes /etc/containerd /usr/lib/systemd/system /opt /var/lib/kubelet";

export class CaseMachine {
  private constructor(readonly container: string) {}

  /** @param host Last number of its address. */
  static async start(lab: LabInfo, name: string, host: number): Promise<CaseMachine> {
    const [plan] = nodePlans();
    if (!plan) throw new Error("the lab has no node");
    const like = lab.nodes.find((node) => node.name === plan.name)?.container ?? "";
    const image = (await docker(["inspect", "--format", "{{.Config.Image}}", like])).trim();
    const machine = {
      container: `${NETWORK}-${name}`,
      role: "node" as const,
      image,
      ip: address(host),
      flags: [
        ...[...SYSTEMD_FLAGS, "--volume", "/var/lib/containerd", "--volume", "/var/lib/kubelet"],
        ...INTERCEPTED_HOSTS.flatMap((host) => ["--add-host", `${host}:${registryIp()}`]),
      ],
      files: [
        { path: "/etc/containerd/config.toml", content: containerdConfig(plan) },
        { path: "/etc/cni/net.d/10-lab.conflist", content: cniConfig(plan) },
        { path: "/etc/kubernetes/lab-routes.sh", content: "" },
      ],
    };
    const { outcome } = await ensureCreated(machine);
    if (outcome !== "kept") await start(machine);
    const cases = new CaseMachine(machine.container);
    await waitFor({
      what: "containerd answers",
      timeoutSeconds: 60,
      missing: () =>
        inContainer(machine.container, ["crictl", "version"]).then(
          () => undefined,
          () => "it does not yet",
        ),
      explain: () => inContainer(machine.container, ["journalctl", "-u", "containerd", "--no-pager", "-n", "30"]),
    });
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-cases-"));
    const program = path.join(folder, "kubelet");
    const flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"];
    execFileSync("gcc", [...flags, "-o", program, path.join(__dirname, "kubelet.c")]);
    await cases.sh("systemctl stop kubelet; rm -f /usr/bin/kubelet");
    await docker(["cp", program, `${machine.container}:/usr/bin/kubelet`]);
    fs.rmSync(folder, { recursive: true });
    await cases.sh(`tar -C / -cf /root/before.tar ${PLACES}`);
    return cases;
  }

  sh(script: string, ...args: string[]): Promise<string> {
    return inContainer(this.container, ["sh", "-euc", script, "case", ...args]);
  }

  /** Everything as the image has it, then the files of a case over it, and its kubelet started. */
  async lay(folder: string): Promise<void> {
    const has = (name: string) => fs.existsSync(path.join(folder, name));
    await this.sh(
      `systemctl stop kubelet || true
      chattr -i /etc/containerd/config.toml 2>/dev/null || true
      systemctl stop snap.kubelet.daemon 'field-*' 2>/dev/null || true
      umount /etc/containerd/config.toml 2>/dev/null || true
      umount /etc/containerd 2>/dev/null || true
      rm -rf /etc/kubelet-version /var/lib/pause-sandbox /opt/cfg
      for place in ${PLACES.replace("/var/lib/kubelet", "").replace("/opt ", "")}; do rm -rf "$place"; done
      rm -rf /var/lib/kubelet/*
      tar -C / -xf /root/before.tar`,
    );
    if (has("own"))
      await this.sh("rm -rf /usr/lib/systemd/system/kubelet.service /usr/lib/systemd/system/kubelet.service.d");
    if (has("version")) await docker(["cp", path.join(folder, "version"), `${this.container}:/etc/kubelet-version`]);
    if (has("root")) await docker(["cp", "--archive", `${path.join(folder, "root")}/.`, `${this.container}:/`]);
    if (has("pre")) await this.sh(fs.readFileSync(path.join(folder, "pre"), "utf8"));
    await this.sh(
      `chown -R 0:0 /etc/default /etc/systemd /etc/kubernetes /etc/containerd /opt 2>/dev/null || true
      systemctl daemon-reload
      systemctl reset-failed kubelet containerd 2>/dev/null || true
      systemctl restart containerd || true
      systemctl restart kubelet || true`,
    );
  }

  /** Path, kind, mode, owner, link and hash of every file that a run may touch. */
  files(): Promise<string> {
    return this.sh(
      `find ${PLACES} -path /opt/cni -prune -o -printf '%p %y %m %U:%G %l\\n' | sort
      find ${PLACES} -path /opt/cni -prune -o -type f -exec sha256sum {} + | sort`,
    );
  }

  async running(): Promise<Running> {
    await this.sh(KUBELET_BEGUN);
    const read = (what: string) =>
      this.sh(
        `pid=$(systemctl show kubelet -p MainPID | sed 's/.*=//'); [ "$pid" != 0 ] || exit 0; base64 -w0 "/proc/$pid/${what}"`,
      ).then((text) => Buffer.from(text, "base64").toString().split("\0").filter(Boolean));
    return { argv: await read("cmdline"), environ: (await read("environ")).filter((one) => !OWN.test(one)).sort() };
  }

  async run(verb: Verb, settings: NodeSettings): Promise<Run> {
    const { command, stdin } = await delivered(this.container, verb, settings);
    return runProgram("docker", logIn(this.container, command), stdin);
  }

  async remove(): Promise<void> {
    await docker(["rm", "--force", "--volumes", this.container]);
  }
}
