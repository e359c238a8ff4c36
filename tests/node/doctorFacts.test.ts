/** What the doctor's program derives on a node, by its own functions. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { verdict } from "../../cli/text";
import { diagnose } from "../../doctor/diagnose";
import { parseFacts } from "../../doctor/facts";
import { Host, type Verb } from "./host";
import { shells } from "./script";
import { textOf } from "./functions";

describe("the doctor on a node", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-facts-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  for (const [program = "", ...args] of shells) {
    it(`${program}: knows to a hundredth of a second when a unit was started`, () => {
      fs.writeFileSync(path.join(dir, "uptime"), "1000.99 1.00\n");
      const show = "systemctl() { printf 'ExecMainStartTimestampMonotonic=900009999\\nMainPID=7\\n'; }";
      const code = [
        textOf("lib/settings"),
        textOf("lib/systemd"),
        "proc=$scratch",
        textOf("doctor/runtimes"),
        textOf("doctor/facts"),
        show,
        "started_seconds x",
      ].join("\n");
      const before = Date.now() / 1000;
      const { stdout, stderr } = spawnSync(program, [...args, "-euc", code], {
        ...{ encoding: "utf8", env: { ...process.env, scratch: dir } },
      });
      const after = Date.now() / 1000;
      assert.match(stdout, /^\d+\.\d\d$/, stderr);
      // The file system's clock ticks every few milliseconds.
      const began = Number(stdout) + 100.99;
      assert.ok(began > before - 0.05 && began < after + 0.02, `${before} ${began} ${after}`);
    });
  }
});

/** What k3s' containerd says, and what there is beside it; the rest of the node is {@link Host}'s. */
const MORE = `
timeout() { shift; "$@"; }
journalctl() { :; }
crictl() {
  while :; do case $1 in --*) shift 2 ;; *) break ;; esac; done
  case $1 in
    info) echo '{"conditions":[{"type":"RuntimeReady","status":true},{"type":"NetworkReady","status":true}],"runtimeHandlers":null}' ;;
    inspecti) echo '{"status":{"pinned":true,"repoDigests":[]}}' ;;
    pods) : ;;
    *) unexpected crictl "$@" ;;
  esac
}
look() {
  use_scratch
  fact host host_fact
  read_runtime
  image=$sandbox_before registry=\${image%%/*}
  for one in runtime able files registry roots name proxy handlers status image sandbox kubelet events; do fact "$one" "\${one}_fact" || :; done
}`;

for (const [name, unit] of [
  ["k3s", "k3s"],
  ["rke2", "rke2-agent"],
] as const) {
  it(`the doctor on a simulated node with ${name} says that all is well, and changes nothing`, () => {
    const host = new Host(shells[0] ?? []);
    const running = "MainPID=42\nActiveState=active\nExecMainStartTimestampMonotonic=5000000\n";
    host.unit(
      unit,
      "--config @DIR@/root/config.yaml --data-dir @DIR@/data",
      `${name} version v1.33.4+${name}1 (abc)`,
      running,
    );
    host.write(
      "proc/42/cmdline",
      `${host.dir}/bin-${unit}\0--config\0${host.dir}/root/config.yaml\0--data-dir\0${host.dir}/data\0`,
    );
    host.write("proc/42/environ", "A=b\0");
    host.write("proc/uptime", "1000.00 1.00\n");
    host.write("root/config.yaml", "pause-image: registry.example/pause:1\n");
    const generated =
      'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "registry.example/pause:1"\n' +
      '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n' +
      '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes."a b"]\nsandboxer = "shim"\n';
    host.write("data/agent/etc/containerd/config.toml", generated);
    host.write("running", "registry.example/pause:1");
    host.write("more.sh", textOf("doctor/runtimes") + textOf("doctor/facts") + MORE);
    const before = host.files();
    const { stdout, stderr, did } = host.run("look" as Verb);
    assert.deepEqual([did, host.files()], [[], before]);
    const look = {
      node: "n",
      host: "n",
      facts: parseFacts(stdout),
      walks: [],
      ourSeconds: Math.floor(Date.now() / 1000),
    };
    assert.equal(look.facts.runtime?.name, name, stderr);
    assert.deepEqual(look.facts.handlers, { runc: "every", "a b": "image" });
    const { findings, unknown } = diagnose(look);
    assert.match(verdict("n", findings, { unknown }), /all is well/, stdout);
  });
}
