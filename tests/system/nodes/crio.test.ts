import { carriedCases, type Ways } from "./carriedCases";
import { done, failed, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { packedArchive } from "../../../components/archive/archive";
import { pauseArchive } from "../../../components/archive/pauseArchive";
import { docker } from "../../../lab/cluster/docker";
import { NETWORK } from "../../../lab/cluster/layout";
import { lineLog } from "../../../lab/log";
import { CRIO } from "../../../lab/toolchain/versions";
import { laneOf } from "../../support/lanes";
import { atLeast } from "../../support/tier";
import { Prober } from "../../support/nodes/prober";
import { differing, type Snapshot } from "../../support/nodes/snapshot";
import { Target } from "../../support/nodes/target";
import { ran } from "../../support/ran";
import { crioMachine } from "./crioMachine";
import { LOGIN, plainHttp, withLogin, withTokens } from "./registries";

const DROPIN = "/etc/crio/crio.conf.d/zz-pause-sandbox.conf";

const VERSIONS = [CRIO.newest, ...(atLeast("long") ? CRIO.more : [])];

// Each version is the same machine, recreated.
after(() => docker(["rm", "--force", "--volumes", `${NETWORK}-crio`]));

for (const version of VERSIONS) {
  describe(`a real node on CRI-O ${version}`, function () {
    this.timeout("15m");
    healed(version);
  });
}

function healed(version: string): void {
  let shared: Nodes;
  let crio: Target;
  let untouched: Snapshot;
  let said = "";
  const daemon = (): Promise<string> => crio.sh("systemctl show crio -p MainPID -p ActiveEnterTimestamp");

  const before = async () => {
    shared = await nodes();
    const container = await crioMachine(lineLog(), version);
    const node = { name: "crio", host: "", port: 22, hostKey: "", container, containerd: "" };
    crio = new Target(node, shared.images, shared.caPem, new Prober(""));
    untouched = await crio.snapshot();
    // Once mocha is through with the tests, the machine may be the one of another version.
    said = await crio.sh("crio --version");
  };
  const it = laneOf("other runtimes", { before });
  ran("CRI-O", () => said);

  it("cannot start a sandbox at first", async () => {
    await assert.rejects(startSandbox("early"));
  });

  it("takes the image by a reload of CRI-O, without a restart, and nothing is done twice", async () => {
    const running = await daemon();
    const report = done(await crio.run("A"));
    assert.deepEqual(
      [report.runtime, report.runtimeVersion, report.status, report.pinned, report.digest, report.restarted],
      ["cri-o", version, "changed", true, shared.images.A.digest, ["crio"]],
    );
    assert.deepEqual(report.changed, [
      `/etc/containers/certs.d/${shared.lab.registry.host}/pause-sandbox-ca.crt`,
      DROPIN,
    ]);
    assert.equal(report.previousImage, "registry.k8s.io/pause:3.10");
    assert.deepEqual(new Set(Object.values(report.handlers ?? {})), new Set(["shared-pid"]));
    assert.equal(await daemon(), running, "it was restarted, not reloaded");
    const again = done(await crio.run("A"));
    assert.deepEqual([again.status, again.changed, again.restarted], ["unchanged", [], []]);
  });

  it("gives new sandboxes another image, and leaves those that run", async () => {
    const old = await startSandbox("old");
    const pid = await sandbox(old, "{{.info.pid}}");
    assert.equal(await sandbox(old, "{{.info.image}}"), shared.images.A.reference);
    done(await crio.run("B"));
    assert.equal(await sandbox(old, "{{.info.pid}} {{.status.state}}"), `${pid} SANDBOX_READY`);
    assert.equal(await sandbox(await startSandbox("new"), "{{.info.image}}"), shared.images.B.reference);
    await crio.sh("crictl rmp -fa");
    done(await crio.run("A"));
  });

  it("is as before where a later file wins, where the digest is another, and where its files are broken", async () => {
    done(await crio.run("none"));
    const other = "/etc/crio/crio.conf.d/zzz-other.conf";
    await crio.sh(`printf '[crio.image]\\npause_image = "other.example.com/pause:1"\\n' >${other}`);
    failed(await crio.run("A"), /PS-N014 .*zz-pause-sandbox\.conf: cri-o does not use .* it reads other\.example\.com/);
    await crio.sh(`echo 'broken' >${other}`);
    failed(await crio.run("A"), /PS-N007 .*cri-o itself cannot read it/);
    await crio.sh(`rm ${other}`);
    failed(await crio.run("A", { settings: { digest: `sha256:${"0".repeat(64)}` } }), /PS-N011/);
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  it("pulls with a login that nobody but root and CRI-O reads", async () => {
    const image = shared.images.A.reference.replace(shared.lab.registry.host, await withLogin());
    failed(await crio.run("A", { settings: { image } }), /PS-N010/);
    await crio.sh("crictl rmi --prune >/dev/null 2>&1 || true");
    const run = await crio.run("A", { settings: { image, login: LOGIN } });
    const report = done(run);
    assert.deepEqual([report.image, report.pinned, report.digest], [image, true, shared.images.A.digest]);
    const secret = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");
    assert.ok(!`${run.stdout}${run.stderr}`.includes(secret));
    const found = await crio.sh(
      `grep -rlF -e '${secret}' -e '${LOGIN.password}' /etc /var/lib/pause-sandbox /run/crio /var/log`,
    );
    assert.equal(found, "/etc/crio/pause-sandbox-auth.json\n");
    assert.equal(await crio.sh(`stat -c '%a %U' /etc/crio/pause-sandbox-auth.json`), "600 root\n");
    done(await crio.run("none"));
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  it("pulls with a login that leaves nothing, where tokens are given out", async () => {
    const image = shared.images.A.reference.replace(shared.lab.registry.host, await withTokens());
    const settings = { image, login: { ...LOGIN, keep: false } };
    const report = done(await crio.run("A", { settings }));
    assert.deepEqual([report.image, report.pinned, report.digest], [image, true, shared.images.A.digest]);
    const secret = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");
    const where = 'grep -rlF -e "$1" -e "$2" /etc /var/lib/pause-sandbox /run/crio /var/log || true';
    assert.equal(await crio.sh(where, secret, LOGIN.password), "");
    assert.equal(done(await crio.run("A", { settings })).status, "unchanged");
    done(await crio.run("none"));
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  it("pulls from a mirror of a registry that is not there, and over HTTP where that is asked for", async () => {
    const { reference } = shared.images.A;
    const image = reference.replace(shared.lab.registry.host, "registry.invalid");
    const mirrors = [`https://${shared.lab.registry.host}`];
    assert.equal(done(await crio.run("A", { settings: { image, mirrors } })).image, image);
    const plain = reference.replace(shared.lab.registry.host, await plainHttp());
    failed(await crio.run("A", { settings: { image: plain } }), /PS-N010 .*HTTP response to HTTPS client/);
    assert.equal(done(await crio.run("A", { settings: { image: plain, plainHttp: true } })).image, plain);
    done(await crio.run("none"));
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  it("is refused a registry at an IPv6 address, which CRI-O takes in no image's name, and stays as it was", async () => {
    const image = "[2001:db8::1]:5000/platform/pause:1.0.0";
    failed(await crio.run("A", { settings: { image } }), /PS-N022 CRI-O takes no IPv6 address/);
    assert.match(await crio.sh('crictl pull "$1" 2>&1 || true', image), /invalid reference format/);
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  const names = `crictl images -v | awk '/^ID:/ { id = $2 } /^RepoTags:/ || /^RepoDigests: localhost/ { print $2, id }'`;
  const ways: Ways = {
    names,
    tag: 'podman tag "$1" "$2"',
    untag: 'crictl rmi "$1"',
    hold: "crictl runp /run/carried.json",
    // One of these digests is a name, the others are told beside it.
    release:
      "crictl rmp -fa; crictl images -v | sed -n 's/^RepoDigests: \\(localhost.*\\)/\\1/p' | xargs -n 1 crictl rmi || :",
    changes: { skopeo: "copy*", crictl: "*' rmi '*" },
    reported: "digest",
    startSandbox: async (name) => {
      const id = await startSandbox(name);
      const image = await sandbox(id, "{{.info.image}}");
      await crio.sh('crictl rmp -f "$1"', id);
      return image;
    },
  };
  carriedCases(it, () => crio, ways);

  it("refuses a carried image without skopeo, and says what to install", async () => {
    const archive = pauseArchive(["linux/amd64"]);
    const settings = { image: "localhost/pause-sandbox/pause:1.0.0", digest: archive.digest, ca: undefined };
    await crio.sh("mv /usr/bin/skopeo /usr/bin/skopeo.away");
    try {
      const run = await crio.run("A", { settings: { ...settings, archive: packedArchive(archive) } });
      failed(run, /PS-N028 .*skopeo is not on PATH .*install the package skopeo/);
    } finally {
      await crio.sh("mv /usr/bin/skopeo.away /usr/bin/skopeo");
    }
    assert.deepEqual(differing(await crio.snapshot(), untouched), []);
  });

  /** Starts a sandbox with a PID namespace of its own: without one CRI-O runs no pause. */
  async function startSandbox(name: string): Promise<string> {
    const metadata = { name, namespace: "default", uid: name, attempt: 0 };
    const config = { metadata, linux: { security_context: { namespace_options: { network: 2 } } } };
    await crio.sh(`printf %s "$1" >/run/${name}.json`, JSON.stringify(config));
    return (await crio.sh(`crictl runp /run/${name}.json`)).trim();
  }

  async function sandbox(id: string, template: string): Promise<string> {
    return (await crio.sh('crictl inspectp -o go-template --template "$1" "$2"', template, id)).trim();
  }
}
