import * as assert from "assert";

import { workloadReferences } from "../../../lab/cluster/info";

describe("the lab Pod's app", () => {
  const before = process.env.APP;
  afterEach(() => {
    if (before === undefined) delete process.env.APP;
    else process.env.APP = before;
  });

  const choices: [app: string, image: RegExp][] = [
    ["", /\/lab\/app:1$/],
    ["spring", /\/lab\/spring:1$/],
  ];
  for (const [app, image] of choices) {
    it(`is ${String(image)} with APP=${app}`, () => {
      process.env.APP = app;
      assert.match(workloadReferences().app, image);
    });
  }

  it("is refused when there is none of that name, saying which there are", () => {
    process.env.APP = "django";
    assert.throws(workloadReferences, /APP is "django".*APP=spring/);
  });
});
