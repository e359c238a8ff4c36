import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

import { TREE } from "../../cluster/layout";

describe("the lab's packages", () => {
  const { peerDependencies } = JSON.parse(fs.readFileSync(path.join(TREE, "lab/package.json"), "utf8")) as {
    peerDependencies: Record<string, string>;
  };
  for (const name of Object.keys(peerDependencies)) {
    it(`share ${name} with the program, since a second copy's objects are refused`, () => {
      assert.equal(require.resolve(`${name}/package.json`), path.join(TREE, "node_modules", name, "package.json"));
      assert.equal(fs.existsSync(path.join(TREE, "lab/node_modules", name)), false);
    });
  }
});
