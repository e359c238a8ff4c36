/** The examples in Python and YAML, against the schema that these languages get. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as server from "@pulumi/pulumi/provider/server";
import type { PackageSpec } from "@pulumi/pulumi/provider/experimental/schema";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { parse } from "yaml";

import { PauseSandbox, type PauseSandboxArgs } from "../../components";
import { run } from "../support/mocks";
import { misfits } from "../support/schemaCheck";
import { needs } from "../support/needs";

const root = path.join(__dirname, "../..");
const TOKEN = "pause-sandbox:index:PauseSandbox";
const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "schema.json"), "utf8")) as PackageSpec;

interface Connection {
  [field: string]: unknown;
}
interface Arguments {
  [field: string]: unknown;
  nodes: { name: string; connection: Connection }[];
}

function python(...args: string[]): string {
  const run = spawnSync("python3", args, { cwd: root, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

/** Python's names as the schema has them. */
function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel);
  if (typeof value !== "object" || value === null || "later" in value) return value;
  const name = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [name(key), camel(field)]));
}

const isPythonLater = (value: unknown): boolean => typeof value === "object" && value !== null && "later" in value;
const isReference = (value: unknown): boolean => typeof value === "string" && /^\$\{[\w.]+\}$/.test(value);

(needs("python3") ? describe : describe.skip)("the example in Python", () => {
  const program = "examples/python/__main__.py";
  let args: Arguments;
  before(() => {
    const calls = JSON.parse(python("tests/support/pythonArguments.py", program)) as unknown[];
    assert.equal(calls.length, 1);
    args = camel(calls[0]) as Arguments;
  });

  it("compiles", () => {
    const made = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-python-")), "program.pyc");
    python(
      "-c",
      "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)",
      program,
      made,
    );
    assert.ok(fs.existsSync(made));
    fs.rmSync(path.dirname(made), { recursive: true });
  });

  it("gives what the schema wants, and nothing else", () => {
    assert.deepEqual(misfits(schema, TOKEN, args, isPythonLater), []);
  });

  it("has hosts that another stack knows", () => {
    assert.deepEqual(
      args.nodes.map(({ connection }) => connection.host),
      [1, 2].map((number) => ({ later: `machines.require_output('worker${number}Address')` })),
    );
  });
});

describe("the example in YAML", () => {
  const { resources, config } = parse(fs.readFileSync(path.join(root, "examples/yaml/Pulumi.yaml"), "utf8")) as {
    resources: { pause: { type: string; properties: Arguments } };
    config: Record<string, { secret?: boolean }>;
  };
  const { type, properties } = resources.pause;

  it("gives what the schema wants, and nothing else", () => {
    assert.equal(type, TOKEN.replace(":index", ""));
    assert.deepEqual(misfits(schema, TOKEN, properties, isReference), []);
  });

  it("has a secret inside of its nodes", () => {
    assert.deepEqual(
      properties.nodes.map(({ connection }) => connection.privateKey),
      properties.nodes.map(() => "${sshPrivateKey}"),
    );
    assert.equal(config.sshPrivateKey?.secret, true);
  });

  it("refers only to settings that it declares", () => {
    const used = [...JSON.stringify(properties).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(config).sort());
  });

  for (const [what, change, says] of [
    [
      "a misspelt field",
      { nodes: [{ name: "one", connection: { host: "one", hostkey: "" } }] },
      "nodes[0].connection.hostkey: not in the schema",
    ],
    ["a missing field", { nodes: [{ name: "one" }] }, "nodes[0].connection: missing"],
    ["another type", { maxUnavailable: 2 }, "maxUnavailable: not a string"],
    [
      "another value of an enum",
      { proof: { scope: "all", nginxImage: "", appImage: "" } },
      "proof.scope: not a value of the enum",
    ],
    [
      "a later value where a plain one is wanted",
      { maxUnavailable: "${later}" },
      "maxUnavailable: has to be a plain value",
    ],
  ] as const) {
    it(`would be refused with ${what}`, () => {
      assert.deepEqual(misfits(schema, TOKEN, { ...properties, ...change }, isReference), [says]);
    });
  }
});

/** How the SDK reads what the engine hands over; its types leave it out. */
const { deserializeInputs } = server as unknown as {
  deserializeInputs: (inputs: Struct, dependencies: Map<string, never>) => Promise<PauseSandboxArgs>;
};

/** A value that is known later, as the engine hands it to a component. */
const later = (value: string, secret: boolean) => ({
  "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  ...{ value, secret },
});

describe("a component of another language", () => {
  it("has nodes whose host and key are known later, and keeps the key secret", async () => {
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
    const nodes = ["worker-1", "worker-2"].map((name) => {
      return {
        name,
        connection: { host: later(`${name}.example.com`, false), privateKey: later("a key", true), hostKey },
      };
    });
    const image = { reference: "registry.example.com:5000/platform/pause:1.0.0" };
    const registered = await run(async () => {
      return new PauseSandbox(
        "pause",
        await deserializeInputs(Struct.fromJavaScript({ image, nodes }), new Map<string, never>()),
      ).nodes;
    });
    const made = registered.filter(({ type }) => type === "command:remote:Command").map(({ name }) => name);
    assert.deepEqual(made, ["pause-worker-1", "pause-worker-2"]);
    assert.ok(!JSON.stringify(registered.map((one) => one.public)).includes("a key"), "the key is a secret");
    assert.ok(JSON.stringify(registered.map((one) => one.inputs)).includes("worker-2.example.com"));
  });
});
