/** The file of --fix-config, where --image names a registry that nobody has looked at. */
import { strict as assert } from "node:assert";

import { parse } from "yaml";

import type { Diagnosis } from "../../doctor/finding";
import { healingConfig } from "../../doctor/heal";
import { ASK_FOR_CA } from "../../settings/words";

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

describe("doctor --fix-config --image", () => {
  it("takes the authority that it saw for the same registry", () => {
    const { registryCa, reference } = settings(healingConfig([found], { image: "old.example.com/own/pause:2" }));
    assert.deepEqual([reference, registryCa], ["old.example.com/own/pause:2", CA]);
  });

  it("asks for the authority of another registry", () => {
    const text = healingConfig([found], { image: "new.example.com/own/pause:2" });
    const { registryCa, registryPlainHttp, pullUsername } = settings(text);
    assert.equal(registryCa, ASK_FOR_CA);
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
    assert.equal(registryCa, ASK_FOR_CA);
    assert.deepEqual(Object.keys(rest), []);
    assert.match(text, /# ours/);
    assert.match(text, /^encryptionsalt: v1:abc$/m);
  });
});
