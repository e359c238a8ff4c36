/**
 * The stand-ins take and return what the published SDKs declare: names, types and what is required, inside of objects
 * too, are read from the installed declarations.
 */
import { types as commandTypes } from "@pulumi/command";
import { types as dockerTypes } from "@pulumi/docker";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";

import { plugin as command } from "../../plugins/command/plugin";
import { plugin as docker } from "../../plugins/docker/plugin";
import { plugin as kubernetes } from "../../plugins/kubernetes/plugin";
import type { CheckCall, Plugin, ResourceType } from "../../plugins/protocol/plugin";
import type { Kind, Shape } from "../../plugins/protocol/shape";
import { type Props, UNKNOWN } from "../../plugins/protocol/values";

/** A property as the SDK declares it. */
interface Declared {
  optional: boolean;
  type: ts.TypeNode;
}

type Members = Map<string, Declared>;

/** Where a stand-in differs from what the SDK declares. */
interface Differences {
  /** What the SDK has and the stand-in has not. */
  leftOut: string[];
  /** What the stand-in requires and the SDK does not. */
  needed: string[];
  /** Everything else: nothing of it is ever right. */
  wrong: string[];
}

/** Each supported resource: where the SDK declares it, and in what the stand-in differs from it knowingly. */
interface Resource extends Partial<Differences> {
  plugin: Plugin;
  token: string;
  file: string;
  /** Of properties outside of objects only a few are supported, and the rest not worth a list. */
  few?: true;
}

const RESOURCES: Resource[] = [
  { plugin: command, token: "command:remote:Command", file: "remote/command", leftOut: ["environment"] },
  { plugin: docker, token: "docker:index/image:Image", file: "image" },
  {
    ...{ plugin: docker, token: "docker:index/container:Container", file: "container", few: true },
    leftOut: [
      ...["group", "owner", "permissions", "source", "sourceHash"].map((name) => `uploads[].${name}`),
      ...["fromContainer", "selinuxRelabel", "volumeName"].map((name) => `volumes[].${name}`),
    ],
    // Only folders of the machine can be mounted.
    needed: ["volumes[].containerPath", "volumes[].hostPath"],
  },
  ...["Namespace", "ConfigMap", "Pod", "Service", "Secret"].map((kind) => ({
    ...{ plugin: kubernetes, token: `kubernetes:core/v1:${kind}` },
    file: `core/v1/${kind.charAt(0).toLowerCase()}${kind.slice(1)}`,
  })),
];

for (const { plugin, token, file, few, leftOut = [], needed = [] } of RESOURCES) {
  describe(`names of ${token}`, () => {
    const root = rootOf(plugin);
    const source = parse(path.join(root, `${file}.d.ts`));
    const className = token.split(":").at(-1) ?? "";
    const args = members(source, `${className}Args`);
    const type = plugin.resources[token];
    assert.ok(type, token);

    it("has the version of the SDK", () => {
      const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
      assert.equal(plugin.version, version);
    });

    // What is inside of Kubernetes objects is for the API server to judge: the stand-in takes anything there.
    it("takes the SDK's inputs, with those required that it requires, inside of objects too", () => {
      const found = differences(type.inputs, args, root);
      if (few) found.leftOut = found.leftOut.filter((at) => /[.[]/.test(at));
      assert.deepEqual(found, { leftOut: leftOut.sort(), needed, wrong: [] });
    });

    it("gives the SDK's outputs", () => {
      const outputs = [...members(source, className).keys()].filter((key) => !args.has(key));
      assert.deepEqual([...type.outputs].sort(), outputs.filter((key) => key !== "id" && key !== "urn").sort());
    });
  });
}

describe("names of the kubernetes provider", () => {
  it("takes of the SDK's inputs a few, as they are", () => {
    const root = rootOf(kubernetes);
    const args = members(parse(path.join(root, "provider.d.ts")), "ProviderArgs");
    const { needed, wrong } = differences(kubernetes.config, args, root);
    assert.deepEqual({ needed, wrong }, { needed: [], wrong: [] });
  });
});

describe("values that an SDK enumerates", () => {
  const cases: [string, ResourceType | undefined, object, (value: string) => Props][] = [
    [
      ...(["logging", command.resources["command:remote:Command"]] as const),
      commandTypes.enums.remote.Logging,
      (value) => ({ logging: value }),
    ],
    [
      ...(["build.builderVersion", docker.resources["docker:index/image:Image"]] as const),
      dockerTypes.enums.BuilderVersion,
      (value) => ({ imageName: "registry.example.com/app:1", build: { context: UNKNOWN, builderVersion: value } }),
    ],
  ];
  for (const [property, type, values, inputsWith] of cases) {
    it(`${property} may be each of them, and nothing else`, async () => {
      const failures = async (value: string) =>
        (await type?.check?.({ inputs: inputsWith(value) } as unknown as CheckCall))?.failures.map((f) => f.property);
      for (const value of Object.values(values) as string[]) assert.deepEqual(await failures(value), [], value);
      assert.deepEqual(await failures("another"), [property]);
    });
  }
});

function rootOf({ name }: Plugin): string {
  return path.dirname(require.resolve(`@pulumi/${name}/package.json`));
}

/** Compares the shape that a stand-in takes with the properties that an SDK declares, and with what is inside of them. */
function differences(shape: Shape, declared: Members, root: string): Differences {
  const found: Differences = { leftOut: [], needed: [], wrong: [] };
  const inputs = parse(path.join(root, "types/input.d.ts"));
  const compareShape = (ours: Shape, theirs: Members, at: string): void => {
    for (const key of theirs.keys()) if (!(key in ours.properties)) found.leftOut.push(`${at}${key}`);
    for (const [key, kind] of Object.entries(ours.properties)) {
      const property = theirs.get(key);
      if (!property) {
        found.wrong.push(`${at}${key} is not in the SDK`);
        continue;
      }
      const required = ours.required.includes(key);
      if (required && property.optional) found.needed.push(`${at}${key}`);
      if (!required && !property.optional) found.wrong.push(`${at}${key} is required by the SDK`);
      compareKind(kind, property.type, `${at}${key}`);
    }
  };
  const compareKind = (ours: Kind, node: ts.TypeNode, at: string): void => {
    if (ours === "any") return;
    const theirs = plain(node);
    if (typeof ours === "string") {
      if (scalarOf(theirs) !== ours) found.wrong.push(`${at} is ${theirs.getText()} in the SDK, not ${ours}`);
    } else if ("list" in ours) {
      if (ts.isArrayTypeNode(theirs)) compareKind(ours.list, theirs.elementType, `${at}[]`);
      else found.wrong.push(`${at} is ${theirs.getText()} in the SDK, not a list`);
    } else if ("map" in ours) {
      const [index] = ts.isTypeLiteralNode(theirs) ? theirs.members.filter(ts.isIndexSignatureDeclaration) : [];
      if (index) compareKind(ours.map, index.type, `${at}.*`);
      else found.wrong.push(`${at} is ${theirs.getText()} in the SDK, not a map`);
    } else {
      const name = ts.isTypeReferenceNode(theirs) ? /^inputs\.([\w.]+)$/.exec(theirs.getText())?.[1] : undefined;
      if (name !== undefined) compareShape(ours, members(inputs, name), `${at}.`);
      else found.wrong.push(`${at} is ${theirs.getText()} in the SDK, not an object`);
    }
  };
  compareShape(shape, declared, "");
  return { leftOut: found.leftOut.sort(), needed: found.needed.sort(), wrong: found.wrong };
}

/** The type that is left of `pulumi.Input<T | undefined>`. */
function plain(node: ts.TypeNode): ts.TypeNode {
  if (ts.isParenthesizedTypeNode(node)) return plain(node.type);
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === "pulumi.Input") {
    const [inner] = node.typeArguments ?? [];
    assert.ok(inner, node.getText());
    return plain(inner);
  }
  if (!ts.isUnionTypeNode(node)) return node;
  const [only, ...others] = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
  return only && others.length === 0 ? plain(only) : node;
}

/** What a type is in a stand-in's terms; enumerations are text, see "values that an SDK enumerates". */
function scalarOf(node: ts.TypeNode): string | undefined {
  if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) return "string";
  if (ts.isTypeReferenceNode(node) && node.getText().startsWith("enums.")) return "string";
  const keywords = [ts.SyntaxKind.StringKeyword, ts.SyntaxKind.NumberKeyword, ts.SyntaxKind.BooleanKeyword];
  return keywords.includes(node.kind) ? node.getText() : undefined;
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

/** Properties of an interface or class, named with the namespaces that it stands in: `remote.ConnectionArgs`. */
function members(source: ts.SourceFile, name: string): Members {
  const found: Members = new Map();
  const visit = (node: ts.Node, namespace: string): void => {
    if ((ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) && node.name) {
      if (`${namespace}${node.name.text}` === name) node.members.forEach(add);
    } else if (ts.isModuleDeclaration(node)) {
      ts.forEachChild(node, (child) => {
        visit(child, `${namespace}${node.name.text}.`);
      });
    } else {
      ts.forEachChild(node, (child) => {
        visit(child, namespace);
      });
    }
  };
  const add = (member: ts.Node): void => {
    if (!ts.isPropertySignature(member) && !ts.isPropertyDeclaration(member)) return;
    if (ts.getModifiers(member as ts.HasModifiers)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)) return;
    assert.ok(member.type, `${name}.${member.name.getText()} has a type`);
    found.set(member.name.getText(), { optional: member.questionToken !== undefined, type: member.type });
  };
  visit(source, "");
  assert.ok(found.size > 0, `${source.fileName} declares no ${name}`);
  return found;
}
