/** The examples in TypeScript, each previewed as it stands: what it makes, in which order, with which image. */
import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import { type Outputs, preview, SETTINGS } from "../support/exampleStacks";
import type { Registered } from "../support/mocks";

const root = path.join(__dirname, "../..");
const read = (...parts: string[]) => fs.readFileSync(path.join(root, ...parts), "utf8");

interface Expected {
  /** What nodes use; none where no node is listed. */
  reference?: string;
  /** Each node, and those that it waits for. */
  order: Record<string, string[]>;
  /** Type and name of each resource that is neither a node nor one of the components around them. */
  others: string[];
  /** What is this example's own. */
  own: (registered: Registered[], outputs: Outputs) => void;
}

const BUILT = [
  "docker-build:index:Index pause-image-index",
  "docker:index/image:Image pause-image-linux-amd64",
  "docker:index/image:Image pause-image-linux-arm64",
];
const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";

const named = (registered: Registered[], name: string): Registered => {
  const found = registered.find((one) => one.name === name);
  assert.ok(found, `${name} is not among ${registered.map((one) => one.name).join(", ")}`);
  return found;
};

const PROVEN = ["worker-1", "worker-2", "control-1"].map((node) => `pause-proof-${node}`);

const EXAMPLES: Record<string, Expected> = {
  "bare-metal": {
    reference: REFERENCE,
    order: { "metal-1": [], "metal-2": ["metal-1"], "metal-3": ["metal-1"] },
    others: BUILT,
    own: (registered) => {
      const { connection } = named(registered, "pause-metal-3").inputs as {
        connection: { user: string; proxy: { host: string; user: string; hostKey: string } };
      };
      assert.strictEqual(connection.user, "provisioner");
      const { host, user, hostKey } = connection.proxy;
      assert.deepStrictEqual(
        [host, user, hostKey.split(" ")[0]],
        ["bastion.example.com", "provisioner", "ssh-ed25519"],
      );
    },
  },
  "kubeadm-private-ca": {
    reference: "registry.internal.example:5000/platform/pause:1.0.0",
    order: { "worker-1": [], "worker-2": ["worker-1"], "control-1": ["worker-2"] },
    others: [
      ...BUILT,
      ...PROVEN.map((proof) => `kubernetes:core/v1:ConfigMap ${proof}-nginx`),
      ...PROVEN.map((proof) => `kubernetes:core/v1:Pod ${proof}-pod`),
      ...PROVEN.map((proof) => `pause-sandbox:index:LocalhostPod ${proof}`),
    ],
    own: (registered, { pods }) => {
      assert.deepStrictEqual(
        pods,
        PROVEN.map((proof) => `default/${proof}-pod`),
      );
      const { registry } = named(registered, "pause-image-linux-amd64").inputs as { registry: { username: string } };
      assert.strictEqual(registry.username, "platform-push");
      assert.ok(
        !JSON.stringify(registered.map((one) => one.public)).includes("a password"),
        "the password is a secret",
      );
    },
  },
  "mirror-upstream": {
    reference: "registry.example.com:5000/mirror/pause:3.10",
    order: { "worker-1": [], "worker-2": ["worker-1"] },
    others: ["docker-build:index:Index pause-image-index"],
    own: (registered) => {
      const { sources, tag } = named(registered, "pause-image-index").inputs;
      assert.deepStrictEqual(
        [sources, tag],
        [["registry.k8s.io/pause:3.10"], "registry.example.com:5000/mirror/pause:3.10"],
      );
    },
  },
  "existing-image": {
    reference: REFERENCE,
    order: { "worker-1": [], "worker-2": ["worker-1"] },
    others: [],
    own: (_, { digest, nodes = {} }) => {
      assert.strictEqual(digest, SETTINGS["existing-image"]?.digest);
      // Each node was asked for it.
      for (const report of Object.values(nodes)) assert.strictEqual(report.digest, digest);
    },
  },
  "cri-o": {
    reference: REFERENCE,
    order: { "crio-1": [], "crio-2": ["crio-1"] },
    others: BUILT,
    own: (registered) => {
      // It holds the login.
      assert.strictEqual(named(registered, "pause-crio-2").public.stdin, "[secret]");
    },
  },
  k3s: {
    reference: REFERENCE,
    order: {
      ...{ "server-1": [], "server-2": ["server-1"], "server-3": ["server-2"] },
      ...{ "agent-1": ["server-3"], "agent-2": ["agent-1"] },
    },
    others: BUILT,
    own: (_, { nodes }) => {
      assert.strictEqual(Object.keys(nodes ?? {}).length, 5);
    },
  },
  autoscaled: {
    order: {},
    others: [
      ...BUILT.map((line) => line.replace("pause-image-", "pause-")),
      "kubernetes:bootstrap.cluster.x-k8s.io/v1beta1:KubeadmConfigTemplate workers",
      "pause-sandbox:index:BootSetup capi",
    ],
    own: (registered) => {
      const { spec } = named(registered, "workers").inputs as {
        spec: { template: { spec: { joinConfiguration: object; files: { content: string }[] } } };
      };
      assert.ok(spec.template.spec.files.length > 1);
      assert.ok("nodeRegistration" in spec.template.spec.joinConfiguration);
      assert.ok(named(registered, "workers").dependsOn.includes("pause-index"), "the image is pushed before");
    },
  },
};

const NODE = "command:remote:Command";
const SCRIPT = "command:remote:CopyToRemote";
const AROUND = /^pause-sandbox:index:Pause(Sandbox|Image)$/;

for (const [name, { reference, order, others, own }] of Object.entries(EXAMPLES)) {
  describe(`the example ${name}`, () => {
    let registered: Registered[];
    let outputs: Outputs;
    before(async () => {
      ({ registered, outputs } = await preview(name));
    });

    const nodes = () => registered.filter(({ type }) => type === NODE);

    it("makes these resources, and no others", () => {
      const made = registered.filter(({ type }) => type !== NODE && type !== SCRIPT && !AROUND.test(type));
      assert.deepStrictEqual(made.map((one) => `${one.type} ${one.name}`).sort(), [...others].sort());
    });

    it("copies the script to each node", () => {
      const scripts = registered.filter(({ type }) => type === SCRIPT).map((one) => one.name);
      assert.deepStrictEqual(
        scripts.sort(),
        nodes()
          .map((node) => `${node.name}-script`)
          .sort(),
      );
    });

    it("changes the nodes in this order", () => {
      const short = (resource: string) => resource.replace(/^pause-/, "");
      const listed = nodes().map(({ name: node, dependsOn }): [string, string[]] => [
        short(node),
        dependsOn.map(short).filter((one) => one in order),
      ]);
      assert.deepStrictEqual(Object.fromEntries(listed), order);
    });

    it("has every node report the image that it names", () => {
      const images = Object.entries(outputs.nodes ?? {}).map(([node, { image }]) => [node, image]);
      const expected = Object.keys(order).map((node) => [node, reference]);
      assert.deepStrictEqual(Object.fromEntries(images), Object.fromEntries(expected));
    });

    it("does what its README says", () => {
      own(registered, outputs);
    });

    it("has its settings named in its README, and no others", () => {
      const table = [...read("examples", name, "README.md").matchAll(/^\| `(\w+)` +\|/gm)].map(([, key]) => key);
      assert.deepStrictEqual([...new Set(table)].sort(), Object.keys(SETTINGS[name] ?? {}).sort());
    });
  });
}
