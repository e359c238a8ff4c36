/** Runtime handlers that do not run pause in each Pod, as doctor and check tell of them. */
import { strict as assert } from "node:assert";

import { checkText } from "../../cli/checkText";
import { painter } from "../../cli/terminal";
import { diagnosesText } from "../../cli/text";
import { PauseUse } from "../../components/node/nodeScript";
import { diagnose } from "../../doctor/diagnose";
import { type Handlers, handlersText } from "../../doctor/judge/handlers";
import { CLOCK, factsOf } from "./nodeFacts";

const paint = painter(false);
const plain = { runc: PauseUse.Every };
const crio = { runc: PauseUse.SharedPid, crun: PauseUse.SharedPid, kata: PauseUse.Every };
const SHARED = "handlers crun, runc run pause only in Pods that share their PID namespace";

describe("runtime handlers that do not run pause in each Pod", () => {
  for (const [handlers, text] of [
    [undefined, undefined],
    [{}, undefined],
    [plain, undefined],
    [crio, SHARED],
    [{ ...plain, shim: PauseUse.Image }, "handler shim runs no pause, and needs its image"],
    [
      { b: PauseUse.None, a: PauseUse.None, c: PauseUse.Image, ...plain },
      "handler c runs no pause, and needs its image; handlers a, b run no pause, and need no image of it",
    ],
  ] as const) {
    it(`are told as: ${text ?? `nothing, of ${JSON.stringify(handlers)}`}`, () => {
      assert.equal(handlersText(handlers), text);
    });
  }

  const image = "localhost/pause:1";
  const found = (node: string, handlers?: Handlers) => {
    const facts = factsOf(image, { handlers, image: { status: { pinned: true } } });
    return { ...diagnose({ node, host: node, facts, walks: [], ourSeconds: CLOCK }) };
  };

  it("the doctor has them in the evidence and the JSON of a node, and finds nothing wrong", () => {
    const { findings, unknown, evidence, handlers } = found("n", crio);
    assert.deepEqual([findings, unknown, handlers], [[], [], crio]);
    assert.deepEqual(
      evidence.filter(({ text }) => text.includes("handler")),
      [{ is: "yes", text: SHARED }],
    );
    assert.doesNotMatch(JSON.stringify(found("n", plain).evidence), /handler/);
    assert.equal(found("n").handlers, undefined);
  });

  it("the doctor names their nodes once, also where another node stands for them", () => {
    const text = diagnosesText([found("a", plain), found("b", crio), found("c", crio)], paint);
    assert.ok(text.startsWith(`3 of 3: all is well (a, b, c)\n2 of 3: ${SHARED} (b, c)\n\na: all is well`), text);
    assert.doesNotMatch(diagnosesText([found("a", plain), found("b", plain)], paint), /handler/);
  });

  it("check names their nodes in one line", () => {
    const checked = (node: string, handlers: Handlers) => ({
      ...{ node, differences: [], digest: "", handlers, runtime: "cri-o", runtimeVersion: "1.36.3", kubelet: "" },
    });
    assert.equal(
      checkText([checked("a", plain), checked("b", crio), { node: "c", unlooked: "why" }], paint),
      `2 of 3: as wanted (a, b)\n1 of 3: could not look (c)\n1 of 3: ${SHARED} (b)\n\nc: could not look: why\n`,
    );
  });
});
