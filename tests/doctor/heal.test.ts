/** The file of --fix-config, where --image names a registry that nobody has looked at. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { parse } from "yaml";

import { readStackFile } from "../../cli/stackFile";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { messageOf } from "../../components/errors";
import { checkPauseSandbox } from "../../components/pauseSandboxArgs";
import { Problems } from "../../components/problems";
import type { Diagnosis } from "../../doctor/finding";
import { healingConfig } from "../../doctor/heal";
import { asksForCa } from "../../settings/words";

const CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const found: Diagnosis = {
  ...{ node: "node-1", host: "10.0.0.1", image: "old.example.com/pause:1", evidence: [], events: [] },
  findings: [{ code: "PS-D001", ca: CA }, { code: "PS-D006" }, { code: "PS-D009" }] as unknown as Diagnosis["findings"],
};
function settings(text: string): Record<string, unknown> {
  const { config } = parse(text) as { config: Record<string, unknown> };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(/^.*:/, ""), value]));
}
const STACK = `encryptionsalt: v1:abc
config:
  # ours
  pause-sandbox:reference: old.example.com/platform/pause:1
  pause-sandbox:imageSource: existing
  pause-sandbox:imageDigest: sha256:${"a".repeat(64)}
  pause-sandbox:registryCa: |
    ${CA.trim().replaceAll("\n", "\n    ")}
  pause-sandbox:registryMirrors: [https://mirror.example.com]
  pause-sandbox:registryPlainHttp: false
  pause-sandbox:pullUsername: robot
  pause-sandbox:pullPassword:
    secure: v1:x:y
  pause-sandbox:registryUsername: pusher
  pause-sandbox:registryPassword:
    secure: v1:x:z
  pause-sandbox:maxUnavailable: "3"
`;

describe("doctor --fix-config", () => {
  const one = (image: string, means?: string): Diagnosis => ({
    ...found,
    image,
    findings: (means === undefined ? [] : [{ code: "PS-D021", image: means }]) as unknown as Diagnosis["findings"],
  });

  it("takes an image that is not known for no other one", () => {
    assert.doesNotMatch(healingConfig([one("r.example/pause:1"), one("")]), /different images/);
    assert.match(healingConfig([one("r.example/pause:1"), one("r.example/pause:2")]), /different images/);
  });

  it("says whose image the reference is", () => {
    assert.match(healingConfig([one("r.example/pause:1")]), /`reference` is an image that the nodes have now\./);
    assert.match(
      healingConfig([one("r.example/pause:1", "r.example/pause:2")]),
      /an image that the nodes' own configuration means\.[^]*reference: r\.example\/pause:2\n/,
    );
  });
});

describe("doctor --fix-config --image", () => {
  it("takes the authority that it saw for the same registry", () => {
    const { registryCa, reference } = settings(healingConfig([found], { image: "old.example.com/own/pause:2" }));
    assert.deepEqual([reference, registryCa], ["old.example.com/own/pause:2", CA]);
  });

  it("asks for the authority of another registry", () => {
    const text = healingConfig([found], { image: "new.example.com/own/pause:2" });
    const { registryCa, registryPlainHttp, pullUsername } = settings(text);
    assert.ok(asksForCa(String(registryCa)));
    assert.match(String(registryCa), /authority of registry new\.example\.com /);
    assert.deepEqual([registryPlainHttp, pullUsername], [undefined, undefined]);
  });

  it("keeps all that a stack has for the same registry, but the digest", () => {
    const after = settings(healingConfig([found], { image: "old.example.com/platform/pause:2", stack: STACK }));
    const before = settings(STACK);
    delete before["imageSource"];
    delete before["imageDigest"];
    assert.deepEqual(after, { ...before, reference: "old.example.com/platform/pause:2" });
  });

  it("takes nothing of a stack's old registry to another one, neither authority nor login nor mirrors", () => {
    const text = healingConfig([found], { image: "new.example.com/platform/pause:2", stack: STACK });
    const { reference, registryCa, maxUnavailable, ...rest } = settings(text);
    assert.deepEqual([reference, maxUnavailable], ["new.example.com/platform/pause:2", "3"]);
    assert.match(String(registryCa), /authority of registry new\.example\.com /);
    assert.deepEqual(Object.keys(rest), []);
    assert.match(text, /# ours/);
    assert.match(text, /^encryptionsalt: v1:abc$/m);
  });
});

describe("doctor --fix-config of a stack that is there", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-heal-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });
  const archive = path.join(dir, "pause.tar");
  fs.writeFileSync(archive, pauseArchive(["linux/amd64"]).tar);
  const nodes = "  pause-sandbox:nodes: [{ name: node-1, host: 10.0.0.1, hostKey: ssh-ed25519 AAAA }]\n";
  /** What the program itself says of a stack's file. */
  async function problemsOf(text: string): Promise<string> {
    const file = path.join(dir, "Pulumi.own.yaml");
    fs.writeFileSync(file, text);
    const { args } = await readStackFile(file);
    const problems = new Problems("the stack");
    checkPauseSandbox(problems, { ...args, proof: undefined });
    try {
      problems.throwIfAny();
      return "";
    } catch (error) {
      return messageOf(error);
    }
  }
  for (const [source, more] of [
    ["carried", ""],
    [
      "carried",
      `  pause-sandbox:imageArchive: ${archive}\n  pause-sandbox:selfHeal: "false"\n  pause-sandbox:reference: localhost/own:1\n`,
    ],
    [
      "mirror",
      "  pause-sandbox:reference: own.example.com/pause:1\n  pause-sandbox:mirrorOf: registry.k8s.io/pause:3.10\n",
    ],
  ] as const) {
    const stack = `config:\n  pause-sandbox:imageSource: ${source}\n${more}${nodes}`;
    for (const image of [undefined, "old.example.com/own/pause:2"]) {
      const what = `imageSource ${source}${more === "" ? "" : " with all of its settings"}, ${image === undefined ? "without --image" : "with --image"}`;
      it(`writes what the program takes: ${what}`, async () => {
        assert.equal(await problemsOf(stack), "");
        assert.equal(
          await problemsOf(healingConfig([{ ...found, findings: found.findings.slice(0, 2) }], { stack, image })),
          "",
        );
      });
    }
  }
});

describe("doctor --fix-config of nodes whose registry lacks their image", () => {
  it("says that up would push under the nodes' own name, which is not the user's", () => {
    const lacking = [{ code: "PS-D012" }] as unknown as Diagnosis["findings"];
    const text = healingConfig([{ ...found, image: "registry.k8s.io/pause:3.99", findings: lacking }]);
    assert.equal(settings(text)["imageSource"], undefined);
    assert.match(text, /^# NO IMAGE OF YOUR OWN IS NAMED HERE\./m);
    assert.match(
      text,
      /^# Its registry lacks it, so `pulumi up` builds the image of this project and pushes it under that name\./m,
    );
  });
});

describe("doctor --fix-config of nodes that reach no registry", () => {
  const cut = (node: string, code: string): Diagnosis => ({
    ...{ ...found, node, image: `registry.k8s.io/pause:3.${node.length}` },
    findings: [{ code }] as unknown as Diagnosis["findings"],
  });
  const nodes = [cut("a", "PS-D007"), cut("bb", "PS-D008"), cut("ccc", "PS-D042")];

  it("carries the image to them, and says so", () => {
    const text = healingConfig(nodes);
    const { reference, imageSource, registryCa } = settings(text);
    assert.deepEqual([reference, imageSource, registryCa], [undefined, "carried", undefined]);
    assert.match(text, /^# THE NODES REACH NO REGISTRY/m);
    assert.doesNotMatch(text, /NO IMAGE OF YOUR OWN/);
  });

  it("takes the image that is named: its registry may be another one", () => {
    const { reference, imageSource } = settings(healingConfig(nodes, { image: "own.example.com/pause:1" }));
    assert.deepEqual([reference, imageSource], ["own.example.com/pause:1", undefined]);
  });

  it("carries nothing where one of them reaches its registry", () => {
    const { imageSource } = settings(healingConfig([...nodes, { ...found, findings: [] }]));
    assert.equal(imageSource, "existing");
  });

  it("leaves the image of a stack alone", () => {
    const { reference, imageSource } = settings(healingConfig(nodes, { stack: STACK }));
    assert.deepEqual([reference, imageSource], ["old.example.com/platform/pause:1", "existing"]);
  });
});
