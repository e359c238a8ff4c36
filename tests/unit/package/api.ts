/** The public API of the package, as the types of each entry point declare it. */
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";

/** What one entry point exports. */
interface Entry {
  /** As a program imports it: `./testing`. */
  readonly name: string;
  /** In the order of their names, with the declarations behind `export … from`. */
  readonly exports: readonly { readonly name: string; readonly declarations: readonly ts.Declaration[] }[];
}

/** @param folder The unpacked package. */
export function entryPoints(folder: string): Entry[] {
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as {
    exports: Record<string, string | { types: string }>;
  };
  const files = Object.entries(manifest.exports).flatMap(([name, target]) =>
    typeof target === "string" ? [] : [{ name, file: path.join(folder, target.types) }],
  );
  const program = ts.createProgram(
    files.map(({ file }) => file),
    { noEmit: true, skipLibCheck: true, types: [] },
  );
  return files.map(({ name, file }) => ({ name, exports: exportsOf(program, file) }));
}

function exportsOf(program: ts.Program, file: string): Entry["exports"] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  return symbols.map((symbol) => {
    const { declarations } = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!declarations?.length) throw new Error(`${symbol.name} is exported and not declared`);
    return { name: symbol.name, declarations };
  });
}

/** The API as text, without comments: equal texts, equal API. */
export function apiText(entries: readonly Entry[]): string {
  const printer = ts.createPrinter({ removeComments: true });
  const text = (declaration: ts.Declaration) =>
    printer.printNode(ts.EmitHint.Unspecified, statementOf(declaration), declaration.getSourceFile());
  const parts = new Map<string, string>();
  for (const { name, exports } of entries) {
    const part = exports.flatMap(({ declarations }) => declarations.map(text)).join("\n");
    // The older path gives the same once more.
    parts.set(part, parts.has(part) ? `${parts.get(part) ?? ""}, ${name}` : name);
  }
  return [...parts].map(([part, names]) => `// ${names}\n${part}\n`).join("\n");
}

/** Exports and their members that no comment documents, as `Class.member`. */
export function undocumented(entries: readonly Entry[]): string[] {
  const found = entries.flatMap(({ exports }) =>
    exports.flatMap(({ name, declarations }) =>
      declarations.flatMap((declaration) => [
        ...(isDocumented(statementOf(declaration)) ? [] : [name]),
        ...membersOf(declaration)
          .filter((member) => !isDocumented(member))
          .map((member) => `${name}.${member.name?.getText() ?? "?"}`),
      ]),
    ),
  );
  return [...new Set(found)].sort();
}

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

/** What others can see of a class, an interface or an enum. The arguments of a constructor have comments of their own. */
function membersOf(declaration: ts.Declaration): (ts.ClassElement | ts.TypeElement | ts.EnumMember)[] {
  if (ts.isClassDeclaration(declaration)) {
    return declaration.members.filter(
      (member) =>
        !ts.isConstructorDeclaration(member) &&
        !(ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)),
    );
  }
  if (ts.isInterfaceDeclaration(declaration) || ts.isEnumDeclaration(declaration)) return [...declaration.members];
  return [];
}

/** A constant's own node is only its name and type. */
const statementOf = (declaration: ts.Declaration): ts.Node =>
  ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
