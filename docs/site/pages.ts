/** Makes files of the repository pages of the site: their titles, and what they show. */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Application, Converter, DocumentReflection, normalizePath, type ProjectReflection } from "typedoc";

import { PAGES, ROOT } from "./contents";

/** How an entry point is imported. */
const MODULES: Record<string, string> = { index: "pause-sandbox", testing: "pause-sandbox/testing" };

const paths = new WeakMap<object, string>();

/** Where a page comes from, as a path from the root. Undefined is a page about the API. */
export const pathOf = (page: object): string | undefined => paths.get(page);

export function readPages(app: Application): void {
  app.converter.on(Converter.EVENT_BEGIN, ({ project }) => {
    for (const file of PAGES) if (!isText(file)) addSource(project, file);
  });
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    paths.set(page, path.relative(ROOT, page.project.files.getReflectionPath(page) ?? ""));
    // TypeDoc names it by its path.
    page.name = titleOf(page);
    for (const part of page.content) part.text = part.text.replace(/^```\n/, "```txt\n");
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = MODULES[module.name] ?? module.name;
  });
}

export const isText = (file: string): boolean => file.endsWith(".md");

/** The first heading, without its marks. */
function titleOf(page: DocumentReflection): string {
  const [, title] = /^# (.+)$/m.exec(textOf(page)) ?? [];
  if (title === undefined) throw new Error(`${page.name} has no heading`);
  return title.replaceAll("`", "");
}

export const textOf = (page: DocumentReflection): string => page.content.map(({ text }) => text).join("");

/** A file that pages link to is a page too: a browser would save most of them instead of showing them. */
function addSource(project: ProjectReflection, file: string): void {
  const name = path.basename(file);
  const source = fs.readFileSync(path.join(ROOT, file), "utf8");
  const text = `# ${name}\n\n\`\`\`${path.extname(name).slice(1)}\n${source.trim()}\n\`\`\`\n`;
  const page = new DocumentReflection(name, project, [{ kind: "text", text }], {});
  paths.set(page, file);
  project.addChild(page);
  project.registerReflection(page, undefined, normalizePath(path.join(ROOT, file)));
}
