import { done, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { packedArchive } from "../../../components/archive/archive";
import { pauseArchive } from "../../../components/archive/pauseArchive";
import { laneOf } from "../../support/lanes";
import { HOSTS } from "../../support/nodes/machines";
import { UPSTREAM } from "./bootMachine";
import { BOOT, BootNode, HEAL, OWNER } from "./bootNode";

describe("a machine that is made with the payload as a script in user data, and joins the cluster", function () {
  this.timeout("15m");
  let shared: Nodes;
  let target: BootNode;
  const made: BootNode[] = [];
  const before = async () => {
    shared = await nodes();
    target = await BootNode.boots(shared, "boot-shell", HOSTS.bootShell, "shell");
    made.push(target);
    await target.ready();
  };
  const it = laneOf("boot", { before });
  after(async () => {
    for (const node of made) await node.remove();
  });

  it("has its first sandbox on our image, and has never tried upstream's", async () => {
    assert.equal(await target.firstSandbox(), shared.images.A.reference);
    assert.equal(await target.triedUpstream(), "");
    assert.doesNotMatch(await target.sh("crictl images"), /registry\.k8s\.io/);
  });

  it("warns of no runtime that it does not have", async () => {
    assert.doesNotMatch(await target.sh("journalctl -b --no-pager -o cat"), /non-existent unit/);
  });

  it("was healed again before the kubelet that kubeadm starts, with the flag that kubeadm has written", async () => {
    const flags = await target.sh("cat /var/lib/kubelet/kubeadm-flags.env");
    assert.match(flags, new RegExp(`--pod-infra-container-image=${shared.images.A.reference}"`));
    const { healed, started } = await target.times();
    assert.ok(healed > 0 && healed < started, `healed at ${healed} and the kubelet started at ${started}`);
  });

  it("does nothing at its second boot, before its kubelet starts", async () => {
    await target.reboot();
    assert.match(await target.journal(BOOT), /\[boot-shell\] well: nothing to do/);
    assert.doesNotMatch(await target.journal(BOOT), /restarting|PS-N/);
    const { healed: looked, started } = await target.times();
    assert.ok(looked > 0 && looked < started, `looked at ${looked} and the kubelet started at ${started}`);
    assert.equal(await target.firstSandbox(), shared.images.A.reference);
  });

  it("is adopted by a stack without a change, also at the boot after that", async () => {
    const adopted = done(await target.run("A", { settings: { owner: OWNER } }));
    assert.deepEqual([adopted.status, adopted.changed, adopted.restarted], ["unchanged", [], []]);
    await target.reboot();
    assert.match(await target.journal(BOOT), /\[boot-shell\] well: nothing to do/);
    assert.equal(await target.sh("sed -n 's/^owner //p' /var/lib/pause-sandbox/state"), `${OWNER}\n`);
  });

  it("restarts a kubelet that runs, although each start of it waits for the boot unit", async () => {
    const off = done(await target.run("A", { settings: { owner: OWNER, kubeletFlag: false } }));
    assert.deepEqual(off.restarted, ["kubelet"]);
    const on = done(await target.run("A", { settings: { owner: OWNER } }));
    assert.deepEqual(on.restarted, ["kubelet"]);
    await target.ready();
  });

  it("stays as it was once a stack has given it back, also at the next boot", async () => {
    assert.equal(done(await target.run("none", { settings: { owner: OWNER } })).status, "changed");
    assert.equal(await target.sh(`systemctl is-enabled ${BOOT} || true`), "disabled\n");
    await target.reboot();
    assert.equal(await target.journal(BOOT), "");
    assert.match(await target.sh("cat /etc/containerd/config.toml"), new RegExp(`sandbox_image = "${UPSTREAM}"`));
    assert.equal(await target.sh("ls /var/lib/pause-sandbox 2>/dev/null || true"), "");
  });

  it("has a carried image again before its kubelet starts, and from the timer, and nothing of it once it is given back", async () => {
    const [image, carried] = ["localhost/pause-sandbox/pause:1.0.0", pauseArchive(["linux/amd64"])];
    const files = "find /etc /var/lib/pause-sandbox -name '*pause-sandbox*' 2>/dev/null | sort";
    const before = await target.sh(files);
    const { digest } = carried;
    const settings = { owner: OWNER, image, digest, ca: undefined, archive: packedArchive(carried) };
    // Without sftp, the command brings script and image along.
    const first = done(await target.run("A", { settings, sftp: false }));
    assert.deepEqual([first.pinned, first.digest], [true, digest]);
    assert.ok(first.restarted.includes(`${HEAL}.timer`), first.restarted.join());
    const second = done(await target.run("A", { settings }));
    assert.deepEqual([second.status, second.changed, second.restarted], ["unchanged", [], []]);

    const there = 'crictl inspecti -o go-template --template "{{.status.pinned}}" "$1" || echo gone';
    const said = (lines: string) => {
      assert.equal(lines, `imported ${image}\n`);
    };
    await target.sh("crictl rmi --all || true");
    assert.equal(await target.sh(there, image), "gone\n");
    await target.reboot();
    assert.equal(await target.sh(there, image), "true\n");
    said(await target.journal(HEAL));
    const { healed, started } = await target.times(HEAL);
    assert.ok(healed > 0 && healed < started, `healed at ${healed} and the kubelet started at ${started}`);

    const timer = await target.sh(`systemctl show ${HEAL}.timer -P ActiveState -P TimersMonotonic`);
    assert.match(timer, /^active$/m);
    assert.match(timer, /OnUnitInactiveUSec=4min/);
    await target.sh("crictl rmi --all || true");
    await target.sh(`systemctl start ${HEAL}.service; systemctl start ${HEAL}.service`);
    assert.equal(await target.sh(there, image), "true\n");
    const both = await target.journal(HEAL);
    said(both.slice(both.length / 2));

    done(await target.run("none", { settings: { owner: OWNER } }));
    assert.equal(await target.sh(files), before);
    assert.equal(await target.sh(`systemctl is-active ${HEAL}.timer || true`), "inactive\n");
  });
});
