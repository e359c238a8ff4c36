import * as pulumi from "@pulumi/pulumi";
import { strict as assert } from "node:assert";

import type { ClusterNode, PauseSandboxArgs, RolloutGroup } from "../../components";
import { parallelOperations } from "../../components/engine";
import { Problems } from "../../components/problems";
import { planRollout } from "../../components/rollout/plan";
import { warningsOf, windowsOf } from "../../components/rollout/windows";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
type Bastion = pulumi.Input<{ host: pulumi.Input<string>; port?: number }>;

const nodes = (count: number, bastion?: Bastion, group?: string): ClusterNode[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ name: `${group ?? "n"}-${i}`, group },
    connection: { host: `h${i}`, hostKey, ...(bastion === undefined ? {} : { bastion }) },
  }));

function windows(list: ClusterNode[], maxUnavailable?: string, groups?: RolloutGroup[]) {
  const problems = new Problems("test");
  const args: PauseSandboxArgs = { image: { reference: "r.example/pause:1" }, nodes: list, maxUnavailable, groups };
  const found = windowsOf(problems, args);
  problems.throwIfAny();
  return found;
}

describe("the window of a rollout", () => {
  const sizes = (...args: Parameters<typeof windows>) => windows(...args).map(({ window }) => window);
  const jump = { host: "jump" };

  it("is at most 10 nodes where a percentage would have more log in through one bastion", () => {
    assert.deepEqual(sizes(nodes(100, jump), "50%"), [10]);
    assert.deepEqual(sizes(nodes(100, { host: "jump", port: 22 }), "50%"), [10]);
    assert.deepEqual(sizes([...nodes(60, jump), ...nodes(40)], "50%"), [10]);
  });

  it("is refused for a group without a name, and for a field that nobody reads", () => {
    const one = nodes(1, undefined, "blue");
    const bad = (group: object) => () => windows(one, "1", [group as RolloutGroup]);
    assert.throws(
      bad({ nmae: "blue" }),
      /groups\[0\]: "nmae" is not allowed; it must be an object with name, and perhaps/,
    );
    assert.throws(bad({ nmae: "blue" }), /groups\[0\]\.name: no value/);
    assert.throws(bad({ name: "blue", nmae: "x" }), /groups\[0\]: "nmae" is not allowed/);
  });

  it("stays as it is for a plain number, without a bastion, and where none has more than 10 nodes", () => {
    assert.deepEqual(sizes(nodes(100, jump), "50"), [50]);
    assert.deepEqual(sizes(nodes(100), "50%"), [50]);
    assert.deepEqual(sizes(nodes(100, jump), "5%"), [5]);
    const many = Array.from({ length: 10 }, (_, i) => nodes(10, { host: `jump-${i}` })).flat();
    assert.deepEqual(sizes(many, "50%"), [50]);
  });

  it("is that of each group, whose own bastions count", () => {
    const list = [...nodes(40, jump, "a"), ...nodes(40, undefined, "b"), ...nodes(40, jump, "c")];
    assert.deepEqual(sizes(list, "50%", [{ name: "c", maxUnavailable: "25" }]), [25, 10, 60]);
  });

  it("is a percentage of the nodes that are there: those that are gone do not count", () => {
    const list = nodes(10).map((node, i) => ({ ...node, gone: i < 6 }));
    assert.deepEqual(sizes(list, "50%"), [2]);
    const grouped = list.map((node) => ({ ...node, group: "a" }));
    assert.deepEqual(sizes(grouped, "1", [{ name: "a", maxUnavailable: "50%" }]), [2]);
  });

  it("is refused for a group that no node is in, with the groups that there are", () => {
    const list = [...nodes(2, undefined, "rack-a"), ...nodes(2, undefined, "rack-b")];
    assert.throws(
      () => windows(list, "1", [{ name: "rack_b" }, { name: "rack-a" }]),
      /1 problem .*\n.*groups\[0\]\.name: "rack_b" is not allowed; it must be the group of a node: there are rack-a, rack-b/,
    );
    assert.throws(() => windows(nodes(2), "1", [{ name: "a" }]), /the group of a node: no node has a group/);
  });

  it("takes a bastion that is known later for one only where it is the same Output", () => {
    const later = pulumi.output({ host: "jump" });
    assert.deepEqual(sizes(nodes(100, later), "50%"), [10]);
    const each = Array.from({ length: 100 }, () => nodes(1, pulumi.output({ host: "jump" }))).flat();
    assert.deepEqual(sizes(each, "50%"), [50]);
    assert.deepEqual(sizes(nodes(100, { host: pulumi.output("jump") }), "50%"), [10]);
  });
});

describe("the warnings before a rollout", () => {
  const warnings = (list: ClusterNode[], maxUnavailable: string, parallel?: number) => {
    const found = windows(list, maxUnavailable);
    return warningsOf(planRollout(list, found), found, parallel);
  };

  it("say that the engine runs fewer operations than the window has nodes, and what to do", () => {
    const said = warnings(nodes(100), "50", 8);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /allows 50 nodes at a time, but the engine runs 8 .* pulumi up --parallel 50/);
  });

  it("count the nodes that there are besides the canary, not those of a window that is never full", () => {
    assert.deepEqual(warnings(nodes(9), "50", 8), []);
    assert.match(warnings(nodes(10), "50", 8).join(), /allows 9 nodes .* runs 8 /);
  });

  it("say how many nodes may log in through one bastion at a time, and which", () => {
    const said = warnings(nodes(100, { host: "jump", port: 2222 }), "50", 64);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /^Up to 50 nodes log in at a time through jump:2222\. .*"10".*MaxStartups/);
  });

  it("say nothing of the bastion where the engine lets no more than 10 log in", () => {
    const said = warnings(nodes(100, { host: "jump" }), "50", 10);
    assert.match(said.join(), /^maxUnavailable allows 50 nodes .* runs 10 [^]*--parallel 50\.$/);
  });

  it("are none for a percentage, within which a bastion is kept, nor where nobody knows the engine", () => {
    assert.deepEqual(warnings(nodes(100, { host: "jump" }), "50%", 64), []);
    assert.deepEqual(warnings(nodes(100), "50"), []);
  });
});

describe("the number of operations that the engine runs at a time", () => {
  const before = process.env.PULUMI_NODEJS_PARALLEL;
  afterEach(() => {
    if (before === undefined) delete process.env.PULUMI_NODEJS_PARALLEL;
    else process.env.PULUMI_NODEJS_PARALLEL = before;
  });

  it("is in the environment of a project's program, and nowhere without an engine", () => {
    process.env.PULUMI_NODEJS_PARALLEL = "8";
    assert.equal(parallelOperations(), 8);
    delete process.env.PULUMI_NODEJS_PARALLEL;
    assert.equal(parallelOperations(), undefined);
  });
});
