/** What nodes, registries and clusters say may hold characters that a terminal obeys. None of them comes out. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { painter, printed } from "../../cli/terminal";
import { userError } from "../../components/errors";
import { Problems } from "../../components/problems";
import { visible } from "../../components/visible";
import type { Facts } from "../../doctor/facts";
import { calledHere } from "../support/commandLine";
import { node, nodesServer } from "../support/nodesServer";
import { fakeSsh } from "./fakeSsh";
import { factsOf, failed, runtime } from "./nodeFacts";

/** Clears the screen, sets the title, fills the clipboard, goes up a line, turns the text round, hides in tags. */
const EVIL =
  "\u001b[2J\u001b]0;title\u0007\u001b]52;c;cHduZWQ=\u0007\r\u001b[1A\u009b32mall is well\u202e\u2066\b\u{e0041}";
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function assertHarmless(text: string): void {
  const found = OBEYED.exec(text.replace(/[\n\t]/g, ""));
  assert.equal(found, null, `${JSON.stringify(found?.[0])} in ${JSON.stringify(text.slice(0, 2000))}`);
}

describe("a text that others wrote", () => {
  it("has every character visible but newlines and tabs, and says which ones they are", () => {
    assert.equal(visible("a\u001b[2J\n\tb\u009b\u202e\u{e0041}"), "a\\u001b[2J\n\tb\\u009b\\u202e\\udb40\\udc41");
    assertHarmless(visible(EVIL));
  });

  it("comes out visible in the errors of the components", () => {
    assertHarmless(userError(`host ${EVIL}`).message);
    const problems = new Problems(`node ${EVIL}`);
    problems.attempt("field", () => {
      throw new Error(EVIL);
    });
    problems.add(EVIL, EVIL, EVIL);
    assert.throws(
      () => {
        problems.throwIfAny();
      },
      (error: Error & { errors: { propertyPath: string; reason: string }[] }) => {
        for (const { propertyPath, reason } of error.errors) assertHarmless(propertyPath + reason);
        assertHarmless(error.message);
        return true;
      },
    );
  });

  it("takes no colours, and those that are ours stay", () => {
    const paint = painter(true);
    const text = printed(`${paint("green", `ours ${EVIL}`)} \u001b[31mtheirs`);
    assert.ok(text.startsWith("\u001b[32mours "), JSON.stringify(text));
    const [, middle = "", end = ""] = text.split(/\p{Cc}\[3[29]m/u);
    assertHarmless(middle + end);
    assert.equal(end, " \\u001b[31mtheirs");
  });

  it("goes out through one door of the command line, and one of the components", () => {
    const root = path.join(__dirname, "../..");
    const whoHas = (pattern: RegExp, folders: readonly string[]): string[] =>
      folders
        .flatMap((folder) =>
          fs
            .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
            .map((file) => `${folder}/${file}`),
        )
        .filter((file) => file.endsWith(".ts") && pattern.test(fs.readFileSync(path.join(root, file), "utf8")));
    assert.deepEqual(whoHas(/process\.std(out|err)\.write|console\./, ["cli", "doctor", "components", "settings"]), [
      "cli/terminal.ts",
    ]);
    assert.deepEqual(whoHas(/pulumi\.log\b/, ["components", "settings"]), ["components/log.ts"]);
  });
});

describe("the command line", function () {
  this.timeout("5m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-terminal-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });
  const env = () => ({ PATH: `${dir}:${process.env.PATH ?? ""}` });

  const evil: Facts = {
    ...factsOf("pause", { runtime: { ...runtime(`registry.example${EVIL}/pause`), target: EVIL, version: EVIL } }),
    ...{
      host: { architecture: EVIL, epochSeconds: 0, name: `worker-1${EVIL}` },
      events: [EVIL, `x\n\n---\n\n${EVIL}`].flatMap((error) => [error, failed(1, "web/a", error)]),
    },
    ...{ kubelet: { flagged: [EVIL], state: EVIL, version: EVIL }, failed: { able: EVIL, proxy: EVIL } },
  };

  for (const form of [[], ["-o", "json"], ["--fix-config"], ["--bundle", path.join(dir, "ticket"), "--yes"]]) {
    it(`shows what a node says as it can be read: doctor ${form.slice(0, 1).join(" ")}`, async () => {
      fakeSsh(dir, { a: evil });
      const { stdout, stderr } = await calledHere(["doctor", "--host", "a", ...form], { env: env() });
      assertHarmless(stdout + stderr);
      assert.ok(stdout.includes("worker-1"), stdout + stderr);
      if (!form.includes("--bundle")) return;
      const text = fs.readFileSync(path.join(dir, "ticket"), "utf8");
      assertHarmless(text);
      assert.equal(text.split("\n---\n").length, 4, "no event makes a part of its own");
    });
  }

  it("shows as it can be read why a node could not be looked at", async () => {
    fs.writeFileSync(path.join(dir, "ssh"), `#!/bin/sh\nprintf '%s\\n' '${EVIL}' >&2\nexit 255\n`, { mode: 0o755 });
    for (const args of [["doctor"], ["check", "--image", "registry.example/pause:1"]]) {
      const { stdout, stderr } = await calledHere([...args, "--host", `b${EVIL}`], { env: env() });
      assertHarmless(stdout + stderr);
      assert.match(stdout, /could not look/);
    }
  });

  it("shows as it can be read what a plan and a cluster say", async () => {
    fakeSsh(dir, { "10.0.0.1": evil });
    const report = { status: "would-change", changed: ["/etc/x"], digest: "", image: "", kubelet: "", node: "a" };
    const rest = { pinned: false, previousImage: "", restarted: [], runtime: "containerd", runtimeVersion: "" };
    const diff = `--- /etc/x\n+++ /etc/x (planned)\n-key = "${EVIL}"\n+key = "x"\n`;
    fs.writeFileSync(path.join(dir, "report"), JSON.stringify({ ...report, ...rest }));
    fs.writeFileSync(path.join(dir, "diff"), diff);
    fs.writeFileSync(path.join(dir, "10.0.0.1.plan"), "");
    const ssh = fs.readFileSync(path.join(dir, "ssh"), "utf8");
    fs.writeFileSync(
      path.join(dir, "ssh"),
      ssh.replace(`cat "${dir}/$2.plan"; exit`, `cat ${dir}/diff >&2; cat ${dir}/report; echo; exit`),
    );
    const checked = await calledHere(["check", "--image", "registry.example/pause:1", "--host", "10.0.0.1"], {
      env: env(),
    });
    assertHarmless(checked.stdout + checked.stderr);
    assert.match(checked.stdout, /key is .*all is well/);

    const uid = "uid-1";
    const pods = [
      { metadata: { name: EVIL, namespace: "x", uid }, spec: { nodeName: "w-1" }, status: { phase: "Pending" } },
    ];
    const events = [{ involvedObject: { uid }, message: EVIL, lastTimestamp: "2026-01-01T10:00:00Z" }];
    const server = await nodesServer([[node("w-1")]], { pods, events });
    try {
      fs.writeFileSync(path.join(dir, "kubeconfig"), server.kubeconfig);
      for (const form of [[], ["-o", "json"]]) {
        const args = ["doctor", "--kubeconfig", path.join(dir, "kubeconfig"), ...form];
        const { stdout, stderr } = await calledHere(args, { env: env() });
        assertHarmless(stdout + stderr);
        assert.match(stdout, /all is well/);
      }
    } finally {
      server.close();
    }
  });
});
