import { strict as assert } from "node:assert";
import * as fs from "node:fs";

import { isUnanswered, loginFailure, type LoginPlace } from "../../components/node/loginFailure";

const NODE: LoginPlace = { host: "10.0.0.5", port: 22, user: "ops" };
const BEHIND: LoginPlace = { ...NODE, port: 2222, jump: { host: "10.0.0.1", port: 22 } };

/** What is said, where, and what a person reads; the words of the published command plugin, of ssh 9 and of sudo 1.9. */
const CASES: readonly [string, string, LoginPlace, string, RegExp][] = [
  [
    "a host without a route",
    "after 4 failed attempts: dial tcp 10.0.0.5:22: connect: no route to host",
    NODE,
    "PS-L001",
    /^PS-L001 10\.0\.0\.5:22 does not answer \(after 4 .*no route to host\)\. What to do: see that the machine is up, .* See docs\/errors\/PS-L001\.md$/,
  ],
  [
    "a jump host that does not answer",
    "after 4 failed attempts: dial tcp 10.0.0.1:22: i/o timeout",
    BEHIND,
    "PS-L001",
    /^PS-L001 the jump host 10\.0\.0\.1:22 in front of 10\.0\.0\.5:2222 does not answer/,
  ],
  [
    "a host that its jump host does not reach",
    "after 4 failed attempts: ssh: rejected: connect failed (No route to host)",
    BEHIND,
    "PS-L001",
    /^PS-L001 10\.0\.0\.5:2222 behind the jump host 10\.0\.0\.1:22 does not answer .*the jump host can reach it/,
  ],
  [
    "a private key that is none",
    "ssh: no key found",
    NODE,
    "PS-L003",
    /^PS-L003 10\.0\.0\.5:22 refuses the log-in of ops \(ssh: no key found\)\. What to do: see that ops exists there, and that the private key/,
  ],
  [
    "another host key",
    "after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    NODE,
    "PS-L002",
    /^PS-L002 10\.0\.0\.5:22 shows a host key that is not the known one.*ssh-keyscan -t ed25519 -p 22 10\.0\.0\.5 prints it/,
  ],
  [
    "another host key, of one of two",
    "after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    BEHIND,
    "PS-L002",
    /^PS-L002 10\.0\.0\.5:2222, or the jump host 10\.0\.0\.1:22 in front of it, shows .* ssh -p 22 10\.0\.0\.1 ssh-keyscan -t ed25519 -p 2222 10\.0\.0\.5 prints it/,
  ],
  [
    "an unknown key of the jump host, by ssh's first line",
    "No ED25519 host key is known for 10.0.0.1 and you have requested strict checking.\nHost key verification failed.\nConnection closed by UNKNOWN port 65535",
    BEHIND,
    "PS-L002",
    /^PS-L002 the jump host 10\.0\.0\.1:22 in front of 10\.0\.0\.5:2222 shows .*\(No ED25519 host key is known.*ssh-keyscan -t ed25519 -p 22 10\.0\.0\.1 prints it/,
  ],
  [
    "an unknown key behind ssh's own two lines",
    "Host key verification failed.\r\nConnection closed by UNKNOWN port 65535",
    BEHIND,
    "PS-L002",
    /^PS-L002 the jump host .*\(Host key verification failed\.\)/,
  ],
  [
    "a refused key",
    "after 3 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
    NODE,
    "PS-L003",
    /^PS-L003 10\.0\.0\.5:22 refuses the log-in of ops .*belongs to a line of its authorized_keys/,
  ],
  [
    "a refused key, by ssh",
    "ops@10.0.0.5: Permission denied (publickey).",
    NODE,
    "PS-L003",
    /refuses the log-in of ops/,
  ],
  [
    "a refused key at the jump host, by ssh",
    "ops@10.0.0.1: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535",
    BEHIND,
    "PS-L003",
    /^PS-L003 the jump host 10\.0\.0\.1:22 in front of 10\.0\.0\.5:2222 refuses the log-in/,
  ],
  [
    "a host whose address contains that of its jump host",
    "after 4 failed attempts: 10.0.0.11 refuses it: ssh: unable to authenticate",
    { ...BEHIND, host: "10.0.0.11" },
    "PS-L003",
    /^PS-L003 10\.0\.0\.11:2222 behind the jump host 10\.0\.0\.1:22 refuses/,
  ],
  [
    "an SSH agent that does not answer",
    "dial unix /run/agent.sock: connect: connection refused",
    NODE,
    "PS-L003",
    /^PS-L003 nobody logs in to 10\.0\.0\.5:22 as ops: the SSH agent of this machine does not answer \(dial unix .*set sshPrivateKey/,
  ],
  [
    "an SSH agent that is not there",
    "dial unix /run/agent.sock: connect: no such file or directory",
    NODE,
    "PS-L003",
    /the SSH agent of this machine does not answer/,
  ],
  [
    "sudo that asks for a password",
    'Process exited with status 1: running "sudo -n sh -c …":\nsudo: a password is required\n',
    NODE,
    "PS-L004",
    /^PS-L004 ops may not become root on 10\.0\.0\.5:22 without a password \(sudo: a password is required\)\. What to do: let ops run sudo -n sh/,
  ],
];

describe("a failure before the script", () => {
  for (const [what, said, place, code, text] of CASES) {
    it(`names code, host, port, jump host and way out of ${what}`, () => {
      const failure = loginFailure(said, place);
      assert.ok(failure);
      assert.equal(failure.code, code);
      assert.match(failure.text, text);
      assert.ok(fs.existsSync(`docs/errors/${code}.md`), `docs/errors/${code}.md`);
    });
  }

  it("has each of its pages among the symptoms", () => {
    const symptoms = fs.readFileSync("docs/troubleshooting.md", "utf8");
    const codes = fs.readdirSync("docs/errors").flatMap((file) => /^PS-L\d+(?=\.md$)/.exec(file) ?? []);
    assert.deepEqual(
      codes.filter((code) => !symptoms.includes(`errors/${code}.md`)),
      [],
    );
    assert.ok(codes.length > 4);
  });

  const unanswered: [boolean, string][] = [
    [true, "after 4 failed attempts: dial tcp 10.0.0.9:22: i/o timeout"],
    [true, "after 4 failed attempts: dial tcp: lookup worker-9: no such host"],
    [true, "after 4 failed attempts: ssh: rejected: connect failed (Connection refused)"],
    [true, "after 4 failed attempts: 10.0.0.9:22: connect ECONNREFUSED 10.0.0.9:22"],
    [false, "after 4 failed attempts: ssh: handshake failed: ssh: unable to authenticate"],
    [false, 'Process exited with status 4: running "sh x": pull: dial tcp 10.0.0.5:5000: connection refused'],
    [false, "not begun, because pause-a failed: the rollout stops at the first failure"],
  ];
  for (const [is, error] of unanswered) {
    it(`${is ? "is" : "is not"} a host that does not answer, with the error: ${error}`, () => {
      assert.equal(isUnanswered(loginFailure(error, NODE)), is);
    });
  }

  it("of a copy is told from a log-in, and says what to do without sftp", () => {
    const said = "failed to create SFTP client: ssh: subsystem request failed";
    assert.match(
      loginFailure(said, NODE, true)?.text ?? "",
      /^PS-L005 the script cannot be copied to 10\.0\.0\.5:22 .*set sftp: false/,
    );
    assert.equal(loginFailure(said, NODE), undefined);
  });

  it("of a copy is one whatever its words", () => {
    assert.match(
      loginFailure("something else", NODE, true)?.text ?? "",
      /^PS-L005 the script cannot be copied to 10\.0\.0\.5:22 \(something else\)\./,
    );
    assert.equal(loginFailure("something else", NODE), undefined);
  });

  it("tells whose it is, the host's or its jump host's", () => {
    const of = (host: string) => loginFailure(`dial tcp ${host}:22: connect: no route to host`, BEHIND)?.ofJump;
    assert.deepEqual([of("10.0.0.1"), of("10.0.0.5")], [true, false]);
  });

  const unresolved = "sudo: unable to resolve host n2: Name or service not known\n";
  for (const status of [3, 4, 5]) {
    it(`is none where sudo cannot resolve the host's name and the script ends with ${status}`, () => {
      const said = `Process exited with status ${status}: running "sudo -n sh -c …":\n${unresolved}[n2] PS-N020 the undo failed\n`;
      assert.equal(loginFailure(said, NODE), undefined);
    });
  }

  it("is sudo's refusal behind that line", () => {
    const said = `Process exited with status 1: running "sudo -n sh -c …":\n${unresolved}sudo: a password is required\n`;
    assert.match(loginFailure(said, NODE)?.text ?? "", /^PS-L004 .* \(sudo: a password is required\)/);
  });

  it("is none where the script ran and prints the like", () => {
    const said = 'Process exited with status 3: running "…":\n[n] PS-N010 dial tcp 10.0.0.9:5000: connection refused\n';
    assert.equal(loginFailure(said, NODE), undefined);
  });
});
