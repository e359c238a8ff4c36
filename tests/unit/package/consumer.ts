/** Packs this project as `npm pack` does, and puts the tarball into throw-away programs of other repositories. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import ts from "typescript";

export const TREE = path.join(__dirname, "../../..");

/** A folder of this run's own, gone when it ends. */
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-package-"));
process.on("exit", () => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Runs a program in a folder to its end; throws with all it said when it fails. */
export function sh(cwd: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const run = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  if (run.error) throw run.error;
  if (run.status === 0) return run.stdout;
  throw new Error(
    `${command} ${args.join(" ")} failed (${run.status ?? run.signal ?? ""}):\n${run.stdout}${run.stderr}`,
  );
}

/** This project as a checkout has it, with its packages installed: nothing that is tested is built in the tree itself. */
export function checkout(name: string): string {
  const copy = path.join(scratch, name);
  const left = [".git", "dist", "node_modules"];
  fs.cpSync(TREE, copy, { recursive: true, filter: (from) => !left.includes(path.basename(from)) });
  fs.symlinkSync(path.join(TREE, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

/** The tarball that `npm pack` makes in a checkout. */
export function pack(folder: string): string {
  sh(folder, "npm", ["pack", "--silent"]);
  const [tarball, ...others] = fs.readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  if (tarball === undefined || others.length > 0) throw new Error(`not one tarball in ${folder}`);
  return path.join(folder, tarball);
}

/** The compiler's options of a program that was never told of this project. */
const STRICT = { strict: true, target: "es2022", esModuleInterop: true, outDir: "out" };

/**
 * A program of another repository with the tarball among its packages.
 * @param options The compiler's, over strict ones.
 * @param files Text by path.
 */
export function consumer(name: string, tarball: string, options: object, files: Record<string, string>): string {
  const folder = path.join(scratch, name);
  const packages = path.join(folder, "node_modules");
  const own = path.join(packages, "pause-sandbox");
  fs.mkdirSync(own, { recursive: true });
  sh(folder, "tar", ["-xzf", tarball, "--strip-components=1", "-C", own]);
  fs.mkdirSync(path.join(packages, "@types"));
  // As npm would put them beside it: one copy of each, for the package and for the program.
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(own, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  // Of a scope, all: Pulumi's packages need each other.
  const names = Object.keys(dependencies).map((name) => (name.startsWith("@") ? (name.split("/")[0] ?? name) : name));
  for (const dependency of new Set([...names, "@types/node"])) {
    fs.symlinkSync(path.join(TREE, "node_modules", dependency), path.join(packages, dependency));
  }
  const write = (file: string, content: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), content);
  };
  write("package.json", JSON.stringify({ name, private: true }));
  write("tsconfig.json", JSON.stringify({ compilerOptions: { ...STRICT, ...options } }));
  for (const [file, content] of Object.entries(files)) write(file, content);
  return folder;
}

/**
 * What the compiler finds in a program's own files and in this package's types, a line each. The types of other packages are read, and
 * not checked: that takes three times as long as all the rest, and `tsc` does it for one of the programs.
 */
export function typeErrors(folder: string): string[] {
  const config = path.join(folder, "tsconfig.json");
  const read = ts.readConfigFile(config, (file) => fs.readFileSync(file, "utf8"));
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(read.config, ts.sys, folder);
  const compiled = ts.createProgram(fileNames, { ...options, noEmit: true });
  const ours = compiled.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${folder}/`));
  if (!ours.some(({ fileName }) => fileName.includes("/node_modules/pause-sandbox/"))) {
    throw new Error(`${folder} reads no types of this package`);
  }
  const found = [
    ...[read.error ?? [], errors, compiled.getOptionsDiagnostics(), compiled.getGlobalDiagnostics()].flat(),
    ...ours.flatMap((file) => [...compiled.getSyntacticDiagnostics(file), ...compiled.getSemanticDiagnostics(file)]),
  ];
  return found.map(({ file, messageText }) => {
    return `${file?.fileName.slice(folder.length + 1) ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}

/** The one TypeScript block under a heading of a document. */
export function snippet(document: string, heading: string): string {
  const text = fs.readFileSync(path.join(TREE, document), "utf8");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const [block, ...others] = [...section.matchAll(/```typescript\n(.*?)```/gs)].map(([, code]) => code ?? "");
  if (block === undefined || others.length > 0) throw new Error(`not one block under "${heading}" of ${document}`);
  return block;
}
