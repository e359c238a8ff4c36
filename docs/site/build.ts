/** Builds the documentation as a site: `build.ts [FOLDER]`, by default dist-docs. Ends with 1 where TypeDoc warns of anything. */
import * as path from "node:path";
import { Application, OptionDefaults, TSConfigReader } from "typedoc";

import { PAGES, ROOT } from "./contents";
import { isText, readPages } from "./pages";
import { findCodes } from "./search";
import { SiteRouter, SiteTheme } from "./theme";

const inRoot = (file: string): string => path.join(ROOT, file);

async function main(folder = inRoot("dist-docs")): Promise<void> {
  const app = await Application.bootstrap(
    {
      name: "pause-sandbox",
      entryPoints: ["components/index.ts", "components/testing.ts"].map(inRoot),
      tsconfig: inRoot("tsconfig.build.json"),
      projectDocuments: PAGES.filter(isText).map(inRoot),
      readme: "none",
      // `make lint` checks the types.
      skipErrorChecking: true,
      // Members of Pulumi's own classes are documented by Pulumi.
      excludeExternals: true,
      disableSources: true,
      includeHierarchySummary: false,
      sort: ["kind", "alphabetical"],
      kindSortOrder: ["Module", "Class", "Interface", "TypeAlias", "Enum", "Function", "Variable"],
      groupOrder: ["Classes", "Interfaces", "Type Aliases", "Enumerations", "Functions", "Variables"],
      useFirstParagraphOfCommentAsSummary: true,
      highlightLanguages: [...OptionDefaults.highlightLanguages, "python", "go", "csharp"],
      searchInComments: true,
      searchInDocuments: true,
      customCss: inRoot("docs/site/style.css"),
      favicon: inRoot("docs/site/favicon.svg"),
      hideGenerator: true,
      theme: "site",
      router: "site",
    },
    [new TSConfigReader()],
  );
  app.renderer.defineTheme("site", SiteTheme);
  app.renderer.defineRouter("site", SiteRouter);
  readPages(app);
  findCodes(app);
  const project = await app.convert();
  if (project) {
    app.validate(project);
    await app.generateDocs(project, path.resolve(folder));
  }
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
}

void main(process.argv[2]);
