import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import * as pulumi from "@pulumi/pulumi";

import { packedArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { renderBootSetup } from "../../components/boot/renderBootSetup";
import { commandLine } from "../../components/node/nodeCommand";
import { scriptText } from "../../components/node/nodeFile";
import { bareMetal, clusterApi, karpenter, launchTemplate } from "../../examples/autoscaled/platforms";
import { DIGEST, run } from "../support/mocks";

const shared = {
  reference: "registry.example.com:5000/platform/pause:1.0.0",
  digest: DIGEST,
  ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
};
const PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm", "linux/ppc64le", "linux/riscv64", "linux/s390x"];
const [one, two, six] = [1, 2, 6].map((count) => packedArchive(pauseArchive(PLATFORMS.slice(0, count))));
const programUrl = "https://boot.example.com/node";

const page = (name: string): string => fs.readFileSync(path.join(__dirname, "../../docs", name), "utf8");

/** Numbers of a page, and the numbers of bytes that they stand for. The script grows: a page says "some 60 kB". */
function near(said: readonly string[], bytes: readonly number[]): void {
  assert.equal(said.length, bytes.length);
  for (const [i, is] of bytes.entries()) {
    const kB = Number(said[i]);
    assert.ok(Math.abs(kB * 1000 - is) < is / 20, `the page says ${kB} kB, and these are ${is} bytes`);
  }
}

/** The inputs of the resource of a type that the example registers. */
async function inputs(type: RegExp, example: () => unknown) {
  const all = await run(() => {
    example();
  });
  const found = all.find((one) => type.test(one.type));
  assert.ok(found, all.map((one) => one.type).join(", "));
  return found.inputs;
}

/** What an example gives back, once it is known. */
async function result<T>(example: () => pulumi.Input<T>): Promise<T> {
  let known: T | undefined;
  await run(() =>
    pulumi.output(example()).apply((value) => {
      known = value as T;
      return "";
    }),
  );
  return known as T;
}

describe("nodes that join later", () => {
  it("EC2: user data fits a launch template, and fetches the program", async () => {
    const { userData, program } = await result(() => pulumi.output(launchTemplate(shared, programUrl)));
    const text = Buffer.from(userData, "base64").toString();
    assert.match(text, /^MIME-Version: 1\.0\n[^]*text\/x-shellscript[^]*#!\/bin\/sh\n[^]*--pause-sandbox--\n$/);
    assert.ok(text.includes(programUrl));
    assert.ok(Buffer.byteLength(text) < 16_384);
    assert.match(program, /base64 -d\|sh -c/);
  });

  it("Karpenter: the EC2NodeClass has it beside its other fields", async () => {
    const { spec } = await inputs(/EC2NodeClass$/, () => karpenter(shared, programUrl, { role: "node" }));
    const { role, userData } = spec as { role: string; userData: string };
    assert.deepStrictEqual([role, userData.includes(programUrl)], ["node", true]);
  });

  it("Cluster API: the template has files, commands and the join configuration", async () => {
    const { spec } = await inputs(/KubeadmConfigTemplate$/, () => clusterApi(shared, { nodeRegistration: {} }));
    const { template } = spec as { template: { spec: Record<string, unknown[]> } };
    assert.deepStrictEqual(Object.keys(template.spec).sort(), ["files", "joinConfiguration", "preKubeadmCommands"]);
    assert.strictEqual(template.spec.files?.length, 3);
  });

  it("bare metal: one form for each installer", async () => {
    const { ignition, userData, script } = await result(() => pulumi.output(bareMetal(shared)));
    assert.match(ignition, /"version": "3\.4\.0"/);
    assert.match(userData, /^#cloud-config\n/);
    assert.match(script, /^#!\/bin\/sh\n/);
  });

  it("docs/joining.md names each function of the example, and no other", () => {
    const table = [...page("joining.md").matchAll(/\| `([a-zA-Z]+)` +\|$/gm)].map(([, name]) => name);
    const functions = ["bareMetal", "clusterApi", "karpenter", "launchTemplate"];
    assert.deepStrictEqual([...new Set(table)].sort(), functions);
  });

  it("docs/joining.md has the sizes of the payload, and what a carried image adds to them", () => {
    const { reference, digest } = shared;
    for (const form of ["shell", "cloudInit", "kubeadm", "ignition"] as const) {
      const row = page("joining.md").match(new RegExp(`^\\|.*\`${form}\`.* kB *\\|$`, "m"))?.[0] ?? "";
      const size = (archive?: string) =>
        Buffer.byteLength(renderBootSetup({ image: reference, digest, archive }, form));
      const adds = [one, two, six].map((archive) => size(archive) - size());
      const said = [...row.matchAll(/([\d.]+) kB/g)].map(([, number = ""]) => number);
      near(said, [size(), ...adds]);
    }
  });

  it("docs/image.md has the sizes of what a carried image adds", () => {
    const said = (text: RegExp) => text.exec(page("image.md").replace(/\s+/g, " "))?.slice(1) ?? [];
    const adds = (archive = "") => scriptText({ archive }).length - scriptText().length;
    near(said(/adds ([\d.]+) kB to the script's file for two platforms, ([\d.]+) kB for all/), [adds(two), adds(six)]);
    near(said(/The script takes ([\d.]+) kB/), [commandLine("apply", [], { user: "root" }).length]);
  });
});
