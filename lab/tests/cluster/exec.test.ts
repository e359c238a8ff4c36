import * as assert from "node:assert/strict";

import { exec } from "../../cluster/exec";

describe("running a program of the host", () => {
  /** Lines of standard error that a shell script's output arrives as. */
  async function lines(script: string): Promise<string[]> {
    const seen: string[] = [];
    await exec("sh", ["-c", `exec >&2; ${script}`], { onStderr: (line) => seen.push(line) });
    return seen;
  }

  it("passes on what it says line by line, however it comes", async () => {
    assert.deepEqual(await lines("printf 'half '; sleep 0.2; printf 'a line\\nanother\\n\\nthe last'"), [
      "half a line",
      "another",
      "the last",
    ]);
  });

  it("passes on a letter whose bytes come apart", async () => {
    assert.deepEqual(await lines("printf 'gr\\303'; sleep 0.2; printf '\\274n\\n'"), ["grün"]);
  });

  it("fails with the command and what it said last", async () => {
    await assert.rejects(exec("sh", ["-c", "echo no disk >&2; exit 3"]), {
      message: "sh -c echo no disk >&2; exit 3 failed with status 3: no disk",
    });
  });
});
