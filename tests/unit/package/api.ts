/** The public API of the package, as the types of each entry point declare it. */
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";

/** What one entry point exports. */
interface Entry {
  /** As a program imports it: `./testing`. */
  readonly name: string;
  /** In the order of their names, with the declarations behind `export … from`. */
  readonly exports: readonly Declared[];
  /** What is not exported itself, and is named by what is: the type of an argument, or a class above another one. */
  readonly reached: readonly Declared[];
}

interface Declared {
  readonly name: string;
  readonly declarations: readonly ts.Declaration[];
}

/** @param folder The unpacked package. */
export function entryPoints(folder: string): Entry[] {
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as {
    exports: Record<string, string | { types: string }>;
  };
  const files = Object.entries(manifest.exports).flatMap(([name, target]) =>
    typeof target === "string" ? [] : [{ name, file: path.join(folder, target.types) }],
  );
  return entriesOf(folder, files);
}

/** @param files The entry points, each with the file that declares it. */
export function entriesOf(folder: string, files: readonly { name: string; file: string }[]): Entry[] {
  const program = ts.createProgram(
    files.map(({ file }) => file),
    { noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, strict: true },
  );
  const checker = program.getTypeChecker();
  return files.map(({ name, file }) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${file} is no module`);
    const exports = checker
      .getExportsOfModule(module)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((symbol) => declared(checker, symbol));
    return { name, exports, reached: reachedFrom(checker, folder, exports) };
  });
}

function declared(checker: ts.TypeChecker, symbol: ts.Symbol): Declared {
  const { declarations } = resolved(checker, symbol);
  if (!declarations?.length) throw new Error(`${symbol.name} is exported and not declared`);
  return { name: symbol.name, declarations };
}

const resolved = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Types of this package that signatures name, and those that these name in turn. */
function reachedFrom(checker: ts.TypeChecker, folder: string, exports: readonly Declared[]): Declared[] {
  const seen = new Set(exports.flatMap(({ declarations }) => declarations));
  const reached: Declared[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isHidden(node)) return;
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined;
    const symbol = name && checker.getSymbolAtLocation(name);
    if (symbol) add(symbol);
    ts.forEachChild(node, visit);
  };
  const add = (symbol: ts.Symbol): void => {
    const { name, declarations = [] } = resolved(checker, symbol);
    const fresh = declarations.filter(
      (one) => !seen.has(one) && isOwn(folder, one) && !ts.isTypeParameterDeclaration(one),
    );
    if (fresh.length === 0) return;
    for (const one of fresh) seen.add(one);
    reached.push({ name, declarations: fresh });
    fresh.forEach(visit);
  };
  for (const { declarations } of exports) declarations.forEach(visit);
  return reached;
}

function isOwn(folder: string, declaration: ts.Declaration): boolean {
  const file = path.relative(folder, declaration.getSourceFile().fileName);
  return !file.startsWith("..") && !file.includes("node_modules");
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

/** Exports and whatever others can see of them that no comment documents, as `Class.member`. */
export function undocumented(entries: readonly Entry[]): string[] {
  const found = entries.flatMap(({ exports, reached }) => [
    ...exports.flatMap(({ name, declarations }) => declarations.flatMap((one) => undocumentedIn(name, one))),
    // Nobody can name it, but everybody has to fill its fields.
    ...reached.flatMap(({ name, declarations }) => declarations.flatMap((one) => undocumentedIn(name, one))),
  ]);
  return [...new Set(found)].sort();
}

function undocumentedIn(name: string, declaration: ts.Declaration): string[] {
  const own = isDocumented(statementOf(declaration)) ? [] : [name];
  const fields = fieldsOf(declaration).filter((field) => !isDocumented(field));
  return [...own, ...fields.map((field) => `${name}.${field.name?.getText() ?? "?"}`)];
}

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

type Field = ts.ClassElement | ts.TypeElement | ts.EnumMember;

/** Members, their own fields where a type is written in place, and those of the objects that a function takes. */
function fieldsOf(node: ts.Node): Field[] {
  const fields: Field[] = [];
  const visit = (child: ts.Node): void => {
    // What a function does is nothing that others can see, nor what a constant holds.
    if (ts.isBlock(child) || isHidden(child) || ts.isObjectLiteralExpression(child)) return;
    // The arguments of a constructor have comments of their own.
    if (isField(child) && !ts.isConstructorDeclaration(child)) fields.push(child);
    ts.forEachChild(child, visit);
  };
  ts.forEachChild(node, visit);
  return fields;
}

const isField = (node: ts.Node): node is Field =>
  ts.isClassElement(node) || ts.isTypeElement(node) || ts.isEnumMember(node);

const isHidden = (node: ts.Node): boolean =>
  ts.isClassElement(node) &&
  Boolean(ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));

/** A constant's own node is only its name and type. */
const statementOf = (declaration: ts.Declaration): ts.Node =>
  ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
