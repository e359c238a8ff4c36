/**
 * What becomes of nodes whose resources are replaced, renamed or moved: the real engine, the command plugin over real SSH, and the real
 * script. The hosts are simulated: files of their own behind one sshd, with stubs of the runtime and of systemd.
 */
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as command from "@pulumi/command";
import { LocalWorkspace, type Stack, type UpOptions } from "@pulumi/pulumi/automation";
import { version } from "@pulumi/pulumi/version";

import "../../lab/ownConnections";
import { Host, makePrograms } from "../../lab/bench/fleet/hosts";
import { Server } from "../../lab/bench/fleet/server";
import { environment, tool } from "../../lab/bench/support/pulumi";
import { type ClusterNode, PauseImageSource, PauseSandbox, type SshConnection } from "../../components";
import { PULUMI_OLDEST } from "../../lab/toolchain/versions";
import { asked as told, ran } from "../support/ran";
import { atLeast } from "../support/tier";

const DIGEST = `sha256:${"d".repeat(64)}`;
const FLEET = path.join(__dirname, "../../lab/bench/fleet");
/** No other suite's server listens there. */
const PORTS = [22_622, 22_623] as const;

/** What a stack is asked for. */
interface Asked {
  nodes: ClusterNode[];
  tag: string;
  ca: string;
  registry: string;
  recheck: number;
  /** The name of the explicit provider. */
  provider: string;
  /** The password of a login that does not stay on nodes. */
  token?: string;
}

/** The tools of lab/toolchain that the tests run with. */
const CLIS = ["pulumi", ...(atLeast("long") ? [`pulumi@${PULUMI_OLDEST}`] : [])];

for (const cli of CLIS) {
  describe(`the life of a node's resource, with ${cli}`, function () {
    this.timeout(300_000);
    ran("Pulumi's CLI", () => told(tool(cli), "version"));
    ran("Pulumi's SDK", () => version);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-life-"));
    const pathBefore = process.env.PATH;
    let server: Server;
    let env: Record<string, string>;
    const hosts = new Map<string, Host>();
    const [ca, otherCa] = [certificate("one"), certificate("two")];
    let asked: Asked;

    function certificate(name: string): string {
      const out = path.join(folder, `${name}.pem`);
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null"];
      execFileSync("openssl", ["req", "-x509", ...key, "-subj", `/CN=${name}`, "-out", out], { stdio: "pipe" });
      return fs.readFileSync(out, "utf8");
    }

    before(async () => {
      for (const name of ["pulumi", "hosts"]) fs.mkdirSync(path.join(folder, name));
      fs.copyFileSync(path.join(FLEET, "enter.sh"), path.join(folder, "enter.sh"));
      fs.writeFileSync(path.join(folder, "fleet"), folder);
      makePrograms(folder);
      env = environment(path.join(folder, "pulumi"), tool(cli), tool("plugin:command")) as Record<string, string>;
      // Where the SDK looks for the engine.
      process.env.PATH = env.PATH;
      server = await Server.start(folder, PORTS);
      for (let i = 1; i <= 6; i++) {
        const host = await Host.at(path.join(folder, "hosts"), `127.1.0.${i}`, DIGEST);
        host.reset();
        hosts.set(`127.1.0.${i}`, host);
      }
      asked = {
        nodes: [1, 2, 3, 4, 5].map((i) => node(`n${i}`, `127.1.0.${i}`)),
        tag: "1",
        ca,
        provider: "ssh",
        registry: "registry.example.com:5000",
        recheck: 0,
      };
    });
    after(() => {
      process.env.PATH = pathBefore;
      server.stop();
      for (const host of hosts.values()) host.close();
      fs.rmSync(folder, { recursive: true });
    });

    const node = (name: string, host: string, more: { port?: number } = {}): ClusterNode => ({
      name,
      ...(name === "n1" ? { canary: true } : {}),
      connection: { host, port: PORTS[0], hostKey: server.hostKey, privateKey: key(), ...more },
    });
    let keyFile: string | undefined;
    const key = (): string => fs.readFileSync(keyFile ?? server.keyFile, "utf8");

    function stack(name = "life", now = asked): Promise<Stack> {
      const program = () => {
        const image = { reference: reference(now), digest: DIGEST, source: PauseImageSource.Existing };
        const provider = new command.Provider(now.provider);
        const login = now.token === undefined ? undefined : { username: "robot", password: now.token, keep: false };
        const trust = { ca: now.ca, login };
        const args = { image, nodes: now.nodes, maxUnavailable: "2", trust, recheck: now.recheck };
        new PauseSandbox("pause", args, { providers: { command: provider } });
        return Promise.resolve();
      };
      const inline = { stackName: name, projectName: "life", program };
      return LocalWorkspace.createOrSelectStack(inline, {
        ...{ envVars: env, pulumiHome: path.join(folder, "pulumi/home") },
      });
    }
    const reference = ({ registry, tag } = asked): string => `${registry}/platform/pause:${tag}`;
    const wrong = (address: string, now = asked): string[] | undefined =>
      hosts.get(address)?.wrong({ ...WANTED, ...now, hosts: [], reference: reference(now) });
    const urn = (name: string, type = "command:remote:Command", of = "life"): string =>
      `urn:pulumi:${of}::life::pause-sandbox:index:PauseSandbox$${type}::pause-${name}`;

    /** Runs the stack, and returns what the engine did, by kind, but for what stays the same. */
    async function up(options: UpOptions = {}, name = "life"): Promise<Record<string, number>> {
      const { summary } = await (await stack(name)).up(options);
      const changes = Object.entries(summary.resourceChanges ?? {}).filter(([kind]) => kind !== "same");
      return Object.fromEntries(changes) as Record<string, number>;
    }

    async function failing(options: UpOptions = {}): Promise<string> {
      const failed: unknown = await up(options).catch((error: unknown) => error);
      assert.ok(failed instanceof Error, `it did not fail: ${JSON.stringify(failed)}`);
      return failed.message;
    }

    /** Every node of the stack is healed, no copy of the script is left, and the engine has nothing to do. */
    async function healed(name = "life"): Promise<void> {
      for (const { connection } of asked.nodes) {
        const { host } = connection as { host: string };
        assert.deepEqual(wrong(host), []);
        assert.deepEqual(hosts.get(host)?.ours(), ["var-lib/pause-sandbox", "etc/containerd/certs.d"]);
      }
      assert.deepEqual(await up({}, name), {});
    }
    const WANTED = { digest: DIGEST, hostKey: "", keyFile: "" };

    it("begins with five nodes behind a canary, healed, and a second run that has nothing to do", async () => {
      assert.deepEqual(await up(), { create: 14 });
      await healed();
    });

    it("heals two nodes again that --replace names, and no other", async () => {
      assert.deepEqual(await up({ replace: [urn("n2"), urn("n4")] }), { replace: 2 });
      await healed();
    });

    it("heals a node again that was tainted", async () => {
      const { workspace } = await stack();
      const taint = ["state", "taint", urn("n3"), "--stack", "life", "--yes"];
      execFileSync("pulumi", taint, { cwd: workspace.workDir, env, stdio: "pipe" });
      assert.deepEqual(await up(), { replace: 1 });
      await healed();
    });

    it("heals all nodes again whose provider is replaced", async () => {
      const provider = "urn:pulumi:life::life::pulumi:providers:command::ssh";
      assert.deepEqual(await up({ replace: [provider] }), { replace: 1 });
      asked = { ...asked, provider: "another" };
      assert.deepEqual(await up(), { create: 1, delete: 1 });
      await healed();
    });

    it("leaves a node healed whose restore fails, and heals it again when that is mended", async () => {
      hosts.get("127.1.0.3")?.breakRestarts(true);
      // n4 is changed beside n3. It may be restored already when n3 fails, and is then not created again in this run.
      assert.match(await failing({ replace: [urn("n3"), urn("n4")] }), /PS-N015/);
      assert.deepEqual(wrong("127.1.0.3"), []);
      hosts.get("127.1.0.3")?.breakRestarts(false);
      await up({ replace: [urn("n3")] });
      await healed();
    });

    it("copies the script again for another way to log in, and to another host", async () => {
      asked = {
        ...asked,
        nodes: asked.nodes.map((one) => {
          if (one.name === "n2") return node("n2", "127.1.0.2", { port: PORTS[1] });
          return one.name === "n5" ? node("n5", "127.1.0.6") : one;
        }),
      };
      assert.deepEqual(await up(), { update: 4 });
      await healed();
    });

    it("logs in with another key, and changes nothing on a node", async () => {
      const own = path.join(folder, "new-key");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", own]);
      fs.appendFileSync(path.join(folder, "user.pub"), fs.readFileSync(`${own}.pub`));
      const before = [...hosts.values()].map((host) => host.files());
      keyFile = own;
      const nodes = asked.nodes.map((one) => ({
        ...one,
        connection: { ...(one.connection as SshConnection), privateKey: key() },
      }));
      asked = { ...asked, nodes };
      assert.deepEqual(await up(), { update: 10 });
      assert.deepEqual(
        [...hosts.values()].map((host) => host.files()),
        before,
      );
      await healed();
    });

    it("takes one token after the other, and changes nothing on a node", async () => {
      const at = (file: string): string => {
        const { ino, mtimeMs } = fs.statSync(file);
        return file.includes("/etc/containerd/") ? `${ino} ${mtimeMs}` : "";
      };
      const files = () =>
        [...hosts.values()].map((host) => Object.entries(host.files()).map(([file, text]) => [file, text, at(file)]));
      asked = { ...asked, token: "first" };
      await up();
      const before = files();
      for (let i = 0; i < (atLeast("long") ? 10 : 2); i++) {
        asked = { ...asked, token: `token-${i}` };
        assert.deepEqual(await up(), { update: 5 });
        assert.deepEqual(files(), before, `token ${i}`);
      }
      asked = { ...asked, token: undefined };
      await up();
      await healed();
    });

    it("keeps a node that is renamed", async () => {
      asked = { ...asked, nodes: asked.nodes.map((one) => (one.name === "n3" ? { ...one, name: "renamed" } : one)) };
      assert.deepEqual(await up(), { create: 2, delete: 2 });
      await healed();
    });

    it("refuses a target whose script is another one by now, and heals it without the target", async () => {
      const before = asked;
      asked = { ...asked, ca: `${ca}${otherCa}` };
      assert.match(await failing({ target: [urn("n4")] }), /PS-N027 no copy of the script passes sha256sum/);
      assert.deepEqual(wrong("127.1.0.4", before), []);
      assert.deepEqual(await up(), { update: 10 });
      await healed();
    });

    it("has a new authority beside the old one, and then alone", async () => {
      asked = { ...asked, ca: otherCa };
      assert.deepEqual(await up(), { update: 10 });
      await healed();
    });

    it("moves to another registry host, and leaves nothing of the old one", async () => {
      asked = { ...asked, registry: "registry2.example.com" };
      assert.deepEqual(await up(), { update: 5 });
      await healed();
    });

    it("heals a machine that was installed again, when its script is copied again", async () => {
      hosts.get("127.1.0.2")?.reinstall();
      // Pulumi does not look at nodes by itself.
      assert.deepEqual(await up(), {});
      asked = { ...asked, recheck: 1 };
      assert.match(
        await failing(),
        /The script on 127\.1\.0\.2:\d+ is not whole\. What to do: pulumi up --replace '\*\*pause-n2-script'\./,
      );
      await up({ replace: [urn("n2-script", "command:remote:CopyToRemote")] });
      await healed();
    });

    it("keeps a node that moves to another stack, and heals it there with another image", async () => {
      const moved = asked.nodes.filter(({ name }) => name === "n4");
      const rest = { ...asked, nodes: asked.nodes.filter(({ name }) => name !== "n4") };
      asked = { ...asked, nodes: moved };
      await up({}, "other");
      await (await stack("life", rest)).up();
      await healed("other");
      asked = { ...asked, tag: "2" };
      assert.deepEqual(await up({}, "other"), { update: 1 });
      await healed("other");
      await (await stack("other")).destroy();
      asked = rest;
      await healed();
    });

    it("gives each node back at the end as it was, with nothing of ours on a disk", async () => {
      await (await stack()).destroy();
      for (const [address, host] of hosts) {
        // That is where n5 was before its host was replaced: nobody asked for its way back.
        if (address !== "127.1.0.5") assert.ok(host.untouched(), `${address}: ${host.ours().join()}`);
      }
    });
  });
}
