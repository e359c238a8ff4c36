import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

const components = path.join(__dirname, "../../components");

/** The components' files that the files of a folder import, as paths below components/. */
function importsOf(folder: string): string[] {
  const files = fs.readdirSync(path.join(components, folder)).filter((file) => file.endsWith(".ts"));
  assert.ok(files.length > 1, `components/${folder} has files`);
  return files.flatMap((file) => {
    const text = fs.readFileSync(path.join(components, folder, file), "utf8");
    const named = [...text.matchAll(/\b(?:from|import|require)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "");
    return named.map((name) => path.relative(components, path.resolve(components, folder, name)));
  });
}

describe("the folders of components/", () => {
  for (const [folder, other] of [
    ["node", "image"],
    ["image", "node"],
  ] as const) {
    it(`${folder}/ imports nothing of ${other}/: a program may use one without the other`, () => {
      const imports = importsOf(folder);
      assert.ok(imports.includes("registry/reference"), "the test reads the imports");
      assert.deepStrictEqual(
        imports.filter((name) => name === other || name.startsWith(`${other}/`)),
        [],
      );
    });
  }
});

describe("the tests and the lab", () => {
  const root = path.join(components, "..");

  it("give the inline programs of one process connections of their own, wherever stacks are made", () => {
    const files = ["tests", "lab"].flatMap((folder) =>
      fs
        .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
        .map((name) => path.join(folder, name)),
    );
    const stacks = files.filter((file) =>
      /\.createOrSelectStack\(/.test(fs.readFileSync(path.join(root, file), "utf8")),
    );
    assert.ok(stacks.includes("lab/engine.ts"), "the test finds them");
    const without = stacks.filter(
      (file) => !/^import "[./a-z]*\/ownConnections";$/m.test(fs.readFileSync(path.join(root, file), "utf8")),
    );
    assert.deepStrictEqual(without, []);
  });
});
