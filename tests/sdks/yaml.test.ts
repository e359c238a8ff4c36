/** The documented program in YAML, which needs no SDK, against the schema. */
import { strict as assert } from "node:assert";

import { parse } from "yaml";

import { misfits } from "../support/schemaCheck";
import { documented, SCHEMA, TOKEN } from "./sdk";

describe("the documented program in YAML", () => {
  const { resources } = parse(documented("yaml")) as {
    resources: { pause: { type: string; properties: Record<string, unknown> } };
  };
  const isReference = (value: unknown): boolean => typeof value === "string" && /^\$\{.+\}$/.test(value);
  const { type, properties } = resources.pause;

  it("gives what the schema wants, and nothing else", () => {
    assert.equal(type, TOKEN.replace(":index", ""));
    assert.deepEqual(misfits(SCHEMA, TOKEN, properties, isReference), []);
  });

  it("would be refused with a misspelt field", () => {
    const changed = { ...properties, maxUnavailble: "1" };
    assert.deepEqual(misfits(SCHEMA, TOKEN, changed, isReference), ["maxUnavailble: not in the schema"]);
  });
});
