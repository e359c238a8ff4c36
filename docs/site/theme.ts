/** Where the pages of the site are, and how they are found from each other. */
import {
  type DeclarationReflection,
  DefaultTheme,
  type NavigationElement,
  type PageDefinition,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  StructureRouter,
} from "typedoc";

import { CONTENTS, type Entry } from "./contents";
import { pathOf } from "./pages";

/** What a server shows for the site itself. */
const FIRST = "index.html";

/** A page has the path of its file, so that who knows the repository knows the address. The README is the first page. */
export class SiteRouter extends StructureRouter {
  protected override getIdealBaseName(target: Reflection): string {
    return pathOf(target)?.replace(/\.md$/, "") ?? `api/${super.getIdealBaseName(target)}`;
  }

  override buildPages(project: ProjectReflection): PageDefinition[] {
    // TypeDoc's own first page lists the same as the navigation.
    const pages = super.buildPages(project).filter(({ model }) => model !== project);
    const first = pages.map((page) => (pathOf(page.model) === "README.md" ? { ...page, url: FIRST } : page));
    for (const { model, url } of first) if (url === FIRST) this.fullUrls.set(model, url);
    this.fullUrls.set(project, FIRST);
    return first;
  }
}

/** Pages in the order of `contents.ts`, and the API below them. */
export class SiteTheme extends DefaultTheme {
  override buildNavigation(project: ProjectReflection): NavigationElement[] {
    const pages = new Map(project.documents?.map((page) => [pathOf(page), page]));
    const link = (file: string): NavigationElement => {
      const page = pages.get(file);
      if (!page) throw new Error(`${file} is no page`);
      return { text: page.name, path: this.router.getFullUrl(page) };
    };
    return [...CONTENTS.map((entry) => elementOf(entry, link)), ...(project.children ?? []).map((it) => this.api(it))];
  }

  private api(target: DeclarationReflection): NavigationElement {
    const { name, kind, children = [] } = target;
    const path = this.router.getFullUrl(target);
    // Members of a class are in the contents of its page.
    if (!target.kindOf(ReflectionKind.Module)) return { text: name, path, kind };
    return { text: `API: ${name}`, path, kind, children: children.map((child) => this.api(child)) };
  }
}

function elementOf(entry: Entry, link: (file: string) => NavigationElement): NavigationElement {
  if (typeof entry === "string") return link(entry);
  const { page, title, below } = entry;
  const self = page === undefined ? {} : link(page);
  return { text: "", ...self, ...(title === undefined ? {} : { text: title }), children: below?.map(link) };
}
