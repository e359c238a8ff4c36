/** `pause-sandbox doctor`: its arguments, its output, its exit code. */
import { setTimeout as pause } from "node:timers/promises";

import { Command, InvalidArgumentError, Option } from "commander";

import { askForFile, bundleText, refuseExisting } from "./bundle";
import { differenceText } from "./checkText";
import { type ClusterText, clusterText, type ClusterView } from "./clusterText";
import {
  clusterReach,
  lookAtAll,
  namedNodes,
  type ReachOptions,
  stackReach,
  type Unlooked,
  whyNot,
  withReachOptions,
} from "./reachOptions";
import { messageOf } from "../components/errors";
import { parseReference } from "../components/registry/reference";
import { quoted } from "../components/visible";
import { orRefuse, readNamed, Refused } from "./refuse";
import { sshLogin } from "./sshLogin";
import { type Stack, stackFileOf, type StackOptions, withStackOptions } from "./stackFile";
import { painter, type Paint, tell, terminalPainter, print } from "./terminal";
import { some } from "./fleet";
import { type Result, diagnosesText } from "./text";
import { upgradeText } from "./upgradeText";
import { imageOf, type Wanted, wantedOf } from "./wanted";
import { checkNode } from "../doctor/check/checkNode";
import { diagnose, type Look } from "../doctor/diagnose";
import { look, type Tries } from "../doctor/examine";
import { PodTries } from "../doctor/tryPod";
import type { Diagnosis, Evidence } from "../doctor/finding";
import { healingConfig } from "../doctor/heal";
import type { WantedImage } from "../doctor/judge/stack";
import { type Target, targetIn, targetText } from "../doctor/judge/upgrade";
import type { Reach } from "../doctor/reach";
import { CouldNotLook } from "../doctor/facts";
import { looksIn, recordOf } from "../doctor/record";
import { redactedIn } from "../doctor/redact";

interface Options extends ReachOptions, StackOptions {
  readonly output: "text" | "json";
  readonly fixConfig?: boolean;
  readonly image?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly address?: string;
  readonly bundle?: string;
  readonly yes?: boolean;
  readonly from?: string;
  /** In seconds. */
  readonly wait?: number;
  readonly try?: boolean;
  readonly namespace?: string;
  readonly upgradeTo?: Target;
}

const HELP = `
Without --try the command changes nothing. It sends no login to a registry. ssh logs in with its own configuration,
known hosts, agent and keys. Users other than root need sudo without a password.

With --kubeconfig it checks the nodes with Pods that wait for their sandbox. With --stack-file it compares the nodes with that
stack. If you name no other nodes, it checks the nodes of the stack. With --upgrade-to and --kubeconfig it checks all nodes.

Exit codes: 0 no problem was found, 1 a problem was found, 2 a node could not be checked, or wrong usage.

Examples:
  pause-sandbox doctor --host 10.0.0.11
  pause-sandbox doctor --host worker-1 --host worker-2 -J bastion.example.com
  pause-sandbox doctor --kubeconfig ~/.kube/config --stack-file stacks/Pulumi.mine.yaml
  pause-sandbox doctor --host worker-1 --kubeconfig ~/.kube/config --try --namespace default
  pause-sandbox doctor --local -o json`;

export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "Finds out why Pods do not start on a node, and which settings help",
  );
  return withStackOptions(withReachOptions(command), "compare with this stack")
    .option("--kubeconfig <file>", "check the nodes of this cluster that have stuck Pods")
    .option("--context <name>", "context of the kubeconfig; default: its current context")
    .option("--address <type>", "the address of a node: InternalIP (default), ExternalIP, Hostname, or a label's key")
    .addOption(new Option("-o, --output <form>", "output format").choices(["text", "json"]).default("text"))
    .option("--fix-config", "print only the settings of a stack file that heal the nodes")
    .option("--image <reference>", "with --fix-config: the image for the nodes, host[:port]/repository:tag")
    .addOption(
      new Option("--bundle <file>", "write a text file for a ticket, after showing it and asking you").conflicts([
        "fixConfig",
        "output",
      ]),
    )
    .option("-y, --yes", "write the bundle without asking")
    .addOption(
      new Option("--from <file>", "judge the facts in a bundle, and look at no node").conflicts([
        ...["host", "hosts", "local", "kubeconfig", "stack", "stackFile", "bundle", "fixConfig", "wait", "try"],
      ]),
    )
    .addOption(
      new Option(
        "--try",
        "start a sandbox on each node, and remove it; with --kubeconfig a Pod in --namespace",
      ).conflicts("wait"),
    )
    .addOption(
      new Option("--upgrade-to <versions>", "what an upgrade breaks: kubernetes=1.37,containerd=2.4")
        .argParser(target)
        .conflicts(["fixConfig", "wait"]),
    )
    .option("--namespace <name>", "with --try and --kubeconfig: where the Pods are made")
    .addOption(
      new Option("--wait <time>", "look again until all is well, at most so long: 90s, 5m").argParser(secondsIn),
    )
    .addHelpText("after", HELP)
    .action((options: Options, command: Command) => orRefuse(() => run(options, command)));
}

function target(text: string): Target {
  try {
    return targetIn(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** In seconds. */
function secondsIn(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError("It must be a number with s, m or h, such as 5m.");
  return Number(number) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 1);
}

async function run(options: Options, command: Command): Promise<void> {
  const { bundle, from, wait = 0 } = options;
  if (bundle !== undefined) refuseExisting(bundle);
  if (options.image !== undefined && options.fixConfig !== true) throw new Refused("--image needs --fix-config");
  if (options.image !== undefined) parseReference(options.image);
  checkTry(options);
  if (from !== undefined) {
    await judged(from, options);
    return;
  }
  const until = Date.now() + wait * 1000;
  let examined = await examinedBy(options, command);
  for (let at = 0; exitCode(examined.results) !== 0 && Date.now() < until; at++) {
    await pause((AGAIN_SECONDS[at] ?? 5) * 1000);
    examined = await examinedBy(options, command);
  }
  const { results, looks, nodes, cluster } = examined;
  if (options.fixConfig) print(await healing(results, nodes, { ...options, stackFile: stackFileOf(options) }));
  else if (bundle === undefined) print(printed(results, options, cluster));
  else {
    const { upgradeTo } = options;
    const text = textWith(redactedIn(results), painter(false), {
      cluster: cluster && redactedIn(shown(cluster)),
      upgradeTo,
    });
    await askForFile(bundle, bundleText(text, redactedIn(results), recordOf(looks)), options.yes);
  }
  process.exitCode = exitCode(results, cluster);
}

/** Without what only asks the cluster. */
const shown = ({ server, stuck, notInStack, kubeadm }: ClusterView): ClusterText => ({
  server,
  stuck,
  notInStack,
  kubeadm,
});

/** Before each further look of --wait; then every five. */
const AGAIN_SECONDS = [1, 2];

interface Examined {
  readonly results: readonly Result[];
  readonly looks: readonly (Look | Unlooked)[];
  readonly nodes: readonly Node[];
  readonly cluster?: ClusterView;
}

/** A namespace is somebody's: it is named, never guessed. */
function checkTry({ try: tries, kubeconfig, namespace }: Options): void {
  if (namespace !== undefined && (!tries || kubeconfig === undefined)) {
    throw new Refused("--namespace needs --try and --kubeconfig");
  }
  if (tries && kubeconfig !== undefined && namespace === undefined) {
    throw new Refused("--try with --kubeconfig needs --namespace: where the Pods are made");
  }
  if (namespace !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw new Refused(`--namespace ${quoted(namespace)}: it is no name of a namespace`);
  }
}

/** Says what it will do, before anything is done. @returns how a node is tried; nothing where it is not asked for */
function trying(
  { try: tries, namespace = "" }: Options,
  nodes: readonly Node[],
  cluster?: ClusterView,
): ((node: Node) => Tries) | undefined {
  if (!tries) return undefined;
  if (nodes.length === 0) throw new Refused("--try: no Pod is stuck, and no node is named: use --host");
  const where = some(nodes.map(({ name }) => name));
  if (cluster === undefined) {
    tell(
      `--try: on ${where} the runtime starts a sandbox in the host's network, as a run of the stack does, and removes it. ` +
        "If its image is not there, the runtime pulls it. The network of Pods is not tried.\n",
    );
    return () => "sandbox";
  }
  tell(
    `--try: for ${where} a Pod is created in namespace ${namespace}, on that node and with all tolerations, and deleted again. ` +
      "Its container is the sandbox image.\n",
  );
  const tried = new PodTries(cluster.cluster);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      tell("deleting the Pods of --try\n");
      void tried.stop().then(() => process.exit(signal === "SIGINT" ? 130 : 143));
    });
  }
  return ({ name, reach }) => {
    return (own, image) => {
      const node = [name, own, reach.name].map((one) => cluster.names.get(one)).find((one) => one !== undefined);
      if (node !== undefined && image !== "") return tried.try({ namespace, node, image });
      const untried = node === undefined ? "the cluster has no node of this name" : "its sandbox image is not known";
      return Promise.resolve({ namespace, name: "", events: [], untried });
    };
  };
}

async function examinedBy(options: Options, command: Command): Promise<Examined> {
  const stackFile = stackFileOf(options);
  const wanted = stackFile === undefined ? undefined : await wantedOf({ stackFile, kubeletFlag: true });
  const stack = wanted?.stack;
  const cluster = await clusterOf(options, command, stack);
  const nodes = nodesOf(options, command, { cluster, stack });
  const image = stack && (await wantedImage(stack));
  const tries = trying(options, nodes, cluster);
  const looked = await lookAtAll(nodes, options.parallel, async (node) => {
    const { name, reach, called } = node;
    const stuck = cluster?.stuck.filter((pod) => pod.node === name);
    const seen = await look(reach, { wanted: image, stuck, tries: tries?.(node) });
    const diagnosis = diagnose(seen, options.upgradeTo);
    const plan = wanted === undefined ? [] : await planned({ reach, called }, wanted);
    return { seen, diagnosis: withPlan(diagnosis, plan) };
  });
  const found = looked.map((one) => ("unlooked" in one ? one : one.diagnosis));
  const results = found.map((one, i) => withPods(one, nodes[i]?.name ?? "", cluster));
  return { results, looks: looked.map((one) => ("unlooked" in one ? one : one.seen)), nodes, cluster };
}

/** The facts of a bundle, without a look at any node. */
async function judged(file: string, options: Options): Promise<void> {
  let looks: ReturnType<typeof looksIn>;
  const text = await readNamed("--from", file);
  try {
    looks = looksIn(text);
  } catch (error) {
    if (error instanceof CouldNotLook) throw new Refused(`--from ${file}: ${error.message}`);
    throw error;
  }
  const results = looks.map(
    (one): Result => ("unlooked" in one ? one : { ...diagnose(one, options.upgradeTo), pods: one.stuck }),
  );
  print(printed(results, options));
  process.exitCode = exitCode(results);
}

async function clusterOf(options: Options, command: Command, stack?: Stack): Promise<ClusterView | undefined> {
  const { kubeconfig, context, address } = options;
  if (kubeconfig === undefined) {
    if (context !== undefined || address !== undefined) command.error("--context and --address need --kubeconfig");
    return undefined;
  }
  const { askCluster } = await import("./clusterNodes");
  return askCluster({ kubeconfig, context, address, upgradeTo: options.upgradeTo }, stack);
}

/** The image of a stack's nodes, as `pulumi up` has it. */
async function wantedImage({ args: { image, trust, selfHeal } }: Stack): Promise<WantedImage> {
  const { image: reference, digest, carried } = await imageOf(image);
  const ca = (trust as { ca?: unknown } | undefined)?.ca !== undefined;
  return { image: reference, digest, ca, carried: carried !== undefined, heals: selfHeal !== false };
}

interface Node {
  /** The node's name in the cluster or on the command line. */
  readonly name: string;
  readonly reach: Reach;
  /** The node's name in the stack. */
  readonly called?: string;
}

/** The changes of `pulumi up` on a node, as evidence; if the run would be refused, its reason. */
async function planned(node: Pick<Node, "reach" | "called">, wanted: Wanted): Promise<Evidence[]> {
  try {
    const { differences } = await checkNode(node, wanted);
    if (differences.length === 0)
      return [{ is: "yes", text: "it is as the stack wants it: pulumi up would change nothing" }];
    return differences.map((one) => ({ is: "warning", text: `pulumi up would change this: ${differenceText(one)}` }));
  } catch (error) {
    return [{ is: "unknown", text: `what pulumi up would change: ${whyNot(error)}` }];
  }
}

const withPlan = (diagnosis: Diagnosis, evidence: readonly Evidence[]): Diagnosis => ({
  ...diagnosis,
  evidence: [...diagnosis.evidence, ...evidence],
});

function nodesOf(options: Options, command: Command, { cluster, stack }: { cluster?: ClusterView; stack?: Stack }) {
  const named = namedNodes(options, command).map((reach): Node => ({ name: reach.name, reach }));
  const listed = (stack?.nodes ?? []).map((node): Node => {
    return { name: node.name, reach: stackReach(node, options, stack?.keyFile), called: node.name };
  });
  // An upgrade is of all nodes. The stack file has the login of the stack's nodes.
  const asked = (options.upgradeTo ? cluster?.all : cluster?.nodes) ?? [];
  const sick = asked.map(({ name, host }): Node => {
    return listed.find((one) => one.name === name) ?? { name, reach: clusterReach(host, options) };
  });
  if (cluster !== undefined || named.length > 0) return [...named, ...sick];
  if (listed.length === 0) {
    command.error("no node is named: use --host, --hosts, --local, --kubeconfig or --stack-file");
  }
  return listed;
}

function withPods(result: Result | Unlooked, name: string, cluster?: ClusterView): Result {
  const pods = cluster?.stuck.filter(({ node }) => node === name || ("host" in result && node === result.node)) ?? [];
  return cluster === undefined ? result : { ...result, pods };
}

async function healing(
  results: readonly Result[],
  nodes: readonly Node[],
  { image, stackFile }: Pick<Options, "image" | "stackFile">,
): Promise<string> {
  const looked = results.flatMap((result) => ("unlooked" in result ? [] : [result]));
  const others = results.flatMap((result) => ("unlooked" in result ? [result] : []));
  const why = others.map(({ node, unlooked }) => `${node}: ${unlooked}`);
  if (looked.length === 0)
    throw new Refused(["--fix-config: no node was looked at, so nothing is known to write", ...why].join("\n"));
  tell(why.map((line) => `not looked at: ${line}\n`).join(""));
  const hosts = new Set(looked.map(({ host }) => host));
  const ways = nodes.flatMap(({ reach: { name, options } }) => (options && hosts.has(name) ? [{ name, options }] : []));
  const logins = ways.map(async ({ name, options }) => [name, await sshLogin(name, options)] as const);
  const stack = stackFile === undefined ? undefined : await readNamed("--stack-file", stackFile);
  const leftOut = others.map(({ node }) => node);
  return healingConfig(looked, { logins: new Map(await Promise.all(logins)), image, stack, leftOut });
}

function printed(results: readonly Result[], { output, upgradeTo }: Options, cluster?: ClusterView): string {
  if (output === "text") return textWith(results, terminalPainter(), { cluster, upgradeTo });
  const { server, stuck, notInStack, kubeadm } = cluster ?? {};
  const asked = cluster && { server, stuck, notInStack, kubeadm };
  return `${JSON.stringify({ version: 1, cluster: asked, nodes: results }, null, 2)}\n`;
}

function textWith(
  results: readonly Result[],
  paint: Paint,
  { cluster, upgradeTo }: { cluster?: ClusterText; upgradeTo?: Target },
): string {
  const head = cluster === undefined ? "" : `${clusterText(cluster).join("\n")}\n`;
  const text = () => (upgradeTo ? upgradeText(results, targetText(upgradeTo), paint) : diagnosesText(results, paint));
  const nodes = results.length === 0 ? "" : text();
  return [head, nodes].filter((part) => part !== "").join("\n");
}

/** A node that could not be checked may have any problem. */
export function exitCode(results: readonly Result[], { kubeadm = [] }: Pick<ClusterView, "kubeadm"> = {}): 0 | 1 | 2 {
  const found = (one: Diagnosis) => one.findings.length + (one.upgrade ?? []).length;
  const isUnknown = (one: Result) => "unlooked" in one || (found(one) === 0 && (one.unknown ?? []).length > 0);
  if (results.some(isUnknown)) return 2;
  const bad = (one: Result) => ("findings" in one && found(one) > 0) || (one.pods ?? []).length > 0;
  return results.some(bad) || kubeadm.length > 0 ? 1 : 0;
}
