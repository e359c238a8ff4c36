/** The project that `pulumi new` makes from examples/template. */
import * as fs from "fs";
import * as path from "path";

const template = path.join(__dirname, "../../examples/template");

/** Text by file, with the two placeholders replaced that `pulumi new` replaces. */
export function newProject(project: string, description: string): Record<string, string> {
  const text = (file: string) =>
    fs
      .readFileSync(path.join(template, file), "utf8")
      .replaceAll("${PROJECT}", project)
      .replaceAll("${DESCRIPTION}", description);
  return Object.fromEntries(fs.readdirSync(template).map((file) => [file, text(file)]));
}
