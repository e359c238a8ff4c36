/** Whether a node is as wanted: the node script's verb plan, and what its answer means. */
import { type Difference, differencesOf } from "./drift";
import { messageOf } from "../../components/errors";
import type { NodeReport } from "../../components/node/nodeScript";
import type { NodeSettings } from "../../components/node/nodeSettings";
import { CouldNotLook } from "../facts";
import type { Handlers } from "../judge/handlers";
import type { Reach } from "../reach";

/** A node that was looked at, and what differs. */
export interface Checked {
  readonly node: string;
  readonly differences: readonly Difference[];
  /** The digest by which the node has the image; empty where it has none. */
  readonly digest: string;
  /** The use of pause by each runtime handler, by the handler's name. */
  readonly handlers?: Handlers;
  readonly runtime: string;
  readonly runtimeVersion: string;
  readonly kubelet: string;
}

/** A node, and how it is reached. */
export interface NodeToCheck {
  readonly name: string;
  readonly reach: Reach;
  /** The name that the stack has for it. */
  readonly called?: string;
}

/** What a node is to be. */
export interface Asked {
  readonly settings: NodeSettings;
  /** Whether its login is encrypted, and nobody gave its password: it is not compared then. */
  readonly loginUnknown: boolean;
}

/** Without an owner: a plan looks at files and not at who manages the node. */
export async function checkNode(
  { reach, called }: Omit<NodeToCheck, "name">,
  { settings, loginUnknown }: Asked,
): Promise<Checked> {
  const { parseReport, renderStdin } = await import("../../components/node/nodeScript");
  const { stdout, stderr } = await reach.plan(renderStdin({ ...settings, node: called }));
  let report: NodeReport;
  try {
    report = parseReport(stdout);
  } catch (error) {
    throw new CouldNotLook(messageOf(error));
  }
  const { node, digest, handlers, runtime, runtimeVersion, kubelet } = report;
  const differences = differencesOf(report, stderr, { ...settings, loginUnknown });
  return { node, differences, digest, handlers, runtime, runtimeVersion, kubelet };
}
