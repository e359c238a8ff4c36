/** Says what keeps this checkout from being released: `node --import tsx tests/release.ts`. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/** Manifests whose version is the package's. */
const MANIFESTS = ["package.json", "plugin/package.json", "lab/package.json"];

/** A file of the checkout that people or npm take a version from. */
export interface ReleaseFile {
  readonly name: string;
  readonly text: string;
}

/**
 * @param manifests The first is the package's own.
 * @param pages Pages that may name the tarball.
 * @returns What has to be done first, one line each; none for a checkout that can be released.
 */
export function releaseProblems(
  manifests: readonly ReleaseFile[],
  changelog: string,
  pages: readonly ReleaseFile[],
): string[] {
  const versions = manifests.map(({ name, text }) => {
    return { name, version: String((JSON.parse(text) as { version?: unknown }).version) };
  });
  const version = versions[0]?.version ?? "";
  const others = versions.filter((manifest) => manifest.version !== version);
  return [
    ...others.map((other) => `${other.name}: version ${other.version} is not the package's, ${version}`),
    ...changelogProblems(changelog, version),
    ...pages.flatMap(({ name, text }) => {
      const named = [...text.matchAll(/pause-sandbox-(\d[^"\s]*?)\.tgz/g)].map(([, other = ""]) => other);
      return named.filter((other) => other !== version).map((other) => `${name}: names the tarball of ${other}`);
    }),
  ];
}

/** A change; a heading of kinds alone says nothing. */
const LINE = /^- /m;

function changelogProblems(changelog: string, version: string): string[] {
  const sections = new Map(
    changelog
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split("\n")[0]?.trim() ?? "", section.split("\n").slice(1).join("\n").trim()]),
  );
  const titles = [...sections.keys()];
  const title = titles.find((name) => name.split(" ")[0] === version) ?? "";
  const problems: string[] = [];
  if (LINE.test(sections.get("Unreleased") ?? ""))
    problems.push(`CHANGELOG.md: lines under Unreleased belong under ${version}`);
  if (title === "") problems.push(`CHANGELOG.md: no section "${version} - <year>-<month>-<day>"`);
  else if (!/^\S+ - \d{4}-\d\d-\d\d$/.test(title)) problems.push(`CHANGELOG.md: "${title}" has no date`);
  else if (!LINE.test(sections.get(title) ?? "")) problems.push(`CHANGELOG.md: nothing is under ${title}`);
  return problems;
}

/** Files that git does not have as they are here: they would be in the tarball, and in no commit. */
function uncommitted(root: string): string[] {
  const { status, stdout, stderr } = spawnSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  if (status !== 0) return [`git status failed: ${stderr.trim()}`];
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => `${line.slice(3)}: not committed`);
}

function main(): void {
  const root = path.join(__dirname, "..");
  const read = (name: string): ReleaseFile => ({ name, text: fs.readFileSync(path.join(root, name), "utf8") });
  const pages = [
    "README.md",
    "docs/guide.md",
    "examples/README.md",
    "examples/template/README.md",
    "examples/template/Pulumi.yaml",
  ].map(read);
  const problems = [...uncommitted(root), ...releaseProblems(MANIFESTS.map(read), read("CHANGELOG.md").text, pages)];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (require.main === module) main();
