/** The comments that editors show: those of all that other programs can use. */
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { entriesOf, undocumented } from "./package/api";

const root = path.join(__dirname, "../..");

describe("the comments for users of the components", function () {
  // The compiler reads the types of Kubernetes.
  this.timeout(120_000);

  it("are there for every export, and for every field, method and value of an enum", () => {
    const entries = entriesOf(
      root,
      ["index", "testing"].map((name) => ({ name, file: path.join(root, "components", `${name}.ts`) })),
    );
    for (const { name, exports } of entries) assert.ok(exports.length > 3, name);
    assert.deepStrictEqual(undocumented(entries), []);
  });

  it("are missed wherever they can be missing", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-docstrings-"));
    const file = path.join(folder, "api.ts");
    fs.writeFileSync(
      file,
      `export class Class { 
         method(): void {}
         private hidden = 1;
         /** There. */
         shown = 1;
       }
       export interface Interface { 
         property: string;
         /** There. */
         nested: { field: string };
       }
       export enum Enum { Member }
       export function call(argument: { inPlace: string }, other: Unexported): void { const local: { no: 1 } = { no: 1 }; }
       export type Alias = { ofAlias: string };
       export const CONSTANT = { value: 1 };
       interface Unexported { reached: string }`,
    );
    assert.deepStrictEqual(undocumented(entriesOf(folder, [{ name: "api", file }])), [
      ...["Alias", "Alias.ofAlias", "CONSTANT", "Class", "Class.method", "Enum", "Enum.Member"],
      ...[
        "Interface",
        "Interface.field",
        "Interface.property",
        "Unexported",
        "Unexported.reached",
        "call",
        "call.inPlace",
      ],
    ]);
    fs.rmSync(folder, { recursive: true });
  });
});
