/** What a node says of itself: the lines of JSON that node/doctor prints, and the image that counts there. */

/** Nothing was found because nothing could be looked at. */
export class CouldNotLook extends Error {}

export interface HostFact {
  /** As images name it: `amd64`. */
  readonly architecture: string;
  /** The node's own clock. */
  readonly epochSeconds: number;
  /** Whether there is anything that starts Pods, such as a kubelet. */
  readonly kubernetes?: boolean;
  readonly name: string;
}

export interface RuntimeFact {
  /** The directory of hosts.toml files that containerd reads; empty where none is set. */
  readonly configPath: string;
  /** The sandbox image that is in effect by the runtime's own parse. */
  readonly image: string;
  readonly name: string;
  readonly socket: string;
  /** When it was started, by the node's clock; 0 where it does not run. */
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
  /** Certificates that hosts.toml names, as PEM. */
  readonly trusted: string;
}

export interface ImageFact {
  readonly status: { readonly pinned?: boolean; readonly repoDigests?: readonly string[] };
}

export interface KubeletFact {
  /** `file:line` that sets --pod-infra-container-image. */
  readonly flagged: readonly string[];
  readonly state: string;
  readonly version: string;
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
  readonly proxy?: readonly string[];
  readonly status?: StatusFact;
  readonly image?: ImageFact | null;
  readonly sandbox?: SandboxFact | null;
  readonly kubelet?: KubeletFact;
  /** Lines of the journal, as `journalctl -o short-unix` prints them. */
  readonly events?: readonly string[];
  /** Why a fact is missing, by its name. */
  readonly failed: Readonly<Record<string, string>>;
}

interface Line {
  readonly fact: string;
  readonly value?: unknown;
  readonly failed?: string;
}

/**
 * @param stdout What the doctor's program printed on a node. What a login shell prints of its own is passed over.
 * @throws CouldNotLook where there is no fact, or one that was cut.
 */
export function parseFacts(stdout: string): Facts {
  const failed: Record<string, string> = {};
  const facts: Record<string, unknown> = {};
  const lines = stdout.split("\n").filter((one) => one.startsWith(START));
  if (lines.length === 0) throw new CouldNotLook("the node printed no fact");
  for (const line of lines.map(lineOf)) {
    if (line.failed === undefined) facts[line.fact] = line.value;
    else failed[line.fact] = line.failed;
  }
  return { ...facts, failed };
}

const START = '{"fact":';

function lineOf(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    throw new CouldNotLook(`the node printed "${text.slice(0, 120)}", which is no whole fact`);
  }
}
