/** The commands that pages name: each is run, or is listed here with the reason why it is not. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { PAGES, ROOT } from "../../site/contents";
import { commandsOf } from "./commands";

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Asked for once: it takes seconds. */
let doctorHelp: string | undefined;

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
    which: /^(npx |npx tsx cli\/main\.ts )?(pause-sandbox )?doctor\b/,
    tries: (command) => {
      const help = (doctorHelp ??= run("npx", "tsx", "cli/main.ts", "doctor", "--help"));
      const options = command.split(" ").filter((word) => word.startsWith("-"));
      assert.deepEqual(
        options.filter((option) => !new RegExp(`^ .*${option}\\b`, "m").test(help)),
        [],
      );
    },
  },
  {
    // Its tests are run by the suite that they belong to.
    which: /^(\w+=\w+ )?npx mocha \S+$/,
    tries: (command) => {
      const [file = ""] = command.split(" ").slice(-1);
      assert.match(run("npx", "mocha", "--dry-run", file), /^ +[1-9]\d* passing/m);
    },
  },
];

/** What is not run here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm ci": "it replaces the packages that these tests run with; every fresh machine runs it",
  "npm ci --omit=dev":
    "it removes what these tests run with; tests/unit/package checks that the dependencies are enough",
  "npm ci --prefix lab": "it replaces the packages that other suites run with; every fresh machine runs it",
  "npm pack": "tests/unit/package packs a copy",
  'npm install --prefix ../<program> "$PWD/pause-sandbox-0.1.0.tgz"': "tests/unit/package unpacks it into programs",
  "npm install git+ssh://git@<host>/<path>/pause-sandbox.git#main":
    "there is no such server; tests/unit/package compiles",
  "node --import tsx tests/run.ts tests/node": "it is a suite of its own",
  "node --require ts-node/register --test pause.test.ts": "tests/unit/package runs it in a program",
  "pulumi login": "it changes the login of who runs the tests; tests/system/e2e has one of its own",
  "pulumi stack init <cluster>": "it needs a login; tests/system/e2e makes a stack",
  "pulumi config set --secret sshPrivateKey < ~/.ssh/id_ed25519": "it reads a key of who runs the tests",
  "pulumi config set --secret registryPassword": "it asks for a password",
  "pulumi preview": "it needs a cluster; tests/system/e2e has one",
  "pulumi up": "it needs a cluster; tests/system/e2e has one",
  "pulumi up --replace '**PauseImage$**'": "it needs a cluster and a registry",
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

const named = PAGES.filter((page) => page.endsWith(".md") && !/CHANGELOG|decisions/.test(page)).flatMap((page) =>
  commandsOf(fs.readFileSync(path.join(ROOT, page), "utf8")).map((command) => ({ page, command })),
);
const commands = [...new Set(named.map(({ command }) => command))];
const wayOf = (command: string) => TRIED.find(({ which }) => which.test(command));

describe("The commands that pages name", function () {
  // Each starts a Node.js of its own, and the machine may be busy.
  this.timeout(300_000);

  it("are found in blocks and in sentences, and drawings are none", () => {
    const page = "Run `make help`.\n\n```\nnpm ci   # all\n```\n\n```\n node ───\n```\n\n```typescript\nnode();\n```\n";
    assert.deepEqual(commandsOf(page), ["npm ci", "make help"]);
  });

  it("are all tried here, or listed with a reason", () => {
    const unknown = named.filter(({ command }) => !wayOf(command) && !(command in NOT_RUN));
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
