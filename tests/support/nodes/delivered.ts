/** The script on a node as a program leaves it there, and the command that runs it. */
import { commandLine, type Verb } from "../../../components/node/nodeCommand";
import { nodeFile, remoteName, scriptText } from "../../../components/node/nodeFile";
import {
  type NodeSettings,
  publicSettings,
  type Setting,
  stdinSettings,
  settingLines,
} from "../../../components/node/nodeSettings";
import { docker } from "../../../lab/cluster/docker";

/** What the engine sends to a node. */
export interface Sent {
  readonly command: string;
  readonly stdin: string;
}

/** How a script gets to a node. */
export interface Way {
  /** Who logs in. Default: root. */
  readonly user?: string;
  /** If false, the command contains the script. Default: true. */
  readonly sftp?: boolean;
}

/** Copies the script into the home directory of who logs in, as `CopyToRemote` does, and says what runs it. */
export async function delivered(
  container: string,
  verb: Verb,
  settings: NodeSettings,
  { user = "root", sftp = true }: Way = {},
): Promise<Sent> {
  const place = { owner: settings.owner ?? "", login: [user, container] };
  const brought = { ...settings, dryRun: verb === "plan" };
  const file = remoteName(place, nodeFile(brought).sum);
  // By busybox: SFTP needs no cat on the node, and a fault may have taken it.
  const copy = [...enter(container, user), "sh", "-c", `busybox cat >${file}`];
  // Where neither a file nor a kept script is, `restore` has nothing to say.
  if (sftp) await docker(copy, { input: scriptText(brought) });
  const { node, owner } = settings;
  const manager = Object.entries({ node, owner }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const asked: Setting[] = verb === "restore" ? manager : publicSettings(settings);
  const { ca, archive, dryRun } = brought;
  const way = sftp ? { user, file } : { user, ca, archive, dryRun };
  return { command: commandLine(verb, asked, way), stdin: settingLines(stdinSettings(settings)) };
}

/** The arguments for docker that run it, as sshd would: by the log-in shell, in the home directory. */
export const logIn = (container: string, command: string, wrap: readonly string[] = [], user = "root"): string[] => [
  ...enter(container, user),
  ...wrap,
  ...["sh", "-c", command],
];

function enter(container: string, user: string): string[] {
  const home = user === "root" ? "/root" : `/home/${user}`;
  return ["exec", "-i", "-u", user, "-w", home, container];
}
