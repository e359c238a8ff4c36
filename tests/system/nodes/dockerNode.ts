/** The lab's nodes with docker, and what the tests ask of it and do to it. */
import { strict as assert } from "node:assert";
import * as path from "node:path";

import { docker } from "../../../lab/cluster/docker";
import { labDir } from "../../../lab/cluster/layout";
import { waitFor } from "../../../lab/cluster/wait";
import { lineLog } from "../../../lab/log";
import { Prober } from "../../support/nodes/prober";
import { differing, type Snapshot } from "../../support/nodes/snapshot";
import { Target } from "../../support/nodes/target";
import { type DockerKind, dockerMachine } from "./dockerMachine";
import type { Ways } from "./carriedCases";
import { done, type Nodes } from "./lab";

/** What cri-dockerd has built in. On this node it was pulled before upstream's registry could not be reached any more. */
export const BUILT_IN = "registry.k8s.io/pause:3.10";

/** The script's own file; the tests write theirs beside it. */
export const DROPIN = "/etc/systemd/system/cri-docker.service.d/zz-pause-sandbox.conf";

/** How images are asked and changed with docker. */
const DOCKER_WAYS: Omit<Ways, "startSandbox"> = {
  names: "docker images --no-trunc --digests --format '{{.Repository}}:{{.Tag}} {{.ID}} {{.Digest}}'",
  tag: 'docker tag "$1" "$2"',
  untag: 'docker rmi "$1"',
  hold: 'docker create --name held "$1"',
  release: "docker rm held",
  changes: { docker: "load*|tag*|rmi*" },
  reported: "ID",
};

export class DockerNode extends Target {
  private untouched: Snapshot = new Map();

  private static readonly nodes = new Map<DockerKind, Promise<DockerNode>>();

  /** Brings the node up at the first call, and looks at it before anything is done to it. */
  static up(shared: Nodes, kind: DockerKind = "cri-dockerd"): Promise<DockerNode> {
    const node = DockerNode.nodes.get(kind) ?? DockerNode.make(shared, kind);
    DockerNode.nodes.set(kind, node);
    return node;
  }

  private static async make({ images, caPem }: Nodes, kind: DockerKind): Promise<DockerNode> {
    const container = await dockerMachine(lineLog(), kind);
    const node = { name: kind, host: "", port: 22, hostKey: "", container, containerd: "" };
    const target = new DockerNode(node, images, caPem, new Prober(""));
    await target.loadBuiltIn();
    target.untouched = await target.snapshot();
    return target;
  }

  /** Takes the node away where it was brought up. */
  static async remove(kind: DockerKind = "cri-dockerd"): Promise<void> {
    const up = await DockerNode.nodes.get(kind)?.catch(() => undefined);
    if (up) await docker(["rm", "--force", "--volumes", up.node.container]);
    DockerNode.nodes.delete(kind);
  }

  /** @param at The node, once it is up. */
  static ways(at: () => DockerNode): Ways {
    return { ...DOCKER_WAYS, startSandbox: (name) => at().startSandbox(name) };
  }

  /** Gives the node's docker the image that it has from earlier days: ours, under upstream's name. */
  async loadBuiltIn(): Promise<void> {
    const { reference } = this.images.B;
    const archive = path.join(labDir(), "docker-node.tar");
    await docker(["save", "--output", archive, reference]);
    await docker(["cp", archive, `${this.node.container}:/root/image.tar`]);
    const load =
      'docker load --quiet --input /root/image.tar; docker tag "$1" "$2"; docker rmi "$1"; rm /root/image.tar';
    await this.sh(load, reference, BUILT_IN);
  }

  /** Puts a drop-in beside the script's, whether or not the unit starts with it. */
  async dropIn(name: string, service: string, unit = "cri-docker.service"): Promise<void> {
    const file = `/etc/systemd/system/${unit}.d/${name}.conf`;
    await this.sh('mkdir -p "${1%/*}"; printf "%s\\n" "$2" >"$1"; systemctl daemon-reload', file, service);
  }

  /** Restarts a unit as a person does who waited long enough for systemd's start limits. */
  restart(...units: string[]): Promise<string> {
    return this.sh('systemctl reset-failed "$@" cri-docker.socket; systemctl restart "$@"', ...units);
  }

  /** What starts the runtime, its socket, docker and the kubelet, each as often as it started. */
  processes(): Promise<string> {
    return this.sh(
      "systemctl show cri-docker cri-docker.socket docker kubelet -p Id -p MainPID -p ActiveEnterTimestamp",
    );
  }

  /** The command line of the unit's process, a word an entry. */
  async argv(unit = "cri-docker"): Promise<string[]> {
    const words = await this.sh("tr '\\0' '\\n' <\"/proc/$(systemctl show -P MainPID \"$1\")/cmdline\"", unit);
    return words.trim().split("\n");
  }

  /** Starts a sandbox as the kubelet does. @returns the image that it runs on */
  async startSandbox(name: string): Promise<string> {
    const metadata = { name, namespace: "default", uid: name, attempt: 0 };
    const config = { metadata, linux: { security_context: { namespace_options: { network: 2 } } } };
    await this.sh('printf %s "$2" >"/run/$1.json"', name, JSON.stringify(config));
    const id = (await this.sh('crictl runp "/run/$1.json"', name)).trim();
    const image = await this.sh("docker inspect -f '{{.Config.Image}}' \"$1\"", id);
    await this.sh('crictl rmp -f "$1"', id);
    return image.trim();
  }

  /** Gives the kubelet a Pod. */
  async givePod(name: string): Promise<void> {
    const containers = [{ name: "app", image: BUILT_IN, imagePullPolicy: "Never" }];
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { hostNetwork: true, containers } };
    await this.sh('printf %s "$2" >"/etc/kubernetes/manifests/$1.json"', name, JSON.stringify(pod));
  }

  /** Has the kubelet run a Pod, and waits for it. @returns the process of each of its containers, its sandbox too */
  async startPod(name: string): Promise<string[]> {
    await this.givePod(name);
    return this.podRuns(name);
  }

  /** Waits for a Pod. @returns as {@link startPod} */
  async podRuns(name: string): Promise<string[]> {
    let found: string[] = [];
    await waitFor({
      what: `Pod ${name} runs`,
      timeoutSeconds: 120,
      missing: async () => {
        found = await this.podProcesses(name);
        return found.length === 2 ? undefined : `${found.length} of 2 containers run`;
      },
      explain: () => this.sh("journalctl -u kubelet --no-pager -n 30"),
    });
    return found;
  }

  async podProcesses(name: string): Promise<string[]> {
    const list = 'docker ps -q --filter "name=_$1-" | xargs -r docker inspect -f "{{.Name}} {{.State.Pid}}" | sort';
    return (await this.sh(list, name)).trim().split("\n").filter(Boolean);
  }

  /** Waits for what the kubelet does in its own time. */
  until(what: string, happened: () => Promise<boolean>): Promise<void> {
    const explain = () => this.sh("journalctl -u kubelet --no-pager -n 30");
    const missing = async () => ((await happened()) ? undefined : "it has not yet");
    return waitFor({ what, timeoutSeconds: 120, missing, explain });
  }

  /** Takes a Pod away, and waits until nothing of it runs. */
  async stopPod(name: string): Promise<void> {
    await this.sh('rm -f "/etc/kubernetes/manifests/$1.json"', name);
    await waitFor({
      what: `Pod ${name} ends`,
      timeoutSeconds: 120,
      missing: async () => ((await this.podProcesses(name)).length === 0 ? undefined : "its containers run"),
    });
  }

  /** Files with a login, in the clear or in base64. */
  async withLogin({ username, password }: { username: string; password: string }): Promise<string[]> {
    const where =
      'grep -rlF -e "$1" -e "$2" /etc /root /.docker /var/lib/pause-sandbox /var/lib/kubelet /var/log 2>/dev/null || true';
    const found = await this.sh(where, Buffer.from(`${username}:${password}`).toString("base64"), password);
    return found.split("\n").filter(Boolean);
  }

  /** How many sandboxes a run of the script tries. */
  async sandboxesTried(run: () => Promise<void>): Promise<number> {
    const now = () => this.sh("date +%s.%N");
    const since = await now();
    await run();
    const events =
      'docker events --since "$1" --until "$2" --filter event=create --format \'{{.Actor.Attributes.name}}\'';
    const names = await this.sh(events, since.trim(), (await now()).trim());
    return names.split("\n").filter((name) => name.includes("_pause-sandbox-check_")).length;
  }

  /** Takes away what a test did, gives the node back, and checks that it is as it was before all of them. */
  async reset(): Promise<void> {
    const directories = "cri-docker.service.d cri-docker.socket.d kubelet.service.d";
    const clear = `cd /etc/systemd/system; find ${directories} ! -name "zz-pause*" -type f -delete 2>/dev/null || true`;
    await this.sh(`${clear}; systemctl daemon-reload`);
    done(await this.run("none"));
    await this.sh(`cd /etc/systemd/system; rmdir ${directories} 2>/dev/null || true`);
    await this.restart("cri-docker");
    await this.restart("kubelet");
    assert.deepEqual(await this.changes(), []);
  }

  /** Paths that are not as they were before all tests. */
  async changes(): Promise<string[]> {
    return differing(await this.snapshot(), this.untouched);
  }
}
