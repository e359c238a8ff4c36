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
