import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import { spawnSync } from "child_process";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";
import { parse } from "yaml";

import { BootSetup, type BootSetupArgs, PauseSandbox } from "../../components";
import { type BootFile, bootProgram, type BootSettings, programFile, unitFiles } from "../../components/boot/bootFiles";
import { type BootForm, renderBootSetup } from "../../components/boot/renderBootSetup";
import { DIGEST, refused, run } from "../support/mocks";
import { needs } from "../support/needs";

const image = "registry.example.com:5000/platform/pause:1.0.0";
const ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const login = { username: "puller", password: "hunter2" };
const secret = Buffer.from(`${login.username}:${login.password}`).toString("base64");
const programUrl = "https://boot.example.com/node?signature=a%2Fb";
const settings: BootSettings = { image, digest: DIGEST, ca };
const USER_DATA: readonly BootForm[] = ["shell", "cloudInit", "ignition", "kubeadm"];

const all = (from: BootSettings): BootFile[] => [programFile(from), ...unitFiles()];
const inYaml = (files: { path: string; permissions: string; content: string }[]) =>
  files.map(({ path, permissions, content }) => ({ path, mode: parseInt(permissions, 8), content }));

/** The settings that a program hands to the node script, whatever is packed around them. */
function settingsIn(program: string): string {
  const data = /printf %s '([A-Za-z0-9+/=]*)'\|base64 -d\|sh/.exec(program)?.[1] ?? "";
  return Buffer.from(data, "base64").toString();
}

/** Everything in a text that is base64, decoded as often as it goes. */
function decoded(text: string): string {
  const inner = [...text.matchAll(/[A-Za-z0-9+/]{40,}={0,2}/g)].map(([one]) =>
    Buffer.from(one, "base64").toString("latin1"),
  );
  return inner.length === 0 ? text : text + inner.map(decoded).join("\n");
}

/** The fields of Ignition's spec 3.4.0 that are used here, with their types; any other field would be refused at boot. */
function checkIgnition(config: Record<string, unknown>): void {
  const fields = (value: unknown, allowed: Record<string, string>): Record<string, unknown> => {
    const object = value as Record<string, unknown>;
    for (const [key, found] of Object.entries(object)) {
      assert.strictEqual(
        Array.isArray(found) ? "list" : typeof found,
        allowed[key],
        `${key} in ${JSON.stringify(allowed)}`,
      );
    }
    return object;
  };
  const { ignition, storage, systemd } = fields(config, { ignition: "object", storage: "object", systemd: "object" });
  assert.deepStrictEqual(fields(ignition, { version: "string" }), { version: "3.4.0" });
  for (const file of fields(storage, { files: "list" }).files as unknown[]) {
    const allowed = { path: "string", mode: "number", overwrite: "boolean", contents: "object" };
    const { path: at, contents } = fields(file, allowed);
    assert.match(String(at), /^\//);
    assert.match(String(fields(contents, { source: "string" }).source), /^data:/);
  }
  for (const unit of fields(systemd, { units: "list" }).units as unknown[]) {
    const { name } = fields(unit, { name: "string", enabled: "boolean", contents: "string" });
    assert.match(String(name), /^[\w-]+\.service$/);
  }
}

describe("the payload for machines that do not exist yet", () => {
  it("has the settings of a node, and neither a name nor an owner", () => {
    const lines = settingsIn(bootProgram(settings)).split("\n");
    assert.deepStrictEqual(lines.slice(0, 2), [`image ${image}`, `digest ${DIGEST}`]);
    assert.ok(!lines.some((one) => /^(node|owner) /.test(one)));
  });

  for (const [program, ...args] of [["dash"], ["bash", "--posix"], ["busybox", "sh"]] as const) {
    (needs(program) ? it : it.skip)(`is a shell script that ${program} takes`, () => {
      const input = renderBootSetup(settings, "shell");
      const check = spawnSync(program, [...args, "-n"], { input, encoding: "utf8" });
      assert.strictEqual(check.status, 0, check.stderr);
    });
  }

  it("is a shell script with the program where only root reads it", () => {
    const text = renderBootSetup(settings, "shell");
    for (const { path: at, content } of all(settings)) assert.ok(text.includes(content.trimEnd()), at);
    assert.match(text, /^put 0600 \/etc\/pause-sandbox\/node /m);
  });

  it("is cloud-init's user data with the same files", () => {
    const text = renderBootSetup(settings, "cloudInit");
    assert.match(text, /^#cloud-config\n/);
    const config = parse(text) as { write_files: Parameters<typeof inYaml>[0]; runcmd: string[] };
    assert.deepStrictEqual(inYaml(config.write_files), all(settings));
    assert.deepStrictEqual(config.runcmd.slice(0, 2), [
      "systemctl daemon-reload",
      "systemctl --quiet enable pause-sandbox-boot.service",
    ]);
  });

  it("is an Ignition configuration that has no field but those of the spec, with the same files", () => {
    const config = JSON.parse(renderBootSetup(settings, "ignition")) as {
      storage: { files: { path: string; mode: number; contents: { source: string } }[] };
      systemd: { units: { name: string; contents: string; enabled?: boolean }[] };
    };
    checkIgnition(config);
    const [program] = config.storage.files;
    const content = Buffer.from((program?.contents.source ?? "").replace("data:;base64,", ""), "base64").toString();
    assert.deepStrictEqual({ path: program?.path, mode: program?.mode, content }, programFile(settings));
    assert.deepStrictEqual(
      config.systemd.units.map(({ name, enabled }) => [name, enabled]),
      [
        ["pause-sandbox-boot.service", true],
        ["pause-sandbox-retry.service", undefined],
      ],
    );
  });

  it("is the files and commands of a KubeadmConfigTemplate", () => {
    const spec = parse(renderBootSetup(settings, "kubeadm")) as {
      files: Parameters<typeof inYaml>[0];
      preKubeadmCommands: string[];
    };
    assert.deepStrictEqual(inYaml(spec.files), all(settings));
    assert.strictEqual(spec.preKubeadmCommands.length, 3);
  });

  for (const form of USER_DATA) {
    it(`refuses a login in user data, unless that is asked for: ${form}`, () => {
      assert.throws(
        () => renderBootSetup({ ...settings, login }, form),
        /^Error: allowLoginInUserData: trust\.login would be/,
      );
      const allowed = renderBootSetup({ ...settings, login, allowLoginInUserData: true }, form);
      assert.ok(decoded(allowed).includes(secret));
    });

    it(`leaves program and login out where the machine fetches them, in less than EC2 takes: ${form}`, () => {
      const text = renderBootSetup({ ...settings, login, programUrl }, form);
      assert.ok(!decoded(text).includes(secret));
      assert.ok(decoded(text).includes(programUrl));
      assert.ok(Buffer.byteLength(text) < 16_384, `${Buffer.byteLength(text)} bytes`);
    });
  }
});

describe("the program that a machine fetches", () => {
  const from: BootSettings = { ...settings, programUrl };
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-boot-"));
  /** What the URL gives, and how often it was asked. */
  const given = path.join(dir, "given");
  const asked = path.join(dir, "asked");
  const fetch = () => {
    const script = programFile(from).content.replace("/etc/pause-sandbox/program", path.join(dir, "program"));
    fs.writeFileSync(asked, "");
    const env = { PATH: `${dir}:${process.env.PATH ?? ""}` };
    // No verb: the program that was fetched says so itself, and goes no further.
    const result = spawnSync("sh", ["-s", "--", "none"], { input: script, encoding: "utf8", env });
    return { ...result, asked: fs.readFileSync(asked, "utf8").trim() };
  };
  before(() => {
    const curl = `#!/bin/sh\necho "$*" >>${asked}\nwhile [ "$1" != -o ]; do shift; done\ncp ${given} "$2"\n`;
    fs.writeFileSync(path.join(dir, "curl"), curl, { mode: 0o755 });
  });
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  it("is refused where it is another one, and nothing of it runs or stays", () => {
    fs.writeFileSync(given, "echo not ours\n");
    const { status, stdout, stderr } = fetch();
    assert.deepStrictEqual([status, stdout], [3, ""]);
    assert.match(stderr, /programUrl gives another program/);
    assert.deepStrictEqual(fs.readdirSync(dir).sort(), ["asked", "curl", "given"]);
  });

  (needs("systemctl") ? it : it.skip)("runs with the verb, and is fetched once", () => {
    fs.writeFileSync(given, bootProgram(from));
    const first = fetch();
    assert.match(first.stderr, /PS-N002 'none' is not apply, restore or plan/);
    assert.ok(first.asked.endsWith(programUrl), first.asked);
    const second = fetch();
    assert.match(second.stderr, /PS-N002/);
    assert.strictEqual(second.asked, "");
  });
});

describe("BootSetup", () => {
  const args: BootSetupArgs = { reference: image, digest: DIGEST, trust: { ca }, kubeletFlag: false };

  /** What the outputs are, once they are known, and whether they are secret. */
  async function outputs(wanted: BootSetupArgs) {
    let made: BootSetup | undefined;
    const resources = await run(() => {
      made = new BootSetup("boot", wanted);
      return made.shell.apply(() => "");
    });
    assert.ok(made);
    const value = <T>(output: pulumi.Output<T>) => (output as unknown as { promise(): Promise<T> }).promise();
    return {
      resources: resources.map(({ type }) => type),
      shell: await value(made.shell),
      program: await value(made.program),
      secret: await pulumi.isSecret(made.shell),
    };
  }

  it("needs no node, creates nothing, and gives each form of the same payload", async () => {
    const { resources, shell, secret } = await outputs(args);
    const expected: BootSettings = { image, digest: DIGEST, ca, kubeletFlag: false };
    assert.deepStrictEqual(resources, ["pause-sandbox:index:BootSetup"]);
    assert.strictEqual(shell, renderBootSetup(expected, "shell"));
    assert.strictEqual(secret, false);
  });

  it("takes Outputs wherever plain values may stand, with the same result", async () => {
    const plain = await outputs({ ...args, programUrl });
    const later = await outputs({
      reference: pulumi.output(image),
      digest: pulumi.output(DIGEST),
      trust: pulumi.output({ ca }),
      kubeletFlag: pulumi.output(false),
      programUrl: pulumi.output(programUrl),
    });
    assert.deepStrictEqual(later, plain);
  });

  it("has secret outputs where there is a login", async () => {
    const { shell, program, secret } = await outputs({ ...args, trust: { ca, login }, allowLoginInUserData: true });
    assert.ok(
      decoded(shell).includes("hunter2") || decoded(program).includes(Buffer.from("puller:hunter2").toString("base64")),
    );
    assert.strictEqual(secret, true);
  });

  it("refuses a login that would not stay: the payload does", async () => {
    const trust = { login: { ...login, keep: false } };
    await assert.rejects(
      outputs({ ...args, trust, allowLoginInUserData: true }),
      /trust\.login\.keep: false is not allowed; it must be true: the payload stays on its machine/,
    );
  });

  it("refuses a login without the opt-in, and never prints it", async () => {
    const attempt = outputs({ ...args, trust: pulumi.output({ login }) });
    await assert.rejects(attempt, (error: Error) => {
      assert.match(error.message, /BootSetup "boot": .*\n.*allowLoginInUserData: trust\.login would be in user data/);
      return !error.message.includes("hunter2");
    });
  });

  it("names every argument that is wrong", async () => {
    const wrong = { reference: "pause", programUrl: "http://x/it's", kubeletFlag: "no" };
    const words = ["reference: ", "programUrl: ", "kubeletFlag: "];
    await refused(() => new BootSetup("boot", wrong as never), words);
  });
});

describe("PauseSandbox's bootSetup", () => {
  const connection = { host: "a.example.com", insecureIgnoreHostKey: true, privateKey: "k" };
  const args = {
    image: { reference: image, source: "existing", digest: DIGEST } as never,
    nodes: [{ name: "a", connection }],
    trust: { ca },
  };
  const payloads = async (bootSetup?: object) => {
    let made: PauseSandbox | undefined;
    await run(() => {
      made = new PauseSandbox("pause", { ...args, bootSetup });
      return made.bootSetup.apply(() => "");
    });
    assert.ok(made);
    return (made.bootSetup as unknown as { promise(): Promise<{ shell: string } | undefined> }).promise();
  };

  it("is the payload with the image and the trust of the nodes", async () => {
    assert.strictEqual((await payloads({}))?.shell, renderBootSetup({ image, digest: DIGEST, ca }, "shell"));
  });

  it("is not there unless it is asked for", async () => {
    assert.strictEqual(await payloads(), undefined);
  });
});
