/** What an upgrade does to a node: the rows of doctor/versions.ts that hit it. */
import type { Look } from "../diagnose";
import { CouldNotLook } from "../facts";
import type { UpgradeFinding } from "../finding";
import { isAtLeast, KNOWN, RULES, type Upgraded, type Version, versionIn, versionText } from "../versions";

/** What is upgraded to. */
export interface Target {
  readonly kubernetes?: Version;
  readonly containerd?: Version;
}

/** @param text Such as `kubernetes=1.37,containerd=2.4`. @throws CouldNotLook where it is something else. */
export function targetIn(text: string): Target {
  const target: { -readonly [K in keyof Target]: Target[K] } = {};
  for (const part of text.split(",")) {
    const [, name = "", version = ""] = /^\s*(kubernetes|containerd)=(v?\d+\.\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    const read = versionIn(version);
    if (!read || target[name as keyof Target] !== undefined) {
      throw new CouldNotLook(`"${part}" is not kubernetes=1.37 or containerd=2.4, or stands twice`);
    }
    target[name as keyof Target] = read;
  }
  return target;
}

export const targetText = (target: Target): string =>
  Object.entries(target)
    .map(([name, version]) => `${name} ${versionText(version as Version)}`)
    .join(", ");

export interface JudgedUpgrade {
  readonly findings: readonly UpgradeFinding[];
  /** What could not be looked at. */
  readonly unknown: readonly string[];
}

/** What comes of it, the gravest first. */
export function judgeUpgrade({ facts, ourSeconds }: Look, target: Target): JudgedUpgrade {
  const { runtime, kubelet } = facts;
  if (!runtime) return { findings: [], unknown: ["the runtime, so that nothing is known of the upgrade"] };
  const own = runtime.name === "containerd";
  const node: Upgraded = {
    ...{ facts, runtime, kubelet, nowSeconds: ourSeconds },
    containerd: own ? (target.containerd ?? versionIn(runtime.version)) : undefined,
    kubernetes: target.kubernetes ?? versionIn(kubelet?.version ?? ""),
  };
  const findings = RULES.flatMap(({ hits, of, from, until, ...rule }): UpgradeFinding[] => {
    const version = node[of];
    if (!version || !isAtLeast(version, from) || (until !== undefined && isAtLeast(version, until))) return [];
    return hits(node).map((what) => ({ ...rule, what }));
  });
  const unknown = [
    ...(facts.kubelet === undefined ? ["the kubelet's flags"] : []),
    ...(own && facts.files === undefined ? ["containerd's files"] : []),
    ...unheard(target),
  ];
  const order = ["does not start", "warns", "not supported any more"];
  return { findings: findings.sort((a, b) => order.indexOf(a.grade) - order.indexOf(b.grade)), unknown };
}

/** What came out behind this table is not known to be harmless. */
function unheard(target: Target): string[] {
  return (["kubernetes", "containerd"] as const).flatMap((name) => {
    const version = target[name];
    const [major = 0, minor = 0] = KNOWN[name].split(".").map(Number);
    if (!version || !isAtLeast(version, `${major}.${minor + 1}`)) return [];
    return [`what ${name} ${versionText(version)} changes: this doctor knows it up to ${KNOWN[name]}`];
  });
}
