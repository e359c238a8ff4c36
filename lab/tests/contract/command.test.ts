import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { isStandIn, type Props, Provider, urn } from "./provider";
import { SshServer } from "./sshServer";

const COMMAND = urn("command:remote:Command");

describe("command:remote:Command", function () {
  let ssh: SshServer;
  let provider: Provider;
  let folder: string;

  before(async function () {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-command-"));
    ssh = await SshServer.start();
    provider = await Provider.start("command");
  });
  after(() => {
    provider.stop();
    ssh.stop();
    fs.rmSync(folder, { recursive: true });
  });

  const checked = (inputs: Props) => provider.check(COMMAND, { connection: ssh.connection, ...inputs });
  const create = async (inputs: Props) => provider.create(COMMAND, await checked(inputs));

  it("has the version of the SDK", async () => {
    const { version } = JSON.parse(fs.readFileSync(require.resolve("@pulumi/command/package.json"), "utf8")) as Props;
    assert.equal(await provider.version(), version);
  });

  it("runs create with stdin, and gives what it printed without the last newline", async () => {
    const { id, outputs } = await create({ create: "cat; echo; echo oops >&2", stdin: "first\nsecond\n" });
    assert.match(id, /^it[0-9a-f]{8}$/);
    assert.equal(outputs.stdout, "first\nsecond\n");
    assert.equal(outputs.stderr, "oops");
  });

  it("brings 100 kB of stdin over, and a command that reads none of it still succeeds", async () => {
    const stdin = "0123456789".repeat(10_000);
    assert.equal((await create({ create: "wc -c", stdin })).outputs.stdout, "100000");
    assert.equal((await create({ create: "true", stdin })).outputs.stdout, "");
  });

  it("keeps characters whole that arrive in two pieces", async () => {
    const { outputs } = await create({ create: "printf '\\303'; sleep 0.2; printf '\\244'" });
    assert.equal(outputs.stdout, "ä");
  });

  it("runs nothing in a preview", async () => {
    const file = path.join(folder, "preview");
    await provider.create(COMMAND, await checked({ create: `touch ${file}` }), { preview: true });
    assert.equal(fs.existsSync(file), false);
  });

  it("fails a create with the status and both outputs of the command", async () => {
    await assert.rejects(create({ create: "echo seen; echo why >&2; exit 7" }), (error: Error) => {
      assert.match(error.message, /Process exited with status 7/);
      assert.match(error.message, /seen/);
      assert.match(error.message, /why/);
      return true;
    });
  });

  it("runs update on an update, else create, and keeps the previous output where there is neither", async () => {
    const first = await create({ create: "echo one" });
    const second = await provider.update(COMMAND, first, await checked({ create: "echo one", update: "echo two" }));
    assert.equal(second.outputs.stdout, "two");
    const third = await provider.update(COMMAND, second, await checked({ create: "echo three" }));
    assert.equal(third.outputs.stdout, "three");
    const fourth = await provider.update(COMMAND, third, await checked({}));
    assert.equal(fourth.outputs.stdout, "three");
  });

  it("runs delete with the stdin that state holds", async () => {
    const file = path.join(folder, "deleted");
    const made = await create({ delete: `cat > ${file}`, stdin: "of the old state" });
    await provider.delete(COMMAND, made);
    assert.equal(fs.readFileSync(file, "utf8"), "of the old state");
  });

  it("replaces for other triggers, updates for anything else, and for nothing does nothing", async () => {
    const inputs = await checked({ create: "true", stdin: "a", triggers: ["a"] });
    const old = { id: "it", inputs, outputs: { ...inputs, stdout: "", stderr: "" } };
    assert.equal((await provider.diff(COMMAND, old, inputs)).changes, "none");
    const stdin = await provider.diff(COMMAND, old, { ...inputs, stdin: "b" });
    assert.deepEqual([stdin.changes, stdin.replaces], ["some", []]);
    const triggers = await provider.diff(COMMAND, old, { ...inputs, triggers: ["b"] });
    assert.deepEqual(
      [triggers.changes, triggers.replaces, triggers.deleteBeforeReplace],
      ["some", ["triggers"], false],
    );
  });

  it("refuses a server that shows another key than the expected one", async () => {
    const connection = { ...ssh.connection, hostKey: ssh.file("other.pub") };
    await assert.rejects(create({ connection, create: "true" }), /host key mismatch/);
  });

  it("logs in with a key that has a passphrase, and not without it", async () => {
    const locked = { ...ssh.connection, privateKey: ssh.file("locked") };
    const connection = { ...locked, privateKeyPassword: "a passphrase" };
    assert.equal((await create({ connection, create: "echo in" })).outputs.stdout, "in");
    await assert.rejects(create({ connection: locked, create: "true" }), /passphrase|encrypted/i);
  });

  it("reaches the host through a proxy", async () => {
    const connection = { ...ssh.connection, proxy: ssh.connection };
    assert.equal((await create({ connection, create: "echo behind" })).outputs.stdout, "behind");
  });

  it("gives up on a host that does not answer after the attempts it may make", async () => {
    const connection = { ...ssh.connection, port: 1, dialErrorLimit: 1 };
    await assert.rejects(create({ connection, create: "true" }), /after \d failed attempts.*refused/is);
  });

  it("shows a read what state holds", async () => {
    const made = await create({ create: "echo kept" });
    assert.equal((await provider.read(COMMAND, made))?.outputs.stdout, "kept");
  });

  (isStandIn ? it : it.skip)("refuses properties and types that it does not act upon", async () => {
    await assert.rejects(checked({ environment: { A: "b" } }), /environment: .*not supported/);
    const other = urn("command:remote:CopyFile");
    await assert.rejects(provider.check(other, {}), /does not know command:remote:CopyFile/);
  });
});
