import { done, nodes, type Nodes } from "../nodes/lab";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

import { readStackFile } from "../../../cli/stackFile";
import { verdict } from "../../../cli/text";
import { checkedSettings } from "../../../components/node/nodeChecks";
import type { Diagnosis, Finding } from "../../../doctor/finding";
import { docker } from "../../../lab/cluster/docker";
import { openStack, type Overrides } from "../../../lab/engine";
import { KUBELET } from "../../../lab/toolchain/versions";
import { laneOf } from "../../support/lanes";
import { type Run, runProgram, type Target } from "../../support/nodes/target";
import { atLeast } from "../../support/tier";
import { LOGIN, plainHttp, withLogin } from "../nodes/registries";
import { getTools } from "../nodes/tools";
import { again, type Cause, CAUSES, STARTS, type World } from "./causes";
import { openGates } from "./gates";
import { listsOf } from "./machine";
import { sshConfig } from "./sshConfig";
import { watched } from "./watch";

const CONFIGURE = `
  image=$1 registry=$2 ca=$4 trusted=$5
  dir=/etc/containerd/certs.d/$registry
  cat >/etc/containerd/config.toml <<END
version = 2
[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "$image"
    restrict_oom_score_adj = true
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
END
  rm -rf /etc/containerd/certs.d
  if [ "$trusted" ]; then
    mkdir -p "$dir"
    printf %s "$ca" >"$dir/ca.crt"
    printf 'server = "https://%s"\\n[host."https://%s"]\\n  ca = "%s/ca.crt"\\n' "$registry" "$registry" "$dir" >"$dir/hosts.toml"
  fi`;

/** A kubelet that was started again listens a moment later. */
const HEALTHY = "until curl -fs http://127.0.0.1:10248/healthz >/dev/null; do :; done";

describe("pause-sandbox doctor on real nodes", function () {
  this.timeout("20m");
  let shared: Nodes;
  let world: World;
  let ssh: string;
  let closeGates: () => void = () => undefined;

  /** A node by its number. */
  const nodeOf = ({ node = 1 }: Pick<Cause, "node">): Target => {
    const target = shared.targets[node - 1];
    assert.ok(target);
    return target;
  };

  const bringUp = async () => {
    shared = await nodes();
    const { lab, images, targets } = shared;
    const { close, ...gates } = await openGates();
    closeGates = close;
    world = { images, registry: lab.registry.host, locked: await withLogin(), plain: await plainHttp(), gates };
    ssh = sshConfig(lab);
    if (atLeast("all")) {
      const [newer = ""] = getTools(`kubelet@${KUBELET.newest}`);
      await docker(["cp", newer, `${nodeOf({}).node.container}:/usr/bin/kubelet.newer`]);
    }
    for (const target of targets) {
      await target.sh("mkdir -p /run/before; cp -a /etc/containerd/. /run/before; cat /etc/hosts >/run/hosts-before");
    }
  };
  let up: Promise<void> | undefined;
  const before = () => (up ??= bringUp());
  const [one, two] = [laneOf("node-1", { before }), laneOf("node-2", { before })];
  after(async () => {
    closeGates();
    for (const target of shared.targets) {
      await target.sh(
        "rm -rf /etc/containerd/*; cp -a /run/before/. /etc/containerd; cat /run/hosts-before >/etc/hosts",
      );
      await target.sh(`rm -f /usr/bin/kubelet.newer; ${again("containerd kubelet")}`);
    }
  });

  interface Asked {
    readonly node?: 1 | 2;
    readonly lateSeconds?: number;
  }
  function doctor({ node, lateSeconds = 0 }: Asked, ...args: string[]): Promise<Run> {
    const main = path.join(__dirname, "../../../cli/main.ts");
    const late = `const now = Date.now; Date.now = () => now() + ${lateSeconds * 1000};`;
    const clock = ["--import", `data:text/javascript,${encodeURIComponent(late)}`];
    const command = ["--import", "tsx", ...clock, main, "doctor", "-F", ssh, "--host", nodeOf({ node }).node.name];
    return runProgram("node", [...command, ...args], "");
  }

  /** The image, its registry, the address of the lab's, a CA, and whether the node has it. */
  function argsOf(cause: Cause): string[] {
    const image = cause.image?.(world) ?? world.images.A.reference;
    const ca = cause.ca?.(world) ?? shared.caPem;
    const ip = world.registry.replace(/:.*/, "");
    return [image, image.split("/")[0] ?? "", ip, ca, cause.trusted === false ? "" : "yes"];
  }

  async function make(cause: Cause): Promise<void> {
    const target = nodeOf(cause);
    const args = argsOf(cause);
    const [image = ""] = args;
    await target.sh(`rm -f /run/doctor-again; cat /run/hosts-before >/etc/hosts; ${CONFIGURE}`, ...args);
    // The runtime may have the image of the case before.
    await target.sh(`${again("containerd")}; crictl rmi "$1" >/dev/null 2>&1 || true`, image);
    if (cause.then !== undefined) await target.sh(`${cause.then}; ${again("containerd")}`, ...args);
    await target.sh(`systemctl is-active -q kubelet || { ${again("kubelet")}; }`);
    if (cause.last !== undefined) await target.sh(cause.last, ...args);
  }

  /** The stack's file that the doctor prints; what only people know is added. */
  async function stackFor(cause: Cause): Promise<string> {
    const { stdout, status, stderr } = await doctor(cause, "--fix-config");
    assert.equal(status, 1, stderr);
    const ca = shared.caPem.trim().replaceAll("\n", "\\n");
    return stdout
      .replace(/registryCa: (?!\|).*/, `registryCa: "${ca}"`)
      .replace(/pullUsername: .*/, `pullUsername: ${LOGIN.username}`);
  }

  /** Does what the finding's remedy says: its command as it is printed, and the rest as a person reads it. */
  async function mend(cause: Cause, { remedy }: Finding): Promise<void> {
    const [, printed = ":"] = cause.remedy?.exec(remedy) ?? assert.fail(`the remedy is: ${remedy}`);
    const target = nodeOf(cause);
    await target.sh(
      `${printed.replace("FILE", "/run/pause.tar")}\n${cause.mend ?? ""}\n${HEALTHY}\n${STARTS}`,
      ...argsOf(cause),
    );
    const { status, stdout, stderr } = await doctor(cause);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`^${target.node.name}: all is well\\.`));
  }

  /** By the node's own script. */
  async function heal(cause: Cause): Promise<void> {
    const file = path.join(path.dirname(ssh), `healing-${nodeOf(cause).node.name}.yaml`);
    fs.writeFileSync(file, await stackFor(cause));
    const { args, login, nodes: listed } = await readStackFile(file, LOGIN.password);
    const target = nodeOf(cause);
    assert.deepEqual(
      listed.map(({ name, host, port }) => ({ name, host, port })),
      [
        {
          name: target.node.name,
          host: target.node.host,
          port: target.node.port === 22 ? undefined : target.node.port,
        },
      ],
    );
    const { image, trust = {} } = args;
    const given = { image: image.reference as string, ...(trust as object), login };
    const settings = checkedSettings(given, { subject: "the doctor's stack" });
    done(await target.run("A", { settings: { digest: undefined, ca: undefined, ...settings } }));
    try {
      const well = await doctor(cause);
      assert.equal(well.status, 0, well.stdout + well.stderr);
      assert.match(well.stdout, new RegExp(`^${target.node.name}: all is well\\.`));
    } finally {
      // Other suites have the node next.
      done(await target.run("none"));
    }
  }

  for (const cause of CAUSES.filter(({ tier = "all" }) => atLeast(tier))) {
    const heals = cause.heals !== undefined && atLeast(cause.heals);
    const lane = cause.node === 2 ? two : one;
    const ways = [...(cause.remedy ? ["its remedy"] : []), ...(heals ? ["the stack that it prints"] : [])];
    lane(`names ${cause.what}${ways.length > 0 ? `, and ${ways.join(", and ")} heals the node` : ""}`, async () => {
      await make(cause);
      try {
        const { status, stdout, stderr } = await doctor(cause, "-o", "json");
        assert.equal(status, 1, stdout + stderr);
        const { nodes: found } = JSON.parse(stdout) as { nodes: Diagnosis[] };
        const [diagnosis] = found;
        assert.ok(diagnosis);
        assert.equal(diagnosis.findings[0]?.code, cause.code, stdout);
        assert.match(verdict(diagnosis.node, diagnosis.findings), cause.verdict);
        if (cause.remedy) await mend(cause, diagnosis.findings[0]);
        if (heals) await heal(cause);
      } finally {
        if (cause.undo !== undefined) await nodeOf(cause).sh(cause.undo, ...argsOf(cause));
      }
    });
  }

  if (!atLeast("all")) return;

  one("says that all is well once the engine has run the stack that it printed", async () => {
    const cause = CAUSES.find(({ what }) => what === "an unknown root");
    assert.ok(cause);
    await make(cause);
    const { config } = parse(await stackFor(cause)) as { config: Overrides };
    const named = Object.entries(config).map(([name, value]) => [name.replace(/^pause-sandbox:/, ""), value] as const);
    const stack = await openStack(shared.lab, Object.fromEntries(named), {
      kubeconfig: fs.readFileSync(shared.lab.kubeconfig, "utf8"),
    });
    try {
      await stack.up();
      const { stdout, stderr } = await doctor({});
      assert.match(stdout, /^node-1: all is well\./, stdout + stderr);
    } finally {
      await stack.destroy();
    }
  });

  one("says that all is well once the node was healed, and only looks on the way", async () => {
    await make({ what: "", trusted: false, code: "", verdict: /./ });
    const target = nodeOf({});
    done(await target.run("A"));
    const before = await listsOf(target.node.container);
    const seen = await watched(target, async () => {
      const { status, stdout, stderr } = await doctor({});
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /^node-1: all is well\./);
    });
    assert.deepEqual(await listsOf(target.node.container), before);
    assert.equal(await target.sh("ls -d /run/pause-sandbox.* /dev/shm/pause-sandbox.* 2>/dev/null || true"), "");

    const verbs = (of: RegExp) =>
      seen.programs.filter(([program = ""]) => of.test(program)).map((all) => all.join(" "));
    // Else nothing was watched.
    assert.match(verbs(/containerd$/).join("\n"), / config dump$/m);
    assert.deepEqual(
      verbs(/^crictl$/).filter((all) => !/ (inspecti|inspectp|info|pods) /.test(all)),
      [],
    );
    assert.deepEqual(
      verbs(/systemctl$/).filter((all) => !/^systemctl (show|-q is-active|cat) /.test(all)),
      [],
    );
    assert.deepEqual(verbs(/(^|\/)(ctr|curl|wget|nc|kill|pkill|mount|umount|docker|nerdctl|sed -i|tee|mv|cp)$/), []);
    assert.deepEqual(seen.signalled, []);
    const [registry, ...others] = seen.peers.filter((peer) => !/^\/|:22$/.test(peer));
    assert.deepEqual([registry, others], [world.registry, []]);
    // What sshd itself notes of a log-in, and a folder in memory that is gone by now.
    const noted = /^(\/dev\/null|\/proc\/\d+\/|\/run\/motd\.|\/run\/utmp|\/var\/log\/|\/run\/pause-sandbox\.\w+(\/|$))/;
    assert.deepEqual(
      seen.written.filter((one) => !noted.test(one)),
      [],
    );
    done(await target.run("none"));
  });

  one("cannot look where nobody can log in, and says why", async () => {
    const { status, stdout } = await doctor({}, "--user", "nobody-there");
    assert.equal(status, 2, stdout);
    assert.match(stdout, /could not look: PS-L003 /);
  });
});
