/** The stand-ins take and return what the published SDKs declare: names are read from the installed declarations. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";

import { plugin as command } from "../../lab/plugins/command/plugin";
import { plugin as dockerBuild } from "../../lab/plugins/docker-build/plugin";
import { plugin as docker } from "../../lab/plugins/docker/plugin";
import { plugin as kubernetes } from "../../lab/plugins/kubernetes/plugin";
import type { Plugin } from "../../lab/plugins/protocol/plugin";
import type { Kind, Shape } from "../../lab/plugins/protocol/shape";

/** A property as the SDK declares it. */
interface Declared {
  optional: boolean;
  /** Text of its type. */
  type: string;
}

type Members = Map<string, Declared>;

/** Each supported resource: where the SDK declares it, and which of its inputs the stand-in leaves out knowingly. */
const RESOURCES: { plugin: Plugin; token: string; file: string; leftOut: "many" | string[] }[] = [
  { plugin: command, token: "command:remote:Command", file: "remote/command", leftOut: ["environment"] },
  { plugin: docker, token: "docker:index/image:Image", file: "image", leftOut: [] },
  { plugin: docker, token: "docker:index/container:Container", file: "container", leftOut: "many" },
  { plugin: dockerBuild, token: "docker-build:index:Index", file: "index_", leftOut: [] },
  ...["Namespace", "ConfigMap", "Pod", "Service", "Secret"].map((kind) => ({
    ...{ plugin: kubernetes, token: `kubernetes:core/v1:${kind}`, leftOut: [] },
    file: `core/v1/${kind.charAt(0).toLowerCase()}${kind.slice(1)}`,
  })),
];

for (const { plugin, token, file, leftOut } of RESOURCES) {
  describe(`names of ${token}`, () => {
    const root = path.dirname(require.resolve(`@pulumi/${plugin.name}/package.json`));
    const source = parse(path.join(root, `${file}.d.ts`));
    const className = token.split(":").at(-1) ?? "";
    const args = members(source, `${className}Args`);
    const type = plugin.resources[token];
    assert.ok(type, token);

    it("has the version of the SDK", () => {
      const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
      assert.equal(plugin.version, version);
    });

    it("takes the SDK's inputs, with those required that it requires", () => {
      if (leftOut !== "many") {
        assert.deepEqual(
          Object.keys(type.inputs.properties).sort(),
          [...args.keys()].filter((key) => !leftOut.includes(key)).sort(),
        );
      }
      assertKnown(type.inputs, args, "");
    });

    // What is inside of Kubernetes objects is for the API server to judge.
    const inside = plugin.name === "kubernetes" ? undefined : it;
    inside?.("takes the same inside of objects", () => {
      const inputs = parse(path.join(root, "types/input.d.ts"));
      assertInside(type.inputs, args, inputs, "");
    });

    it("gives the SDK's outputs", () => {
      const outputs = [...members(source, className).keys()].filter((key) => !args.has(key));
      assert.deepEqual([...type.outputs].sort(), outputs.filter((key) => key !== "id" && key !== "urn").sort());
    });
  });
}

function assertKnown(shape: Shape, declared: Members, at: string): void {
  for (const key of Object.keys(shape.properties)) assert.ok(declared.has(key), `${at}${key} is not in the SDK`);
  for (const [key, { optional }] of declared) {
    // Only what is supported can be required: HandmadePod has no use for the rest.
    if (shape.properties[key]) assert.equal(shape.required.includes(key), !optional, `${at}${key} required`);
  }
}

/** Compares nested objects with the interfaces that the types of their properties name. */
function assertInside(shape: Shape, declared: Members, inputs: ts.SourceFile, at: string): void {
  for (const [key, kind] of Object.entries(shape.properties)) {
    const inner = shapeIn(kind);
    const name = /inputs\.([\w.]+)/
      .exec(declared.get(key)?.type ?? "")?.[1]
      ?.split(".")
      .at(-1);
    if (!inner || name === undefined) continue;
    const nested = members(inputs, name);
    for (const property of Object.keys(inner.properties)) {
      assert.ok(nested.has(property), `${at}${key}.${property} is not in the SDK's ${name}`);
    }
    assertInside(inner, nested, inputs, `${at}${key}.`);
  }
}

function shapeIn(kind: Kind): Shape | undefined {
  if (typeof kind === "string") return undefined;
  if ("properties" in kind) return kind;
  return shapeIn("list" in kind ? kind.list : kind.map);
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

/** Properties of an interface or class anywhere in the file. Kubernetes objects inherit nothing that matters here. */
function members(source: ts.SourceFile, name: string): Members {
  const found: Members = new Map();
  const visit = (node: ts.Node): void => {
    if ((ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) && node.name?.text === name) {
      for (const member of node.members) {
        const isStatic =
          ts.canHaveModifiers(member) &&
          ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
        if (!(ts.isPropertySignature(member) || ts.isPropertyDeclaration(member)) || isStatic) continue;
        const optional = member.questionToken !== undefined;
        found.set(member.name.getText(), { optional, type: member.type?.getText() ?? "" });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  assert.ok(found.size > 0, `${source.fileName} declares no ${name}`);
  return found;
}
