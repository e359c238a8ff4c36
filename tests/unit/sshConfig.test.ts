import * as assert from "assert";
import { spawnSync } from "child_process";
import * as fc from "fast-check";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { sshHostOf } from "../../components/sources/sshConfig";
import { needs } from "../support/needs";

const home = os.homedir();

describe("a host from an ssh_config", () => {
  const found: [string, string, string, Record<string, unknown>][] = [
    ["is the alias where nothing is said", "", "worker-1", { host: "worker-1" }],
    ["has the HostName of its block", "Host w\n  HostName 10.0.0.1", "w", { host: "10.0.0.1" }],
    ["has a HostName with the alias in it", "Host w*\n HostName %h.example.com", "w1", { host: "w1.example.com" }],
    ["has a port and a user", "Host w\nPort 2222\nUser admin", "w", { host: "w", port: 2222, user: "admin" }],
    ["has the first of two values", "Host w\n Port 1\nHost *\n Port 2", "w", { host: "w", port: 1 }],
    ["is not that of an excluded name", "Host w* !w9\n Port 1", "w9", { host: "w9" }],
    ["has what stands before every block", "user top\nHost w\n User other", "w", { host: "w", user: "top" }],
    ["has keywords in any case, with an equals sign", "host w\n pOrT=3", "w", { host: "w", port: 3 }],
    [
      "has a key with blanks in its path",
      'Host w\n IdentityFile "~/my keys/%h"',
      "w",
      { host: "w", identityFiles: [`${home}/my keys/w`] },
    ],
    [
      "has all of its keys",
      "IdentityFile /a\nHost w\n IdentityFile /b",
      "w",
      { host: "w", identityFiles: ["/a", "/b"] },
    ],
    [
      "has a jump host that it is written for",
      "Host w\n ProxyJump jump\nHost jump\n HostName 10.0.0.9\n User j",
      "w",
      { host: "w", proxyJump: { host: "10.0.0.9", user: "j", identityFiles: [] } },
    ],
    [
      "has the jump host's own user and port",
      "Host w\n ProxyJump me@jump:99\nHost jump\n User j",
      "w",
      { host: "w", proxyJump: { host: "jump", user: "me", port: 99, identityFiles: [] } },
    ],
    ["has none where it says so first", "Host w\n ProxyJump none\nHost *\n ProxyJump jump", "w", { host: "w" }],
    [
      "has a Match block of its address",
      "Host w\n HostName 10.0.0.1\nMatch host 10.0.0.*\n User m",
      "w",
      { host: "10.0.0.1", user: "m" },
    ],
    ["has a Match block of its alias", "Match originalhost x,w\n User m", "w", { host: "w", user: "m" }],
    ["has no Match block of all others", "Match !host w\n User m", "w", { host: "w" }],
    ["has a Match block in letters of another case", "Match originalhost W\n User m", "w", { host: "w", user: "m" }],
    [
      "has a key once that is named twice",
      "IdentityFile /a\nIdentityFile /a",
      "w",
      { host: "w", identityFiles: ["/a"] },
    ],
    [
      "has a key with port, user and names in its path",
      "HostName h\nPort 2\nUser u\nIdentityFile /%h-%n-%p-%r-%%",
      "w",
      { host: "h", port: 2, user: "u", identityFiles: ["/h-w-2-u-%"] },
    ],
    [
      "has a jump host with its name in it",
      "Host w\n ProxyJump %n.jump",
      "w",
      { host: "w", proxyJump: { host: "w.jump", identityFiles: [] } },
    ],
    ["may meet a Match that says nothing of a log-in", 'Match exec "true"\n Compression yes', "w", { host: "w" }],
  ];
  for (const [name, text, alias, expected] of found) {
    it(name, () => {
      const { identityFiles, ...rest } = sshHostOf(text, alias);
      const jump = rest.proxyJump && clean(rest.proxyJump);
      assert.deepStrictEqual(clean({ ...rest, proxyJump: jump, identityFiles }), { identityFiles: [], ...expected });
    });
  }

  it("has what an included file says, where the Include applies to it", () => {
    const read = (pattern: string) => (pattern === "conf.d/*" ? ["Host w\n Port 5", "Host *\n User i"] : []);
    const text = "Host other\n Include nothing\nHost w\n Include conf.d/*\n";
    assert.deepStrictEqual(clean(sshHostOf(text, "w", read)), { host: "w", port: 5, user: "i", identityFiles: [] });
  });

  const refused: [string, string, RegExp][] = [
    ["a ProxyCommand", "Host w\n ProxyCommand nc %h %p", /ProxyCommand for w.*ProxyJump/],
    ["two jump hosts", "Host w\n ProxyJump a,b", /several jump hosts.*a,b/],
    ["a jump host behind another one", "Host w\n ProxyJump a\nHost a\n ProxyJump b", /several jump hosts/],
    ["a jump host behind itself", "Host *\n ProxyJump a", /several jump hosts/],
    ["a port that is none", "Host w\n Port many", /port of w is a text of 4 characters: .*1 to 65535/],
    [
      "a Match that only a run of ssh can answer",
      'Match exec "true"\n User m',
      /Match exec true.*all, host and originalhost/,
    ],
    ["a port that ssh does not read", "Port 0x10", /port of w is a text of 4 characters/],
    ["a quote that nobody closes", 'User "u', /ssh_config cannot be read for w: /],
    ["a keyword without a value", "User\nPort 2", /keyword without a value, in front of Port/],
    ["an Include in a text", "Include more", /includes more.*path/],
    ["a token without a meaning", "Host w\n HostName %k", /HostName %k: %k/],
  ];
  for (const [name, text, says] of refused) {
    it(`is refused with ${name}`, () => {
      assert.throws(() => sshHostOf(text, "w"), says);
    });
  }

  it("is refused with files that include each other", () => {
    assert.throws(() => sshHostOf("Include x", "w", () => ["Include x"]), { message: /more than 16 deep/ });
  });

  (needs("ssh") ? it : it.skip)("is what ssh itself finds, whatever the blocks are", function () {
    this.timeout(60_000);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-ssh-config-"));
    const name = fc.constantFrom("a", "ab", "b", "a?", "*", "a*", "!b", "!a*");
    const line = fc.oneof(
      fc.constantFrom("HostName h1", "HostName %h.x", "hostname=h2").map((text) => `  ${text}`),
      fc.constantFrom("Port 1", "port 22", "User u1", "user u2", 'User "u3"').map((text) => `\t${text}`),
      fc.constantFrom("ProxyJump j1", "ProxyJump none", "proxyjump u@j2:5").map((text) => `  ${text}`),
      fc.constantFrom("IdentityFile /k/1", 'IdentityFile "/k/2"', "ProxyCommand none", "user = u4"),
      fc.constantFrom("# Port 9", "", "Compression yes", "User u5 # Port 9"),
    );
    const head = fc.oneof(
      fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `Host ${names.join(" ")}`),
      fc.constantFrom(
        "Match all",
        "Match host h1",
        "Match originalhost a,b",
        "Match !originalhost a",
        "Match originalhost A,AB",
        "Match host h* originalhost a",
      ),
    );
    const block = fc
      .tuple(head, fc.array(line, { maxLength: 4 }))
      .map(([first, lines]) => [first, ...lines].join("\n"));
    try {
      fc.assert(
        fc.property(fc.array(block, { maxLength: 5 }), fc.constantFrom("a", "ab", "b", "abc"), (blocks, alias) => {
          const file = path.join(folder, "config");
          fs.writeFileSync(file, `${blocks.join("\n")}\n`);
          const { stdout, stderr } = spawnSync("ssh", ["-G", "-F", file, alias], { encoding: "utf8" });
          const asked: Record<string, string> = {};
          for (const text of stdout.split("\n")) {
            const [keyword = "", value = ""] = text.split(/ (.*)/);
            asked[keyword] = keyword === "identityfile" ? `${asked[keyword] ?? ""} ${value}`.trim() : value;
          }
          let ours;
          try {
            ours = sshHostOf(blocks.join("\n"), alias);
          } catch (error) {
            // The jump host's own jump host is what one connection cannot have.
            assert.match(String(error), /several jump hosts/);
            assert.ok(asked.proxyjump, stderr);
            return;
          }
          assert.strictEqual(ours.host, asked.hostname, stderr);
          assert.strictEqual(String(ours.port ?? 22), asked.port);
          assert.strictEqual(ours.user ?? os.userInfo().username, asked.user);
          // Without any key, ssh names those that it tries by itself.
          const keys = asked.identityfile?.split(" ").filter((key) => key.startsWith("/k/"));
          assert.deepStrictEqual(ours.identityFiles, keys);
          assert.strictEqual(ours.proxyJump !== undefined, asked.proxyjump !== undefined && asked.proxyjump !== "none");
        }),
        { numRuns: 150 },
      );
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

/** Without the fields that are not there. */
function clean(host: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(host).filter(([, value]) => value !== undefined));
}
