import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { Host, type Verb } from "./host";
import { shells, wanted as image } from "./script";
import { describeWith } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

/** What somebody does to a node between two runs, below its root. */
type Act = (root: string) => void;

const append =
  (file: string): Act =>
  (root) => {
    fs.appendFileSync(path.join(root, file), "# a person\n");
  };
const create =
  (file: string): Act =>
  (root) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), "# a person\n");
  };
const touch =
  (file: string): Act =>
  (root) => {
    fs.utimesSync(path.join(root, file), new Date(), new Date());
  };

const decides: [string, Act][] = [
  ["the main configuration", append("containerd/config.toml")],
  ["a drop-in that it imports", append("containerd/conf.d/site.toml")],
  ["one more drop-in", create("containerd/conf.d/more.toml")],
  ["one more drop-in whose name begins with a dot", create("containerd/conf.d/.more.toml")],
  [
    "a drop-in that goes",
    (root) => {
      fs.rmSync(path.join(root, "containerd/conf.d/site.toml"));
    },
  ],
  ["our own drop-in", append("containerd/conf.d/zz-pause-sandbox.toml")],
  [
    "a drop-in's owner or mode",
    (root) => {
      fs.chmodSync(path.join(root, "containerd/conf.d/site.toml"), 0o600);
    },
  ],
  [
    "where a link leads to",
    (root) => {
      fs.rmSync(path.join(root, "containerd/conf.d/link.toml"));
      fs.symlinkSync("../other.toml", path.join(root, "containerd/conf.d/link.toml"));
    },
  ],
  ["what a link leads to", append("containerd/linked.toml")],
  ["a file beside our hosts.toml", create("certs.d/registry.example.org:5000/client.key")],
  ["our hosts.toml", append("certs.d/registry.example.org:5000/hosts.toml")],
  ["the kubelet's environment", append("kubelet/kubeadm-flags.env")],
  ["the kubelet's configuration", append("kubelet/own-config.yaml")],
  ["a drop-in of the kubelet's configuration", create("kubelet/config.d/10-site.conf")],
  ["the kubelet's unit", append("systemd/kubelet.service")],
  ["a drop-in of the kubelet's unit", create("systemd/kubelet.service.d/10-site.conf")],
  ["a unit of the runtime's that takes the place of the packaged one", create("systemd/containerd.service")],
  ["a drop-in of the runtime's unit", create("systemd/containerd.service.d/10-site.conf")],
  ["a drop-in for every service", create("systemd/service.d/10-site.conf")],
  ["the runtime's environment", append("containerd/env")],
  ["the kubelet's program", touch("../bin-kubelet")],
];

const matters: [string, Act][] = [
  [
    "state files that the kubelet renames at each new Pod",
    (root) => {
      for (const name of ["cpu_manager_state", "memory_manager_state", ".1234"]) {
        fs.writeFileSync(path.join(root, "kubelet", `${name}.tmp`), "{}");
        fs.renameSync(path.join(root, "kubelet", `${name}.tmp`), path.join(root, "kubelet", name));
      }
      fs.mkdirSync(path.join(root, "kubelet/pods/a"), { recursive: true });
    },
  ],
  ["another registry's certs.d", create("certs.d/other.example.com/hosts.toml")],
  ["a file elsewhere", create("somewhere/else")],
];

for (const shell of shells) {
  describeWith(CONTAINERD.newest)(`${shell.join(" ")}: the second run on a node`, function () {
    this.timeout(60_000);
    let host: Host;
    let root: string;
    beforeEach(() => {
      host = new Host(shell);
      root = path.join(host.dir, "root");
      const table = '[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "@DIR@/root/certs.d"\n';
      host.containerd(CONTAINERD.newest, `version = 3\nimports = ["@DIR@/root/containerd/conf.d/*.toml"]\n${table}`);
      host.write("root/containerd/env", "A=b\n");
      fs.appendFileSync(
        path.join(host.dir, "containerd.show"),
        `EnvironmentFiles=${root}/containerd/env (ignore_errors=yes)\n`,
      );
      host.write("root/containerd/conf.d/site.toml", "version = 3\n");
      for (const name of ["linked", "other"]) host.write(`root/containerd/${name}.toml`, "version = 3\n");
      fs.symlinkSync("../linked.toml", path.join(root, "containerd/conf.d/link.toml"));
      host.write("root/kubelet/own-config.yaml", "kind: KubeletConfiguration\n");
      host.write("root/systemd/kubelet.service", "[Service]\n");
      host.write(
        "kubelet.words",
        `kubelet\n--config=${root}/kubelet/own-config.yaml\n--config-dir\n${root}/kubelet/config.d\n`,
      );
      const applied = host.done("apply", settings);
      assert.deepEqual([applied.status, applied.restarted], ["changed", ["containerd", "kubelet"]]);
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const settings = { mirrors: ["https://m.example.com"] };
    const idle = (): boolean => {
      const run = host.run("apply", settings);
      assert.equal(run.status, 0, run.stderr);
      return run.stderr === `[n] well: nothing to do, new sandboxes run on ${image}\n`;
    };

    it("does nothing where nothing was touched, and writes nothing into its own directory", () => {
      const own = () => fs.statSync(path.join(host.dir, "home"), { bigint: true }).mtimeNs;
      const before = own();
      assert.deepEqual([idle(), own()], [true, before]);
    });
    for (const [what, act] of decides) {
      it(`looks again after somebody touched ${what}`, () => {
        act(root);
        assert.deepEqual([idle(), idle()], [false, true]);
      });
    }
    it("looks again after the list of what decides was lost: nothing to compare is no proof", () => {
      for (const name of ["watch", "stat"]) fs.rmSync(path.join(host.dir, "home", name));
      assert.deepEqual([idle(), idle()], [false, true]);
    });
    for (const [what, act] of matters) {
      it(`does nothing after somebody touched ${what}`, () => {
        act(root);
        assert.equal(idle(), true);
      });
    }
  });
}

/** What a run of the whole script may start on a simulated node, where it also starts what stands for systemd and the runtime. */
const LIMITS = { first: 345, idle: 25, restore: 190 };

describeWith(CONTAINERD.one, CONTAINERD.newest)("the processes that a run starts", function () {
  this.timeout(60_000);

  /** Every process that is made, with a program of its own or as a subshell; threads are none. */
  const started = (host: Host, verb: Verb): number => {
    const trace = path.join(host.dir, "trace");
    const strace = ["strace", "-f", "-qq", "-e", "trace=clone,fork,vfork,clone3", "-e", "signal=none", "-o", trace];
    new Host([...strace, "dash"], host.dir).done(verb);
    const calls = fs.readFileSync(trace, "utf8").split("\n");
    return calls.filter((line) => /(clone3?|v?fork)\(/.test(line) && !line.includes("CLONE_THREAD")).length;
  };

  for (const [version, config] of [
    [CONTAINERD.one, "version = 2\n"],
    [CONTAINERD.newest, 'version = 3\nimports = ["@DIR@/root/containerd/conf.d/*.toml"]\n'],
  ] as const) {
    it(`are few: the first apply, an idle one and the restore, with containerd ${version}`, function () {
      if (spawnSync("which", ["strace"]).status !== 0) this.skip();
      const host = new Host(["dash"]);
      try {
        host.containerd(version, config);
        const counts = {
          first: started(host, "apply"),
          idle: started(host, "apply"),
          restore: started(host, "restore"),
        };
        const text = JSON.stringify(counts);
        for (const run of ["first", "idle", "restore"] as const) {
          assert.ok(
            counts[run] > 0 && counts[run] <= LIMITS[run],
            `${run}: ${text}, at most ${JSON.stringify(LIMITS)}`,
          );
        }
      } finally {
        fs.rmSync(host.dir, { recursive: true });
      }
    });
  }
});

describeWith(CONTAINERD.newest)("the second run on a node", function () {
  this.timeout(60_000);
  it("restarts no kubelet for a registry whose name has the word in it", () => {
    const host = new Host(["dash"]);
    try {
      const table = '[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "@DIR@/root/certs.d"\n';
      host.containerd(CONTAINERD.newest, `version = 3\n${table}`, "1.35.0");
      const wanted = `kubelet.example:5000/${image.split("/").slice(1).join("/")}`;
      host.done("apply", { image: wanted });
      const { did } = host.done("apply", { image: wanted, mirrors: ["https://m.example.com"] });
      assert.deepEqual(
        did.filter((line) => line.startsWith("restart")),
        [],
      );
    } finally {
      fs.rmSync(host.dir, { recursive: true });
    }
  });
});
