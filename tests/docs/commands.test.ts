/** The commands that pages name: each is run, or is listed here with the reason why it is not. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { commandsOf } from "./commands";
import { isP256, PUBLIC_KEY } from "../../components/registry/signing/signingArgs";
import { PAGES, ROOT } from "../../docs/site/contents";
import { stepsOf } from "../system/e2e/person";
import { ELSEWHERE, RUN_RECIPES } from "../system/e2e/dayTwo";

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The help of a command of the package, asked for once: it takes seconds. */
const helps = new Map<string, string>();
function helpOf(words: readonly string[]): string {
  const key = words.join(" ");
  const help = helps.get(key) ?? run("npx", "tsx", "cli/main.ts", ...words, "--help");
  helps.set(key, help);
  return help;
}

/** How commands are tried that can run without a lab. */
const TRIED: readonly { readonly which: RegExp; readonly tries: (command: string) => void }[] = [
  {
    which: /^make help$/,
    tries: () => {
      assert.match(run("make", "help"), /^up +Heal a real cluster/m);
    },
  },
  {
    which: /^make node-script$/,
    tries: () => {
      assert.match(run("make", "--no-print-directory", "node-script").slice(0, 400), /^script_id=/m);
    },
  },
  {
    // The others start a lab, or take long; other suites run what they run.
    which: /^make (-s )?[a-z]/,
    tries: (command) => {
      const [target = ""] = command
        .split(" ")
        .filter((word) => /^[a-z]/.test(word))
        .slice(1);
      assert.match(run("make", "help"), new RegExp(`^${target} `, "m"));
    },
  },
  {
    which: /^(npx )?(tsx cli\/main\.ts|pause-sandbox|doctor)\b/,
    tries: (command) => {
      // What a shell does with its output is the shell's.
      const [own = ""] = command.replace(/^(npx )?(tsx cli\/main\.ts|pause-sandbox) ?/, "").split(/ [|>]/);
      const words = own.split(" ").filter((word) => word !== "");
      const at = words.findIndex((word) => !/^[a-z]+$/.test(word));
      const verbs = words.slice(0, at < 0 ? words.length : at);
      const help = helpOf(verbs);
      const options = words.filter((word) => word.startsWith("-"));
      assert.deepEqual(
        options.filter((option) => !new RegExp(`^ .*${option}\\b`, "m").test(help)),
        [],
      );
    },
  },
  { which: /^openssl /, tries: makeKey },
  {
    // Its tests are run by the suite that they belong to.
    which: /^(\w+=\w+ )?npx mocha \S+$/,
    tries: (command) => {
      const [file = ""] = command.split(" ").slice(-1);
      assert.match(run("npx", "mocha", "--dry-run", file), /^ +[1-9]\d* passing/m);
    },
  },
];

/** Runs a command for a key in a folder of its own; the second one needs what the first one made. */
function makeKey(command: string): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "commands-"));
  const key = path.join(folder, "cosign.key");
  const curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
  if (!command.includes("genpkey")) run("openssl", "genpkey", ...curve, "-out", key);
  const [program = "", ...words] = command.split(" ");
  run(program, ...words.map((word) => (word.startsWith("cosign.") ? path.join(folder, word) : word)));
  assert.ok(isP256(createPrivateKey(fs.readFileSync(key))));
  const pub = path.join(folder, "cosign.pub");
  if (command.includes("-pubout")) assert.ok(PUBLIC_KEY.allows(fs.readFileSync(pub, "utf8")));
  fs.rmSync(folder, { recursive: true });
}

/** What is not run here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm ci": "it replaces the packages that these tests run with; every fresh machine runs it",
  "npm ci --omit=dev":
    "it removes what these tests run with; tests/unit/package checks that the dependencies are enough",
  "npm pack": "tests/unit/package packs a copy",
  'npm install --prefix ../<program> "$PWD/pause-sandbox-0.1.0.tgz"': "tests/unit/package unpacks it into programs",
  "npm install git+ssh://git@<host>/<path>/pause-sandbox.git#main":
    "there is no such server; tests/unit/package compiles",
  "node --import tsx tests/run.ts tests/node": "it is a suite of its own",
  "node --import tsx lab/cluster/main.ts up": "it makes the lab, as each suite of tests/system does",
  "node --require ts-node/register --test pause.test.ts": "tests/unit/package runs it in a program",
  "printf 'node worker-1\\nimage registry.example.com:5000/platform/pause:1.0.0\\n' | sudo sh node-script.sh plan":
    "it is for a node; tests/node runs `plan`",
  "journalctl -u pause-sandbox-boot -u pause-sandbox-retry": "it is for a node that was healed at its first start",
  "sh /etc/pause-sandbox/node restore": "it is for a node; tests/node runs the script's `restore`",
  "rm -r /etc/pause-sandbox /etc/systemd/system/pause-sandbox-*.service": "it is for a node, and removes files",
  "systemctl daemon-reload": "it is for a node",
  "crictl images --digests | grep pause": "it is for a node",
  "crictl inspecti <reference> | grep pinned": "it is for a node",
  "ls /var/lib/pause-sandbox": "it is for a node",
};

/** Kinds of commands that are not run here, and why. */
const KINDS_NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^pulumi /, "it needs a stack of somebody; tests/unit/commands compares settings, tests/system/e2e has a stack"],
  [/^cosign /, "it is not on every machine; docs/versions.md says which one was run by hand"],
  [/^(npm|python3|pip) .*/, "it installs packages in a project of somebody's own"],
];
/** The guide's steps are typed on the lab, by tests/system/e2e/guide.ts. */
const GUIDE = fs.readFileSync(path.join(ROOT, "docs/guide.md"), "utf8");
const typed = ["From a stuck Pod to a healed node", "Without a registry"]
  .flatMap((heading) => stepsOf(GUIDE, heading))
  .flatMap(({ commands }) => commands);
const isNotRun = (command: string): boolean =>
  typed.includes(command) || command in NOT_RUN || KINDS_NOT_RUN.some(([which]) => which.test(command));

/** An example's page is about machines of somebody; tests/unit has what it does. */
const named = PAGES.filter((page) => page.endsWith(".md") && !/CHANGELOG|decisions|^examples/.test(page)).flatMap(
  (page) => commandsOf(fs.readFileSync(path.join(ROOT, page), "utf8")).map((command) => ({ page, command })),
);
const commands = [...new Set(named.map(({ command }) => command))];
const wayOf = (command: string) => TRIED.find(({ which }) => which.test(command));

describe("The commands that pages name", function () {
  // Each starts a Node.js of its own, and the machine may be busy.
  this.timeout(300_000);

  it("are found in blocks and in sentences, and drawings are none", () => {
    const page = "Run `make help`.\n\n```\nnpm ci   # all\n```\n\n```\n node ───\n```\n\n```typescript\nnode();\n```\n";
    assert.deepEqual(commandsOf(page), ["npm ci", "make help"]);
    assert.deepEqual(commandsOf("1. Run this:\n\n   ```\n   npm ci\n   make up\n   ```\n"), ["npm ci", "make up"]);
  });

  it("are all tried here, or listed with a reason", () => {
    const unknown = named.filter(({ command }) => !wayOf(command) && !isNotRun(command));
    assert.deepEqual(unknown, []);
  });

  it("are the only ones that are listed", () => {
    assert.deepEqual(
      Object.keys(NOT_RUN).filter((command) => wayOf(command) !== undefined || !commands.includes(command)),
      [],
    );
    assert.deepEqual(
      TRIED.map(({ which }) => which).filter((which) => !commands.some((command) => wayOf(command)?.which === which)),
      [],
    );
  });

  for (const command of commands) {
    const way = wayOf(command);
    if (way) {
      it(`have one that works: ${command}`, () => {
        way.tries(command);
      });
    }
  }
});

describe("the recipes of docs/day-two.md", () => {
  it("are each run by the end-to-end tests, or by the suite that they name", () => {
    const page = fs.readFileSync(path.join(ROOT, "docs/day-two.md"), "utf8");
    const titles = [...page.matchAll(/^(?:- \*\*(.+?)\*\*|### (.+)$)/gm)].map(
      ([, bold, heading]) => bold ?? heading ?? "",
    );
    assert.deepEqual([...RUN_RECIPES].sort(), titles.sort());
  });

  for (const [title, { file, test }] of Object.entries(ELSEWHERE)) {
    it(`have the test that they name in its file: ${title}`, () => {
      assert.ok(fs.readFileSync(path.join(ROOT, file), "utf8").includes(test), `${file}: ${test}`);
    });
  }
});
