/** The recipes of docs/day-two.md on the lab, by the person who has followed the guide: both nodes are healed, in the stack `own`. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import type { LabInfo, LabNode } from "../../../lab/cluster";
import { docker, inContainer } from "../../../lab/cluster/docker";
import { labDir, registryIp } from "../../../lab/cluster/layout";
import { type Authority, authority } from "../../../lab/cluster/pki";
import { get, isReady, kubectl, type Pod, until } from "../../../lab/kubectl";
import { sandboxImage } from "../../../lab/proof";
import { CONTAINERD, KUBELET } from "../../../lab/toolchain/versions";
import { atLeast } from "../../support/tier";
import { serveAt } from "../nodes/registries";
import { getTools } from "../nodes/tools";
import type { Person } from "./person";

/** What a recipe works with. */
interface World {
  readonly person: Person;
  readonly lab: LabInfo;
  /** On the older containerd. */
  readonly one: LabNode;
  /** On the newer containerd. */
  readonly two: LabNode;
}

interface Recipe {
  /** Its first words on the page. */
  readonly title: string;
  readonly run: (world: World) => Promise<void>;
}

/** The test of a recipe that runs in another suite; a test of tests/docs looks for its title in the file. */
interface Elsewhere {
  readonly file: string;
  readonly test: string;
  /** What stands for the nodes. Default: the lab's. */
  readonly nodes?: "simulated";
}

const E2E = "tests/system/e2e/lab.test.ts";
const IMAGES = "tests/node/images.test.ts";
const SIMULATED = { nodes: "simulated" } as const;

/** Recipes of the page that run in other suites. */
export const ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  "A new image": { file: E2E, test: "another image reaches the nodes in order" },
  "Somebody else moves the tag": { file: IMAGES, test: "are the ones that were pushed where the tag leads elsewhere" },
  "The same digest everywhere": {
    file: "tests/image/pause/prebuilt.test.ts",
    test: "are, byte for byte, what this machine's compiler makes of the sources",
  },
  "Another login for pulls": {
    ...SIMULATED,
    file: "tests/rollout/lifecycle.test.ts",
    test: "takes one token after the other, and changes nothing on a node",
  },
  "A new node": { ...SIMULATED, file: "tests/rollout/rollout.test.ts", test: "says how far it is at the canary" },
  "A node leaves the cluster": { file: "tests/system/e2e/dayTwo.ts", test: "Take over nodes that somebody" },
  "See what would change on the nodes": { file: "tests/system/e2e/guide.ts", test: "set dryRun" },
  "Check every node again": { file: "tests/system/e2e/dayTwo.ts", test: "containerd, CRI-O, k3s" },
  "Watch the canaries for a while": {
    ...SIMULATED,
    file: "tests/rollout/soak.test.ts",
    test: "waits again in the next run where the soak failed",
  },
  "A node failed": { file: E2E, test: "a canary that cannot pull the image fails, is as it was" },
  "You press Ctrl-C": {
    ...SIMULATED,
    file: "tests/unit/interrupted.test.ts",
    test: "stays until the engine is done, is told once, and ends at the second signal",
  },
  "Change some nodes only": {
    ...SIMULATED,
    file: "tests/rollout/counts.test.ts",
    test: "have nodes that --target leaves out as left out",
  },
  "Many nodes, and a backend of your own": { file: "lab/bench/support/pulumi.ts", test: "PULUMI_DIY_BACKEND_GZIP" },
};

const on = (node: LabNode, script: string, ...args: string[]): Promise<string> =>
  inContainer(node.container, ["sh", "-euc", script, "recipe", ...args]);

/** Both nodes, one after the other: a person does so too. */
async function onBoth({ one, two }: World, script: string, ...args: string[]): Promise<void> {
  for (const node of [one, two]) await on(node, script, ...args);
}

async function types({ person }: World, ...lines: string[]): Promise<string> {
  let all = "";
  for (const line of lines) {
    const { status, seen } = await person.type(line);
    assert.equal(status, 0, `${line}\n${seen}`);
    all += seen;
  }
  return all;
}

async function up(world: World, shows: RegExp): Promise<void> {
  assert.match(await types(world, "pulumi up"), shows);
}

const IDLE = /2 of 2 nodes done \(0 changed, 2 unchanged\), 0 failed, 0 waiting/;

/** The image under a new Pod of a node. */
async function imageOfNewPod({ lab }: World, node: LabNode): Promise<string> {
  const name = `new-${node.name}`;
  const spec = {
    nodeName: node.name,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "app", image: lab.images.app }],
  };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec };
  await kubectl(lab, ["apply", "-f", "-"], JSON.stringify(pod));
  const ready = await until(`Pod ${name} to be Ready`, 120, async () => {
    const now = await get<Pod>(lab, ["pod", name]);
    return isReady(now) ? now : undefined;
  });
  const image = await sandboxImage(node, ready);
  await kubectl(lab, ["delete", "pod", name, "--wait", "--timeout=120s"]);
  return image;
}

const referenceOf = ({ lab }: World): string => `${lab.registry.host}/platform/pause:1.0.0`;

/** Has another program in a node's place, keeps the one that is there, and starts its unit. */
async function replaced(
  node: LabNode,
  unit: string,
  programs: Readonly<Record<string, string>>,
): Promise<() => Promise<string>> {
  const names = Object.keys(programs);
  await on(
    node,
    `systemctl stop ${unit}; mkdir -p /run/programs; for name; do cp -a "$(command -v "$name")" /run/programs; done`,
    ...names,
  );
  for (const [name, file] of Object.entries(programs)) {
    const place = (await on(node, 'command -v "$1"', name)).trim();
    await docker(["cp", file, `${node.container}:${place}`]);
  }
  await on(node, `systemctl start ${unit} || true`);
  // A newer kubelet has a socket of its own there.
  const back = `systemctl stop ${unit}; rm -rf /var/lib/kubelet/pods-api; for name; do cp -a "/run/programs/$name" "$(command -v "$name")"; done; systemctl start ${unit}`;
  return () => on(node, back, ...names);
}

/** The newest kubelet, which does not start with the flag. */
const newKubelet = (): string => getTools(`kubelet@${KUBELET.newest}`)[0] ?? "";

const USERS = ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"].flatMap((name) => [name, `${name}-`]);

const RECIPES: readonly Recipe[] = [
  {
    title: "Another ssh user, port or address",
    async run(world) {
      await onBoth(
        world,
        'mkdir -p /run/users; for file; do cp -a "/etc/$file" /run/users 2>/dev/null || true; done',
        ...USERS,
      );
      await onBoth(
        world,
        `useradd -m ops; echo "ops ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ops
         install -d -o ops -m 700 ~ops/.ssh; install -o ops -m 600 /root/.ssh/authorized_keys ~ops/.ssh`,
      );
      await types(world, "pulumi config set sshUser ops");
      await up(world, IDLE);
      await types(world, "pulumi config set sshUser root");
      await up(world, IDLE);
      await onBoth(world, "! find /home/ops -name '.pause-sandbox*' | grep .");
      await onBoth(
        world,
        `userdel -r ops 2>/dev/null; rm /etc/sudoers.d/ops
         for file; do [ -e "/run/users/$file" ] || rm -f "/etc/$file"; done; cp -a /run/users/. /etc; rm -r /run/users`,
        ...USERS,
      );
    },
  },
  {
    title: "Another key to log in with",
    async run(world) {
      await types(world, "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_other");
      const key = await types(world, "cat ~/.ssh/id_other.pub");
      await onBoth(world, 'cp -a /root/.ssh/authorized_keys /run; echo "$1" >>/root/.ssh/authorized_keys', key.trim());
      await types(world, "pulumi config set sshPrivateKeyFile '~/.ssh/id_other'");
      await up(world, IDLE);
      await onBoth(world, 'echo "$1" >/root/.ssh/authorized_keys', key.trim());
      await types(world, "pulumi config set recheck 1");
      await up(world, IDLE);
      await onBoth(world, "cp -a /run/authorized_keys /root/.ssh/authorized_keys");
      await types(world, "pulumi config set sshPrivateKeyFile '~/.ssh/id_ed25519'");
      await up(world, IDLE);
    },
  },
  {
    title: "Rename a node",
    async run(world) {
      const files = "stat -c '%n %Z' /etc/containerd/config.toml /etc/containerd/conf.d/*";
      const before = await on(world.two, files);
      for (const name of ["worker-2", "node-2"]) {
        await types(world, `pulumi config set --path 'nodes[1].name' ${name}`);
        await up(world, /2 of 2 nodes done \(0 changed, /);
        assert.equal(await on(world.two, files), before);
      }
    },
  },
  {
    title: "Move a node to another stack",
    async run(world) {
      const [own, other] = ["stacks/Pulumi.own.yaml", "stacks/Pulumi.other.yaml"];
      await types(
        world,
        `sed /^encryptionsalt/d ${own} > ${other}`,
        "pulumi stack init other",
        "pulumi config rm --path 'nodes[0]'",
      );
      await up(world, /taken over from 'pause-sandbox\/own\/pause-node-2'/);
      await types(world, "pulumi stack select own", "pulumi config rm --path 'nodes[1]'");
      await up(world, /left as it is: 'pause-sandbox\/other\/pause-node-2' manages this node/);
      assert.equal(await imageOfNewPod(world, world.two), referenceOf(world));
      await types(
        world,
        "pulumi config set --path 'nodes[1].name' node-2",
        "pulumi config set --path 'nodes[1].host' 10.0.0.12",
      );
      await up(world, /2 of 2 nodes done/);
      const left = await types(world, "pulumi stack select other", "pulumi destroy", "pulumi stack select own");
      assert.match(left, /left as it is: 'pause-sandbox\/own\/pause-node-2' manages this node/);
      assert.equal(await imageOfNewPod(world, world.two), referenceOf(world));
    },
  },
  {
    title: "A host that is gone",
    async run(world) {
      const { two, lab, person } = world;
      const ONE_GONE = /1 of 1 node done \(0 changed, 1 unchanged\), 1 gone, 0 failed, 0 waiting/;
      const listed = (name: string, host: string, at: number) => [
        `pulumi config set --path 'nodes[${at}].name' ${name}`,
        `pulumi config set --path 'nodes[${at}].host' ${host}`,
      ];
      const inventory = (hosts: string) => types(world, `printf '[all]\\n${hosts}' > hosts.ini`);
      const gone = async (leave: () => Promise<unknown>) => {
        await on(
          two,
          "systemctl stop kubelet; systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh",
        );
        await types(world, "pulumi config set --path 'gone[0]' node-2");
        await up(world, ONE_GONE);
        await types(world, "kubectl delete node node-2", "pulumi config rm gone");
        await leave();
        await up(world, /- 1 deleted|- 2 deleted/);
        await on(two, "systemctl start ssh; systemctl start kubelet");
        await until("node-2 to be Ready again", 120, async () => {
          const node = await get<Pod>(lab, ["node", "node-2"]).catch(() => undefined);
          return node !== undefined && isReady(node) ? true : undefined;
        });
      };
      // A list.
      await gone(() => types(world, "pulumi config rm --path 'nodes[1]'"));
      await types(world, ...listed("node-2", "10.0.0.12", 1));
      await up(world, IDLE);
      // An inventory, which has lost the host before.
      await inventory("node-1 ansible_host=10.0.0.11\\nnode-2 ansible_host=10.0.0.12\\n");
      const file = "pulumi config set --path nodesFrom.inventory.file hosts.ini";
      await types(world, "pulumi config rm nodes", file);
      await up(world, IDLE);
      await inventory("node-1 ansible_host=10.0.0.11\\n");
      await gone(() => Promise.resolve());
      // The cluster.
      await types(world, "pulumi config rm nodesFrom", "pulumi config set --path nodesFrom.cluster.address InternalIP");
      await up(world, /2 of 2 nodes done \(0 changed, /);
      await gone(() => Promise.resolve());
      await types(
        world,
        "pulumi config rm nodesFrom",
        ...listed("node-1", "10.0.0.11", 0),
        ...listed("node-2", "10.0.0.12", 1),
      );
      await up(world, /2 of 2 nodes done \(0 changed, /);
      assert.equal(person.read("hosts.ini").includes("node-1"), true);
    },
  },
  {
    title: "A machine that is installed again",
    async run(world) {
      const again = ["ssh-keygen -R 10.0.0.12", "ssh-keyscan -t ed25519 10.0.0.12 >> ~/.ssh/known_hosts"];
      await on(
        world.two,
        "mkdir -p /run/keys; cp -a /etc/ssh/ssh_host_* /run/keys; rm /etc/ssh/ssh_host_*; ssh-keygen -q -A; systemctl restart ssh",
      );
      await on(
        world.two,
        `rm -rf /etc/containerd /var/lib/pause-sandbox /root/.pause-sandbox*; cp -a /run/before/containerd /etc
         cp -a /run/before/kubeadm-flags.env /var/lib/kubelet; systemctl restart containerd kubelet; crictl rmi "$1" >/dev/null`,
        referenceOf(world),
      );
      await types(world, ...again);
      await up(world, /2 of 2 nodes done \(1 changed, /);
      assert.equal(await imageOfNewPod(world, world.two), referenceOf(world));
      await on(world.two, "rm /etc/ssh/ssh_host_*; cp -a /run/keys/. /etc/ssh; rm -r /run/keys; systemctl restart ssh");
      await types(world, ...again);
      await up(world, /2 of 2 nodes done \(0 changed, /);
    },
  },
  {
    title: "Take over nodes that somebody changed by hand or with another tool",
    async run(world) {
      const { two, lab } = world;
      await types(world, "pulumi config rm --path 'nodes[1]'");
      await up(world, /deleted/);
      const theirs = "find /etc/containerd -type f -exec sha256sum {} + | sort";
      await on(
        two,
        `dir=/etc/containerd/certs.d/$1; mkdir -p "$dir" /etc/containerd/conf.d; printf '%s\\n' "$2" >"$dir/site.crt"
         printf 'server = "https://%s"\\n[host."https://%s"]\\n  capabilities = ["pull", "resolve"]\\n  ca = "%s/site.crt"\\n' "$1" "$1" "$dir" >"$dir/hosts.toml"
         printf 'version = 3\\n[plugins."io.containerd.cri.v1.images".pinned_images]\\n  sandbox = "%s"\\n[plugins."io.containerd.cri.v1.images".registry]\\n  config_path = "/etc/containerd/certs.d"\\n' "$3" >/etc/containerd/conf.d/50-site.toml
         systemctl restart containerd`,
        lab.registry.host,
        fs.readFileSync(lab.registry.caFile, "utf8").trim(),
        referenceOf(world),
      );
      const before = await on(two, theirs);
      assert.equal(await imageOfNewPod(world, two), referenceOf(world));
      const add = [
        "pulumi config set --path 'nodes[1].name' node-2",
        "pulumi config set --path 'nodes[1].host' 10.0.0.12",
      ];
      await types(world, ...add);
      await up(world, /2 of 2 nodes done/);
      assert.equal(await imageOfNewPod(world, two), referenceOf(world));
      await types(world, "pulumi config rm --path 'nodes[1]'");
      await up(world, /deleted/);
      assert.equal(await on(two, theirs), before);
      assert.equal(await imageOfNewPod(world, two), referenceOf(world));
      await on(two, "rm -r /etc/containerd/conf.d /etc/containerd/certs.d; systemctl restart containerd");
      await types(world, ...add);
      await up(world, /2 of 2 nodes done \(1 changed, /);
    },
  },
  {
    title: "Kubelets to 1.35 or later",
    async run(world) {
      const { one } = world;
      await types(world, "pulumi config set kubeletFlag false");
      await up(world, /2 of 2 nodes done/);
      const back = await replaced(one, "kubelet", { kubelet: newKubelet() });
      await on(one, "systemctl is-active kubelet");
      assert.equal(await imageOfNewPod(world, one), referenceOf(world));
      await back();
      await types(world, "pulumi config rm kubeletFlag");
      await up(world, /2 of 2 nodes done/);
    },
  },
  {
    title: "A kubelet was upgraded to 1.35 or later with the flag",
    async run(world) {
      const { one } = world;
      const back = await replaced(one, "kubelet", { kubelet: newKubelet() });
      await until("the kubelet not to start", 60, async () =>
        /activating|failed/.test(await on(one, "systemctl is-active kubelet || true")) ? true : undefined,
      );
      await types(world, "pulumi config set recheck 2");
      await up(world, /2 of 2 nodes done \(1 changed, 1 unchanged\)/);
      await on(one, "systemctl is-active kubelet");
      assert.equal(await imageOfNewPod(world, one), referenceOf(world));
      await back();
      await types(world, "pulumi config set recheck 3");
      await up(world, /2 of 2 nodes done \(1 changed, 1 unchanged\)/);
    },
  },
  {
    title: "containerd, CRI-O, k3s",
    async run(world) {
      const { one } = world;
      const [folder = ""] = getTools(`containerd@${CONTAINERD.newest}`);
      const names = ["containerd", "ctr", "containerd-shim-runc-v2"];
      const files = Object.fromEntries(names.map((name) => [name, path.join(folder, name)]));
      const back = await replaced(one, "containerd", files);
      await types(world, "pulumi config set recheck 4");
      await up(world, /2 of 2 nodes done/);
      assert.equal(await imageOfNewPod(world, one), referenceOf(world));
      await back();
      await types(world, "pulumi config set recheck 5");
      await up(world, /2 of 2 nodes done/);
      assert.equal(await imageOfNewPod(world, one), referenceOf(world));
    },
  },
  {
    title: "This package",
    async run(world) {
      const started = "systemctl show -p ExecMainStartTimestampMonotonic containerd kubelet";
      const before = [await on(world.one, started), await on(world.two, started)];
      // The next version has another script.
      for (const edit of ["echo 'next_version() { :; }' >> node/report.sh", "sed -i '$d' node/report.sh"]) {
        const seen = await types(world, edit, "pulumi preview");
        // Once for each node, and again below the diagnostics.
        assert.ok((seen.match(/script \w+ → \w+/g)?.length ?? 0) >= 2, seen);
        await up(world, IDLE);
      }
      assert.deepEqual([await on(world.one, started), await on(world.two, started)], before);
    },
  },
  {
    title: "Move to another registry host",
    async run(world) {
      const ca = await otherAuthority();
      const registry = await serveAt(5003, await certificate(ca));
      await writeConfig(world, {
        reference: `${registry}/platform/pause:1.0.0`,
        registryCa: ca.cert,
        imageSource: "existing",
      });
      const reference = `${registry}/platform/pause:1.0.0`;
      const seen = await types(world, "pulumi up");
      assert.match(seen, /2 of 2 nodes done \(2 changed, /);
      for (const node of [world.one, world.two]) {
        assert.ok(seen.includes(`[${node.name}] well: new sandboxes run on ${reference}`), seen);
        // The bytes are the same, and containerd may name them by their other tag.
        assert.match(await imageOfNewPod(world, node), /\/platform\/pause:1\.0\.0$/);
        assert.equal((await on(node, "ls /etc/containerd/certs.d")).trim(), registry);
      }
    },
  },
  {
    title: "Rotate its CA",
    async run(world) {
      const [old, next] = [await otherAuthority(), await authority(path.join(labDir(), "next"), "next-ca")];
      const reference = `${registryIp()}:5003/platform/pause:1.0.0`;
      const started = "systemctl show -p ExecMainStartTimestampMonotonic containerd kubelet";
      const before = [await on(world.one, started), await on(world.two, started)];
      await writeConfig(world, { registryCa: `${old.cert.trim()}\n${next.cert}` });
      await up(world, /2 of 2 nodes done \(2 changed, /);
      await onBoth(world, 'crictl pull "$1"', reference);
      await serveAt(5003, await certificate(next));
      await onBoth(world, 'crictl pull "$1"', reference);
      await writeConfig(world, { registryCa: next.cert });
      await up(world, /2 of 2 nodes done \(2 changed, /);
      await onBoth(world, 'crictl pull "$1"', reference);
      assert.deepEqual([await on(world.one, started), await on(world.two, started)], before);
      const ours = fs.readFileSync(world.lab.registry.caFile, "utf8");
      await writeConfig(world, { reference: referenceOf(world), registryCa: ours, imageSource: "build" });
      await up(world, /2 of 2 nodes done \(2 changed, /);
    },
  },
];

/** Titles of the recipes that a test runs. tests/docs compares them with the page. */
export const RUN_RECIPES: readonly string[] = [...RECIPES.map(({ title }) => title), ...Object.keys(ELSEWHERE)];

const otherAuthority = (): Promise<Authority> => authority(path.join(labDir(), "other"), "other-ca");

const certificate = (ca: Authority) =>
  ca.issue({ name: "registry-5003", commonName: "another registry", ip: [registryIp()], usages: ["server"] });

async function writeConfig(world: World, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await types(world, `pulumi config set ${name} -- '${value}'`);
  }
}

/** Keeps on each node what a new installation of it would have. */
export async function beforeDayTwo(lab: LabInfo): Promise<void> {
  for (const node of lab.nodes) {
    await on(node, "mkdir -p /run/before; cp -a /etc/containerd /var/lib/kubelet/kubeadm-flags.env /run/before");
  }
}

/** Declares the tests. Each recipe leaves the nodes as it found them: healed, in the stack `own`. */
export function dayTwo(now: () => { readonly person: Person; readonly lab: LabInfo }): void {
  if (!atLeast("long")) return;
  for (const { title, run } of RECIPES) {
    it(`the recipe "${title}"`, async () => {
      const { person, lab } = now();
      const [one, two] = lab.nodes;
      assert.ok(one && two);
      await run({ person, lab, one, two });
    });
  }
}
