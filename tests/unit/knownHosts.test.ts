import * as assert from "assert";
import { spawnSync } from "child_process";
import * as fc from "fast-check";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { hostKeyOf } from "../../components";
import { needs } from "../support/needs";

/** A public key that begins as one of its type does; what follows tells it from the others. */
function keyOf(type: string, which: number): string {
  const body = Buffer.from(`${type}${String(which).padStart(40, "0")}`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return `${type} ${Buffer.concat([length, body]).toString("base64")}`;
}

const [ed, ecdsa, rsa, other] = [
  keyOf("ssh-ed25519", 1),
  keyOf("ecdsa-sha2-nistp256", 2),
  keyOf("ssh-rsa", 3),
  keyOf("ssh-ed25519", 4),
];

describe("a key from known_hosts", () => {
  const found: [string, string, string, number, string][] = [
    ["is that of the host's name", `a ${ed}\nb ${other}`, "a", 22, ed],
    ["is found by an address too", `a,10.0.0.1 ${ed}`, "10.0.0.1", 22, ed],
    ["is found by an IPv6 address and port", `[fd00::1]:2222 ${ed}`, "fd00::1", 2222, ed],
    ["is found by an IPv6 address in its long form", `[fd00::1]:2222 ${ed}`, "FD00:0::1", 2222, ed],
    ["is found by an IPv6 address and its interface", `fe80::1%eth0 ${ed}`, "fe80::1%eth0", 22, ed],
    ["is that of the port", `a ${other}\n[a]:2222 ${ed}`, "a", 2222, ed],
    ["is that of the plain name where the port has none", `a ${ed}`, "a", 2222, ed],
    ["is found whatever the case of the name", `Worker-1 ${ed}`, "WORKER-1", 22, ed],
    ["is found by patterns", `*.example.com,10.0.0.? ${ed}`, "a.example.com", 22, ed],
    ["is not that of an excluded name", `*.example.com,!a.example.com ${other}\na* ${ed}`, "a.example.com", 22, ed],
    ["is not found by a part of a name", `a ${other}\naa ${ed}`, "aa", 22, ed],
    ["is the ed25519 one of several", `a ${rsa}\na ${ecdsa}\na ${ed}`, "a", 22, ed],
    ["is the ecdsa one where there is no ed25519 one", `a ${rsa}\na ${ecdsa}`, "a", 22, ecdsa],
    ["may stand there twice", `a ${ed}\na,b ${ed}`, "a", 22, ed],
    ["comes without its comment", `a ${ed} root@a`, "a", 22, ed],
    ["is found after tabs, comments and empty lines", `# a ${other}\r\n\r\n \ta\t${ed}\r\n`, "a", 22, ed],
    ["is not one that is revoked", `a ${ed}\n@revoked * ${ed}\na ${rsa}`, "a", 22, rsa],
    ["is the host's own beside an authority's", `@cert-authority * ${other}\na ${rsa}`, "a", 22, rsa],
    ["is not read from a damaged line", `a ssh-ed25519 AAAA\na ${rsa}`, "a", 22, rsa],
  ];
  for (const [name, text, host, port, key] of found) {
    it(name, () => {
      assert.strictEqual(hostKeyOf(text, host, port), key);
    });
  }

  const refused: [string, string, number, RegExp][] = [
    ["nobody knows one", `b ${ed}`, 22, /no key for a\. .*ssh-keyscan -t ed25519 -p 22 a$/],
    [
      "nobody knows one of the port",
      `[a]:1 ${ed}`,
      2222,
      /no key for a, port 2222\. .*ssh-keyscan -t ed25519 -p 2222 a$/,
    ],
    ["the only one is revoked", `a ${ed}\n@revoked a ${ed}`, 22, /marks every key of a as @revoked, in lines 1\./],
    [
      "the only one is an authority's",
      `\n@cert-authority a ${ed}`,
      22,
      /only a certificate authority for a, in line 2\./,
    ],
    ["two of a type differ", `a ${ed}\na ${other}`, 22, /different ssh-ed25519 keys for a, in lines 1, 2\./],
    ["the type cannot be checked", `a ${keyOf("sk-ssh-ed25519@openssh.com", 5)}`, 22, /no key for a\./],
  ];
  for (const [name, text, port, message] of refused) {
    it(`is refused where ${name}`, () => {
      assert.throws(() => hostKeyOf(text, "a", port), { message });
    });
  }
});

(needs("ssh-keygen") ? describe : describe.skip)("known_hosts as ssh-keygen reads it", function () {
  this.timeout(120_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-known-hosts-"));
  after(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const file = path.join(folder, "known_hosts");
  const keygen = (args: string[]): string => {
    const { stdout, error } = spawnSync("ssh-keygen", args, { encoding: "utf8" });
    if (error) throw error;
    return stdout;
  };
  /** A real key of its own for each line: ssh-keygen passes over keys that are none. */
  let keys: string[] = [];
  before(() => {
    keys = ["k0", "k1", "k2"].map((name) => {
      keygen(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path.join(folder, name)]);
      return fs.readFileSync(path.join(folder, `${name}.pub`), "utf8").trim();
    });
  });

  /** The keys that ssh-keygen finds for a name. */
  const foundBy = (name: string): string[] =>
    keygen(["-F", name, "-f", file])
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(" ").slice(1, 3).join(" "));

  const label = fc.constantFrom("a", "b", "ab", "a.b", "b.a");
  const port = fc.constantFrom(22, 2222);
  const pattern = fc.oneof(
    label,
    fc.constantFrom("*", "?", "a*", "*.b", "!a", "!*b", "[a]:2222", "[*]:2222", "A", "a?"),
  );
  const lines = fc.uniqueArray(fc.tuple(fc.array(pattern, { minLength: 1, maxLength: 3 }), fc.nat(2)), {
    selector: ([, key]) => key,
    minLength: 1,
  });

  it("finds what ssh-keygen finds, in plain and in hashed files", () => {
    fc.assert(
      fc.property(lines, label, port, fc.boolean(), (entries, host, at, hash) => {
        fs.writeFileSync(file, entries.map(([names, key]) => `${names.join(",")} ${keys[key] ?? ""}\n`).join(""));
        if (hash) keygen(["-H", "-f", file]);
        const exact = foundBy(at === 22 ? host : `[${host}]:${at}`);
        const wanted = new Set(exact.length > 0 || at === 22 ? exact : foundBy(host));
        const text = fs.readFileSync(file, "utf8");
        if (wanted.size === 1) assert.strictEqual(hostKeyOf(text, host, at), [...wanted][0]);
        else assert.throws(() => hostKeyOf(text, host, at), wanted.size === 0 ? /no key for/ : /different/);
      }),
      { numRuns: 150 },
    );
  });
});
