/** A property bag as the engine sends it. */
export type Props = Record<string, unknown>;

/**
 * What the engine sends in place of a value that is not known yet, one for each type of value. Programs send the first
 * one for everything; a plugin answers with it too.
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWNS = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export function isUnknown(value: unknown): boolean {
  return typeof value === "string" && UNKNOWNS.has(value);
}

export function isObject(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether anything in the value, however deep, is not known yet. */
export function containsUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (isObject(value)) return Object.values(value).some(containsUnknown);
  return isUnknown(value);
}

/**
 * The value without secret markings. Resources never carry any, because the plugins leave secrets to the engine, but
 * the configuration of a provider does.
 */
export function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (!isObject(value)) return value;
  if (value[SIGNATURE] === SECRET) return revealed(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}

/** The value without absent (null, undefined) properties, which protobuf's Struct cannot tell from null. */
export function compact<T>(value: T): T {
  if (Array.isArray(value)) return value.map((inner) => compact<unknown>(inner)) as T;
  if (!isObject(value)) return value;
  const present = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return Object.fromEntries(present.map(([key, inner]) => [key, compact(inner)])) as T;
}

export type ChangeKind = "add" | "delete" | "update";

/** Every leaf that differs, by its path: `spec.containers[0].image`. An unknown differs from everything. */
export function differences(before: unknown, after: unknown, path = ""): Map<string, ChangeKind> {
  if (before === undefined || before === null) {
    return after === undefined || after === null ? new Map<string, ChangeKind>() : new Map([[path, "add"]]);
  }
  if (after === undefined || after === null) return new Map([[path, "delete"]]);
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return new Map(keys.flatMap((key) => [...differences(before[key], after[key], member(path, key))]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const indices = [...Array(Math.max(before.length, after.length)).keys()];
    return new Map(indices.flatMap((i) => [...differences(before[i], after[i], `${path}[${i}]`)]));
  }
  return before === after && !isUnknown(after) ? new Map<string, ChangeKind>() : new Map([[path, "update"]]);
}

function member(path: string, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
