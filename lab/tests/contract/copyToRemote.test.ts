import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { isStandIn, type Props, Provider, urn } from "./provider";
import { SshServer } from "./sshServer";

const COPY = urn("command:remote:CopyToRemote");

describe("command:remote:CopyToRemote", function () {
  let ssh: SshServer;
  let provider: Provider;
  let folder: string;

  before(async function () {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-copy-"));
    ssh = await SshServer.start();
    provider = await Provider.start("command");
  });
  after(() => {
    provider.stop();
    ssh.stop();
    fs.rmSync(folder, { recursive: true });
  });

  /** A file as the engine sends it. */
  const source = (name: string, content: string): Props => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, content);
    const hash = createHash("sha256").update(content).digest("hex");
    return { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", hash, path: file };
  };
  const target = (name: string) => path.join(folder, name);
  const checked = (inputs: Props) => provider.check(COPY, { connection: ssh.connection, ...inputs });
  const create = async (inputs: Props) => provider.create(COPY, await checked(inputs));
  const content = (name: string) => fs.readFileSync(target(name), "utf8");

  it("copies a file of 100 kB as it is, over one that is there", async () => {
    const text = "0123456789\n".repeat(10_000);
    fs.writeFileSync(target("big"), `${text}and more`);
    await create({ source: source("a", text), remotePath: target("big") });
    assert.equal(content("big"), text);
  });

  it("takes a path without a directory for one in the home directory of whoever logs in", async () => {
    const name = `.contract-copy-${process.pid}`;
    const there = path.join(os.homedir(), name);
    try {
      await create({ source: source("a", "at home"), remotePath: name });
      assert.equal(fs.readFileSync(there, "utf8"), "at home");
    } finally {
      fs.rmSync(there, { force: true });
    }
  });

  it("copies nothing in a preview", async () => {
    const inputs = await checked({ source: source("a", "text"), remotePath: target("preview") });
    await provider.create(COPY, inputs, { preview: true });
    assert.equal(fs.existsSync(target("preview")), false);
  });

  it("copies again when content or path changes, in place, and not for another log-in", async () => {
    const first = await create({ source: source("a", "one"), remotePath: target("one") });
    const diff = async (inputs: Props) => provider.diff(COPY, first, await checked(inputs));
    const other = { source: source("b", "two"), remotePath: target("one") };
    assert.deepEqual([(await diff(other)).changes, (await diff(other)).replaces], ["some", []]);
    const second = await provider.update(COPY, first, await checked(other));
    assert.equal(content("one"), "two");
    fs.writeFileSync(target("one"), "somebody's");
    const connection = { ...ssh.connection, dialErrorLimit: 1 };
    await provider.update(COPY, second, await checked({ ...other, connection }));
    assert.equal(content("one"), "somebody's");
    await provider.update(COPY, second, await checked({ ...other, remotePath: target("moved") }));
    assert.equal(content("moved"), "two");
  });

  it("takes the same content at another place of this machine for the same", async () => {
    const inputs = await checked({ source: source("a", "same"), remotePath: target("same") });
    const old = { id: "it", inputs, outputs: inputs };
    const moved = await checked({ source: source("elsewhere", "same"), remotePath: target("same") });
    assert.equal((await provider.diff(COPY, old, moved)).changes, "none");
  });

  it("leaves the file when the resource goes", async () => {
    const made = await create({ source: source("a", "kept"), remotePath: target("kept") });
    await provider.delete(COPY, made);
    assert.equal(content("kept"), "kept");
  });

  it("fails with the path of what cannot be written", async () => {
    fs.writeFileSync(target("file"), "");
    const inputs = { source: source("a", "text"), remotePath: target("file/below") };
    await assert.rejects(create(inputs), new RegExp(path.basename(folder)));
  });

  (isStandIn ? it : it.skip)("refuses what is no file of this machine", async () => {
    const text = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", hash: "h", text: "t" };
    await assert.rejects(checked({ source: text, remotePath: "/x" }), /source: .*files of this machine only/);
  });
});
