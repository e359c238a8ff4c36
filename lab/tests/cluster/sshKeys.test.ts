import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { sshKeyPair } from "../../cluster/sshKeys";

describe("a key for SSH", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-keys-"));
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("is one that OpenSSH reads, every time, and has a public half of 32 bytes", function () {
    this.timeout(120_000);
    for (let i = 0; i < 300; i++) {
      const pair = sshKeyPair("node-1");
      const file = path.join(folder, String(i));
      fs.writeFileSync(file, pair.private, { mode: 0o600 });
      const read = execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8" });
      assert.equal(read, pair.public);
      // Length and name of the type, and length of the key, in front of it.
      assert.equal(Buffer.from(pair.public.split(" ")[1] ?? "", "base64").length, 4 + 11 + 4 + 32);
    }
  });
});
