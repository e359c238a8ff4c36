import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type Run, Sandbox, wanted } from "./script";
import { CONTAINERD } from "../../lab/toolchain/versions";

const seed =
  'version = 2\nroot = "/x"\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "k8s.gcr.io/pause:3.5"\n';

/**
 * As containerd reads, for what matters here: it refuses a file with the line `broken`, and version 2.0.0 of the image
 * beside a file `refused`, which is not among the copies that the script asks about first.
 */
const stub = `#!/bin/sh
[ "$1 $3 $4" = "-c config dump" ] || exit 99
! grep -q '^broken' "$2" || { echo "toml: line broken" >&2; exit 1; }
if [ -e "\${2%/*}/refused" ] && grep -q 'pause:2' "$2"; then exit 1; fi
exec cat "$2"
`;

describe("restore on a node that people have worked on", function () {
  this.timeout(60_000);
  const containerd = { dir: fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-restore-")), version: CONTAINERD.one };
  before(() => {
    fs.writeFileSync(path.join(containerd.dir, "containerd"), stub, { mode: 0o755 });
  });
  after(() => {
    fs.rmSync(containerd.dir, { recursive: true });
  });

  const plan = (sandbox: Sandbox, verb: "apply" | "restore", image = wanted): Run =>
    sandbox.plan(["dash"], containerd, verb, { image });
  const applied = (files: Record<string, string> = { "config.toml": seed }): Sandbox => {
    const sandbox = new Sandbox(files);
    const run = plan(sandbox, "apply");
    assert.equal(run.status, 0, run.stderr);
    return sandbox;
  };
  const read = (sandbox: Sandbox): string => fs.readFileSync(sandbox.config, "utf8");

  it("a file that containerd cannot read any more is rid of our keys, said, and containerd left alone", () => {
    const sandbox = applied();
    fs.appendFileSync(sandbox.config, "broken\n");
    const run = plan(sandbox, "restore");
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /PS-N007 .*config\.toml: .*toml: line broken.*until you repair the file/);
    assert.doesNotMatch(run.stderr, /restarting/);
    assert.match(read(sandbox), /sandbox_image = "k8s\.gcr\.io\/pause:3\.5"/);
    assert.match(read(sandbox), /^broken$/m);
    assert.equal(fs.existsSync(path.join(sandbox.dir, "home")), false, "state is left behind");
    sandbox.remove();
  });

  it("applying to such a file is refused", () => {
    const sandbox = applied();
    fs.appendFileSync(sandbox.config, "broken\n");
    const run = plan(sandbox, "apply");
    assert.equal(run.status, 3, run.stderr);
    assert.match(run.stderr, /PS-N007 .*repair it first/);
    sandbox.remove();
  });

  it("without the copies of before, our keys go and the file stays", () => {
    const sandbox = applied();
    fs.rmSync(path.join(sandbox.dir, "home/backup"), { recursive: true });
    const again = plan(sandbox, "apply");
    assert.deepEqual([again.status, again.stdout], [0, "\n"], again.stderr);
    fs.rmSync(path.join(sandbox.dir, "home/backup"), { recursive: true, force: true });
    const run = plan(sandbox, "restore");
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /config\.toml has no copy of before in .*: only our keys are removed/);
    assert.match(read(sandbox), /^root = "\/x"$/m);
    assert.match(read(sandbox), /sandbox_image = "k8s\.gcr\.io\/pause:3\.5"/);
    assert.doesNotMatch(read(sandbox), /config_path/);
    sandbox.remove();
  });

  it("a run that failed leaves no copies behind of what it did not commit", () => {
    const sandbox = applied();
    const kept = fs.readdirSync(path.join(sandbox.dir, "home/backup"), { recursive: true }).sort();
    fs.writeFileSync(path.join(sandbox.dir, "etc/refused"), "");
    fs.appendFileSync(sandbox.config, "# mine\n");
    const run = plan(sandbox, "apply", wanted.replace("1.0.0", "2.0.0"));
    assert.equal(run.status, 4, run.stderr);
    const files = fs.readdirSync(path.join(sandbox.dir, "home/backup"), { recursive: true }).sort();
    assert.deepEqual(files, kept);
    sandbox.remove();
  });
});
