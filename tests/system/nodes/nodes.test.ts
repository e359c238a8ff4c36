import { done, failed, nodes } from "./lab";
import { strict as assert } from "node:assert";

import { stackReach } from "../../../cli/reachOptions";
import { diagnose } from "../../../doctor/diagnose";
import { look as lookAt } from "../../../doctor/examine";
import type { NodeReport } from "../../../components/node/nodeScript";
import type { LabInfo } from "../../../lab/cluster";
import { waitForNode } from "../../../lab/cluster/api";
import { clusterAuthorities } from "../../../lab/cluster/authorities";
import { docker } from "../../../lab/cluster/docker";
import { nodePlans } from "../../../lab/cluster/layout";
import { waitFor } from "../../../lab/cluster/wait";
import { kubectl } from "../../../lab/kubectl";
import { registryDigest } from "../../../lab/proof";
import { KUBELET } from "../../../lab/toolchain/versions";
import { laneOf } from "../../support/lanes";
import type { State, Target } from "../../support/nodes/target";
import { ran } from "../../support/ran";
import { atLeast } from "../../support/tier";
import { giveIPv6, registryIPv6 } from "./ipv6";
import { LOGIN, plainHttp, withLogin, withTokens } from "./registries";
import { getTools } from "./tools";

/** Kubelets that do not know the flag any more: the newest, and in the long form those since the first. */
const NEWER = [...(atLeast("long") ? KUBELET.more : []), KUBELET.newest];
const flag = "--pod-infra-container-image";

const FLAG_FILES = "cat /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet 2>/dev/null || true";
const CONFIGURATION =
  "find /etc/containerd /etc/default /var/lib/kubelet/kubeadm-flags.env /etc/systemd/system -printf '%p %y %m %U:%G\\n' -type f -exec sha256sum {} +";

const WITH_LOGIN = 'grep -rlF -e "$1" -e "$2" /etc /var/lib/pause-sandbox /run/containerd /var/log || true';
const secretOf = ({ username, password }: typeof LOGIN): string =>
  Buffer.from(`${username}:${password}`).toString("base64");

describe("real nodes", function () {
  this.timeout("20m");
  let lab: LabInfo;
  let targets: Target[] = [];

  const before = async () => {
    ({ lab, targets } = await nodes());
  };
  const [one, two] = [laneOf("node-1", { before }), laneOf("node-2", { before })];
  const lane = (name: string) => (name === "node-1" ? one : two);

  const each = (script: string) => () => Promise.all(targets.map((target) => target.sh(script)));
  ran(
    "control plane",
    async () => /"gitVersion": *"[^"]*"/.exec(await kubectl(lab, ["get", "--raw", "/version"]))?.[0] ?? "",
  );
  ran("kubelet", each("kubelet --version"));
  ran("containerd, nodes", each("containerd --version"));
  ran("cgroups", each("if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo 2; else echo 1; fi"));
  ran("Debian, nodes", each("cat /etc/debian_version"));
  /** Kubelets that node-1's was exchanged for, as they told the script. */
  const exchanged = new Set<string>();
  ran("kubelet, exchanged", () => [...exchanged]);

  const on = (name: string): Target => {
    const target = targets.find(({ node }) => node.name === name);
    assert.ok(target);
    return target;
  };
  const apply = async (target: Target, to: State = "A"): Promise<NodeReport> => done(await target.run(to));
  const look = (target: Target): Promise<string> => target.sh(CONFIGURATION);

  async function ready(target: Target): Promise<void> {
    const plan = nodePlans().find(({ name }) => name === target.node.name);
    assert.ok(plan);
    await waitForNode(await clusterAuthorities(), plan);
  }

  /** Puts another kubelet in place as a package does: a new file, renamed, then a restart, whatever comes of that. */
  async function swapKubelet(target: Target, version: string): Promise<void> {
    const [binary = ""] = getTools(`kubelet@${version}`);
    await docker(["cp", binary, `${target.node.container}:/usr/bin/kubelet.new`]);
    await target.sh("mv -f /usr/bin/kubelet.new /usr/bin/kubelet; systemctl restart kubelet || true");
  }

  for (const { name, initialPause } of nodePlans()) {
    lane(name)(`${name}: applied, nothing to do, another image, given back byte for byte`, async () => {
      const target = on(name);
      const before = await look(target);
      const first = await apply(target);
      assert.deepEqual([first.status, first.pinned, first.digest], ["changed", true, target.images.A.digest]);
      // A kubelet without the flag has nothing to be restarted for.
      const flagged = initialPause !== undefined;
      assert.deepEqual(first.restarted, flagged ? ["containerd", "kubelet"] : ["containerd"]);
      assert.equal((await target.sh(FLAG_FILES)).includes(`${flag}=${target.images.A.reference}`), flagged);
      const second = await apply(target);
      assert.deepEqual([second.status, second.changed, second.restarted], ["unchanged", [], []]);
      const other = await apply(target, "B");
      assert.deepEqual([other.image, other.pinned], [target.images.B.reference, true]);
      const back = done(await target.run("none"));
      assert.equal(back.status, "changed");
      assert.equal(await look(target), before);
      await ready(target);
    });

    lane(name)(`${name}: the same bytes under another tag are the same image`, async () => {
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

  two(
    "node-2: a file that containerd has migrated to its newest version is healed, and given back byte for byte",
    async () => {
      const target = on("node-2");
      const config = "/etc/containerd/config.toml";
      await target.sh(`cp -p ${config} /root/config.toml`);
      try {
        await target.sh(
          `containerd config migrate >${config}.new && mv ${config}.new ${config} && systemctl restart containerd`,
        );
        assert.match(await target.sh(`head -n 1 ${config}`), /^version = 4$/m);
        const before = await look(target);
        const report = await apply(target);
        assert.deepEqual([report.status, report.pinned, report.image], ["changed", true, target.images.A.reference]);
        assert.equal((await apply(target)).status, "unchanged");
        done(await target.run("none"));
        assert.equal(await look(target), before);
      } finally {
        await target.sh(`mv /root/config.toml ${config} && systemctl restart containerd`);
        await ready(target);
      }
    },
  );

  two(
    "node-2: is healed at its IPv6 address, from a registry at such an address, and given back byte for byte",
    async () => {
      const target = on("node-2");
      const before = await look(target);
      const registry = await registryIPv6();
      // ssh writes it in its shortest form, and so looks for this in known_hosts.
      const host = (await giveIPv6(target.node.container)).replace("::", ":0::").toUpperCase();
      const { hostKey } = target.node;
      const reach = stackReach({ name: "node-2", host, hostKey }, { parallel: 1, timeout: 60 }, lab.ssh.privateKeyFile);
      const ssh = ["-o", "BatchMode=yes", "-l", lab.ssh.user, ...(reach.options ?? []), "--", host];
      const settings = { image: target.images.A.reference.replace(lab.registry.host, registry) };
      const report = done(await target.run("A", { settings, ssh }));
      assert.deepEqual([report.status, report.pinned, report.image], ["changed", true, settings.image]);
      assert.ok(report.changed.includes(`/etc/containerd/certs.d/${registry}/hosts.toml`), report.changed.join());
      const again = done(await target.run("A", { settings, ssh }));
      assert.deepEqual([again.status, again.changed, again.restarted], ["unchanged", [], []]);
      const { facts, ...seen } = await lookAt(reach);
      assert.deepEqual(facts.name?.addresses, [registry.replace(/^\[(.*)\].*$/, "$1")]);
      assert.deepEqual(diagnose({ facts, ...seen }).findings, []);
      done(await target.run("none", { ssh }));
      assert.equal(await look(target), before);
    },
  );

  one("node-1: is refused a registry at an IPv6 address, and stays as it was", async () => {
    const target = on("node-1");
    const before = await look(target);
    const settings = { image: "[2001:db8::1]:5000/platform/pause:1.0.0" };
    failed(await target.run("A", { settings }), /PS-N022 containerd 1\.7\.\d+ cannot read .* IPv6 address/);
    assert.equal(await look(target), before);
  });

  one("node-1: is healed by who may sudo, and sudo's log has the command and no login", async () => {
    const target = on("node-1");
    const before = await look(target);
    const user = "admin-of-nodes";
    await target.sh('useradd -m "$1"; echo "$1 ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/$1"', user);
    try {
      const image = target.images.A.reference.replace(lab.registry.host, await withLogin());
      const secret = secretOf(LOGIN);
      const run = await watched(target, secret, () => target.run("A", { user, settings: { image, login: LOGIN } }));
      assert.equal(done(run).image, image);
      done(await target.run("none", { user }));
      assert.equal(await look(target), before);
      const log = await target.sh("journalctl --sync; journalctl --no-pager -o cat _COMM=sudo");
      assert.match(log, new RegExp(`${user} .*COMMAND=.* apply .*image=${image}`));
      assert.match(log, new RegExp(`${user} .*COMMAND=.* restore `));
      assert.ok(![secret, LOGIN.password].some((one) => log.includes(one)));
    } finally {
      await target.sh('userdel -r "$1" 2>/dev/null; rm "/etc/sudoers.d/$1"', user);
    }
  });

  for (const { name } of nodePlans()) {
    lane(name)(`${name}: pulls with a login that nobody but root reads, and that is on no command line`, async () => {
      const target = on(name);
      const before = await look(target);
      const image = target.images.A.reference.replace(lab.registry.host, await withLogin());
      failed(await target.run("A", { settings: { image } }), /PS-N010 .*(401|authorization failed|no basic auth)/i);
      const secret = secretOf(LOGIN);
      const run = await watched(target, secret, () => target.run("A", { settings: { image, login: LOGIN } }));
      const report = done(run);
      assert.deepEqual([report.image, report.pinned, report.digest], [image, true, target.images.A.digest]);
      assert.ok(!`${run.stdout}${run.stderr}`.includes(secret));
      const hosts = `/etc/containerd/certs.d/${image.split("/")[0] ?? ""}/hosts.toml`;
      assert.equal(await target.sh(WITH_LOGIN, secret, LOGIN.password), `${hosts}\n`);
      assert.equal(await target.sh('stat -c "%a %U" "$1"', hosts), "600 root\n");
      assert.equal(done(await target.run("A", { settings: { image, login: LOGIN } })).status, "unchanged");
      done(await target.run("none"));
      assert.equal(await look(target), before);
    });

    lane(name)(
      `${name}: pulls with a login that leaves nothing, where tokens are given out, and keeps its image`,
      async () => {
        const target = on(name);
        const before = await look(target);
        const image = target.images.A.reference.replace(lab.registry.host, await withTokens());
        const settings = { image, login: { ...LOGIN, keep: false } };
        const run = await watched(target, secretOf(LOGIN), () => target.run("A", { settings }));
        const report = done(run);
        assert.deepEqual([report.image, report.pinned, report.digest], [image, true, target.images.A.digest]);
        assert.equal(await target.sh(WITH_LOGIN, secretOf(LOGIN), LOGIN.password), "");
        // Nobody takes this one: the node is only looked at.
        const other = { ...settings, login: { ...settings.login, password: "another" } };
        assert.equal(done(await target.run("A", { settings: other })).status, "unchanged");
        done(await target.run("none"));
        assert.equal(await look(target), before);
      },
    );

    lane(name)(
      `${name}: pulls from a mirror of a registry that is not there, and over HTTP where that is asked for`,
      async () => {
        const target = on(name);
        const before = await look(target);
        const { reference } = target.images.A;
        const image = reference.replace(lab.registry.host, "registry.invalid");
        // The first is not there either, so that the order counts.
        const mirrors = ["https://mirror.invalid", `https://${lab.registry.host}`];
        assert.equal(done(await target.run("A", { settings: { image, mirrors } })).image, image);
        const plain = reference.replace(lab.registry.host, await plainHttp());
        failed(await target.run("A", { settings: { image: plain } }), /PS-N010 .*HTTP response to HTTPS client/);
        assert.equal(done(await target.run("A", { settings: { image: plain, plainHttp: true } })).image, plain);
        done(await target.run("none"));
        assert.equal(await look(target), before);
      },
    );

    lane(name)(`${name}: whoever does not manage it any more does not give it back`, async () => {
      const target = on(name);
      done(await target.run("A", { settings: { owner: "p/s/old" } }));
      assert.equal(done(await target.run("A", { settings: { owner: "p/s/new" } })).status, "unchanged");
      const renamed = await target.run("none", { settings: { owner: "p/s/old" } });
      assert.match(renamed.stderr, /left as it is: 'p\/s\/new' manages this node now, not 'p\/s\/old'/);
      assert.equal(done(renamed).status, "unchanged");
      assert.equal(done(await target.run("A", { settings: { owner: "p/s/new" } })).status, "unchanged");
      assert.equal(done(await target.run("none", { settings: { owner: "p/s/new" } })).status, "changed");
    });
  }

  two("an edited hosts.toml stays, and the CA that it names with it", async () => {
    const target = on("node-2");
    await apply(target);
    const dir = `/etc/containerd/certs.d/${lab.registry.host}`;
    await target.sh('echo "# mine" >>"$1/hosts.toml"', dir);
    const run = await target.run("none");
    done(run);
    assert.match(run.stderr, /ca\.crt stays: .*hosts\.toml, which was edited since, refers to it/);
    assert.equal(await target.sh('cd "$1" && ls', dir), "hosts.toml\npause-sandbox-ca.crt\n");
    await target.sh('rm -r "$1"; rmdir "${1%/*}" 2>/dev/null || true', dir);
  });

  if (atLeast("long"))
    one(`a kubelet ${KUBELET.collecting} gets the flag, has nothing to do then, and is given back`, async () => {
      const target = on("node-1");
      await swapKubelet(target, KUBELET.collecting);
      await ready(target);
      const before = await look(target);
      const report = await apply(target);
      assert.deepEqual([report.kubelet, report.restarted], [KUBELET.collecting, ["containerd", "kubelet"]]);
      exchanged.add(report.kubelet);
      assert.match(await target.sh(FLAG_FILES), new RegExp(`${flag}=${target.images.A.reference}`));
      await ready(target);
      assert.equal((await apply(target)).status, "unchanged");
      done(await target.run("none"));
      assert.equal(await look(target), before);
      await swapKubelet(target, KUBELET.flagged);
      await ready(target);
    });

  for (const newer of NEWER) {
    one(
      `a kubelet upgraded to ${newer} under the flag does not start; the next apply strips it and heals the node`,
      async () => {
        const target = on("node-1");
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
        assert.deepEqual([report.kubelet, report.restarted], [newer, ["kubelet"]]);
        exchanged.add(report.kubelet);
        assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag));
        await ready(target);
        assert.equal((await apply(target)).status, "unchanged");

        done(await target.run("none"));
        assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag), "restore brings the flag back");
        await ready(target);
        await swapKubelet(target, KUBELET.flagged);
      },
    );

    one(
      `a kubelet upgraded to ${newer} after the flag was taken away starts at once, and nothing is left to do`,
      async () => {
        const target = on("node-1");
        const before = await look(target);
        await apply(target);
        const settings = { kubeletFlag: false };
        const off = done(await target.run("A", { settings }));
        assert.deepEqual([off.pinned, off.restarted], [true, ["kubelet"]]);
        assert.doesNotMatch(await target.sh(FLAG_FILES), new RegExp(flag));
        assert.equal(done(await target.run("A", { settings })).status, "unchanged");
        await swapKubelet(target, newer);
        await ready(target);
        const report = done(await target.run("A", { settings }));
        assert.deepEqual([report.kubelet, report.changed, report.restarted], [newer, [], []]);

        await swapKubelet(target, KUBELET.flagged);
        done(await target.run("none"));
        assert.equal(await look(target), before);
        await ready(target);
      },
    );
  }

  /**
   * Looks at every command line and environment of the node while something runs there.
   * @throws if the secret shows elsewhere than in the environment of crictl, which has it only there
   */
  async function watched<T>(target: Target, secret: string, run: () => Promise<T>): Promise<T> {
    await target.sh("rm -f /run/watch.stop /run/watch.seen");
    // Its own command line must not be one that holds the secret.
    const look = `printf %s "$1" | base64 -d >/run/watch.secret
while [ ! -e /run/watch.stop ]; do
  : $((looks = \${looks:-0} + 1))
  for found in $(grep -alFf /run/watch.secret /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null); do
    # A process that is gone has no name any more; a command line counts all the same.
    echo "$(cat "\${found%/*}/comm" 2>/dev/null || echo crictl) \${found##*/}" >>/run/watch.seen
  done
done
echo "$looks"; sort -u /run/watch.seen`;
    const looking = target.sh(look, Buffer.from(`${secret}\n${LOGIN.password}\n`).toString("base64"));
    try {
      return await run();
    } finally {
      await target.sh("touch /run/watch.stop");
      const [looks = "", ...seen] = (await looking).trim().split("\n");
      assert.deepEqual(
        seen.filter((one) => one !== "crictl environ"),
        [],
      );
      assert.ok(Number(looks) > 20, `looked ${looks} times only`);
    }
  }
});
