/** From facts to findings: pure. What the node is comes first, then the way of a pull, then what will break later. */
import { gunzipSync } from "node:zlib";

import { certificatesOf } from "./chain";
import type { Facts, RuntimeFact } from "./facts";
import type { Diagnosis, Evidence, Finding } from "./finding";
import { pulledImage } from "./pulledImage";
import { editedSince, imageEvidence, lostSettings } from "./judge/config";
import { nearMisses } from "./judge/hosts";
import { judgeKubelet } from "./judge/kubelet";
import { againstStack, type WantedImage } from "./judge/stack";
import { CLOCK_SECONDS, clockFault, judgeWalk, type NodeView, type Walk } from "./judge/wire";

export interface Look {
  readonly node: string;
  readonly host: string;
  readonly facts: Facts;
  readonly walks: readonly Walk[];
  /** Our own clock, when the node's was read. */
  readonly ourSeconds: number;
  /** What a stack wants of the node, where one is given. */
  readonly wanted?: WantedImage;
}

export function diagnose(look: Look): Diagnosis {
  const { facts, node, host } = look;
  const { runtime, events = [] } = facts;
  if (!runtime) return { node, host, image: "", events, ...unreadable(facts) };
  const kubelet = judgeKubelet(facts);
  const pull = judgePull(look, runtime);
  const local = judgeLocal(facts, runtime);
  const findings = [
    ...refused(facts),
    ...editedSince(facts, runtime),
    ...kubelet.findings,
    ...pull.findings,
    ...local.findings,
    ...(look.wanted ? againstStack(facts, runtime, look.wanted) : []),
  ];
  const unlooked = Object.entries(facts.failed).map(
    ([fact, why]): Evidence => ({ is: "unknown", text: `${fact}: ${plain(why)}` }),
  );
  const evidence = [
    ...imageEvidence(facts, runtime),
    ...pull.evidence,
    ...local.evidence,
    ...kubelet.evidence,
    ...unlooked,
  ];
  // Sorting keeps the order of causes among those of one weight.
  return {
    node,
    host,
    image: runtime.image,
    events,
    evidence,
    findings: findings.sort((a, b) => Number(b.fatal) - Number(a.fatal)),
  };
}

/** What the node script itself would refuse, with its page. */
const plain = (why: string): string => why.replace(/^\[[^\]]*\] /, "");

function unreadable({ failed }: Facts): { findings: Finding[]; evidence: Evidence[] } {
  const why = plain(failed.runtime ?? "the node did not report its runtime");
  return { findings: [refusal(why)], evidence: [{ is: "no", text: why }] };
}

const refused = ({ failed }: Facts): Finding[] => (failed.able === undefined ? [] : [refusal(plain(failed.able))]);

const refusal = (why: string): Finding => ({
  code: "PS-D020",
  kind: `a node that is refused${/PS-N\d+/.test(why) ? ` (${/PS-N\d+/.exec(why)?.[0] ?? ""})` : ""}`,
  fatal: true,
  what: why.replace(/, see docs\/errors\/.*/, ""),
  remedy: /docs\/errors\/PS-N\d+\.md/.test(why)
    ? `See ${/docs\/errors\/PS-N\d+\.md/.exec(why)?.[0] ?? ""}`
    : "Check the node's journal",
});

function judgePull(
  { facts, walks, ourSeconds }: Look,
  runtime: RuntimeFact,
): { findings: Finding[]; evidence: Evidence[] } {
  const image = pulledImage(runtime.image);
  if (!image) return { findings: [unusable(runtime.image)], evidence: [] };
  const view = viewOf(facts, image, ourSeconds);
  const judged = walks.map((walk) => judgeWalk(walk, { ...view, trusted: trustedBy(facts, walk) }));
  const evidence = judged.flatMap((one) => one.evidence);
  const works = judged.some(({ bad, evidence: went }) => !bad && went.every(({ is }) => is === "yes"));
  const clock = Math.abs(view.clockOffSeconds) > CLOCK_SECONDS ? { ...clockFault(view, ""), fatal: false } : undefined;
  // Where one host gives the image, the others do not keep a Pod from starting.
  const bad = works ? undefined : judged[judged.length - 1]?.bad;
  if (!bad) return { findings: clock ? [clock] : [], evidence };
  // What is on the node already is not pulled.
  const fatal = !facts.image;
  const explains = /PS-D00[126]/.test(bad.code) ? nearMisses(facts, image) : [];
  const lost = lostSettings(facts, runtime);
  const causes = [...lost, ...explains, bad].map((one) => ({ ...one, fatal }));
  return { findings: bad.code === "PS-D004" || !clock ? causes : [...causes, clock], evidence };
}

const unusable = (image: string): Finding => ({
  code: "PS-D021",
  kind: "a reference that cannot be used",
  fatal: true,
  what: `"${image}" cannot be used with every runtime: it needs a registry and a tag, and no digest`,
  remedy: "Use host[:port]/repository:tag",
});

function viewOf(facts: Facts, image: NodeView["image"], ourSeconds: number): NodeView {
  const nodeSeconds = facts.host?.epochSeconds ?? ourSeconds;
  return {
    image,
    architecture: facts.host?.architecture ?? "amd64",
    now: new Date(nodeSeconds * 1000),
    clockOffSeconds: nodeSeconds - ourSeconds,
    addresses: facts.name?.addresses,
    trusted: [],
  };
}

/** What a route is checked with: the node's own authorities, and those that hosts.toml names for it. */
function trustedBy(facts: Facts, { route }: Walk) {
  const packed = facts.roots?.packed ?? "";
  const roots = packed === "" ? "" : gunzipSync(Buffer.from(packed, "base64")).toString();
  const named = route.takesCa ? (facts.registry?.trusted ?? "") : "";
  return certificatesOf(roots + named);
}

/** What the node has of the image, and what its collection would cost. */
function judgeLocal({ image }: Facts, runtime: RuntimeFact): { findings: Finding[]; evidence: Evidence[] } {
  if (image === undefined) return { findings: [], evidence: [] };
  if (image === null) return { findings: [], evidence: [{ is: "warning", text: "the image is not on the node" }] };
  const { pinned = false, repoDigests = [] } = image.status;
  const [, digest = "loaded without a registry"] = /@(sha256:\S+)$/.exec(repoDigests[0] ?? "") ?? [];
  const evidence: Evidence[] = [
    { is: "yes", text: `the image is on the node: ${digest}` },
    { is: pinned ? "yes" : "warning", text: pinned ? "it is pinned" : "it is not pinned" },
  ];
  if (pinned) return { findings: [], evidence };
  const what = `${runtime.image} is not pinned: the kubelet may remove it when the disk fills`;
  const remedy = `Run: crictl pull ${runtime.image}, or let a stack do it. An image that ctr loaded is never pinned`;
  return { findings: [{ code: "PS-D022", kind: "an image that is not pinned", fatal: false, what, remedy }], evidence };
}
