/** `pause-sandbox check` on simulated nodes: ssh is a stand-in that has the node's script run there. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { NodeSettings } from "../../components/node/nodeSettings";
import { calledHere } from "../support/commandLine";
import { digest, Host } from "./host";
import { shells, wanted as image } from "./script";

const login = { username: "robot", password: "hunter2" };
const kube = "--config @DIR@/root/config.yaml --private-registry @DIR@/root/registries.yaml --data-dir=@DIR@/data";
const [shell = ["sh"]] = shells;

interface Out {
  version: number;
  nodes: {
    node: string;
    unlooked?: string;
    handlers?: Record<string, string>;
    differences?: { file?: string; key?: string; is?: string; wanted?: string }[];
  }[];
}

describe("pause-sandbox check", function () {
  this.timeout("5m");
  let host: Host;
  let bin: string;
  beforeEach(() => {
    host = new Host(shell);
    host.unit("k3s", kube, "k3s version v1.33.4+k3s1 (abc)");
    host.write("root/config.yaml", "node-label:\n  - a=b\n");
    const own = '[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "a.b/c:1"\n';
    host.write("data/agent/etc/containerd/config.toml", `version = 3\n${own}`);
    host.write("running", "a.b/c:1");
    host.write("digest", digest);
    bin = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-check-"));
    const simulated = `exec ${shell.join(" ")} ${path.join(__dirname, "host.sh")}`;
    const script = `#!/bin/sh
echo "$*" >>${bin}/args
while [ "$1" != -- ]; do shift; done
[ -e "${bin}/$2" ] || { cat >/dev/null; echo "ssh: connect to host $2 port 22: No route to host" >&2; exit 255; }
case $3 in *' -s -- plan'*) ;; *) exit 98 ;; esac
sed -n "s/^printf %s '\\([A-Za-z0-9+/=]*\\)'|base64 -d|sh.*/\\1/p" | base64 -d >"${bin}/settings"
${simulated} "$(cat "${bin}/$2")" plan <"${bin}/settings"
`;
    fs.writeFileSync(path.join(bin, "ssh"), script, { mode: 0o755 });
    fs.writeFileSync(path.join(bin, "w-1"), host.dir);
  });
  afterEach(() => {
    for (const dir of [host.dir, bin]) fs.rmSync(dir, { recursive: true });
  });

  const check = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    calledHere(["check", ...args], { env: { PATH: `${bin}:${process.env.PATH ?? ""}`, ...env } });
  const json = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = await check([...args, "-o", "json"], env);
    assert.match(stdout, /^\{/, stderr);
    return { status, stderr, ...(JSON.parse(stdout) as Out) };
  };
  const one = ["--host", "w-1", "--image", image, "--digest", digest];
  const stack = (more: string): string => {
    const node =
      "{ name: worker-1, host: w-1, port: 2222, user: admin, hostKey: ssh-ed25519 AAAA, bastion: { host: jump, hostKey: ssh-ed25519 AAAA } }";
    const text = `config:\n  pause-sandbox:reference: ${image}\n  pause-sandbox:nodes: [${node}]\n${more}`;
    fs.writeFileSync(path.join(bin, "Pulumi.mine.yaml"), text);
    return path.join(bin, "Pulumi.mine.yaml");
  };

  it("names node and file of what differs, ends with 1, and writes nothing", async () => {
    const before = host.files(".");
    const { status, stdout } = await check(one);
    assert.equal(status, 1, stdout);
    assert.match(stdout, /^1 of 1: not as wanted \(\S+\)\n\n\S+: not as wanted\n/);
    assert.match(stdout, /\n {2}\S+\/config\.yaml\.d\/zz-pause-sandbox\.yaml is missing\n/);
    assert.deepEqual(host.files("."), before);
  });

  for (const owner of ["project/stack/pause-w-1", undefined]) {
    it(`finds nothing on a node that ${owner === undefined ? "nobody" : "a stack"} manages, and ends with 0`, async () => {
      host.done("apply", owner === undefined ? {} : { owner });
      const before = host.files(".");
      const { status, stdout } = await check(one);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /^1 of 1: as wanted \(\S+\)\n$/);
      assert.deepEqual(host.files("."), before);
    });
  }

  it("names what somebody has edited since, and the value that is there", async () => {
    host.done("apply", { owner: "project/stack/pause-w-1" });
    const file = "root/config.yaml.d/zz-pause-sandbox.yaml";
    host.write(file, host.read(file).replace(image, "other.example/pause:2"));
    const { status, nodes } = await json(one);
    assert.equal(status, 1);
    assert.deepEqual(nodes[0]?.differences, [
      { file: path.join(host.dir, file), key: "pause-image", is: "other.example/pause:2", wanted: image },
    ]);
  });

  it("names another image that a stack manages the node with, and leaves that to it", async () => {
    host.done("apply", { owner: "project/stack/pause-w-1" });
    const { status, nodes } = await json(["--host", "w-1", "--image", image.replace(/:[^:]*$/, ":9")]);
    assert.deepEqual(
      [status, nodes[0]?.differences?.[0]?.key, nodes[0]?.differences?.[0]?.is],
      [1, "pause-image", image],
    );
  });

  it("names a handler that runs no pause, and ends with 0", async () => {
    host.done("apply");
    const generated = "data/agent/etc/containerd/config.toml";
    const shim = '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata]\nsandboxer = "shim"\n';
    host.write(generated, host.read(generated) + shim);
    const { status, nodes } = await json(one);
    assert.deepEqual([status, nodes[0]?.differences, nodes[0]?.handlers], [0, [], { kata: "image" }]);
    const { stdout } = await check(one);
    assert.match(
      stdout,
      /^1 of 1: as wanted \(\S+\)\n1 of 1: handler kata runs no pause, and needs its image \(\S+\)\n$/,
    );
  });

  it("names another digest", async () => {
    host.done("apply");
    const other = `sha256:${"b".repeat(64)}`;
    const { status, nodes } = await json(["--host", "w-1", "--image", image, "--digest", other]);
    assert.equal(status, 1);
    assert.deepEqual(nodes[0]?.differences, [{ key: "digest", is: digest, wanted: other }]);
  });

  it("names what a run that was killed left behind", async () => {
    host.write("home/journal/files", `${host.dir}/root/left\n`);
    const { status, nodes } = await json(one);
    assert.deepEqual([status, nodes[0]?.differences], [1, [{ file: `${host.dir}/root/left` }]]);
  });

  it("takes nodes, names and jump hosts of a stack, and gives them to ssh", async () => {
    host.done("apply", { node: "worker-1" });
    const { status, nodes } = await json(["--stack-file", stack("")]);
    assert.deepEqual([status, nodes[0]?.node], [0, "worker-1"]);
    const args = fs.readFileSync(path.join(bin, "args"), "utf8");
    assert.match(args, /-o BatchMode=yes .*-J root@jump -l admin -p 2222 .*-T -- w-1 /);
    // Of the stack alone, whatever this machine knows.
    const [, file = ""] = /-o UserKnownHostsFile=(\S+) -o StrictHostKeyChecking=yes /.exec(args) ?? [];
    assert.match(fs.readFileSync(file, "utf8"), /^\[w-1\]:2222 ssh-ed25519 \S+\n$/);
  });

  it("logs in with the key that the stack's ssh_config names, as a run does", async () => {
    host.done("apply", { node: "worker-1" });
    const key = path.join(bin, "key");
    fs.writeFileSync(key, "a key");
    fs.writeFileSync(path.join(bin, "config"), `Host w-1\n  IdentityFile ${key}\n`);
    const { status } = await json(["--stack-file", stack(`  pause-sandbox:sshConfig: ${path.join(bin, "config")}\n`)]);
    assert.equal(status, 0);
    assert.ok(fs.readFileSync(path.join(bin, "args"), "utf8").includes(`-i ${key} `));
  });

  describe("with a login that is encrypted in the stack's file", () => {
    const encrypted = "  pause-sandbox:pullUsername: robot\n  pause-sandbox:pullPassword: { secure: v1:abc }\n";
    const password = (word: string) => ({ PAUSE_SANDBOX_PULL_PASSWORD: word });
    const applied = (more: Partial<NodeSettings> = { login }) => host.done("apply", more);

    it("leaves the login out of what is compared, and says so", async () => {
      applied();
      const { status, stderr, nodes } = await json(["--stack-file", stack(encrypted)]);
      assert.deepEqual([status, nodes[0]?.differences], [0, []]);
      assert.equal(stderr, "the login is encrypted in the stack file: it is not compared\n");
    });

    it("names a login that the node lacks", async () => {
      applied({});
      const { status, nodes } = await json(["--stack-file", stack(encrypted)]);
      assert.equal(status, 1);
      assert.match(nodes[0]?.differences?.[0]?.file ?? "", /registries\.yaml$/);
    });

    it("compares it with the password of the environment, and shows neither", async () => {
      applied();
      const right = await json(["--stack-file", stack(encrypted)], password("hunter2"));
      assert.deepEqual([right.status, right.stderr], [0, ""]);
      const wrong = await json(["--stack-file", stack(encrypted)], password("hunter3"));
      assert.equal(wrong.status, 1);
      assert.deepEqual(wrong.nodes[0]?.differences, [{ file: `${host.dir}/root/registries.yaml`, key: "a login" }]);
    });
  });

  it("ends with 2 if some node could not be looked at, whether another one differs or not", async () => {
    const both = ["--host", "w-9", ...one];
    const differs = await check(both);
    assert.equal(differs.status, 2);
    assert.match(differs.stdout, /\nw-9: could not look: PS-L001 w-9 does not answer/);
    host.done("apply");
    const wanted = await check(both);
    assert.equal(wanted.status, 2);
    assert.match(wanted.stdout, /^1 of 2: could not look \(w-9\)\n1 of 2: as wanted/);
  });

  it("ends with 2 where the node's script refuses, with its words", async () => {
    host.write("units", "");
    host.write("os-release", "ID=talos\n");
    const { status, nodes } = await json(one);
    assert.equal(status, 2);
    assert.match(nodes[0]?.unlooked ?? "", /PS-N006 talos runs this node/);
  });

  for (const [what, args, says] of [
    ["no node", ["--image", image], /no node is named: use --host, --hosts, --local or --stack-file/],
    ["no image", ["--host", "w-1"], /no image is named: use --image or --stack-file/],
    ["a bad image", ["--host", "w-1", "--image", "pause"], /--image: "pause" is not allowed/],
    ["a list that is not there", ["--hosts", "/nowhere", "--image", image], /--hosts \/nowhere: ENOENT/],
    ["an unknown form", ["-o", "xml"], /Allowed choices are text, json/],
  ] as const) {
    it(`refuses ${what}, with 2`, async () => {
      const { status, stdout, stderr } = await check(args);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, says);
    });
  }

  it("explains itself", async () => {
    const { status, stdout } = await check(["--help"]);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /Exit codes: 0 all nodes have the wanted settings, 1 at least one differs, 2 a node could not be checked/,
    );
  });
});
