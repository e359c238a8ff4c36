/** What other programs get: the tarball of `npm pack`, in programs that know nothing of this tree. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { apiText, entryPoints, undocumented } from "./api";
import { checkout, consumer, pack, sh, snippet, TREE, typeErrors } from "./consumer";
import { sourcesHash } from "../../../image/compile";
import { NODE_MORE } from "../../../lab/toolchain/versions";
import type { Registered } from "../../support/mocks";
import { asked, ran } from "../../support/ran";
import { newProject } from "../../support/newProject";
import { startProgram } from "../../support/starter";

const README = "README.md";
const OWN = "In a program of your own";

/** The README's program, with a host key where the README has an ellipsis. */
const program = () =>
  snippet(README, OWN).replaceAll("AAAA…", "AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00");

const read = (...parts: string[]) => fs.readFileSync(path.join(TREE, ...parts), "utf8");

/** The files that run the README's program under the unit tests' mocks. */
const observed = () => ({
  "index.ts": program(),
  "support/mocks.ts": read("tests/support/mocks.ts").replace("../../components/testing", "pause-sandbox/testing"),
  "unit/package/observe.ts": read("tests/unit/package/observe.ts"),
});

/** The examples in TypeScript as they stand, but for the ending of a file that ES modules want; others may have it. */
function examples(): Record<string, string> {
  const files = fs.readdirSync(path.join(TREE, "examples"), { recursive: true, encoding: "utf8" });
  // The types of @pulumi/policy 1.21.0 lack something of their own, and are read here without skipLibCheck.
  const checked = files.filter((file) => file.endsWith(".ts") && !/^(policy|template)\b/.test(file));
  const sources = checked.map((file) => `examples/${file}`);
  assert.ok(sources.length > 10, "there are examples");
  return Object.fromEntries(sources.map((file) => [file, read(file).replace(/(from "\.\/\w+)"/g, '$1.js"')]));
}

/** Executables of the Node.js versions that the tests themselves do not run on. */
function otherNodes(): string[] {
  const names = NODE_MORE.map((version) => `node@${version}`);
  return sh(TREE, "lab/toolchain/get", names).trim().split("\n");
}

const tsc = (own: string, ...args: string[]) => sh(own, "node", ["node_modules/typescript/bin/tsc", ...args]);

/** Makes a program one of ES modules, for Node.js and for the compiler. */
const ESM = { "package.json": JSON.stringify({ name: "esm", private: true, type: "module" }) };

const COMMONJS = { module: "commonjs", moduleResolution: "node" };

describe("the package", function () {
  this.timeout(180_000);
  ran("Node.js", () => [process.execPath, ...otherNodes()].map((node) => asked(node)));

  let folder: string;
  let tarball: string;
  before(() => {
    folder = checkout("checkout");
    // What a checkout may hold that nobody else may see.
    fs.writeFileSync(path.join(folder, "stacks/Pulumi.own.yaml"), "config: { pause-sandbox:sshPrivateKey: secret }\n");
    fs.writeFileSync(path.join(folder, "components/id_ed25519"), "secret\n");
    fs.writeFileSync(path.join(folder, "image/id_ed25519"), "secret\n");
    fs.writeFileSync(path.join(folder, "docs/id_ed25519"), "secret\n");
    tarball = pack(folder);
  });

  /** Files below a folder of this tree whose names end so. */
  const below = (name: string, end: string): string[] =>
    fs
      .readdirSync(path.join(TREE, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(end))
      .map((file) => `${name}/${file}`);

  const packed = (): string[] =>
    sh(folder, "tar", ["-tzf", tarball])
      .trim()
      .split("\n")
      .map((file) => file.replace(/^package\//, ""));

  /** Compares with what was agreed on; make update agrees on another text. */
  const agreed = (name: string, text: string): void => {
    const golden = path.join(__dirname, name);
    if (process.env.PAUSE_SANDBOX_GOLDEN === "write") fs.writeFileSync(golden, text);
    assert.equal(text, fs.readFileSync(golden, "utf8"));
  };

  it("holds the files that were agreed on, and nothing else (make update agrees on others)", () => {
    agreed("files.txt", `${packed().sort().join("\n")}\n`);
  });

  it("holds each component compiled, with its types and its source map", () => {
    const compiled = [...["components", "doctor", "cli"].flatMap((one) => below(one, ".ts")), "image/compile.ts"].map(
      (file) => file.replace(/\.ts$/, ""),
    );
    const expected = compiled.flatMap((file) => [".d.ts", ".js", ".js.map"].map((end) => `dist/${file}${end}`));
    assert.deepEqual(
      expected.filter((file) => !packed().includes(file)),
      [],
    );
    const map = fs.readFileSync(path.join(folder, "dist/components/pauseSandbox.js.map"), "utf8");
    assert.ok((JSON.parse(map) as { sourcesContent?: string[] }).sourcesContent?.[0]?.includes("class PauseSandbox"));
  });

  it("runs nothing while it is installed", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    // npm runs `prepare` of what it takes from git, which has to be compiled, and of nothing else.
    const run = ["preinstall", "install", "postinstall", "preprepare", "postprepare"].filter((name) => name in scripts);
    assert.deepEqual([run, packed().filter((file) => file.endsWith(".gyp"))], [[], []]);
  });

  describe("has a public API", () => {
    let entries: ReturnType<typeof entryPoints>;
    before(() => {
      entries = entryPoints(consumer("api", tarball, COMMONJS, {}) + "/node_modules/pause-sandbox");
    });

    it("that was agreed on (make update agrees on another one)", () => {
      agreed("api.txt", apiText(entries));
    });

    it("that is documented: every export, and every member that others can see", () => {
      assert.ok(entries.length > 2, "there are entry points");
      assert.deepEqual(undocumented(entries), []);
    });
  });

  it("holds every page that a message of its code names", () => {
    const pages = [
      ...["components", "doctor", "cli"].flatMap((folder) => below(folder, ".ts")),
      ...below("node", ".sh"),
    ].flatMap((file) => [...read(file).matchAll(/docs\/[\w/-]+\.md/g)].map(([page]) => page));
    assert.ok(pages.length > 1, "messages name pages");
    assert.deepEqual(
      pages.filter((page) => !packed().includes(page)),
      [],
    );
  });

  it("leaves the checkout what it is for Pulumi: a program that starts from index.ts", async () => {
    assert.deepEqual(await startProgram(folder), [
      "pulumi:pulumi:Stack",
      "pulumi:providers:kubernetes",
      "pause-sandbox:index:PauseSandbox",
      "pause-sandbox:index:PauseImage",
      "command:remote:CopyToRemote",
      "command:remote:Command",
    ]);
  });

  it("is compiled while it is installed from git, and not by npm ci in a checkout", () => {
    const { scripts } = JSON.parse(read("package.json")) as {
      scripts: Record<"prepare" | "prepack" | "build", string>;
    };
    const [bin, asked] = ["bin", "asked"].map((name) => path.join(folder, "npm-double", name)) as [string, string];
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(path.join(bin, "npm"), `#!/bin/sh\necho "$*" >>${asked}\n`, { mode: 0o755 });
    const prepare = (INIT_CWD: string) => {
      fs.writeFileSync(asked, "");
      sh(folder, "sh", ["-c", scripts.prepare], { INIT_CWD, PATH: `${bin}:${process.env.PATH ?? ""}` });
      return fs.readFileSync(asked, "utf8");
    };
    assert.equal(prepare("/where/npm/was/started"), "run build\n");
    assert.equal(prepare(folder), "");
    // The tarball that all tests here read was made by the same command.
    assert.equal(scripts.prepack, "npm run build");
  });

  describe("has a command line that runs where the package is installed", () => {
    let own: string;
    before(() => {
      own = consumer("bin", tarball, COMMONJS, {});
    });
    /** By the link that npm makes for `bin`. */
    const bin = (...args: string[]): string => {
      const at = path.join(own, "node_modules/.bin/pause-sandbox");
      const { bin: named } = JSON.parse(read("package.json")) as { bin: Record<string, string> };
      const target = path.join(own, "node_modules/pause-sandbox", named["pause-sandbox"] ?? "");
      fs.mkdirSync(path.dirname(at), { recursive: true });
      if (!fs.existsSync(at)) fs.symlinkSync(target, at);
      // As npm does for a link of a package.
      fs.chmodSync(target, 0o755);
      return sh(own, at, args);
    };

    it("says what each command does", () => {
      const help = bin("--help");
      for (const command of ["doctor", "check", "nodes", "render"]) {
        assert.match(help, new RegExp(`^ {2}${command} `, "m"));
        assert.match(bin(command, "--help"), new RegExp(`^Usage: pause-sandbox ${command} `));
      }
    });

    it("prints a list of nodes, and the node script by a stack's file with that list", () => {
      const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
      fs.writeFileSync(path.join(own, "known_hosts"), `10.0.0.1 ${key}\n`);
      const list = bin("nodes", "--known-hosts", "known_hosts");
      assert.match(
        list,
        /^config:\n {2}pause-sandbox:nodes:\n {4}- name: 10\.0\.0\.1\n {6}host: 10\.0\.0\.1\n {6}hostKey: ssh-/,
      );
      fs.writeFileSync(path.join(own, "stack.yaml"), `${list}  pause-sandbox:reference: r.example/p:1\n`);
      assert.match(bin("render", "script", "--stack-file", "stack.yaml"), /^\{\np=\$\(printf/);
    });
  });

  describe("in the README's program", () => {
    for (const options of [
      COMMONJS,
      { module: "node16", moduleResolution: "node16" },
      { module: "nodenext", moduleResolution: "nodenext" },
      { module: "es2022", moduleResolution: "bundler" },
    ]) {
      it(`has its types, as the examples and the guide's test have, where modules are resolved as "${options.moduleResolution}"`, () => {
        // Only ES modules want the name of the file.
        const test = snippet("docs/guide.md", "Test a program of your own").replace("./index", "./index.js");
        const files = {
          "index.ts": program(),
          ...examples(),
          "pause.test.ts": test,
          ...(options.module === "nodenext" ? ESM : {}),
        };
        const own = consumer(`types-${options.moduleResolution}`, tarball, options, files);
        assert.deepEqual(typeErrors(own), []);
      });
    }

    it("has its types beside those of all packages that it brings, which are checked too", () => {
      tsc(consumer("types-of-all", tarball, COMMONJS, { "index.ts": program() }), "--noEmit");
    });

    it("has its types in a project made from the template, by that project's own settings", () => {
      tsc(consumer("template", tarball, {}, newProject("own-pause", "Our clusters' pause")), "--noEmit", "-p", ".");
    });

    it("has types that are checked: a misspelt argument is refused", () => {
      const own = consumer("misspelt", tarball, COMMONJS, { "index.ts": program().replace("hostKey", "hostkey") });
      assert.match(typeErrors(own).join("\n"), /^index\.ts: .*'hostkey' does not exist in type '(Input<)?SshConn/s);
    });

    const children = [
      "pause-sandbox:index:PauseSandbox pause",
      "pause-sandbox:index:PauseImage pause-image",
      "docker:index/image:Image pause-image-linux-amd64",
      "docker:index/image:Image pause-image-linux-arm64",
      "docker-build:index:Index pause-image-index",
      "command:remote:Command pause-worker-1",
      "command:remote:Command pause-worker-2",
      "command:remote:CopyToRemote pause-worker-1-script",
      "command:remote:CopyToRemote pause-worker-2-script",
      "pause-sandbox:index:LocalhostPod pause-proof-worker-1",
      "pause-sandbox:index:LocalhostPod pause-proof-worker-2",
      "kubernetes:core/v1:ConfigMap pause-proof-worker-1-nginx",
      "kubernetes:core/v1:ConfigMap pause-proof-worker-2-nginx",
      "kubernetes:core/v1:Pod pause-proof-worker-1-pod",
      "kubernetes:core/v1:Pod pause-proof-worker-2-pod",
    ];

    function assertRegistered(own: string, output: string): void {
      const registered = JSON.parse(output) as Registered[];
      assert.deepEqual(registered.map(({ type, name }) => `${type} ${name}`).sort(), [...children].sort());
      const image = registered.find(({ name }) => name === "pause-image-linux-arm64");
      const { context, args } = image?.inputs.build as { context: string; args: Record<string, string> };
      assert.equal(args.REVISION, sourcesHash(), "the sources are those of this tree");
      const made = fs.readdirSync(path.join(own, context)).sort();
      assert.deepEqual(made, ["Dockerfile", "pause-linux-amd64", "pause-linux-arm64"]);
    }

    it("is run by ts-node, as Pulumi does, and takes pause from inside the package", () => {
      const own = consumer("ts-node", tarball, COMMONJS, observed());
      assertRegistered(
        own,
        sh(own, "node", ["--require", "ts-node/register", "unit/package/observe.ts", "../../index"]),
      );
    });

    it("is installed on the oldest Node.js that is allowed, and on the newest", () => {
      const npm = sh(TREE, "sh", ["-c", 'readlink -f "$(command -v npm)"']).trim();
      for (const node of otherNodes()) {
        for (const folder of [TREE, path.join(TREE, "lab")]) {
          sh(folder, node, [npm, "ci", "--engine-strict", "--dry-run", "--offline"]);
        }
      }
    });

    it("is run by node alone once it is compiled, from the oldest Node.js that is allowed to the newest", () => {
      const own = consumer("node", tarball, COMMONJS, observed());
      // Their types are those of the tests above.
      tsc(own, "--noCheck");
      for (const node of ["node", ...otherNodes()]) {
        assertRegistered(own, sh(own, node, ["out/unit/package/observe.js", "../../index"]));
        assert.match(sh(own, node, ["node_modules/pause-sandbox/cli/pause-sandbox.js", "--help"]), /^Usage: /);
      }
    });

    const say = "console.log(PauseSandbox.name, ProofScope.Every);";
    for (const [kind, file, load] of [
      ["ES modules", "names.mjs", 'import { PauseSandbox, ProofScope } from "pause-sandbox";'],
      ["CommonJS", "names.cjs", 'const { PauseSandbox, ProofScope } = require("pause-sandbox");'],
      ["the older path", "older.cjs", 'const { PauseSandbox, ProofScope } = require("pause-sandbox/components");'],
    ] as const) {
      it(`gives its names to a program of ${kind}`, () => {
        const own = consumer(file, tarball, COMMONJS, { [file]: `${load}\n${say}\n` });
        assert.equal(sh(own, "node", [file]), "PauseSandbox every\n");
      });
    }
  });

  describe("the guide's test of a program", () => {
    const test = snippet("docs/guide.md", "Test a program of your own");
    // As the guide says it.
    const run = (own: string) => sh(own, "node", ["--require", "ts-node/register", "--test", "pause.test.ts"]);

    it("passes for the README's program", () => {
      const own = consumer("tested", tarball, COMMONJS, { "index.ts": program(), "pause.test.ts": test });
      assert.match(run(own), /^[#ℹ] pass 1$/m);
    });

    it("fails when the program has another node", () => {
      const index = program().replace("worker-2", "worker-3");
      const own = consumer("other-node", tarball, COMMONJS, { "index.ts": index, "pause.test.ts": test });
      assert.throws(() => run(own), /worker-3/);
    });

    it("fails with the components' own words when they refuse an argument", () => {
      const index = program().replace('"10%"', '"10 nodes"');
      const own = consumer("refused", tarball, COMMONJS, { "index.ts": index, "pause.test.ts": test });
      assert.throws(() => run(own), /maxUnavailable.*10 nodes/);
    });
  });
});
