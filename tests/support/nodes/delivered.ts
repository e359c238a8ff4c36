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

/** Copies the script into the home directory of who logs in, as `CopyToRemote` does, and says what runs it. */
export async function delivered(container: string, verb: Verb, settings: NodeSettings, user = "root"): Promise<Sent> {
  const place = { owner: settings.owner ?? "", login: [user, container] };
  const file = remoteName(place, nodeFile(settings).sum);
  const copy = [...enter(container, user), "sh", "-c", `cat >${file}`];
  // Where neither a file nor a kept script is, `restore` has nothing to say.
  await docker(copy, { input: scriptText(settings) });
  const { node, owner } = settings;
  const manager = Object.entries({ node, owner }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const asked: Setting[] = verb === "restore" ? manager : publicSettings(settings);
  return { command: commandLine(verb, asked, { user, file }), stdin: settingLines(stdinSettings(settings)) };
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
