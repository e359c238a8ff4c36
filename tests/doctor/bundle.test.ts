import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { Facts } from "../../doctor/facts";
import { redacted } from "../../doctor/redact";
import { calledHere, commandLine } from "../support/commandLine";
import { fakeSsh } from "./fakeSsh";
import { CLOCK, failed, sickFacts } from "./nodeFacts";

/** In every place that a secret may come from; the word is looked for in the bundle. */
const SECRET = "hunter2hunter2";
const JWT = `eyJhbGciOiJSUzI1NiJ9.eyJ${SECRET}.${SECRET}`;
const PLACES = [
  `https://robot:${SECRET}@registry.example/v2/`,
  `https://${SECRET}@registry.example`,
  `Authorization: Basic ${SECRET}=`,
  `authorization: bearer ${SECRET}`,
  `token is ${JWT}`,
  `password=${SECRET}`,
  `"password": "${SECRET} with a space"`,
  `password: '${SECRET}'`,
  `"auth":"${SECRET}"`,
  `client_secret = ${SECRET}`,
  `--token=${SECRET}`,
  `https://boot.example/node?sig=${SECRET}&x=1`,
  `AWS_SECRET_ACCESS_KEY=${SECRET}`,
  `secretKey=${SECRET}`,
  `REGISTRY_PASSWORD_FILE_CONTENT: ${SECRET}`,
  `--password ${SECRET}`,
  `sshpass -p ${SECRET} ssh`,
  `curl -u bob:${SECRET} https://x`,
  `pwd=${SECRET}`,
  `token ghp_${SECRET}`,
  `pushed with glpat-${SECRET}`,
  `login ${Buffer.from(`bob:${SECRET}`).toString("base64")} ${SECRET.slice(0, 0)}refused`,
  `HTTPS_PROXY=bob:${SECRET}@host:3128`,
  `proxy: "bob:a@${SECRET}@host"`,
  `https://bob:a/${SECRET}@registry.example`,
  `https://bob:a@${SECRET}@registry.example`,
  `{"password":"ab\\"${SECRET}"}`,
  `{\\"auth\\":\\"${SECRET}\\"}`,
  `Authorization: Negotiate ${SECRET}`,
  `Cookie: session=${SECRET}`,
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${SECRET}\n-----END OPENSSH PRIVATE KEY-----`,
  `-----BEGIN PRIVATE KEY-----\\n${SECRET}\\n-----END PRIVATE KEY-----`,
  `-----BEGIN RSA PRIVATE KEY-----\n${SECRET} and cut`,
];

describe("pause-sandbox doctor --bundle", function () {
  this.timeout("5m");
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-bundle-"));
    file = path.join(dir, "ticket.txt");
  });
  afterEach(() => {
    fs.rmSync(dir, { recursive: true });
  });

  const sick = (events: string[], more: Partial<Facts> = {}): Facts => ({
    ...sickFacts("registry.bank.example:5000/platform/pause"),
    ...{ events: events.map((error, i) => failed(CLOCK - 9, `web/${i}`, error)), ...more },
  });
  const pathWithSsh = () => ({ PATH: `${dir}:${process.env.PATH ?? ""}` });
  const doctor = (...args: string[]) => calledHere(["doctor", "--host", "a", ...args], { env: pathWithSsh() });

  it("has verdict, evidence, versions and events, and is shown before it is written", async () => {
    fakeSsh(dir, { a: sick(["failed to get sandbox image"]) });
    const { status, stdout, stderr } = await doctor("--bundle", file, "--yes");
    assert.equal(status, 1);
    const text = fs.readFileSync(file, "utf8");
    assert.equal(stdout, text);
    assert.equal(stderr, `${file} is written\n`);
    for (const part of [
      /\nworker-7: no Pod can start\. /,
      / {2}✓ kubelet 1\.34\.2 is active\n/,
      /\npause-sandbox \d+\.\d+\.\d+, Node\.js \d+/,
      /\nEvents\n\n {2}worker-7:\n {2}failed to get sandbox image\n/,
    ]) {
      assert.match(text, part);
    }
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  });

  for (const place of PLACES) {
    it(`has no secret of ${place.split("\n")[0]?.replaceAll(SECRET, "…").slice(0, 40) ?? ""}`, async () => {
      assert.ok(!redacted(`before ${place}\n`).includes(SECRET), redacted(place));
      const failed = { proxy: `[n] PS-N001 ${place}` };
      fakeSsh(dir, { a: sick([place, `rpc error: ${place}`], { failed, proxy: undefined }) });
      await doctor("--bundle", file, "--yes");
      const text = fs.readFileSync(file, "utf8");
      assert.ok(text.includes("(redacted)"));
      assert.ok(!text.includes(SECRET), text);
    });
  }

  it("has no login in base64 either", () => {
    const login = Buffer.from(`bob:${SECRET}`).toString("base64");
    for (const text of [`login ${login} refused`, `"auth": "${login}"`, `Basic ${login}`]) {
      assert.ok(!redacted(text).includes(login.slice(0, 8)), redacted(text));
    }
  });

  it("has no secret wherever a line breaks", async () => {
    const places = [`Authorization: Basic ${SECRET}=`, `password: ${SECRET}`, `bearer ${SECRET}`];
    const events = Array.from({ length: 100 }, (_, i) => places.map((place) => `${"x ".repeat(i)}${place}`)).flat();
    const able = `[n] PS-N001 ${events.join(" ")}`;
    fakeSsh(dir, { a: sick(events, { failed: { able }, able: undefined }) });
    await doctor("--bundle", file, "--yes");
    assert.ok(!fs.readFileSync(file, "utf8").includes(SECRET));
  });

  it("is made of a megabyte of whatever a node says in the time of this test", function () {
    this.timeout("10s");
    for (const part of [
      "eyJ-",
      "eyJ.",
      "token",
      "token ",
      "secret_",
      "a:b@",
      "://",
      "proxy=",
      "-----BEGIN ",
      '"\\',
      "basic \t",
      "-u a:",
      "x-",
    ]) {
      redacted(part.repeat((1 << 20) / part.length));
    }
  });

  it("is judged without the node, with the same findings, and the same exit code", async () => {
    fakeSsh(dir, { a: sick(["the moon is full"]) });
    await doctor("--bundle", file, "--yes");
    const live = JSON.parse((await doctor("-o", "json")).stdout) as object;
    fs.rmSync(path.join(dir, "a.facts"));
    const { status, stdout, stderr } = await calledHere(["doctor", "--from", file, "-o", "json"]);
    assert.equal(status, 1, stderr);
    assert.deepEqual(JSON.parse(stdout), live);
  });

  for (const [what, text, says] of [
    ["has no facts", "a letter", /it has no facts of version 1/],
    ["was cut", "Facts (JSON, version 1): pause-sandbox doctor --from FILE judges them\n\n{", /no whole JSON/],
    [
      "has facts of another shape",
      'Facts (JSON, version 1): pause-sandbox doctor --from FILE judges them\n\n{"nodes":[{"facts":{"events":5}}]}',
      /misstates the fact events/,
    ],
  ] as const) {
    it(`is refused where it ${what}`, async () => {
      fs.writeFileSync(file, text);
      const { status, stderr } = await calledHere(["doctor", "--from", file]);
      assert.equal(status, 2);
      assert.match(stderr, says);
    });
  }

  it("keeps what somebody needs to help", () => {
    const text = `password authentication failed; no login for registry.bank.example:5000; the authority: x\nPS-D009 wants a login (401; logins are given out at https://auth.example/token)\nSHA-256 AA:BB\nsha256:${"a".repeat(64)}`;
    assert.equal(redacted(text), text);
  });

  for (const [typed, is] of [
    ["y\n", true],
    ["yes\n", true],
    ["n\n", false],
    ["\n", false],
    ["", false],
  ] as const) {
    it(`is ${is ? "written" : "not written"} where ${JSON.stringify(typed)} is typed`, async () => {
      fakeSsh(dir, { a: sick([]) });
      const args = ["doctor", "--host", "a", "--bundle", file];
      const { status, stderr } = await commandLine(args, { bin: dir, input: typed });
      assert.equal(status, 1, stderr);
      assert.match(stderr, new RegExp(`\\? \\[y/N\\] .* ${is ? "is" : "is not"} written\\n$`));
      assert.equal(fs.existsSync(file), is);
    });
  }

  it("never overwrites a file, and does not look at a node then", async () => {
    fakeSsh(dir, { a: sick([]) });
    fs.writeFileSync(file, "mine");
    const { status, stdout, stderr } = await doctor("--bundle", file, "--yes");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.equal(stderr, `error: --bundle ${file}: the file exists, and is never overwritten\n`);
    assert.equal(fs.readFileSync(file, "utf8"), "mine");
    assert.equal(fs.existsSync(path.join(dir, "args")), false);
  });

  it("is refused together with another form, and where it cannot be written", async () => {
    fakeSsh(dir, { a: sick([]) });
    assert.match(
      (await doctor("--bundle", file, "-o", "json")).stderr,
      /'--bundle <file>' cannot be used with option '-o/,
    );
    const { status, stderr } = await doctor("--bundle", path.join(dir, "none/ticket"), "--yes");
    assert.equal(status, 2);
    assert.match(stderr, /error: --bundle .*none\/ticket: ENOENT/);
  });
});
