import { nodes, type Nodes } from "../nodes/lab";
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { verdict } from "../../../cli/text";
import type { Diagnosis } from "../../../doctor/finding";
import type { Target } from "../../support/nodes/target";
import { plainHttp, withLogin } from "../nodes/registries";
import { type Cause, CAUSES, type World } from "./causes";

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

/** The causes come faster than the five starts in ten seconds that systemd allows. */
const again = (units: string): string =>
  `systemctl reset-failed ${units} 2>/dev/null || true; systemctl restart ${units}`;

/** Every file that a look might touch: path, time of change, mode, size. */
const FILES =
  "find /etc /root /usr /opt /var -xdev ! -path '/var/log/*' ! -path '/var/lib/kubelet*' ! -path '/var/lib/containerd*' -printf '%p %C@ %m %s\\n' | sort";

describe("pause-sandbox doctor on real nodes", function () {
  this.timeout("20m");
  let shared: Nodes;
  let target: Target;
  let world: World;
  let ssh: string;

  before(async () => {
    shared = await nodes();
    const [first] = shared.targets;
    assert.ok(first);
    target = first;
    const { lab, images } = shared;
    world = { images, registry: lab.registry.host, locked: await withLogin(), plain: await plainHttp() };
    ssh = sshConfig();
    await target.sh("mkdir -p /run/before; cp -a /etc/containerd/. /run/before; cat /etc/hosts >/run/hosts-before");
  });
  after(async () => {
    await target.sh("rm -rf /etc/containerd/*; cp -a /run/before/. /etc/containerd; cat /run/hosts-before >/etc/hosts");
    await target.sh(again("containerd kubelet"));
  });

  /** What somebody has in ~/.ssh. */
  function sshConfig(): string {
    const { user, privateKeyFile } = shared.lab.ssh;
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-doctor-"));
    const known = path.join(dir, "known_hosts");
    fs.writeFileSync(known, shared.lab.nodes.map(({ host, hostKey }) => `${host} ${hostKey}\n`).join(""));
    const hosts = shared.lab.nodes.map(({ name, host, port }) => `Host ${name}\n  HostName ${host}\n  Port ${port}\n`);
    const rest = `Host *\n  User ${user}\n  IdentityFile ${privateKeyFile}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n`;
    const file = path.join(dir, "config");
    fs.writeFileSync(file, hosts.join("") + rest);
    return file;
  }

  function doctor(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const main = path.join(__dirname, "../../../cli/main.ts");
    return spawnSync("node", ["--import", "tsx", main, "doctor", "-F", ssh, "--host", target.node.name, ...args], {
      encoding: "utf8",
    });
  }

  async function make(cause: Cause): Promise<void> {
    const image = cause.image?.(world) ?? world.images.A.reference;
    const registry = image.split("/")[0] ?? "";
    const ip = world.registry.replace(/:.*/, "");
    const args = [image, registry, ip, shared.caPem, cause.trusted === false ? "" : "yes"];
    await target.sh(`cat /run/hosts-before >/etc/hosts; ${CONFIGURE}`, ...args);
    // The runtime may have the image of the case before.
    await target.sh(`${again("containerd")}; crictl rmi "$1" >/dev/null 2>&1 || true`, image);
    if (cause.then !== undefined) await target.sh(`${cause.then}; ${again("containerd")}`, ...args);
    await target.sh(`systemctl is-active -q kubelet || { ${again("kubelet")}; }`);
    if (cause.last !== undefined) await target.sh(cause.last, ...args);
  }

  for (const cause of CAUSES) {
    it(`names ${cause.what}`, async () => {
      await make(cause);
      const { status, stdout, stderr } = doctor("-o", "json");
      assert.equal(status, 1, stdout + stderr);
      const { nodes: found } = JSON.parse(stdout) as { nodes: Diagnosis[] };
      const [diagnosis] = found;
      assert.ok(diagnosis);
      assert.equal(diagnosis.findings[0]?.code, cause.code, stdout);
      assert.match(verdict(diagnosis.node, diagnosis.findings), cause.verdict);
    });
  }

  it("says that all is well once the node was healed, and that nothing is written on the way", async () => {
    await make({ what: "", trusted: false, code: "", verdict: /./ });
    assert.equal((await target.run("A")).status, 0);
    const before = await target.sh(FILES);
    const { status, stdout, stderr } = doctor();
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^node-1: all is well\./);
    assert.equal(await target.sh(FILES), before);
    assert.equal(await target.sh("ls -d /run/pause-sandbox.* /dev/shm/pause-sandbox.* 2>/dev/null || true"), "");
    assert.equal((await target.run("none")).status, 0);
  });

  it("cannot look where nobody can log in, and says why", () => {
    const { status, stdout } = doctor("--user", "nobody-there");
    assert.equal(status, 2, stdout);
    assert.match(stdout, /could not look: .*Permission denied/);
  });
});
