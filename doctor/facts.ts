/** What a node says of itself: the lines of JSON that node/doctor prints. A node may print anything: it is shaped here. */
import { gunzipSync } from "node:zlib";

import { PauseUse } from "../components/node/nodeScript";
import { isWholeNumber } from "../components/problems";
import { quoted } from "../components/visible";

/** Nothing was found because nothing could be looked at. */
export class CouldNotLook extends Error {}

export interface HostFact {
  /** As images name it: `amd64`. */
  readonly architecture: string;
  /** The version of its cgroups: 1 (hybrid too) or 2. */
  readonly cgroups?: number;
  /** The node's own clock. */
  readonly epochSeconds: number;
  /** Whether there is anything that starts Pods, such as a kubelet. */
  readonly kubernetes?: boolean;
  readonly name: string;
}

export interface RuntimeFact {
  /** The directory of hosts.toml files that containerd reads; empty where none is set. */
  readonly configPath: string;
  /** Whether it is a list, which containerd takes for one directory. Missing in older bundles. */
  readonly misread?: boolean;
  /** The sandbox image that is in effect by the runtime's own parse. */
  readonly image: string;
  readonly name: string;
  readonly socket: string;
  /** When it was started, by the node's clock, with a fraction; 0 where it does not run. */
  readonly startedSeconds: number;
  /** The file that decides. */
  readonly target: string;
  /** The unit that is restarted for its configuration. */
  readonly unit: string;
  readonly version: string;
}

/** What the runtime says of itself (`crictl info`). What a runtime does not say is missing or null. */
export interface StatusFact {
  readonly conditions: readonly RuntimeCondition[];
  /** Why containerd has no network configuration. */
  readonly network?: string | null;
  /** The sandbox image that the daemon has, whatever its files say by now; containerd 2.x does not tell. */
  readonly image?: string | null;
  readonly configPath?: string | null;
  /** Names of the runtime handlers. */
  readonly handlers?: readonly string[];
  readonly runtimeHandlers?: readonly { readonly name?: string }[] | null;
  readonly systemdCgroup?: boolean | null;
}

/** `RuntimeReady` or `NetworkReady`; containerd has more of its own. */
export interface RuntimeCondition {
  readonly type: string;
  readonly status?: boolean;
  readonly reason?: string;
  readonly message?: string;
}

/** The newest sandbox that is ready. */
export interface SandboxFact {
  /** As RFC 3339. */
  readonly created: string;
  readonly name: string;
  readonly namespace: string;
  readonly image?: string | null;
}

export interface FileFact {
  /** When its content changed last, by the node's clock. */
  readonly changedSeconds: number;
  /** `12:  sandbox_image = "…"`: line number and text, of the keys that decide and of headers. */
  readonly lines: readonly string[];
  readonly path: string;
}

export interface RegistryFact {
  /** Names below the directory. */
  readonly directories: readonly string[];
  readonly directory: string;
  /** `entries`: `path<TAB>value` of a TOML file, with `|` between the parts of a path. */
  readonly files: readonly { readonly entries: readonly string[]; readonly path: string }[];
  /** Files that may send a pull elsewhere, or refuse it. They are not read. */
  readonly diverts?: readonly string[];
  /** Whether a file has a login for the registry. It is not read. */
  readonly login?: boolean;
  /** Certificates that the runtime trusts for this registry, as PEM. */
  readonly trusted: string;
}

/** A file system on which sandboxes come to be. */
export interface DiskFact {
  readonly path: string;
  /** For users other than root, in units of 1024 bytes. */
  readonly freeKilobytes: number;
  readonly freeInodes: number;
  /** 0 where the file system counts none. */
  readonly inodes: number;
  readonly writable: boolean;
}

export interface ImageFact {
  readonly status: { readonly pinned?: boolean; readonly repoDigests?: readonly string[] };
}

export interface KubeletFact {
  /** `systemd` or `cgroupfs`; empty where it is not told. */
  readonly cgroupDriver?: string;
  /** `true` or `false`; empty where it is not told. */
  readonly failCgroupV1?: string;
  /** `file:line` that sets --pod-infra-container-image. */
  readonly flagged: readonly string[];
  /** Whether it is active and listens where it tells of its health. One that ends again and again is active now and then. */
  readonly healthy?: boolean;
  readonly state: string;
  readonly version: string;
}

/** What came of a sandbox that the doctor itself started, in the host's network. */
export interface TriedFact {
  /** Why it did not start; missing if it did. */
  readonly error?: string;
  /** The image that it ran on. */
  readonly image?: string;
}

/** The facts by their names; one that is missing could not be had. */
export interface Facts {
  readonly host?: HostFact;
  readonly runtime?: RuntimeFact;
  readonly able?: readonly [];
  readonly files?: readonly FileFact[];
  readonly registry?: RegistryFact;
  /** gzip and base64 of the authorities that the node trusts for all servers, as PEM. */
  readonly roots?: { readonly packed: string; readonly path: string };
  readonly name?: { readonly addresses: readonly string[]; readonly host: string };
  /** `HTTPS_PROXY=http://proxy:3128` of the process that pulls, without logins. */
  readonly proxy?: readonly string[];
  readonly disks?: readonly DiskFact[];
  /** The use of pause by each runtime handler, by the handler's name. Empty where the runtime does not tell its handlers. */
  readonly handlers?: Readonly<Record<string, PauseUse>>;
  readonly status?: StatusFact;
  readonly image?: ImageFact | null;
  readonly sandbox?: SandboxFact | null;
  readonly kubelet?: KubeletFact;
  /** Lines of the journal, as `journalctl -o short-unix` prints them. */
  readonly events?: readonly string[];
  /** Only where `--try` asked for it. */
  readonly tried?: TriedFact;
  /** Why a fact is missing, by its name. */
  readonly failed: Readonly<Record<string, string>>;
}

/** In characters: a longer text is cut. */
const LONGEST_TEXT = 4096;
/** A node has some hundred directories and lines of each kind. */
const MOST_ITEMS = 10_000;
/** In characters: certificates of all authorities of a system have some 250 kB. */
const LONGEST_PEM = 4 << 20;

/** A value of its own, or undefined where what came is of another type. */
type Read<T> = (value: unknown) => T | undefined;

const text: Read<string> = (value) => (typeof value === "string" ? value.slice(0, LONGEST_TEXT) : undefined);
const pem: Read<string> = (value) => (typeof value === "string" && value.length <= LONGEST_PEM ? value : undefined);
const seconds: Read<number> = (value) => (isWholeNumber(value, 0, LAST_SECOND) ? value : undefined);
const instant: Read<number> = (value) =>
  typeof value === "number" && value >= 0 && value <= LAST_SECOND ? value : undefined;
const amount: Read<number> = (value) => (isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER) ? value : undefined);
/** Of a Date. */
const LAST_SECOND = 8.64e12;

const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  (value) => {
    if (!Array.isArray(value) || value.length > MOST_ITEMS) return undefined;
    const items = value.map(read);
    return items.includes(undefined) ? undefined : (items as T[]);
  };

/** @param may Fields that may be missing or null; they are missing then. */
const objectOf =
  <T extends object>(
    fields: { readonly [K in keyof Required<T>]: Read<NonNullable<T[K]>> },
    may: readonly (keyof T)[] = [],
  ): Read<T> =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const given = new Map(Object.entries(value));
    const there = Object.entries(fields).filter(([name]) => given.get(name) != null || !may.includes(name as keyof T));
    const read = there.map(([name, of]) => [name, (of as Read<unknown>)(given.get(name))] as const);
    return read.some(([, one]) => one === undefined) ? undefined : (Object.fromEntries(read) as T);
  };

/** Each name in an object, and one of the words. */
const wordsOf =
  <T extends string>(words: readonly T[]): Read<Record<string, T>> =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value).map(([name, one]) => [name, words.find((word) => word === one)] as const);
    const wrong = ([name, word]: (typeof entries)[number]) => word === undefined || name.length > LONGEST_TEXT;
    if (entries.length > MOST_ITEMS || entries.some(wrong)) return undefined;
    return Object.fromEntries(entries) as Record<string, T>;
  };

const texts = listOf(text);
const yesOrNo: Read<boolean> = (value) => (typeof value === "boolean" ? value : undefined);

/** The facts that there are, and how each is read. */
const FACTS: { readonly [K in keyof Required<Omit<Facts, "failed">>]: Read<Facts[K]> } = {
  host: objectOf<HostFact>(
    {
      ...{ architecture: text, epochSeconds: seconds, kubernetes: yesOrNo, name: text },
      cgroups: (value) => (isWholeNumber(value, 1, 2) ? value : undefined),
    },
    ["kubernetes", "cgroups"],
  ),
  runtime: objectOf<RuntimeFact>(
    {
      ...{ configPath: text, image: text, name: text, socket: text, startedSeconds: instant, target: text },
      ...{ unit: text, version: text, misread: yesOrNo },
    },
    ["misread"],
  ),
  able: (value) => (Array.isArray(value) ? [] : undefined),
  files: listOf(objectOf<FileFact>({ changedSeconds: seconds, lines: texts, path: text })),
  registry: objectOf<RegistryFact>(
    {
      ...{ directories: texts, directory: text, diverts: texts, login: yesOrNo, trusted: pem },
      files: listOf(objectOf<RegistryFact["files"][number]>({ entries: texts, path: text })),
    },
    ["diverts", "login"],
  ),
  roots: (value) => {
    const roots = objectOf<{ packed: string; path: string }>({ packed: pem, path: text })(value);
    unpacked(roots?.packed ?? "");
    return roots;
  },
  name: objectOf<{ addresses: string[]; host: string }>({ addresses: texts, host: text }),
  proxy: texts,
  disks: listOf(
    objectOf<DiskFact>({
      ...{ path: text, freeKilobytes: amount, freeInodes: amount, inodes: amount, writable: yesOrNo },
    }),
  ),
  handlers: wordsOf(Object.values(PauseUse)),
  status: objectOf<StatusFact>(
    {
      conditions: listOf(
        objectOf<RuntimeCondition>({ type: text, status: yesOrNo, reason: text, message: text }, [
          ...(["status", "reason", "message"] as const),
        ]),
      ),
      ...{ network: text, image: text, configPath: text, handlers: texts, systemdCgroup: yesOrNo },
      runtimeHandlers: listOf(objectOf<{ name?: string }>({ name: text }, ["name"])),
    },
    ["network", "image", "configPath", "handlers", "systemdCgroup", "runtimeHandlers"],
  ),
  image: (value) => {
    const status = objectOf<ImageFact["status"]>({ pinned: yesOrNo, repoDigests: texts }, ["pinned", "repoDigests"]);
    return value === null ? null : objectOf<ImageFact>({ status })(value);
  },
  sandbox: (value) => {
    const sandbox = objectOf<SandboxFact>({ created: text, name: text, namespace: text, image: text }, ["image"]);
    return value === null ? null : sandbox(value);
  },
  kubelet: objectOf<KubeletFact>(
    { ...{ cgroupDriver: text, failCgroupV1: text, flagged: texts, healthy: yesOrNo }, state: text, version: text },
    ["healthy", "cgroupDriver", "failCgroupV1"],
  ),
  events: texts,
  tried: objectOf<TriedFact>({ error: text, image: text }, ["error", "image"]),
};

/** PEM from its gzip in base64. @throws Error where it is no gzip, or longer than certificates are. */
export const unpacked = (packed: string): string =>
  packed === "" ? "" : gunzipSync(Buffer.from(packed, "base64"), { maxOutputLength: LONGEST_PEM }).toString();

/**
 * Facts, each a new object of the fields that there are, of their types and of bounded length. Others are passed over.
 * @param stdout What the doctor's program printed on a node. What a login shell prints of its own is passed over.
 * @throws CouldNotLook where there is no fact, one that was cut, or one of another shape.
 */
export function parseFacts(stdout: string): Facts {
  const lines = stdout.split("\n").filter((one) => one.startsWith(START));
  if (lines.length === 0) throw new CouldNotLook("the node printed no fact");
  const failed: Record<string, string> = {};
  const facts: Record<string, unknown> = {};
  for (const line of lines) {
    const { fact, value, failed: why } = lineOf(line);
    if (typeof fact !== "string" || !Object.hasOwn(FACTS, fact)) continue;
    if (typeof why === "string") failed[fact] = why.slice(0, LONGEST_TEXT);
    else facts[fact] = factOf(fact as keyof typeof FACTS, value);
  }
  return { ...facts, failed };
}

function factOf(fact: keyof typeof FACTS, value: unknown): unknown {
  let read: unknown;
  try {
    read = FACTS[fact](value);
  } catch {
    // Below.
  }
  if (read === undefined) throw new CouldNotLook(`the node misstates the fact ${fact}`);
  return read;
}

const START = '{"fact":';

function lineOf(line: string): { readonly fact?: unknown; readonly value?: unknown; readonly failed?: unknown } {
  try {
    return JSON.parse(line) as object;
  } catch {
    throw new CouldNotLook(`the node printed ${quoted(line.slice(0, 120))}, which is no whole fact`);
  }
}
