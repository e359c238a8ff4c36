import { strict as assert } from "node:assert";

import fc from "fast-check";

import { judgeSandboxes } from "../../doctor/judge/sandboxes";
import { type SandboxTry, standing, triedIn } from "../../doctor/sandboxes";
import { CLOCK, factsOf, failed, journal } from "./nodeFacts";

const image = "registry.bank.example/pause:1";

describe("the tries to start a sandbox", () => {
  const meta = "&PodSandboxMetadata{Name:web-1,Uid:0b,Namespace:shop,Attempt:0,}";
  const today = 'name:\\"web-1\\" uid:\\"0b\\" namespace:\\"shop\\"';
  for (const [what, line, pod, error] of [
    [
      "containerd's failure",
      journal(7, "containerd", `time="x" level=error msg="RunPodSandbox for ${meta} failed, error" error="a \\"b\\""`),
      "shop/web-1",
      'a "b"',
    ],
    [
      "containerd's success",
      journal(7, "containerd", `msg="RunPodSandbox for ${meta} returns sandbox id \\"0a\\""`),
      "shop/web-1",
    ],
    [
      "that of a later one",
      journal(7, "containerd", `msg="RunPodSandbox for ${today} returns sandbox id \\"0a\\""`),
      "shop/web-1",
    ],
    [
      "CRI-O's success",
      journal(7, "crio", 'msg="Ran pod sandbox 0a with infra container: shop/web-1/POD" id=1'),
      "shop/web-1",
    ],
    ["the kubelet's failure", failed(7, "shop/web-1", 'a "b"'), "shop/web-1", 'a "b"'],
    [
      "that of an old kubelet",
      journal(7, "kubelet", 'E0403 1 kuberuntime_sandbox.go:68] CreatePodSandbox for pod "web-1_shop(0b)" failed: a b'),
      "shop/web-1",
      'E0403 1 kuberuntime_sandbox.go:68] CreatePodSandbox for pod "web-1_shop(0b)" failed: a b',
    ],
  ] as const) {
    it(`are read from ${what}`, () => {
      assert.deepEqual(triedIn(line), error === undefined ? { atSeconds: 7, pod } : { atSeconds: 7, pod, error });
    });
  }

  it("are none where a try has only begun", () => {
    assert.equal(triedIn(journal(7, "containerd", `msg="RunPodSandbox for ${meta}"`)), undefined);
  });
});

describe("a failed sandbox", () => {
  const NOW = 10_000;
  const STARTED = 1000;
  const PODS = ["a/1", "a/2", "b/1"];
  const tried = fc.record({
    atSeconds: fc.integer({ min: 0, max: NOW }),
    pod: fc.constantFrom(...PODS),
    error: fc.constantFrom(undefined, "x", "y"),
  });
  const history = fc.array(tried, { maxLength: 20 });
  const waiting = fc.option(fc.subarray(PODS), { nil: undefined });

  it("counts only while its Pod still waits, or while nothing has started since", () => {
    fc.assert(
      fc.property(history, waiting, (tries, pods) => {
        const since = { nowSeconds: NOW, runtimeStartedSeconds: STARTED, waiting: pods && new Set(pods) };
        const counting = new Set(standing(tries, since).counts.map(({ pod }) => pod));
        for (const pod of PODS) {
          const last = Math.max(...tries.filter((one) => one.pod === pod && one.error !== undefined).map(at), -1);
          const later = tries.filter((one) => one.error === undefined && one.atSeconds >= last);
          const waits = pods?.includes(pod) ?? NOW - last <= 300;
          const ofThisRuntime = last >= STARTED || (pods?.includes(pod) ?? false);
          const expected =
            last >= 0 && !later.some((one) => one.pod === pod) && ofThisRuntime && (waits || later.length === 0);
          assert.equal(counting.has(pod), expected, pod);
        }
      }),
    );
  });

  it("counts the same in whatever order its lines come", () => {
    const distinct = fc.uniqueArray(tried, { selector: at, maxLength: 20 });
    const shuffled = distinct.chain((tries) =>
      fc.tuple(fc.constant(tries), fc.shuffledSubarray(tries, { minLength: tries.length })),
    );
    fc.assert(
      fc.property(shuffled, ([tries, other]) => {
        const since = { nowSeconds: NOW, runtimeStartedSeconds: STARTED };
        assert.deepEqual(standing(other, since), standing(tries, since));
      }),
    );
  });

  it("is a finding, whatever its error, and its error is shown", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const error = `odd ${text}`;
        const { findings, events } = judgeSandboxes(
          factsOf(image, { events: [failed(CLOCK - 9, "a/1", error)] }),
          CLOCK,
        );
        assert.equal(findings.length, 1);
        assert.deepEqual(events, [error]);
      }),
    );
  });

  const FAILED = failed(CLOCK - 100, "a/1", "the moon is full");
  const ran = (at: number, pod: string) =>
    journal(at, "crio", `msg="Ran pod sandbox 0a with infra container: ${pod}/POD"`);

  it("is told as over where its Pod has started since", () => {
    const facts = factsOf(image, { events: [FAILED, ran(CLOCK - 50, "a/1")] });
    const { findings, events, evidence } = judgeSandboxes(facts, CLOCK);
    assert.deepEqual([findings, events], [[], []]);
    assert.match(evidence[0]?.text ?? "", /^an older failure is over: a\/1, /);
  });

  it("keeps other Pods from starting only where none has started since", () => {
    const both = factsOf(image, { events: [FAILED, ran(CLOCK - 50, "a/2")] });
    assert.deepEqual(
      judgeSandboxes(both, CLOCK).findings.map(({ fatal }) => fatal),
      [false],
    );
    const alone = factsOf(image, { events: [FAILED] });
    assert.deepEqual(
      judgeSandboxes(alone, CLOCK).findings.map(({ fatal }) => fatal),
      [true],
    );
  });

  it("is told by the failure that came before its name was taken", () => {
    const events = [
      failed(CLOCK - 90, "a/1", 'failed to find plugin "bridge" in path [/opt/cni/bin]'),
      failed(CLOCK - 10, "a/1", 'failed to reserve sandbox name "x": name "x" is reserved for "0ab1"'),
    ];
    assert.equal(judgeSandboxes(factsOf(image, { events }), CLOCK).findings[0]?.code, "PS-D026");
  });

  it("with a name that is taken is not explained by what its Pod has got over, nor by what an earlier runtime said", () => {
    const taken = failed(CLOCK - 10, "a/1", 'failed to reserve sandbox name "x": name "x" is reserved for "0ab1"');
    const over = failed(CLOCK - 30, "a/1", "no space left on device");
    const started = journal(CLOCK - 20, "crio", 'msg="Ran pod sandbox 0a with infra container: a/1/POD" id=1');
    const older = failed(CLOCK - 2000, "a/1", "no space left on device");
    for (const events of [
      [over, started, taken],
      [older, taken],
    ]) {
      const { findings } = judgeSandboxes(factsOf(image, { events }), CLOCK);
      assert.deepEqual(
        findings.map(({ code }) => code),
        ["PS-D034"],
      );
    }
  });

  it("ends no look where a clock says what cannot be", () => {
    const odd = { created: "x", name: "1", namespace: "a" };
    const events = [`${"9".repeat(400)}.0 h kubelet[1]: "Failed to create sandbox for pod" err="x" pod="a/2"`];
    assert.equal(judgeSandboxes(factsOf(image, { sandbox: odd, events }), CLOCK).findings.length, 1);
  });

  it("counts by the cluster's word where the node's journal has nothing", () => {
    const stuck = [{ namespace: "a", name: "1", node: "w", event: 'no runtime for "gvisor" is configured' }];
    assert.equal(judgeSandboxes(factsOf(image), CLOCK, { stuck }).findings[0]?.code, "PS-D033");
  });
});

const at = ({ atSeconds }: Pick<SandboxTry, "atSeconds">): number => atSeconds;
