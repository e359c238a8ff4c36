import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { bootProgram } from "../../components/boot/bootFiles";
import { renderBootSetup } from "../../components/boot/renderBootSetup";
import { renderStdin } from "../../components/node/nodeScript";
import { nodeProgram } from "../../components/node/program";
import { calledHere, commandLine } from "../support/commandLine";

const image = "registry.example.com:5000/platform/pause:1.0.0";
const digest = `sha256:${"a".repeat(64)}`;
const caPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const login = { username: "puller", password: "hunter2" };

describe("pause-sandbox render", function () {
  this.timeout("5m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-render-"));
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };
  const ca = file("ca.pem", caPem);
  const word = file("password", "hunter2\n");
  const stack = (more: string): string =>
    file(
      "Pulumi.mine.yaml",
      `config:\n  pause-sandbox:reference: ${image}\n  kubernetes:x: y\n  pause-sandbox:nodes:\n` +
        `    - { name: w, host: 10.0.0.1, hostKey: ssh-ed25519 AAAA }\n${more}`,
    );
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  const prints = async (args: readonly string[], text: string, env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = await calledHere(["render", ...args], { env });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, text);
  };

  it("script prints the program with the settings of the options", async () => {
    const options = ["--image", image, "--digest", digest, "--ca", ca, "--mirror", "https://m1.example"];
    const settings = { image, digest, ca: caPem, mirrors: ["https://m1.example"], plainHttp: true, kubeletFlag: false };
    await prints(["script", ...options, "--plain-http", "--no-kubelet-flag"], renderStdin(settings));
  });

  it("script takes a login from a file, or from the environment", async () => {
    const options = ["script", "--image", image, "--pull-username", "puller"];
    await prints([...options, "--pull-password-file", word], renderStdin({ image, login }));
    await prints(options, renderStdin({ image, login }), { PAUSE_SANDBOX_PULL_PASSWORD: "hunter2" });
  });

  it("script --source prints the very text that runs as root", async () => {
    assert.deepEqual(await commandLine(["render", "script", "--source"]), {
      ...{ status: 0, stderr: "" },
      stdout: nodeProgram(),
    });
  });

  for (const [format, form] of [
    ["shell", "shell"],
    ["cloud-init", "cloudInit"],
    ["ignition", "ignition"],
    ["kubeadm", "kubeadm"],
  ] as const) {
    it(`boot prints the payload as ${format}`, async () => {
      const text = renderBootSetup({ image, ca: caPem }, form);
      await prints(["boot", "--format", format, "--image", image, "--ca", ca], text);
    });
  }

  it("boot takes the settings and the choices of a stack, whose secrets are encrypted", async () => {
    const secrets =
      "  pause-sandbox:sshPrivateKey: { secure: v1:abc }\n  pause-sandbox:kubeconfig: { secure: v1:abc }\n";
    const own = `${secrets}  pause-sandbox:registryUsername: push\n  pause-sandbox:registryPassword: { secure: v1:abc }\n`;
    const trust = `  pause-sandbox:registryMirrors: [https://m.example]\n  pause-sandbox:kubeletFlag: false\n`;
    const choices = "  pause-sandbox:bootSetup: { programUrl: https://boot.example/node }\n";
    const settings = { image, digest, mirrors: ["https://m.example"], kubeletFlag: false };
    const url = { programUrl: "https://boot.example/node" };
    const args = ["--stack-file", stack(own + trust + choices), "--digest", digest];
    await prints(["boot", "--format", "shell", ...args], renderBootSetup({ ...settings, ...url }, "shell"));
    await prints(["boot", "--format", "program", ...args], bootProgram({ ...settings, ...url }));
  });

  it("boot takes a stack's encrypted login only from a file or the environment", async () => {
    const own = "  pause-sandbox:pullUsername: puller\n  pause-sandbox:pullPassword: { secure: v1:abc }\n";
    const args = ["boot", "--format", "program", "--stack-file", stack(own)];
    const { status, stdout, stderr } = await calledHere(["render", ...args]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^error: the pull login of the stack file is encrypted, .*PAUSE_SANDBOX_PULL_PASSWORD\n$/);
    await prints(args, bootProgram({ image, login }), { PAUSE_SANDBOX_PULL_PASSWORD: "hunter2" });
  });

  const ok = ["--image", image];
  const user = ["--pull-username", "puller"];
  const withLogin = [...ok, ...user, "--pull-password-file", word];
  const key = file("key.pem", "-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----\n");
  for (const [what, args, says] of [
    ["no image", ["script"], /^error: no image is named: use --image or --stack-file\n$/],
    [
      "a bad image",
      ["script", "--image", "pause"],
      /^error: --image: "pause" is not allowed; it must be host\[:port\]/,
    ],
    ["a bad digest", ["script", ...ok, "--digest", "x"], /^error: --digest: "x" is not allowed; it must be sha256/],
    [
      "a bad mirror",
      ["script", ...ok, "--mirror", "m"],
      /^error: --mirror: a text of 1 character is not allowed; it must be an http/,
    ],
    ["a key as a CA", ["script", ...ok, "--ca", key], /^error: --ca: a private key, .* it must be certificates in PEM/],
    ["a CA that is not there", ["script", ...ok, "--ca", "/nowhere"], /^error: --ca \/nowhere: ENOENT/],
    ["a user without a password", ["script", ...ok, ...user], /^error: --pull-username puller has no password: use/],
    [
      "a password without a user",
      ["script", ...ok, "--pull-password-file", word],
      /^error: --pull-password-file needs/,
    ],
    ["a bad user", ["script", ...withLogin, "--pull-username", "a:b"], /^error: --pull-username: "a:b" is not allowed/],
    [
      "a login in user data",
      ["boot", "--format", "shell", ...withLogin],
      /^error: .*the login would be in user data, .*--program-url/,
    ],
    [
      "a bad URL",
      ["boot", "--format", "shell", ...ok, "--program-url", "ftp"],
      /^error: --program-url: .*an https URL/,
    ],
    ["no format", ["boot", ...ok], /required option '--format <form>' not specified/],
    ["an unknown format", ["boot", ...ok, "--format", "x"], /Allowed choices are shell, cloud-init, ignition, kubeadm/],
    ["a password as an option", ["script", ...ok, ...user, "--pull-password", "x"], /unknown option '--pull-password'/],
    [
      "a stack file that is not there",
      ["script", "--stack-file", "/nowhere"],
      /^error: --stack-file \/nowhere: ENOENT/,
    ],
    [
      "a stack file of others",
      ["script", "--stack-file", ca],
      /^error: --stack-file .*: it has no setting of pause-sandb/,
    ],
    [
      "YAML that is none",
      ["script", "--stack-file", file("bad", "a: [pass")],
      /^error: --stack-file .*: it is not YAML: /,
    ],
    [
      "an encrypted image",
      ["script", "--stack-file", file("enc", "config: { pause-sandbox:reference: { secure: x } }")],
      /^error: --stack-file .*: pause-sandbox:reference is encrypted, so it cannot be read here/,
    ],
    [
      "a stack's bad field",
      ["script", "--stack-file", file("field", "config: { pause-sandbox:nodes: [{ name: a, hst: b }] }")],
      /^error: nodes\[0\]: "hst" is not allowed; .*\nerror: nodes\[0\]\.host: no value[^]*hostKey/,
    ],
  ] as const) {
    it(`refuses ${what}, with 2 and no output`, async () => {
      const { status, stdout, stderr } = await calledHere(["render", ...args]);
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /hunter2|MIIsecret/);
    });
  }

  it("explains itself", async () => {
    const { status, stdout } = await calledHere(["render", "boot", "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /never from the command line[^]*Exit codes: 0 the text was printed, 2 it was not/);
  });
});
