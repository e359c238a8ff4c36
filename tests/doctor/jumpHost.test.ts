/** How the CLI logs in to a stack's jump host: ssh itself says what it would do. */
import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { stackReach } from "../../cli/reachOptions";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lq0zqrGf7AWtRyrWoVs/xAf03m0rbuYCybdXY1hOU";
const bastion = { host: "10.0.0.1", port: 2222, user: "jumper", hostKey: KEY };
const node = { name: "node-1", host: "10.0.0.11", hostKey: `${KEY}x`, bastion };
const options = { parallel: 1, timeout: 10 };

describe("a node behind a stack's jump host", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-jump-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });
  const key = path.join(dir, "key");
  fs.writeFileSync(key, "", { mode: 0o600 });

  /** The values of a key that ssh would log in with, to `host`. */
  function sshSays(given: readonly string[], host: string): (name: string) => string[] {
    const said = execFileSync("ssh", ["-G", ...given, "--", host], { encoding: "utf8" });
    return (name) => [...said.matchAll(new RegExp(`^${name} (.*)$`, "gm"))].map(([, value = ""]) => value);
  }
  /** The options that ssh passes on to the ssh of the jump host. */
  const passedOn = (given: readonly string[]) => {
    const at = given.indexOf("-F");
    return at < 0 ? [] : given.slice(at, at + 2);
  };

  it("is reached with the stack's key and host key at the jump host too", () => {
    const { options: given = [] } = stackReach(node, options, key);
    assert.deepEqual(sshSays(given, node.host)("proxyjump"), ["jumper@[10.0.0.1]:2222"]);
    const says = sshSays([...passedOn(given), "-l", "jumper", "-p", "2222"], bastion.host);
    assert.deepEqual([says("hostname"), says("user"), says("port")], [["10.0.0.1"], ["jumper"], ["2222"]]);
    assert.deepEqual(says("stricthostkeychecking"), ["true"]);
    assert.equal(says("identityfile")[0], key);
    const [file = ""] = says("userknownhostsfile");
    assert.equal(fs.readFileSync(file, "utf8"), `[10.0.0.1]:2222 ${KEY}\n`);
    // The node's own are as they were.
    const own = sshSays(given, node.host);
    assert.equal(fs.readFileSync(own("userknownhostsfile")[0] ?? "", "utf8"), `10.0.0.11 ${KEY}x\n`);
  });

  it("is reached with the key that the jump host has for itself, where the stack has none for all", () => {
    const own = path.join(dir, "own");
    fs.writeFileSync(own, "", { mode: 0o600 });
    const given = { ...node, keyFile: key, bastion: { ...bastion, keyFile: own } };
    const at = (reach: { options?: readonly string[] }) => {
      const { options: all = [] } = reach;
      return [sshSays(all, node.host), sshSays(passedOn(all), bastion.host)].map((says) => says("identityfile")[0]);
    };
    assert.deepEqual(at(stackReach(given, options)), [key, own]);
    const ofStack = path.join(dir, "of-stack");
    fs.writeFileSync(ofStack, "", { mode: 0o600 });
    assert.deepEqual(at(stackReach(given, options, ofStack)), [ofStack, ofStack]);
  });

  it("keeps what the ssh_config of the person says of both", () => {
    const config = path.join(dir, "config");
    fs.writeFileSync(config, "Host 10.0.0.1\n  Compression yes\nHost *\n  ServerAliveCountMax 7\n");
    const { options: given = [] } = stackReach(node, { ...options, sshConfig: config }, key);
    const says = sshSays(passedOn(given), bastion.host);
    assert.deepEqual([says("compression"), says("serveralivecountmax")], [["yes"], ["7"]]);
    assert.deepEqual(sshSays(given, node.host)("serveralivecountmax"), ["7"]);
  });

  it("is reached over IPv6 addresses, in any form and with an interface", () => {
    const jump = { ...bastion, host: "fe80::1%lo", port: 1 };
    const { options: given = [] } = stackReach({ ...node, host: "2001:DB8:0::11", bastion: jump }, options, key);
    const says = sshSays(given, "2001:DB8:0::11");
    assert.equal(fs.readFileSync(says("userknownhostsfile")[0] ?? "", "utf8"), `2001:db8::11 ${KEY}x\n`);
    const tried = spawnSync("ssh", ["-v", "-o", "BatchMode=yes", ...given, "2001:DB8:0::11", "true"], {
      encoding: "utf8",
    });
    assert.match(tried.stderr, /proxy command: exec ssh .* -W '\[2001:db8::11\]:22' fe80::1%lo/);
  });

  it("is reached by the jump host of --jump as ssh's own files have it", () => {
    const { options: given = [] } = stackReach(node, { ...options, jump: "other" }, key);
    assert.deepEqual(sshSays(given, node.host)("proxyjump"), ["other"]);
    assert.deepEqual(passedOn(given), []);
  });
});
