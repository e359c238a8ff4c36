import { isObject, isUnknown } from "./values";

/** What a property may hold. */
export type Kind = "string" | "number" | "boolean" | "any" | { list: Kind } | { map: Kind } | Shape;

/** The properties of an object: those that the plugin acts upon, and no others. */
export interface Shape {
  properties: Record<string, Kind>;
  required: readonly string[];
}

/** One property that is not as it must be. */
export interface Failure {
  property: string;
  reason: string;
}

export function object(properties: Record<string, Kind>, required: readonly string[] = []): Shape {
  return { properties, required };
}

/**
 * Every way in which a value is not of the kind. Properties that the published provider knows but this plugin does not
 * act upon are failures too: taking them silently would be to lie about what was done.
 */
export function failuresOf(kind: Kind, value: unknown, at = ""): Failure[] {
  if (value === undefined || value === null || isUnknown(value) || kind === "any") return [];
  if (typeof kind === "string") {
    return typeof value === kind ? [] : [{ property: at, reason: `must be a ${kind}, not ${nameOf(value)}` }];
  }
  if ("list" in kind) {
    if (!Array.isArray(value)) return [{ property: at, reason: `must be a list, not ${nameOf(value)}` }];
    return value.flatMap((inner, i) => failuresOf(kind.list, inner, `${at}[${i}]`));
  }
  if (!isObject(value)) return [{ property: at, reason: `must be an object, not ${nameOf(value)}` }];
  if ("map" in kind) return Object.entries(value).flatMap(([key, inner]) => failuresOf(kind.map, inner, join(at, key)));
  return [...missing(kind, value, at), ...Object.entries(value).flatMap(([key, inner]) => known(kind, key, inner, at))];
}

function known(shape: Shape, key: string, value: unknown, at: string): Failure[] {
  const kind = shape.properties[key];
  if (kind !== undefined) return failuresOf(kind, value, join(at, key));
  if (value === undefined || value === null) return [];
  const supported = Object.keys(shape.properties).sort().join(", ");
  return [{ property: join(at, key), reason: `not supported by the lab's stand-in plugin, which knows ${supported}` }];
}

function missing(shape: Shape, value: Record<string, unknown>, at: string): Failure[] {
  return shape.required
    .filter((key) => value[key] === undefined || value[key] === null)
    .map((key) => ({ property: join(at, key), reason: "required, but missing" }));
}

function join(at: string, key: string): string {
  return at === "" ? key : `${at}.${key}`;
}

function nameOf(value: unknown): string {
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
