import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CRI_DOCKERD, CRICTL, CONTAINERD, KUBERNETES } from "../../toolchain/versions";
import { archive, DownloadSite, Machine, outcome, sha256 } from "./double";

const crictl = `crictl-v${CRICTL}-linux-amd64.tar.gz`;
const crictlPath = `/github.com/kubernetes-sigs/cri-tools/releases/download/v${CRICTL}/${crictl}`;
/** Another patch release of the same minor. */
const patched = CRICTL.replace(/\d+$/, "99");
const kubectlPath = `/dl.k8s.io/release/v${KUBERNETES}/bin/linux/amd64/kubectl`;

describe("lab/toolchain/get: where a tool comes from", function () {
  this.timeout(60_000);
  let machine: Machine;
  let site: DownloadSite;

  beforeEach(async () => {
    machine = new Machine();
    site = new DownloadSite();
    machine.env.PAUSE_SANDBOX_DOWNLOAD_MIRROR = await site.listen();
  });

  afterEach(() => {
    site.close();
    machine.remove();
  });

  function serveCrictl(sum?: string): void {
    const body = archive(machine, { crictl: "#!/bin/sh\necho downloaded\n" });
    site.serve(crictlPath, body);
    site.serve(`${crictlPath}.sha256`, `${sum ?? sha256(body)}  ${crictl}\n`);
  }

  it("takes what is on PATH when its version fits, and asks nobody", async () => {
    serveCrictl();
    const installed = machine.install("crictl", `echo crictl version v${patched}`);
    const { code, paths, log } = await machine.get("crictl");
    assert.deepEqual({ code, paths, asked: site.asked }, { code: 0, paths: [installed], asked: [] });
    assert.ok(log.includes(`crictl ${CRICTL}: on PATH (${installed}, ${patched})`), log);
  });

  it("passes over what is on PATH when its version does not fit, and says so", async () => {
    serveCrictl();
    machine.install("crictl", "echo crictl version v1.29.0");
    const { paths, log } = await machine.get("crictl");
    assert.deepEqual(paths, [join(machine.cache, `tools/cri-tools-${CRICTL}/crictl`)]);
    assert.match(log, /bin\/crictl is 1\.29\.0, which does not fit/);
  });

  it("says with --have whether a tool is on PATH or in the cache, and fetches nothing", async () => {
    serveCrictl();
    assert.equal((await machine.get("--have", "crictl")).code, 1);
    assert.deepEqual(site.asked, []);
    machine.install("crictl", `echo crictl version v${patched}`);
    assert.equal((await machine.get("--have", "crictl")).code, 0);
    assert.equal((await machine.get("--have", "crictl", "kubectl")).code, 1);
  });

  const fits: [tool: string, version: string, says: string, fits: boolean][] = [
    ["kubectl@1.34.2", "kubectl", "Client Version: v1.33.7", true],
    ["kubectl@1.34.2", "kubectl", "Client Version: v1.32.4-dispatcher", false],
    ["kubelet@1.34.2", "kubelet", "Kubernetes v1.34.3", false],
    ["kubelet@1.34.2", "kubelet", "Kubernetes v1.34.2", true],
    ["pulumi", "pulumi", "v3.260.1", true],
    ["pulumi", "pulumi", "v3.100.0", false],
    ["pulumi@3.217.0", "pulumi", "v3.276.0", false],
    ["pulumi@3.217.0", "pulumi", "v3.217.0", true],
    ["crictl", "crictl", "no version at all", false],
  ];
  for (const [wanted, command, says, expected] of fits) {
    it(`${expected ? "accepts" : "refuses"} "${says}" on PATH for ${wanted}`, async () => {
      const installed = machine.install(command, `echo "${says}"`);
      const { paths } = await machine.get(wanted);
      assert.equal(paths[0] === installed, expected);
    });
  }

  it("prefers a download to a build, verifies it, and takes it from the cache the next time", async () => {
    serveCrictl();
    machine.installGo();
    const first = await machine.get("crictl");
    assert.equal(first.code, 0);
    assert.match(first.log, /downloaded from github\.com in \d+ s, checksum verified/);
    assert.match(readFileSync(first.paths[0] ?? "", "utf8"), /echo downloaded/);
    const asked = site.asked.length;
    const second = await machine.get("crictl");
    assert.deepEqual([second.paths, site.asked.length], [first.paths, asked]);
    assert.match(second.log, /cached \(downloaded from github\.com, checksum verified\)/);
  });

  it("takes a single executable whose checksum file is one bare hash", async () => {
    const body = "#!/bin/sh\necho Client Version: v1.34.2\n";
    site.serve(kubectlPath, body);
    site.serve(`${kubectlPath}.sha256`, sha256(body));
    const { code, paths } = await machine.get("kubectl");
    assert.equal(code, 0);
    assert.equal(statSync(paths[0] ?? "").mode & 0o777, 0o755);
  });

  for (const [what, sum] of [
    ["is another's", "0".repeat(64)],
    ["is empty", ""],
  ] as const) {
    it(`refuses a download whose published checksum ${what}, and builds instead`, async () => {
      serveCrictl(sum);
      machine.installGo();
      const { code, paths, log } = await machine.get("crictl");
      assert.equal(code, 0);
      assert.match(log, /no download: checksum of crictl-.* refused/);
      assert.match(readFileSync(paths[0] ?? "", "utf8"), /echo built/);
    });
  }

  it("never installs a download that it cannot verify and cannot replace", async () => {
    serveCrictl("0".repeat(64));
    machine.install("go", "echo go version go1.99.0 linux/amd64; [ $1 = version ]");
    const { code, paths, log } = await machine.get("crictl");
    assert.deepEqual([code, paths, machine.tools(), machine.leftovers()], [1, [], [], []]);
    assert.match(log, /the build failed; the end of .*cri-tools-[0-9.]+\.log/);
  });

  it("builds what the site does not have", async () => {
    machine.installGo();
    const { code, log } = await machine.get("crictl");
    assert.equal(code, 0);
    assert.match(log, /github\.com has no .*sha256[^]*built from sigs\.k8s\.io\/cri-tools v[0-9.]+ in/);
  });

  it("asks no site for a tool whose authors publish no checksum, and builds it", async () => {
    machine.installGo(': >"$out/cri-dockerd"');
    const { code, paths, log } = await machine.get("cri-dockerd");
    assert.deepEqual([code, paths], [0, [join(machine.cache, `tools/cri-dockerd-${CRI_DOCKERD}/cri-dockerd`)]]);
    assert.match(log, new RegExp(`built from github\\.com/Mirantis/cri-dockerd v${CRI_DOCKERD} in`));
    assert.deepEqual(site.asked, []);
    assert.doesNotMatch(log, /no download/);
  });

  it("tries a site that cannot be reached once per run, and builds", async () => {
    machine.env.PAUSE_SANDBOX_DOWNLOAD_MIRROR = "http://127.0.0.1:9";
    machine.installGo('for tool in containerd ctr containerd-shim-runc-v2 crictl; do : >"$out/$tool"; done');
    const { code, paths, log } = await machine.get("crictl", "containerd");
    assert.equal(code, 0);
    assert.deepEqual(
      paths,
      [`cri-tools-${CRICTL}/crictl`, `containerd-${CONTAINERD.newest}`].map((p) => join(machine.cache, "tools", p)),
    );
    assert.equal(log.match(/curl exit code/g)?.length, 1);
    assert.equal(log.match(/github\.com cannot be reached/g)?.length, 2);
  });

  it("fails when a source does not hold all files of a tool", async () => {
    machine.installGo(': >"$out/containerd"');
    const { code, log } = await machine.get("containerd");
    assert.equal(code, 1);
    assert.match(log, /did not hold all of: containerd containerd-shim-runc-v2 ctr/);
  });

  it("says which tools there are when it does not know one, and how to add a version", async () => {
    const unknown = await machine.get("kubefed");
    assert.equal(unknown.code, 1);
    assert.match(unknown.log, /unknown tool "kubefed"; known: pulumi kubectl/);
    const version = await machine.get("containerd@9.9.9");
    assert.equal(version.code, 1);
    assert.match(version.log, /lab\/toolchain\/modules\/add/);
  });

  it("leaves nothing when it is interrupted, ends the build's processes, and works the next time", async () => {
    const alive = join(machine.home, "alive");
    machine.installGo(`echo half >"$out/crictl"; echo $$ >${alive}; echo started; sleep 300`);
    const child = machine.start("crictl");
    const ended = outcome(child);
    await appears(alive, child);
    child.kill("SIGTERM");
    assert.equal((await ended).code, 130);
    assert.deepEqual([machine.tools(), machine.leftovers()], [[], []]);
    assert.equal(existsSync(`/proc/${readFileSync(alive, "utf8").trim()}`), false);
    machine.installGo();
    assert.equal((await machine.get("crictl")).code, 0);
  });

  it("clears what a killed run left before it starts", async () => {
    const stage = join(machine.cache, `stage/cri-tools-${CRICTL}/out`);
    mkdirSync(stage, { recursive: true });
    writeFileSync(join(stage, "rubbish"), "half", { mode: 0o755 });
    machine.installGo();
    await machine.get("crictl");
    assert.deepEqual([machine.tools(), machine.leftovers()], [[`cri-tools-${CRICTL}/crictl`], []]);
  });

  it("lets two runs at once build once", async () => {
    const builds = join(machine.home, "builds");
    machine.installGo(`echo built >>${builds}; sleep 1; : >"$out/crictl"`);
    const runs = await Promise.all([machine.get("crictl"), machine.get("crictl")]);
    assert.deepEqual(
      runs.map((run) => run.code),
      [0, 0],
    );
    assert.equal(readFileSync(builds, "utf8"), "built\n");
    assert.match(runs.map((run) => run.log).join(""), /another run is getting it, waiting/);
  });
});

/** Resolves when the file exists; a run that ends before writing it fails the test. */
async function appears(file: string, child: ChildProcess): Promise<void> {
  while (!existsSync(file)) {
    assert.equal(child.exitCode, null, "get ended before the build started");
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
