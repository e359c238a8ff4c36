/** Patterns of known_hosts, ssh_config and inventories, whoever wrote them. */
import { strict as assert } from "node:assert";

import * as fc from "fast-check";

import { matchesPatterns } from "../../components/sources/patterns";

describe("a list of patterns", () => {
  const some = fc.array(fc.constantFrom("a", "b", "*", "?", "."), { maxLength: 12 }).map((all) => all.join(""));

  it("takes the texts that an expression takes", () => {
    fc.assert(
      fc.property(some, some, (pattern, text) => {
        const expression = pattern.replaceAll(".", "\\.").replace(/\*+/g, ".*").replaceAll("?", ".");
        assert.equal(matchesPatterns([pattern], text), new RegExp(`^${expression}$`).test(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("with many stars takes no longer for that: this test would not end", () => {
    assert.equal(matchesPatterns([`${"*a".repeat(500)}*b`], "a".repeat(10_000)), false);
    assert.equal(matchesPatterns([`${"*a".repeat(500)}*`], "a".repeat(10_000)), true);
  });
});
