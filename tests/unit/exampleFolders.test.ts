/** What each folder of examples/ has, and that nothing is left out of their list. */
import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

const root = path.join(__dirname, "../..");
const read = (...parts: string[]) => fs.readFileSync(path.join(root, ...parts), "utf8");
const inside = (...parts: string[]) => fs.readdirSync(path.join(root, "examples", ...parts), { withFileTypes: true });

// The template is no example: `pulumi new` puts names into it first.
const names = inside()
  .filter((entry) => entry.isDirectory() && entry.name !== "template")
  .map(({ name }) => name);
const has = (name: string, file: string) => inside(name).some((entry) => entry.name === file);

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
}
const manifest = (...folder: string[]) => JSON.parse(read(...folder, "package.json")) as Manifest;

describe("the examples", () => {
  it("are each in the table of examples/README.md, which has no other", () => {
    const rows = [...read("examples/README.md").matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\) /gm)].map(
      ([, row]) => row,
    );
    assert.deepStrictEqual([...rows].sort(), [...names].sort());
  });

  for (const name of names) {
    it(`${name} has a README of at most a page, with what to run`, () => {
      const page = read("examples", name, "README.md");
      assert.ok(page.split("\n").length <= 60, "a page");
      assert.match(page, /^## Run\n[^]*^```\n[^]*^```$/m);
    });

    it(`${name} is a project of Pulumi, or a policy pack`, () => {
      assert.ok(has(name, "Pulumi.yaml") !== has(name, "PulumiPolicy.yaml"));
    });
  }

  for (const name of names.filter((one) => has(one, "package.json"))) {
    it(`${name} wants the versions of packages that this project is tested with`, () => {
      const { dependencies, devDependencies } = manifest();
      const tested: Record<string, string | undefined> = { ...devDependencies, ...dependencies };
      for (const [key, range] of Object.entries(manifest("examples", name).dependencies)) {
        assert.strictEqual(range, tested[key], key);
      }
    });
  }
});
