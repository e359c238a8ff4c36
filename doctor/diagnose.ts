/** From facts to findings: pure. What the node is comes first, then the way of a pull, then what will break later. */
import { ctrOf, isOfImage } from "./causes";
import { certificatesOf } from "./chain";
import { type Facts, type RuntimeFact, unpacked } from "./facts";
import type { Diagnosis, Evidence, Finding, StuckPod, TriedPod } from "./finding";
import { isLocal, isLost, pulledImage } from "./pulledImage";
import { judgeCgroups } from "./judge/cgroups";
import { judgeDisks } from "./judge/disks";
import { editedSince, imageEvidence, lostSettings } from "./judge/config";
import { handlersText } from "./judge/handlers";
import { nearMisses } from "./judge/hosts";
import { judgeKubelet } from "./judge/kubelet";
import { judgeSandboxes, somethingElse } from "./judge/sandboxes";
import { judgeStatus } from "./judge/status";
import { judgeTried } from "./judge/tried";
import { againstStack, type WantedImage } from "./judge/stack";
import { judgeUpgrade, type Target } from "./judge/upgrade";
import { CLOCK_SECONDS, clockFault, judgeWalk, type NodeView, type Walk } from "./judge/wire";
import { unquoted } from "./sandboxes";

export interface Look {
  readonly node: string;
  readonly host: string;
  readonly facts: Facts;
  readonly walks: readonly Walk[];
  /** Our own clock, when the node's was read. */
  readonly ourSeconds: number;
  /** What a stack wants of the node, where one is given. */
  readonly wanted?: WantedImage;
  /** The Pods of it that wait by the cluster's word; missing where nobody asked the cluster. */
  readonly stuck?: readonly StuckPod[];
  /** What came of a Pod that was made there for `--try`. */
  readonly tried?: TriedPod;
}

/** @param target Where the node is to be upgraded to. Default: nowhere. */
export function diagnose(look: Look, target?: Target): Diagnosis {
  const today = diagnosed(look);
  if (!target) return today;
  const { findings, unknown } = judgeUpgrade(look, target);
  return { ...today, upgrade: findings, unknown: [...(today.unknown ?? []), ...unknown] };
}

function diagnosed(look: Look): Diagnosis {
  const { facts, node, host, ourSeconds } = look;
  const { runtime } = facts;
  if (!runtime) return { node, host, image: "", events: [], ...unreadable(facts) };
  const kubelet = judgeKubelet(facts);
  const status = judgeStatus(facts, runtime);
  const nowSeconds = facts.host?.epochSeconds ?? ourSeconds;
  const { tried, ...ownTry } = judgeTried(facts, nowSeconds, look.tried);
  const sandboxes = judgeSandboxes(facts, nowSeconds, { stuck: look.stuck, tried: ownTry.tries });
  const pull = judgePull(look, runtime);
  const local = judgeLocal(facts, runtime);
  const disks = judgeDisks(facts);
  const edited = editedSince(facts, runtime, sandboxes.ofImage);
  const isDown = runtime.startedSeconds === 0;
  const refusals = isDown ? [] : refused(facts);
  const findings = [
    ...refusals,
    // Where a runtime is refused, it is known why it does not answer.
    ...status.findings.filter(({ code }) => code !== "PS-D037" || refusals.length === 0),
    ...kubelet.findings,
    ...edited,
    ...sandboxes.findings,
    ...own(disks.findings, sandboxes.findings),
    ...own(judgeCgroups(facts), sandboxes.findings),
    ...pull.findings,
    ...local.findings,
    ...(look.wanted ? againstStack(facts, runtime, look.wanted) : []),
  ];
  const ofImage = sandboxes.ofImage && !findings.some(({ code }) => EXPLAINS_IMAGE.test(code));
  if (ofImage) findings.push(somethingElse(sandboxes.events.find(isOfImage) ?? "", "", !pull.works));
  // One that does not answer is told once.
  const isDeaf = status.findings.some(({ code }) => code === "PS-D037") && facts.status === undefined;
  const failed = Object.entries(facts.failed).filter(
    ([fact]) => fact !== "tried" && (!isDeaf || !ASKED_OF_CRI.includes(fact)),
  );
  const unlooked = failed.map(([fact, why]): Evidence => ({ is: "unknown", text: `${fact}: ${plain(why)}` }));
  const evidence = [
    ...status.evidence,
    ...imageEvidence(facts, runtime),
    ...pull.evidence,
    ...local.evidence,
    ...handlersEvidence(facts),
    ...kubelet.evidence,
    ...disks.evidence,
    ...proxyEvidence(look),
    ...sandboxes.evidence,
    ...ownTry.evidence,
    ...unlooked,
  ];
  const unknown = [
    ...status.unknown,
    ...(facts.image === undefined && !pull.works ? ["whether the image is on the node"] : []),
    ...(facts.image === null && !pull.works ? ["whether the image can be pulled"] : []),
    ...(facts.events === undefined ? ["what the last sandboxes failed with"] : []),
    ...ownTry.unknown,
  ];
  const known = findings.map((one) => ({ ...one, remedy: remedyOfStack(one, runtime, look.wanted) ?? one.remedy }));
  // Sorting keeps the order of causes among those of one weight.
  known.sort((a, b) => Number(b.fatal) - Number(a.fatal));
  const { handlers } = facts;
  return {
    ...{
      node,
      host,
      image: runtime.image,
      events: sandboxes.events,
      evidence,
      findings: known,
      handlers,
      unknown,
      tried,
    },
  };
}

/** Not every handler runs pause. That is no fault. */
function handlersEvidence({ handlers }: Facts): Evidence[] {
  const text = handlersText(handlers);
  return text === undefined ? [] : [{ is: "yes", text }];
}

/** What an error says already is not said once more. */
const own = (findings: readonly Finding[], said: readonly Finding[]): Finding[] =>
  findings.filter(({ code }) => !said.some((one) => one.code === code));

/** Which of the runtime's proxies count for the registry. */
function proxyEvidence({ facts, walks }: Look): Evidence[] {
  const { proxy = [] } = facts;
  const [last] = walks.slice(-1);
  if (!last || !proxy.some((line) => /^https?_proxy=./i.test(line))) return [];
  const { host, proxy: taken } = last.route;
  const text =
    taken === undefined
      ? `the runtime has a proxy, and NO_PROXY exempts ${host}`
      : `pulls from ${host} go through ${taken}`;
  return [{ is: "yes", text }];
}

/** What a stack that has the remedy already makes of it. */
function remedyOfStack({ code }: Finding, runtime: RuntimeFact, wanted?: WantedImage): string | undefined {
  if (wanted?.ca && /PS-D00[12]/.test(code))
    return "The stack has a registryCa. If the node lost it, run pulumi up with another recheck. If the authority is another one by now, add its certificate there";
  if (!wanted?.carried || !ASKS_REGISTRY.test(code)) return undefined;
  // A node that the stack has changed has the image's name. k3s and RKE2 have no timer (node/heal.sh).
  if (wanted.heals && !["k3s", "rke2"].includes(runtime.name) && runtime.image === wanted.image)
    return "Wait 5 minutes: pause-sandbox-heal.timer on the node imports the carried image again. If it does not, journalctl -u pause-sandbox-heal says why, and pulumi up with another recheck carries the image again";
  return "The stack carries the image to the node: run pulumi up with another recheck";
}

/** Findings of a registry, or of the way to it: none is asked for a carried image. */
const ASKS_REGISTRY = /PS-D0(0[1-35-9]|1[0-37]|40|42)/;

/** Facts that only a runtime that runs can give. */
const ASKED_OF_CRI = ["able", "status", "image", "sandbox"];

/** Findings by which a pull fails. */
const EXPLAINS_IMAGE = /PS-D0(0\d|1[0-7]|21|31|32|40|42)/;

/** What the node script itself would refuse, with its page. */
const plain = (why: string): string => unquoted(why.replace(/^\[[^\]]*\] /, ""));

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

interface Pull {
  readonly findings: Finding[];
  readonly evidence: Evidence[];
  /** Whether the image can be had from a registry. */
  readonly works: boolean;
}

function judgePull({ facts, walks, ourSeconds }: Look, runtime: RuntimeFact): Pull {
  if (isLost(runtime.image, runtime)) return { findings: [lostImage(runtime)], evidence: [], works: false };
  const image = pulledImage(runtime.image);
  if (!image) return { findings: [], evidence: [], works: false };
  if (isLocal(image)) {
    return { findings: facts.image === null ? [missingLocal(runtime)] : [], evidence: [], works: false };
  }
  const view = viewOf(facts, image, ourSeconds);
  const judged = walks.map((walk) => judgeWalk(walk, { ...view, trusted: trustedBy(facts, walk) }));
  const evidence = judged.flatMap((one) => one.evidence);
  const works = judged.some(({ bad, evidence: went }) => !bad && went.every(({ is }) => is === "yes"));
  const clock = Math.abs(view.clockOffSeconds) > CLOCK_SECONDS ? { ...clockFault(view, ""), fatal: false } : undefined;
  const clocks = clock ? [clock] : [];
  // Where one host gives the image, the others do not keep a Pod from starting.
  const bad = works ? undefined : judged[judged.length - 1]?.bad;
  if (!bad) return { findings: clocks, evidence, works };
  const diverts = facts.registry?.diverts ?? [];
  if (diverts.length > 0) {
    const text = `${diverts.join(", ")} may send this pull elsewhere, or refuse it, and is not read`;
    return { findings: clocks, evidence: [...evidence.map(weaker), { is: "unknown", text }], works };
  }
  // What is on the node is not pulled, and what is pinned stays there.
  if (facts.image?.status.pinned) return { findings: clocks, evidence: evidence.map(weaker), works };
  const fatal = facts.image === null;
  const explains = /PS-D00[126]/.test(bad.code) ? nearMisses(facts, image) : [];
  const lost = lostSettings(facts, runtime);
  const causes = [...lost, ...explains, bad].map((one) => ({ ...one, fatal }));
  return { findings: bad.code === "PS-D004" || !clock ? causes : [...causes, clock], evidence, works };
}

/** No fault as long as nobody has to pull. */
const weaker = ({ is, text }: Evidence): Evidence => ({ is: is === "no" ? "warning" : is, text });

const lostImage = ({ image, version }: RuntimeFact): Finding => ({
  code: "PS-D021",
  kind: "a reference that cannot be used",
  fatal: true,
  what: `containerd ${version} does not find "${image}", even where it is: 2.3.0 to 2.3.3 need its registry and tag, and no digest`,
  remedy: "Use host[:port]/repository:tag, or containerd 2.3.4 or later",
});

/** Such as that of EKS, which is imported when the machine's image is made. */
const missingLocal = ({ name, image }: RuntimeFact): Finding => ({
  code: "PS-D040",
  kind: "a local image that is gone",
  fatal: true,
  what: `${image} is not on the node, and no registry has it: it was imported`,
  remedy: `${importBy(name, image)}. On EKS with Amazon Linux 2023 the file is /etc/eks/pause.tar. Or let a stack set an image that a registry has`,
});

function importBy(name: string, image: string): string {
  switch (name) {
    case "containerd":
      // `import --label` came with 2.0.
      return `Import it again: ctr -n k8s.io images import FILE; ctr -n k8s.io images label ${image} io.cri-containerd.pinned=pinned`;
    case "k3s":
    case "rke2":
      return `Put its archive into /var/lib/rancher/${name}/agent/images and restart ${name}`;
    case "cri-o":
      return "Copy it into CRI-O's storage: skopeo copy oci-archive:FILE containers-storage:NAME";
    default:
      return "Load it again: docker load -i FILE";
  }
}

function viewOf(facts: Facts, image: NodeView["image"], ourSeconds: number): NodeView {
  const nodeSeconds = facts.host?.epochSeconds ?? ourSeconds;
  return {
    image,
    runtime: facts.runtime?.name ?? "the runtime",
    unit: facts.runtime?.unit ?? "its unit",
    architecture: facts.host?.architecture ?? "amd64",
    now: new Date(nodeSeconds * 1000),
    clockOffSeconds: nodeSeconds - ourSeconds,
    addresses: facts.name?.addresses,
    trusted: [],
  };
}

/** What a route is checked with: the node's own authorities, and those that hosts.toml names for it. */
function trustedBy(facts: Facts, { route }: Walk) {
  const roots = unpacked(facts.roots?.packed ?? "");
  const named = route.takesCa ? (facts.registry?.trusted ?? "") : "";
  return certificatesOf(roots + named);
}

/** What the node has of the image, and what its collection would cost. */
function judgeLocal({ image }: Facts, runtime: RuntimeFact): { findings: Finding[]; evidence: Evidence[] } {
  if (image === undefined) return { findings: [], evidence: [] };
  if (image === null) return { findings: [], evidence: [{ is: "no", text: "the image is not on the node" }] };
  const { pinned = false, repoDigests = [] } = image.status;
  const [, digest = "loaded without a registry"] = /@(sha256:\S+)$/.exec(repoDigests[0] ?? "") ?? [];
  const evidence: Evidence[] = [
    { is: "yes", text: `the image is on the node: ${digest}` },
    { is: pinned ? "yes" : "warning", text: pinned ? "it is pinned" : "it is not pinned" },
  ];
  if (pinned) return { findings: [], evidence };
  const what = `${runtime.image} is not pinned: the kubelet may remove it when the disk fills`;
  const remedy = `${pinBy(runtime)}, or let a stack do it`;
  return { findings: [{ code: "PS-D022", kind: "an image that is not pinned", fatal: false, what, remedy }], evidence };
}

/** What the runtime takes for a pin. */
function pinBy({ name, image }: RuntimeFact): string {
  switch (name) {
    case "containerd":
    case "k3s":
    case "rke2":
      return `Run: ${ctrOf(name)} -n k8s.io images label ${image} io.cri-containerd.pinned=pinned`;
    case "cri-o":
      return `Add it to pinned_images in [crio.image], and run: systemctl reload crio`;
    default:
      return "cri-dockerd pins it from 0.3.10 on: update it";
  }
}
