/** The template for `pulumi new`, as the project that comes out of it. */
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import type { NodeReport } from "../../components";
import { run } from "../support/mocks";
import { newProject } from "../support/newProject";
import { configure } from "../support/stackFiles";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

interface Manifest {
  name: string;
  description: string;
  template: { config: Record<string, { description?: string; default?: string }> };
}

describe("a project made from the template", () => {
  const files = newProject("own-pause", "Our clusters' pause");
  const manifest = parse(files["Pulumi.yaml"] ?? "") as Manifest;
  const settings = manifest.template.config;
  const table = [...(files["README.md"] ?? "").matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-template-"));
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("has its name and its description, and no placeholder is left", () => {
    assert.deepStrictEqual([manifest.name, manifest.description], ["own-pause", "Our clusters' pause"]);
    assert.strictEqual((JSON.parse(files["package.json"] ?? "") as Manifest).name, "own-pause");
    const left = Object.entries(files).filter(([, text]) => text.includes("${"));
    assert.deepStrictEqual(left, []);
  });

  it("needs the Node.js that the package needs", () => {
    const engines = (text = ""): unknown => (JSON.parse(text) as { engines?: unknown }).engines;
    const own = fs.readFileSync(path.join(__dirname, "../../package.json"), "utf8");
    assert.deepStrictEqual(engines(files["package.json"]), engines(own));
  });

  it("asks for each setting with a description and a default, and its README names them", () => {
    for (const [name, setting] of Object.entries(settings)) {
      assert.ok(setting.description !== undefined && setting.default !== undefined, name);
    }
    // A secret is nothing to have a default.
    assert.deepStrictEqual([...Object.keys(settings), "sshPrivateKey"], table);
  });

  it("changes the nodes that the defaults name, one after the other", async () => {
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    fs.writeFileSync(path.join(folder, "known_hosts"), `10.20.0.11 ${KEY}\n10.20.0.12 ${KEY}\n`);
    fs.symlinkSync(path.join(__dirname, "../../node_modules"), path.join(folder, "node_modules"));
    let reports: NodeReport[] = [];
    const registered = await run(async () => {
      configure(Object.fromEntries(Object.entries(settings).map(([name, { default: value }]) => [name, value])));
      const program = (await import(path.join(folder, "index.ts"))) as {
        nodes: pulumi.Output<Record<string, NodeReport>>;
      };
      return program.nodes.apply((nodes) => (reports = Object.values(nodes)));
    });
    const nodes = registered.filter(({ type }) => type === "command:remote:Command");
    assert.deepStrictEqual(
      nodes.map(({ name }) => name),
      ["pause-worker-1", "pause-worker-2"],
    );
    assert.ok(nodes[1]?.dependsOn.includes("pause-worker-1"));
    assert.deepStrictEqual(
      reports.map(({ node, image }) => `${node} ${image}`),
      ["worker-1", "worker-2"].map((node) => `${node} ${settings.reference?.default ?? ""}`),
    );
  });
});
