/** Which files are pages of the site, and in which order a newcomer finds them. */
import * as fs from "node:fs";
import * as path from "node:path";

export const ROOT = path.join(__dirname, "../..");

/** Pages are paths from the root. A group has a title or a page of its own, whose heading is its title. */
export type Entry = string | { readonly page?: string; readonly title?: string; readonly below?: readonly string[] };

/** The other pages of a folder that has a README. */
function pagesIn(folder: string): string[] {
  const names = fs.readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith(".md") && name !== "README.md");
  return names.sort().map((name) => `${folder}/${name}`);
}

/** The README of each example. */
function examples(): string[] {
  const folders = fs
    .readdirSync(path.join(ROOT, "examples"), { withFileTypes: true })
    .filter((one) => one.isDirectory());
  return folders.map(({ name }) => `examples/${name}/README.md`).sort();
}

export const CONTENTS: readonly Entry[] = [
  { title: "Start", page: "README.md" },
  "docs/guide.md",
  "docs/day-two.md",
  "docs/nodes.md",
  "docs/image.md",
  "docs/logins.md",
  "docs/joining.md",
  "docs/scale.md",
  "docs/languages.md",
  { page: "examples/README.md", below: examples() },
  { page: "docs/doctor.md", below: ["docs/findings.md", "docs/cli.md"] },
  "docs/troubleshooting.md",
  { page: "docs/errors/README.md", below: pagesIn("docs/errors") },
  {
    title: "Settings",
    below: ["Pulumi.yaml", "stacks/Pulumi.example.yaml", "docs/environment.md"],
  },
  {
    title: "How it works",
    below: [
      "docs/architecture.md",
      "node/README.md",
      "SECURITY.md",
      "docs/comparison.md",
      "lab/bench/RESULTS.md",
      "docs/versions.md",
    ],
  },
  { page: "docs/decisions/README.md", below: pagesIn("docs/decisions") },
  { title: "This project", below: ["CONTRIBUTING.md", "lab/README.md", "CHANGELOG.md"] },
];

/** Every page and every source that is shown, as a path from the root. */
export const PAGES = CONTENTS.flatMap((entry) =>
  typeof entry === "string" ? entry : [entry.page ?? [], entry.below ?? []].flat(),
);
