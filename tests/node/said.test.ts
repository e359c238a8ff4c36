/** What the script says to people: nothing that a terminal obeys, and no login. Each with the shells and the awks that nodes have. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { joinedScript } from "../../components/node/program";
import { ranShell, shells } from "./script";

const which = (program: string): string => spawnSync("which", [program], { encoding: "utf8" }).stdout.trim();
const awks = ["mawk", "gawk", "busybox"].filter((awk) => which(awk) !== "");

const HIDDEN = "(not shown: it may hold a login)";
const LOGINS = [
  "HTTPS_PROXY=http://bob:hunter2@proxy.example.com:3128",
  "HTTPS_PROXY=http://bob:hun/ter2@proxy.example.com:3128",
  "https_proxy=bob:hunter2@proxy.example.com:3128",
  'proxy = "bob:hunter2@proxy"',
  'endpoint = ["https://bob:hunter2@mirror.example"]',
  "passphrase: hunter2",
  "api_key=hunter2",
  "accessKey: hunter2",
  "pwd=hunter2",
  "- password hunter2",
  "-- password: hunter2",
  "++ token hunter2",
];
const EVIL = "\u001b[2J\u001b]0;title\u0007\r\u001b[1A\u009b32m\u202e\u2066\b\u007fend";

for (const shell of shells) {
  for (const awk of awks) {
    describe(`${shell.join(" ")} with ${awk}: what is said`, () => {
      ranShell(shell, awk);
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-said-"));
      before(() => {
        fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
        fs.mkdirSync(path.join(dir, "bin"));
        fs.symlinkSync(which(awk), path.join(dir, "bin/awk"));
      });
      after(() => {
        fs.rmSync(dir, { recursive: true });
      });

      /** @returns stderr */
      const said = (code: string, env: Record<string, string> = {}): string => {
        const [program = "sh", ...args] = shell;
        const text = `set -eu\nLC_ALL=C\nexport LC_ALL\nnotes=/x\n. ${dir}/script.sh\n${code}\n`;
        const PATH = `${dir}/bin:${process.env.PATH ?? ""}`;
        fs.writeFileSync(path.join(dir, "run.sh"), text);
        const run = [...args, path.join(dir, "run.sh")];
        return spawnSync(program, run, { encoding: "utf8", env: { ...env, PATH } }).stderr;
      };
      it("does not call a node as it was where CRI-O cannot set a tag back", () => {
        const [name, was, now] = ["r.example/pause:1", "sha256:a", "sha256:b"];
        fs.mkdirSync(path.join(dir, "journal"), { recursive: true });
        fs.writeFileSync(path.join(dir, "journal/pull"), `crio\n/socket\n${name}\n\n`);
        fs.writeFileSync(path.join(dir, "journal/names"), `${name}\t${was}\n`);
        const ends = (left: string) =>
          said(`home=${dir}/none journal=${dir}/journal namer=crio fail=4
crio_names() { printf '${name}\\t${left}\\n'; }\nwithin() { :; }
undo() { but=''; names_back; }\nfinish`);
        assert.match(ends(now), /is now sha256:b and was sha256:a before: CRI-O cannot set a tag back/);
        assert.match(ends(now), /the node is as it was before this run, but for what is said above\n$/);
        assert.match(ends(was), /the node is as it was before this run\n$/);
      });

      const diffOf = (before: string, after: string): string => {
        fs.writeFileSync(path.join(dir, "before"), before);
        fs.mkdirSync(path.join(dir, "root", dir), { recursive: true });
        fs.writeFileSync(path.join(dir, "root", dir, "before"), after);
        return said(`plan=${dir}; differences ${dir}/before`).split("\n").slice(3).join("\n");
      };

      it("shows a question mark where a terminal would obey, and every other text as it is", () => {
        assert.equal(
          said('node=$N; say "$T"', { N: "wörker→1", T: "plain ünd ° text\tx" }),
          "[wörker→1] plain ünd ° text\tx\n",
        );
        const shown = said('node=$N; say "$T"', { N: `n${EVIL}`, T: `t${EVIL}\nnext` });
        assert.match(shown, /^\[n[\x20-\x7e]*end\] t[\x20-\x7e]*end\nnext\n$/);
        assert.match(
          said('node=n; die 002 "$T"', { T: EVIL }),
          /^\[n\] PS-N002 [\x20-\x7e]*, see docs\/errors\/PS-N002\.md\n$/,
        );
        assert.match(diffOf("a\n", `a\nb${EVIL}\n`), /^ a\n\+b[\x20-\x7e]*end\n$/);
      });

      it("a diff hides every line that may hold a login, beside what changes, taken and added, and no other", () => {
        const all = LOGINS.map((line) => `${line}\nplain = 1\n`).join("");
        const plain = (shown: string) => shown.split("\n").filter((line) => /^.plain = 1$/.test(line)).length;
        const hidden = (shown: string) => shown.split("\n").filter((line) => line.slice(1) === HIDDEN).length;
        for (const shown of [diffOf("", all), diffOf(all, "")]) {
          assert.ok(!/hunter2|hun.ter2/.test(shown), shown);
          assert.deepEqual([hidden(shown), plain(shown)], [LOGINS.length, LOGINS.length], shown);
        }
        const beside = diffOf(`${LOGINS[0] ?? ""}\nkey = 1\n`, `${LOGINS[0] ?? ""}\nkey = 2\n`);
        assert.equal(beside, ` ${HIDDEN}\n-key = 1\n+key = 2\n`);
      });

      it("a diff hides a private key, where it begins in it and where it only ends in it, and no certificate", () => {
        const pem = (what: string, body: string): string =>
          `-----BEGIN ${what}-----\n${`${body}\n`.repeat(5)}-----END ${what}-----\n`;
        const key = pem("EC PRIVATE KEY", "a2V5");
        const certificate = pem("CERTIFICATE", "Y2VydA==");
        for (const [before, after] of [
          [`${key}x\n`, `${key}y\n`],
          [`x\n${key}`, `y\n${key}`],
          [`${key}${certificate}`, certificate],
          ["", `x\n${key}y\n`],
        ] as const) {
          const shown = diffOf(before, after);
          assert.ok(!shown.includes("a2V5"), shown);
        }
        assert.match(
          diffOf("", `${key}${certificate}z\n`),
          /\+-----BEGIN CERTIFICATE-----\n(\+Y2VydA==\n){5}\+-----END CERTIFICATE-----\n\+z/,
        );
      });
    });
  }
}
