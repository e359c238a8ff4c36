/** Sandboxes that were started, and those that failed, by the journal of a node: which of the failures still count. Pure. */

/** One try to start a sandbox. */
export interface SandboxTry {
  /** By the node's clock, in seconds. */
  readonly atSeconds: number;
  /** `namespace/name`; empty where the line does not say. */
  readonly pod: string;
  /** What it failed with, without the quotes of a log; missing where it started. */
  readonly error?: string;
}

/** What decides whether a failure is over. */
export interface Since {
  readonly nowSeconds: number;
  /** When the runtime was started; 0 where it does not run. */
  readonly runtimeStartedSeconds: number;
  /** Pods that wait by the cluster's own word. Default: those that failed in the last five minutes. */
  readonly waiting?: ReadonlySet<string>;
}

/** A kubelet tries again within seconds. A try itself takes up to four minutes before it is given up. */
const TRIES_AGAIN_SECONDS = 300;

/** Of a Date. */
const LAST_SECOND = 8.64e12;

/** A line as journalctl prints it by `-o short-unix`: seconds, host, program, text. */
export function lineOf(line: string): { atSeconds: number; program: string; text: string } {
  const [, at = "0", program = "", text = line] =
    /^(\d+(?:\.\d+)?) \S+ ([^\s:[]+)(?:\[\d+\])?: (.*)$/s.exec(line) ?? [];
  // A clock may say what it likes.
  return { atSeconds: Math.min(Number(at), LAST_SECOND), program, text };
}

/** @returns nothing where the line is of no sandbox */
export function triedIn(line: string): SandboxTry | undefined {
  const { atSeconds, text } = lineOf(line);
  const [, ran] = /Ran pod sandbox \S+ with infra container: ([^/\s]+\/[^/\s"]+)/.exec(text) ?? [];
  if (ran !== undefined) return { atSeconds, pod: ran };
  const error = errorIn(text);
  if (/RunPodSandbox for /.test(text)) {
    if (/returns sandbox id/.test(text)) return { atSeconds, pod: podIn(text) };
    return /failed, error/.test(text) ? { atSeconds, pod: podIn(text), error } : undefined;
  }
  return /Failed to create sandbox for pod|CreatePodSandbox for pod/.test(text)
    ? { atSeconds, pod: podIn(text), error }
    : undefined;
}

/** As containerd writes its metadata, and as the kubelet names a Pod today and did before 1.19. */
function podIn(text: string): string {
  const part = (key: string) => new RegExp(`\\b${key}:\\\\*"?([^,"\\\\\\s}]*)`, "i").exec(text)?.[1] ?? "";
  if (/RunPodSandbox for/.test(text)) return `${part("Namespace")}/${part("Name")}`;
  const [, pod] = /\bpod="([^"]*\/[^"]*)"/.exec(text) ?? [];
  const [, name = "", namespace = ""] = /for pod "([^"_]+)_([^"(]+)\(/.exec(text) ?? [];
  return pod ?? (name === "" ? "" : `${namespace}/${name}`);
}

/** The error of a line, without the quotes around it. */
export function errorIn(text: string): string {
  const [, quoted] = /\b(?:err|error)="((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
  const error = quoted === undefined ? text : unquoted(`"${quoted}"`);
  // The kubelet quotes it once more where it says that it goes on to the next Pod.
  const [, inner] = /CreatePodSandboxError: ("(?:[^"\\]|\\.)*")/.exec(error) ?? [];
  return inner === undefined ? error : unquoted(inner);
}

/** A text without the quotes that Go's %q puts around it. */
export function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/**
 * A failure counts while its Pod still waits, or while nothing has started since. What a runtime said before it was started again is
 * over, but for a Pod of which the cluster knows that it waits.
 * @param tries In any order.
 * @returns the last failure of each such Pod, the newest first, and the newest one that is over
 */
export function standing(tries: readonly SandboxTry[], since: Since): { counts: SandboxTry[]; over?: SandboxTry } {
  const last = new Map<string, SandboxTry>();
  for (const one of tries) {
    if (one.error !== undefined && one.atSeconds >= (last.get(one.pod)?.atSeconds ?? 0)) last.set(one.pod, one);
  }
  const counts = (failure: SandboxTry): boolean => {
    const later = tries.filter(({ error, atSeconds }) => error === undefined && atSeconds >= failure.atSeconds);
    if (failure.pod !== "" && later.some(({ pod }) => pod === failure.pod)) return false;
    if (since.waiting?.has(failure.pod)) return true;
    if (failure.atSeconds < since.runtimeStartedSeconds) return false;
    const recent = since.nowSeconds - failure.atSeconds <= TRIES_AGAIN_SECONDS;
    return later.length === 0 || (since.waiting === undefined && recent);
  };
  const failures = [...last.values()].sort((a, b) => b.atSeconds - a.atSeconds);
  return { counts: failures.filter(counts), over: failures.find((one) => !counts(one)) };
}
