/** The wanted settings of nodes: from options, from a stack's file, or from both. */
import type { Command } from "commander";

import type { ImageArchive } from "../components/archive/archive";
import type { PauseImageArgs } from "../components/image/pauseImageArgs";
import { type NodeSettings, TOLD } from "../components/node/nodeSettings";
import { readNamed, Refused } from "./refuse";
import { readStackFile, type Stack, stackFileOf, type StackOptions, UNKNOWN, withStackOptions } from "./stackFile";

export interface WantedOptions extends StackOptions {
  readonly image?: string;
  readonly digest?: string;
  readonly ca?: string;
  readonly mirror?: string[];
  readonly plainHttp?: boolean;
  readonly kubeletFlag: boolean;
  readonly pullUsername?: string;
  readonly pullPasswordFile?: string;
}

export interface Wanted {
  readonly settings: NodeSettings;
  readonly stack?: Stack;
  /** True if the stack's file has an encrypted login, and no password was given. */
  readonly loginUnknown: boolean;
}

export const PASSWORD_HELP = `
The password of --pull-username, or of a stack's pullUsername, is read from --pull-password-file or from
$PAUSE_SANDBOX_PULL_PASSWORD, never from the command line.`;

/** Adds the options that give settings. */
export function withWantedOptions(command: Command): Command {
  withStackOptions(command, "take the settings of this stack");
  for (const told of Object.values(TOLD)) {
    if ("option" in told) command.option(told.option[0], told.option[1]);
  }
  return command
    .option("--pull-username <name>", "user that pulls the image")
    .option("--pull-password-file <file>", "file with the password of that user");
}

/** The image of a stack's nodes: its reference, its digest where that is known, and what is carried to them. */
export interface StackImage {
  readonly image: string;
  readonly digest?: string;
  readonly carried?: ImageArchive;
}

/** A stack file has plain values only. @throws InputPropertiesError if the archive cannot be carried. */
export async function imageOf(asked: PauseImageArgs): Promise<StackImage> {
  const { carriedImage, referenceOf } = await import("../components/image/carriedImage");
  const carried = carriedImage("pause-sandbox", asked) as ImageArchive | undefined;
  return {
    image: referenceOf(asked) as string,
    digest: carried?.digest ?? (asked.digest as string | undefined),
    carried,
  };
}

/**
 * Options override the stack's file.
 * @throws Refused, or InputPropertiesError naming every value that is not allowed.
 */
export async function wantedOf(options: WantedOptions): Promise<Wanted> {
  const password = await passwordOf(options);
  const file = stackFileOf(options);
  const stack = file === undefined ? undefined : await readStackFile(file, password);
  const ofStack = stack && (await imageOf(stack.args.image));
  const image = options.image ?? ofStack?.image;
  if (image === undefined || image === "") throw new Refused("no image is named: use --image or --stack-file");
  const own = loginOf(options, password);
  const login = own ?? stack?.login;
  if (login === undefined && password !== undefined && options.pullPasswordFile !== undefined) {
    throw new Refused("--pull-password-file needs --pull-username");
  }
  const { checkedSettings } = await import("../components/node/nodeChecks");
  const asked = { image, ...(await restOf(options, stack)), login };
  if (ofStack?.carried !== undefined && options.image === undefined) {
    const { packedArchive } = await import("../components/archive/archive");
    const { selfHeal } = stack?.args ?? {};
    Object.assign(asked, {
      archive: packedArchive(ofStack.carried),
      digest: options.digest ?? ofStack.digest,
      selfHeal,
    });
  }
  const settings = inWordsOf(options, () => checkedSettings(asked, { subject: "pause-sandbox" }));
  return { settings, stack, loginUnknown: [login?.username, login?.password].includes(UNKNOWN) && own === undefined };
}

/** An option, the field that its value is checked as, and the setting of a stack that has the same. */
const SETTING_OF: readonly (readonly [keyof WantedOptions, string, string])[] = [
  ["image", "reference", "the stack's reference"],
  ["digest", "digest", "imageDigest"],
  ["ca", "trust.ca", "registryCa"],
  ["mirror", "trust.mirrors", "registryMirrors"],
  ["plainHttp", "trust.plainHttp", "registryPlainHttp"],
  ["pullUsername", "trust.login.username", "pullUsername"],
  ["pullUsername", "trust.login.password", "pullPassword"],
  ["pullUsername", "trust.login", "pullUsername"],
];

/** @throws what the check throws, by the stack's settings where the value is the stack's: nobody typed the option. */
function inWordsOf<T>(options: WantedOptions, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const { errors } = error as { errors?: { propertyPath: string }[] };
    if (stackFileOf(options) === undefined || errors === undefined) throw error;
    for (const one of errors) {
      const [, field = "", setting = ""] = SETTING_OF.find(([, path]) => one.propertyPath.startsWith(path)) ?? [];
      const typed = SETTING_OF.some(([option, path]) => path === field && options[option] !== undefined);
      if (field !== "" && !typed) one.propertyPath = one.propertyPath.replace(field, setting);
    }
    throw error;
  }
}

async function passwordOf({ pullPasswordFile }: WantedOptions): Promise<string | undefined> {
  const given = process.env.PAUSE_SANDBOX_PULL_PASSWORD;
  // ssh, and what it starts, is not to have it.
  delete process.env.PAUSE_SANDBOX_PULL_PASSWORD;
  const text = pullPasswordFile === undefined ? given : await readNamed("--pull-password-file", pullPasswordFile);
  // An editor ends a file with a newline.
  return text === undefined || text === "" ? undefined : text.replace(/\r?\n$/, "");
}

function loginOf({ pullUsername: username }: WantedOptions, password?: string): NodeSettings["login"] {
  if (username === undefined) return undefined;
  if (password !== undefined) return { username, password };
  throw new Refused(
    `--pull-username ${username} has no password: use --pull-password-file, or set PAUSE_SANDBOX_PULL_PASSWORD`,
  );
}

/** The settings that options replace. A stack file has plain values only. */
async function restOf(options: WantedOptions, stack?: Stack): Promise<Partial<NodeSettings>> {
  const { image, trust, kubeletFlag } = stack?.args ?? {};
  const known = trust as Partial<NodeSettings> | undefined;
  const ca = options.ca === undefined ? known?.ca : await readNamed("--ca", options.ca);
  return {
    digest: options.digest ?? (image?.digest as string | undefined),
    ca,
    mirrors: options.mirror ?? known?.mirrors,
    plainHttp: options.plainHttp ?? known?.plainHttp,
    kubeletFlag: options.kubeletFlag ? (kubeletFlag as boolean | undefined) : false,
  };
}
