import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { draftOf, removeAllBut } from "../../cluster/files";

describe("the lab's directory, taken down", () => {
  const directory = (...names: string[]): string => {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), "lab-"));
    for (const name of names) fs.mkdirSync(path.join(made, name));
    return made;
  };

  it("keeps what is needed to stop the engine", async () => {
    const lab = directory("engine", "pki");
    await removeAllBut(lab, "engine");
    assert.deepEqual(fs.readdirSync(lab), ["engine"]);
    fs.rmSync(lab, { recursive: true });
  });

  it("is gone where the lab started no engine", async () => {
    const lab = directory("pki", "ssh");
    await removeAllBut(lab, "engine");
    assert.equal(fs.existsSync(lab), false);
    await removeAllBut(lab, "engine");
  });
});

describe("a draft of what a run makes", () => {
  it("is nobody else's, and those of runs that were killed go", async () => {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), "drafts-"));
    const kept = ["digests.json", `rootfs-1.tar.${process.ppid}`, `spring-1.${process.pid}`];
    const names = [...kept, "rootfs-0.tar.4194304", `rootfs-1.tar.${process.pid}`];
    for (const name of names) fs.writeFileSync(path.join(made, name), "");
    assert.equal(await draftOf(path.join(made, "rootfs-1.tar")), path.join(made, `rootfs-1.tar.${process.pid}`));
    assert.deepEqual(fs.readdirSync(made).sort(), kept.sort());
    fs.rmSync(made, { recursive: true });
  });
});
