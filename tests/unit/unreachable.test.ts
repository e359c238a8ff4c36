import { strict as assert } from "node:assert";

import { cannotBeReached } from "../../components/rollout/unreachable";

describe("a node that cannot be reached", () => {
  const cases: [boolean, string][] = [
    [true, "after 4 failed attempts: dial tcp 10.0.0.9:22: connect: no route to host"],
    [true, "after 4 failed attempts: dial tcp 10.0.0.9:22: i/o timeout"],
    [true, "after 4 failed attempts: dial tcp: lookup worker-9: no such host"],
    [true, "after 4 failed attempts: ssh: rejected: connect failed (Connection refused)"],
    [true, "after 4 failed attempts: 10.0.0.9:22: connect ECONNREFUSED 10.0.0.9:22"],
    [false, "after 4 failed attempts: ssh: handshake failed: ssh: unable to authenticate"],
    [false, "after 4 failed attempts: ssh: handshake failed: read tcp 10.0.0.1:4->10.0.0.9:22: connection timed out"],
    [false, 'Process exited with status 4: running "sh x": pull: dial tcp 10.0.0.5:5000: connection refused'],
    [false, "not begun, because pause-a failed: the rollout stops at the first failure"],
  ];
  for (const [is, error] of cases) {
    it(`${is ? "is" : "is not"} one whose error is: ${error}`, () => {
      assert.equal(cannotBeReached([error]), is);
    });
  }
});
