import * as assert from "node:assert/strict";
import { parse } from "smol-toml";
import { nodePlans, subnetPrefix, type NodePlan } from "../../cluster/layout";
import { overlaps } from "../../cluster/network";
import { cniConfig, containerdConfig, kubeadmFlags } from "../../cluster/nodeFiles";
import { podRoutes } from "../../cluster/routes";
import { all, waitFor } from "../../cluster/wait";

describe("the lab's network", () => {
  const cases: [string, string, boolean][] = [
    ["10.203.0.0/24", "10.203.0.0/24", true],
    ["10.0.0.0/8", "10.203.0.0/24", true],
    ["10.203.0.128/25", "10.203.0.0/24", true],
    ["10.203.0.7/32", "10.203.0.0/24", true],
    ["10.203.1.0/24", "10.203.0.0/24", false],
    ["0.0.0.0/0", "10.203.0.0/24", true],
    ["192.168.0.0/16", "10.203.0.0/24", false],
    ["fd00::/64", "10.203.0.0/24", false],
  ];
  for (const [a, b, expected] of cases) {
    it(`${a} ${expected ? "overlaps" : "does not meet"} ${b}`, () => {
      assert.equal(overlaps(a, b), expected);
      assert.equal(overlaps(b, a), expected);
    });
  }
});

describe("PAUSE_SANDBOX_SUBNET", () => {
  const before = process.env["PAUSE_SANDBOX_SUBNET"];
  afterEach(() => {
    if (before === undefined) delete process.env["PAUSE_SANDBOX_SUBNET"];
    else process.env["PAUSE_SANDBOX_SUBNET"] = before;
  });

  for (const prefix of ["", "10", "10.1", "10.1.2.0", "10.1.256", "10.1.2/24", "a.b.c", "10.204.1", "10.205.0"]) {
    it(`refuses "${prefix}" and says what to give`, () => {
      process.env["PAUSE_SANDBOX_SUBNET"] = prefix;
      assert.throws(() => subnetPrefix(), new RegExp(`PAUSE_SANDBOX_SUBNET is "${prefix}": .*(10\\.99\\.7|another)`));
    });
  }

  it("moves every machine", () => {
    process.env["PAUSE_SANDBOX_SUBNET"] = "10.99.7";
    assert.deepEqual(
      nodePlans().map(({ ip }) => ip),
      ["10.99.7.11", "10.99.7.12"],
    );
  });
});

describe("a node as it is before the program meets it", () => {
  const [one, two] = nodePlans() as [NodePlan, NodePlan];

  it("has the seed's sandbox image in a version 2 file on containerd 1.x", () => {
    const config = parse(containerdConfig(one)) as {
      version: number;
      plugins: Record<string, Record<string, unknown>>;
    };
    assert.equal(config.version, 2);
    assert.equal(config.plugins["io.containerd.grpc.v1.cri"]?.["sandbox_image"], "k8s.gcr.io/pause:3.5");
  });

  it("has no sandbox image of its own in a version 3 file with imports on containerd 2.x", () => {
    const text = containerdConfig(two);
    const config = parse(text) as { version: number; imports: string[] };
    assert.equal(config.version, 3);
    assert.deepEqual(config.imports, ["/etc/containerd/conf.d/*.toml"]);
    assert.doesNotMatch(text, /pinned_images/);
  });

  it("has kubeadm's flag, which the program is to change, where the kubelet knows it", () => {
    assert.doesNotMatch(kubeadmFlags(two), /pod-infra/);
    assert.match(
      kubeadmFlags(one),
      /^KUBELET_KUBEADM_ARGS=".*--pod-infra-container-image=k8s\.gcr\.io\/pause:3\.5"\n$/,
    );
  });

  it("gives its Pods addresses that the other machines have a route to", () => {
    assert.ok(cniConfig(one).includes(`"${one.podCidr}"`));
    assert.equal(podRoutes([one]), `ip route replace ${one.podCidr} via ${one.ip}\n`);
  });
});

describe("waiting", () => {
  it("ends with what is missing and where to look when the time is up", async () => {
    const wait = waitFor({
      what: "the registry answers",
      timeoutSeconds: 0.01,
      missing: () => Promise.resolve("it answered 503"),
      explain: () => Promise.resolve("its log"),
    });
    await assert.rejects(wait, /^Error: the registry answers: not within .* s; it answered 503\nits log$/);
  });

  it("takes an exception for a state that is not there yet", async () => {
    let calls = 0;
    const missing = (): Promise<undefined> =>
      ++calls < 3 ? Promise.reject(new Error("refused")) : Promise.resolve(undefined);
    await waitFor({ what: "it", timeoutSeconds: 10, missing });
    assert.equal(calls, 3);
  });

  it("for several things reports every failure, each cause once", async () => {
    const cause = new Error("no API server");
    const things = [
      Promise.reject(cause),
      Promise.resolve(1),
      Promise.reject(cause),
      Promise.reject(new Error("no disk")),
    ];
    await assert.rejects(all(things), { message: "no API server\n\nno disk" });
  });
});
