/** The forms that an Ansible inventory may have. Source: docs.ansible.com, "How to build your inventory". */
import { parse as parseYaml } from "yaml";

import { withoutComment, wordsOf } from "./words";
import { firstLine, messageOf, userError } from "../errors";
import { describe } from "../problems";

export type Vars = Record<string, string>;

/** A group by its name: its own hosts, the groups in it, and the variables of all of them. */
export interface Group {
  hosts: Map<string, Vars>;
  children: Set<string>;
  vars: Vars;
}
export type Groups = Map<string, Group>;

/** @throws Error naming the text that cannot be read. */
export function parseInventory(text: string): Groups {
  const groups: Groups = new Map();
  groupOf(groups, "all");
  if (/^\s*[{]/.test(text)) readListing(groups, parsed("JSON", text));
  else if (isYaml(text)) readYaml(groups, parsed("YAML", text));
  else readIni(groups, text);
  return groups;
}

/** A warning would go to stderr, with a line of the text. */
const SILENT = { logLevel: "error" } as const;

/** @throws Error without the text: the rest of a parser's message quotes a line of it, which may hold a secret. */
function parsed(form: "JSON" | "YAML", text: string): unknown {
  try {
    return form === "JSON" ? JSON.parse(text) : parseYaml(text, SILENT);
  } catch (error) {
    throw userError(`the inventory is no ${form}${form === "JSON" ? "" : `: ${firstLine(error).replace(/:$/, "")}`}`);
  }
}

function groupOf(groups: Groups, name: string): Group {
  const group = groups.get(name) ?? { hosts: new Map<string, Vars>(), children: new Set<string>(), vars: {} };
  groups.set(name, group);
  return group;
}

/** YAML or INI: in YAML the first line with content ends with a colon, in INI it does not. */
function isYaml(text: string): boolean {
  const first = text.split(/\r?\n/).find((line) => !/^\s*([#;]|$)/.test(line)) ?? "";
  return /^(---|["']?[\w.-]+["']?:\s*(#.*)?$)/.test(first);
}

/* The INI form. */

function readIni(groups: Groups, text: string): void {
  let [section, kind]: [string, string] = ["ungrouped", "hosts"];
  const declared = new Set(["all", "ungrouped"]);
  const used = new Map<string, number>();
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || /^[#;]/.test(line)) return;
    const header = /^\[([^:\]]+)(?::(children|vars|hosts))?\]\s*(#.*)?$/.exec(line);
    if (header) {
      [section, kind] = [header[1] ?? "", header[2] ?? "hosts"];
      groupOf(groups, section);
      if (kind === "vars") used.set(section, index);
      else declared.add(section);
      return;
    }
    if (line.startsWith("[")) throw userError(`line ${index + 1} of the inventory is no section: ${line}`);
    if (kind === "children") used.set(line.replace(/\s+#.*$/, ""), index);
    inLine(index, () => {
      readLine(groups, groupOf(groups, section), kind, line);
    });
  });
  for (const [name, index] of used) if (!declared.has(name)) throw unknownGroup(name, index);
}

function readLine(groups: Groups, group: Group, kind: string, line: string): void {
  if (kind === "children") group.children.add(groupNamed(groups, line.replace(/\s+#.*$/, "")));
  else if (kind === "vars") Object.assign(group.vars, groupVariable(line));
  else readHostLine(group, line);
}

/** @throws the error of the step, with the line in front. */
function inLine(index: number, step: () => void): void {
  try {
    step();
  } catch (error) {
    throw userError(`line ${index + 1} of the inventory: ${messageOf(error)}`);
  }
}

/** A misspelt name would leave out hosts, or their variables. */
function unknownGroup(name: string, index: number): Error {
  return userError(`line ${index + 1} of the inventory: there is no section [${name}] for the group ${name}`);
}

function groupNamed(groups: Groups, name: string): string {
  groupOf(groups, name);
  return name;
}

/** `name = value`: everything after the first equals sign is the value. Messages never show the text: it may be secret. */
function variable(text: string): Vars {
  const [, name, value = ""] = /^([^=\s]+)\s*=\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw userError("a word or line that is no variable: it must be name=value");
  return { [name]: value };
}

/** A comment may follow a value that is a Python literal. In any other value, `#` is part of the value. */
function groupVariable(line: string): Vars {
  const literal = (value: string): string => {
    const [, , quoted, number] = /^(?:(["'])((?:(?!\1)[^\\])*)\1|(\d+))\s*(?:#.*)?$/.exec(value) ?? [];
    return quoted ?? number ?? value;
  };
  return Object.fromEntries(Object.entries(variable(line)).map(([name, value]) => [name, literal(value)]));
}

function readHostLine(group: Group, line: string): void {
  const [pattern = "", ...rest] = wordsOf(withoutComment(line));
  const { names, port } = withPort(pattern);
  const vars = Object.assign({}, port === undefined ? {} : { ansible_port: port }, ...rest.map(variable)) as Vars;
  addHosts(group, names, vars);
}

/** `host:2222`; an IPv6 address has more colons, and a port only behind brackets. */
function withPort(pattern: string): { names: string; port?: string } {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:]+:[0-9a-fA-F:]*)\]|((?:[^:[\]]|\[[^\]]*\])+)):([0-9]+)$/.exec(pattern) ?? [];
  return port === undefined ? { names: pattern } : { names: bracketed ?? plain ?? "", port };
}

function addHosts(group: Group, pattern: string, vars: Vars): void {
  for (const name of expanded(pattern)) group.hosts.set(name, { ...group.hosts.get(name), ...vars });
}

/** Names of one pattern. */
const MOST_HOSTS = 65_536;

/** `web[01:03]`, `db-[a:c]` and `n[0:8:2]` stand for several hosts. */
function expanded(pattern: string): string[] {
  const [, before = "", from, to = "", step = "1", after = ""] =
    /^(.*?)\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\](.*)$/.exec(pattern) ?? [];
  if (from === undefined) return [pattern];
  const digits = /^[0-9]/.test(from);
  const [first, last] = digits ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)];
  const refused = () =>
    userError(`the inventory has the range ${pattern}: it must go up, over at most ${MOST_HOSTS} hosts`);
  if (!(first <= last) || Number(step) < 1 || last - first >= MOST_HOSTS) throw refused();
  const width = from.startsWith("0") ? from.length : 0;
  const names: string[] = [];
  for (let i = first; i <= last; i += Number(step)) {
    const one = digits ? String(i).padStart(width, "0") : String.fromCharCode(i);
    // Each later range multiplies the names.
    names.push(...expanded(`${before}${one}${after}`));
    if (names.length > MOST_HOSTS) throw refused();
  }
  return names;
}

/* The YAML form, and what `ansible-inventory --list` prints. */

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function readYaml(groups: Groups, tree: unknown): void {
  if (!isTree(tree)) throw userError("the inventory is YAML, and has no groups at its top");
  for (const [name, content] of Object.entries(tree)) readGroup(groups, name, content);
}

function readGroup(groups: Groups, name: string, content: unknown): void {
  const group = groupOf(groups, name);
  if (content === null || content === undefined) return;
  if (!isTree(content))
    throw userError(`the group ${name} of the inventory must be a map with hosts, children or vars`);
  for (const key of Object.keys(content)) {
    if (!["hosts", "children", "vars"].includes(key)) {
      throw userError(`the group ${name} of the inventory has ${key}: it may have hosts, children and vars`);
    }
  }
  Object.assign(group.vars, texts(content["vars"]));
  for (const [pattern, vars] of fieldsOf(name, "hosts", content)) {
    const { names, port } = withPort(pattern);
    addHosts(group, names, { ...(port === undefined ? {} : { ansible_port: port }), ...texts(vars) });
  }
  for (const [child, inside] of fieldsOf(name, "children", content)) {
    group.children.add(child);
    readGroup(groups, child, inside);
  }
}

/** A single host may be a text. */
function fieldsOf(name: string, key: "hosts" | "children", content: Tree): [string, unknown][] {
  const value = content[key] ?? {};
  if (typeof value === "string" && key === "hosts") return [[value, null]];
  if (isTree(value)) return Object.entries(value);
  throw userError(`${key} of the group ${name} of the inventory must be a map, with names as its keys`);
}

/** In this form every host has all of its variables, so groups need none. */
function readListing(groups: Groups, listing: unknown): void {
  const meta = isTree(listing) ? listing["_meta"] : undefined;
  const hostvars = isTree(meta) ? meta["hostvars"] : undefined;
  if (!isTree(listing) || !isTree(hostvars)) {
    throw userError("the inventory is JSON without _meta.hostvars: give what `ansible-inventory --list` prints");
  }
  for (const [name, content] of Object.entries(listing)) {
    if (name === "_meta" || !isTree(content)) continue;
    const group = groupOf(groups, name);
    for (const host of list(content["hosts"])) addHosts(group, host, texts(hostvars[host]));
    for (const child of list(content["children"])) group.children.add(groupNamed(groups, child));
  }
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(nameOf) : []);

/** A number may be a name. */
function nameOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw userError(`the inventory has ${describe(value)} in a list of hosts or children; it must be a name`);
}

function texts(value: unknown): Vars {
  const pairs = Object.entries(isTree(value) ? value : {});
  return Object.fromEntries(
    pairs.filter(([, one]) => typeof one !== "object").map(([name, one]) => [name, String(one)]),
  );
}
