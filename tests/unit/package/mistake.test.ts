/** What a mistake costs until it is reported: the whole program, in a process with little memory. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { type Ended, NODES, start, starter } from "../../support/starter";
import { checkout, TREE } from "./consumer";

/** A preview needs a third of it. The inspection that docs/decisions/0008 is about ends at 3,600 MB, or dies. */
const HEAP = "--max-old-space-size=384";
const LITTLE = starter(HEAP);

/** The status by which a program says that it has told the engine everything. */
const REPORTED = 32;

const [node] = NODES;

/** Mistakes that only the stack's file has, and mistakes that the components find. */
const SHAPES = {
  nodes: [
    { ...node, canry: true },
    { host: "worker-2", hostKey: "x" },
  ],
};
const VALUES = { reference: "pause", maxUnavailable: "0%" };

/** A checkout with another text in one of its files. */
function changed(name: string, file: string, change: (text: string) => string): string {
  const folder = checkout(name);
  const at = path.join(folder, file);
  fs.writeFileSync(at, change(fs.readFileSync(at, "utf8")));
  return folder;
}

/** The one error of a run, line by line. */
function errorOf({ status, errors, said }: Ended): string[] {
  assert.equal(status, REPORTED, said);
  assert.equal(errors.length, 1, errors.join("\n"));
  return (errors[0] ?? "").split("\n");
}

describe("a mistake", function () {
  this.timeout(120_000);

  it("in the shape of a stack's file is reported with all others, one per line, within a preview's memory", async () => {
    const lines = errorOf(await start(TREE, SHAPES, LITTLE));
    assert.equal(lines[0], "the stack's configuration: 2 problems with the arguments");
    assert.match(lines[1] ?? "", /^ {2}- nodes\[0\]: "canry" is not allowed; /);
    assert.match(lines[2] ?? "", /^ {2}- nodes\[1\]\.name: no value is not allowed; /);
    assert.equal(lines.length, 3, "no stack trace follows");
  });

  it("in a value of a stack's file is reported with all others, one per line, within a preview's memory", async () => {
    const lines = errorOf(await start(TREE, VALUES, LITTLE));
    assert.equal(lines[0], 'PauseSandbox "pause": 2 problems with the arguments');
    assert.match(lines[1] ?? "", /^ {2}- reference: "pause" /);
    assert.match(lines[2] ?? "", /^ {2}- maxUnavailable: "0%" /);
    assert.equal(lines.length, 3, "no stack trace follows");
  });

  it("in the arguments of somebody's own program costs no more, and its error is reported whole", async () => {
    const folder = changed(
      "own",
      "index.ts",
      () => `import { PauseSandbox } from "./components";
        export = async () => { await null; new PauseSandbox("own", { image: { reference: "pause" }, nodes: [] }); };`,
    );
    const [, ...lines] = errorOf(await start(folder, {}, LITTLE));
    assert.match(lines.join("\n"), /^PauseSandbox "own": 2 problems with the arguments\n {2}- .*\n {2}- .*$/);
  });

  it("that shows only when a value is known costs no more either", async () => {
    const late = (code: string) => () =>
      `import * as pulumi from "@pulumi/pulumi";
        import { PauseImage, PauseImageSource } from "./components";
        const later = (text: string) => pulumi.output(new Promise<string>((resolve) => setImmediate(resolve, text)));
        export = async () => { await null; ${code} };`;
    for (const [name, code, says] of [
      ["late-argument", "reference: later('pause')", /reference: "pause" is not allowed/],
      ["late-digest", "reference: 'r.example/p:1', digest: later('sha256:1')", /digest: "sha256:1" is not allowed/],
    ] as const) {
      const image = `new PauseImage("own", { source: PauseImageSource.Existing, ${code} });`;
      const ended = await start(changed(name, "index.ts", late(image)), {}, LITTLE);
      assert.match(errorOf(ended).join("\n"), says);
    }
  });

  it("of the program itself is reported with its stack, in the memory of a preview", async () => {
    const folder = changed("bug", "settings/config.ts", (text) =>
      text.replace("problems.throwIfAny();", "problems.throwIfAny();\n  (undefined as unknown as () => void)();"),
    );
    const error = errorOf(await start(folder, {}, LITTLE)).join("\n");
    assert.match(error, /TypeError: undefined is not a function/);
    assert.match(error, /at .*readStackConfig.*config\.ts:/);
    assert.match(error, /at .*index\.ts:/);
  });

  it("reaches whoever runs the program by the Automation API, without a stack", async () => {
    const inline = path.join("tests/unit/package/inline.ts");
    for (const [settings, first] of [
      [SHAPES, "the stack's configuration"],
      [VALUES, 'PauseSandbox "pause"'],
    ] as const) {
      const { status, said } = await start(TREE, settings, (engine) => [
        "node",
        HEAP,
        "--import",
        "tsx",
        inline,
        engine,
      ]);
      assert.equal(status, 1, said);
      const [line = "", ...problems] = said.split("\n");
      assert.equal(line, `${first}: 2 problems with the arguments`);
      assert.equal(problems.length, 2, said);
    }
  });
});
