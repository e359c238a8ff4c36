import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { type ClusterNode, PauseSandbox, type SshConnection, type SshHost } from "../../components";
import { known } from "../../components/inputs";
import { readStackConfig } from "../../settings/config";
import { SETTINGS } from "../../settings/known";
import { run } from "../support/mocks";
import { configure, declared, defaults, type Settings, stackFile } from "../support/stackFiles";

/** Runs `body` with these settings as the stack's configuration. */
async function configured<T>(settings: Settings, body: () => T): Promise<T> {
  let result: T | undefined;
  await run(() => {
    configure(settings);
    result = body();
  });
  return result as T;
}

const connectionOf = (node?: ClusterNode): SshConnection => node?.connection as SshConnection;

describe("the stack's configuration", () => {
  const secrets = { registryPassword: "p", sshPrivateKey: "k" };

  it("the example of a real cluster is read, and the components accept it", async () => {
    await run(() => undefined);
    const sandbox = await configured({ ...stackFile("example"), ...secrets }, () => {
      const { args } = readStackConfig();
      assert.strictEqual(args.nodes.length, 3);
      assert.strictEqual(args.nodes[0]?.canary, true);
      assert.strictEqual(connectionOf(args.nodes[2]).port, 2222);
      assert.strictEqual((connectionOf(args.nodes[1]).bastion as SshHost).host, "jump.bank.example");
      assert.strictEqual(args.maxUnavailable, "10%");
      return new PauseSandbox("pause", args);
    });
    assert.ok(sandbox);
  });

  it("has the settings that Pulumi.yaml declares, and no others", () => {
    assert.deepStrictEqual([...SETTINGS].sort(), Object.keys(declared()).sort());
  });

  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
  const good = { name: "a", host: "a", hostKey };

  /** What is wrong with these settings, a line a problem. */
  const problemsOf = async (settings: Settings): Promise<string[]> => {
    const message = await configured(settings, () => {
      try {
        readStackConfig();
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    });
    return message.split("\n").slice(1);
  };

  const bad: [string, Settings, RegExp[]][] = [
    ["nodes that are no list", { nodes: { name: "a" } }, [/nodes: {"name":"…"} is not allowed; it must be a list/]],
    [
      "a misspelt setting, with the one that is meant",
      { nodes: [good], maxUnavailabel: 3 },
      [
        /maxUnavailabel: "maxUnavailabel" is not allowed; it must be the name of a setting; perhaps maxUnavailable is meant/,
      ],
    ],
    [
      "a setting that is like none",
      { nodes: [good], flux: true },
      [/flux: "flux" is not allowed; it must be the name of a setting; Pulumi\.yaml lists them/],
    ],
    ["nodes that are no JSON", { nodes: "worker-1" }, [/nodes: "worker-1" is not allowed; it must be a list/]],
    ["a node that is no object", { nodes: ["worker-1"] }, [/nodes\[0\]: "worker-1" .* an object with host, port/]],
    ["a node that is empty", { nodes: [null, good] }, [/nodes\[0\]: null .* an object with host, port/]],
    ["a node that is a list", { nodes: [["a"]] }, [/nodes\[0\]: \["…"\] .* an object with host, port/]],
    [
      "a misspelt field, and what it leaves open",
      { nodes: [{ name: "a", host: "a", hostkey: "x" }] },
      [/nodes\[0\]: "hostkey" .* one of the fields/, /nodes\[0\]\.hostKey: no value .* the host's public key/],
    ],
    [
      "a node without name, host and host key",
      { nodes: [good, { port: null }] },
      [/nodes\[1\]\.name: no value .*kubectl get nodes/, /nodes\[1\]\.host: no value/, /nodes\[1\]\.hostKey: no value/],
    ],
    [
      "fields of another type",
      { nodes: [{ ...good, name: 7, port: "22", canary: "no", insecureIgnoreHostKey: "false" }] },
      [
        /nodes\[0\]\.name: 7 is not allowed; it must be a string/,
        /nodes\[0\]\.port: "22" .* a number/,
        /nodes\[0\]\.canary: "no" .* a boolean/,
        /nodes\[0\]\.insecureIgnoreHostKey: "false" .* a boolean/,
      ],
    ],
    [
      "what is wrong with bastions, beside all else",
      {
        nodes: [
          { ...good, bastion: "jump" },
          { ...good, bastion: { host: "jump", hots: "x" } },
        ],
        bastion: ["a"],
      },
      [
        /nodes\[0\]\.bastion: "jump" .* an object with host/,
        /nodes\[1\]\.bastion: "hots" .* one of the fields host, /,
        /nodes\[1\]\.bastion\.hostKey: no value/,
        /bastion: \["…"\] .* an object with host/,
      ],
    ],
  ];
  for (const [name, settings, expected] of bad) {
    it(`refuses ${name}`, async () => {
      const problems = await problemsOf(settings);
      assert.strictEqual(problems.length, expected.length, problems.join("\n"));
      expected.forEach((pattern, i) => {
        assert.match(problems[i] ?? "", pattern);
      });
    });
  }

  it("signs with a key and its password, both secrets, and verifies with the public key, where they are set", async () => {
    const settings = { imageSigningKey: "k", imageSigningPassword: "p", imagePublicKey: "PUBLIC" };
    const { signing, publicKey } = (await configured(settings, () => readStackConfig())).args.image;
    assert.strictEqual(publicKey, "PUBLIC");
    const { privateKey, password } = signing as { privateKey: pulumi.Output<string>; password: pulumi.Output<string> };
    assert.deepStrictEqual(await Promise.all([known(privateKey), known(password)]), ["k", "p"]);
    for (const secret of [privateKey, password]) assert.ok(await pulumi.isSecret(secret));
    const none = (await configured(defaults(), () => readStackConfig())).args.image;
    assert.deepStrictEqual([none.signing, none.publicKey], [undefined, undefined]);
  });

  it("refuses a password without the key that it belongs to", async () => {
    const problems = await problemsOf({ imageSigningPassword: "p" });
    assert.match(problems.join("\n"), /imageSigningKey: no value .* the key that imageSigningPassword belongs to/);
  });

  it("asks no host key of a host that is to do without", async () => {
    assert.deepStrictEqual(await problemsOf({ nodes: [{ name: "a", host: "a", insecureIgnoreHostKey: true }] }), []);
  });

  const secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----\n";
  const leaks: [string, Settings][] = [
    ["a field of a node that does not belong there", { nodes: [{ ...good, privateKey: secret }] }],
    ["a field of a bastion that does not belong there", { bastion: { host: "a", hostKey, password: "b3BlbnNzaC1r" } }],
    ["nodes that are no list", { nodes: { privateKey: secret, ...good } }],
    ["a node that is a list", { nodes: [[secret]] }],
    ["a node that is text", { nodes: [secret] }],
    ["a field that is an object", { nodes: [{ ...good, user: { privateKey: secret } }] }],
    ["a setting that is no JSON", { bastion: secret }],
  ];
  for (const [name, settings] of leaks) {
    it(`never prints a secret: ${name}`, async () => {
      const problems = await problemsOf(settings);
      assert.ok(problems.length > 0);
      assert.ok(!problems.join("\n").includes("b3Blb"), problems.join("\n"));
    });
  }

  it("takes Pulumi.yaml's defaults for settings that are not set", async () => {
    const set = { reference: "registry.example.com/pause:1", nodes: [good], appImage: "registry.example.com/app:1" };
    await configured({ ...defaults(), ...set }, () => {
      const { args, kubeconfig, kubeContext } = readStackConfig();
      const { privateKey, privateKeyPassword, bastion } = connectionOf(args.nodes[0]);
      const unset = [kubeconfig, kubeContext, privateKey, privateKeyPassword, bastion, args.image.login];
      assert.ok(unset.every((value) => value === undefined));
      return new PauseSandbox("pause", args);
    });
  });

  for (const what of ["registry", "pull"]) {
    it(`wants user and password of a login together: ${what}`, async () => {
      const [user, password] = [`${what}Username`, `${what}Password`];
      assert.match((await problemsOf({ [user]: "u" })).join(), new RegExp(`${password}: no value`));
      assert.match((await problemsOf({ [password]: "b3Blb" })).join(), new RegExp(`${user}: no value[^]*${password}`));
      assert.deepStrictEqual(await problemsOf({ [user]: "u", [password]: "p" }), []);
    });
  }

  it("lets a login for pulls stay on nodes, unless the stack says otherwise", async () => {
    for (const keepPullLogin of [undefined, true, false]) {
      const set = { reference: "registry.example.com/pause:1", nodes: [good], pullUsername: "u", pullPassword: "p" };
      await configured({ ...defaults(), ...set, ...(keepPullLogin === undefined ? {} : { keepPullLogin }) }, () => {
        const { login } = readStackConfig().args.trust as { login: { keep?: boolean } };
        assert.strictEqual(login.keep, keepPullLogin === false ? false : undefined);
      });
    }
  });

  it("is described in Pulumi.yaml: each setting that is read, and no other", async () => {
    await configured({ ...stackFile("example"), ...secrets }, () => {
      const read = new Set<string>();
      const config = new pulumi.Config();
      // Every way to get at a setting takes its name first.
      const recording = new Proxy(config, {
        get: (target, method: keyof pulumi.Config) => {
          const value: unknown = target[method];
          if (typeof value !== "function") return value;
          return (key: string, ...others: unknown[]): unknown => {
            read.add(key);
            return value.call(target, key, ...others) as unknown;
          };
        },
      });
      readStackConfig(recording);
      assert.deepStrictEqual([...read].sort(), Object.keys(declared()).sort());
    });
    for (const [key, { description }] of Object.entries(declared())) assert.ok(description, key);
  });

  it("needs of a tracked stack file what the engine needs of it: no setting that is not declared", () => {
    for (const name of ["lab", "example"]) {
      assert.deepStrictEqual(
        Object.keys(stackFile(name)).filter((key) => !(key in declared())),
        [],
        name,
      );
    }
  });

  describe("with knownHosts", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
    const other = key.replace("Example00", "Another00");
    const text = `10.0.0.1 ${key}\n[jump.example.com]:2222 ${other}\n`;
    const hosts = {
      nodes: [{ name: "a", host: "10.0.0.1", bastion: { host: "jump.example.com", port: 2222 } }],
      reference: "registry.example.com/pause:1",
      proof: "none",
    };

    it("gives nodes and bastions the keys that stand there, as text and as a path", async () => {
      const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-known-")), "known_hosts");
      fs.writeFileSync(file, text);
      for (const knownHosts of [text, file]) {
        await configured({ ...defaults(), ...hosts, knownHosts }, () => {
          const { args } = readStackConfig();
          const connection = connectionOf(args.nodes[0]);
          assert.strictEqual(connection.hostKey, key);
          assert.strictEqual((connection.bastion as SshHost).hostKey, other);
          return new PauseSandbox("pause", args);
        });
      }
      fs.rmSync(path.dirname(file), { recursive: true });
    });

    it("refuses a host that has no key there, and a file that cannot be read", async () => {
      const [one, two] = await problemsOf({ ...hosts, knownHosts: "other.example.com ssh-ed25519 AAAA\n" });
      assert.match(one ?? "", /nodes\[0\]\.bastion\.hostKey: .*ssh-keyscan -t ed25519 -p 2222 jump\.example\.com/);
      // This machine cannot scan a host behind a jump host.
      const behind = /nodes\[0\]\.hostKey: .*: ssh -p 2222 jump\.example\.com ssh-keyscan -t ed25519 -p 22 10\.0\.0\.1/;
      assert.match(two ?? "", behind);
      const { bastion } = hosts.nodes[0] ?? {};
      const nodes = [{ name: "a", host: "10.0.0.1" }];
      const ofAll = await problemsOf({ ...hosts, nodes, bastion, knownHosts: `[jump.example.com]:2222 ${other}\n` });
      assert.match(ofAll[0] ?? "", behind);
      const missing = await problemsOf({ ...hosts, knownHosts: "/nowhere/known_hosts" });
      assert.match(missing.join("\n"), /knownHosts: "\/nowhere\/known_hosts" .*ENOENT/);
    });

    it("keeps the key that a host gives itself", async () => {
      const nodes = [{ name: "a", host: "10.0.0.1", hostKey: other }];
      await configured({ ...defaults(), ...hosts, nodes, knownHosts: text }, () => {
        assert.strictEqual(connectionOf(readStackConfig().args.nodes[0]).hostKey, other);
      });
    });
  });
});
