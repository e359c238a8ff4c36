/** `pause-sandbox render`: the node script, or the payload of machines that do not exist yet, on stdout. */

import { Command, Option } from "commander";

import { orRefuse, Refused } from "./refuse";
import { PASSWORD_HELP, type Wanted, wantedOf, type WantedOptions, withWantedOptions } from "./wanted";
import type { BootForm } from "../components/boot/renderBootSetup";
import { print } from "./terminal";

interface ScriptOptions extends WantedOptions {
  readonly source?: boolean;
}

interface BootOptions extends WantedOptions {
  readonly format: string;
  readonly programUrl?: string;
  readonly allowLoginInUserData?: boolean;
}

/** As docs/joining.md calls them, in words of a command line. */
const FORMATS: Readonly<Record<string, BootForm | "program">> = {
  shell: "shell",
  "cloud-init": "cloudInit",
  ignition: "ignition",
  kubeadm: "kubeadm",
  program: "program",
};

const CODES = `
Exit codes: 0 the text was printed, 2 it was not.`;

const SCRIPT_HELP = `
Run the printed program on a node, as root, with a verb: plan, apply or restore. A node changed in this way belongs
to no stack. With a login, the program contains a secret.
${PASSWORD_HELP}
${CODES}

Examples:
  pause-sandbox render script --source | less
  pause-sandbox render script --stack-file stacks/Pulumi.mine.yaml | ssh root@10.0.0.11 sh -s -- plan`;

const BOOT_HELP = `
A login in user data is refused, because every Pod may be able to read it. With --program-url, only the program has the login.
${PASSWORD_HELP}
${CODES}

Examples:
  pause-sandbox render boot --format cloud-init --image registry.example.com:5000/platform/pause:1.0.0 --ca ca.pem
  pause-sandbox render boot --format ignition --stack-file stacks/Pulumi.mine.yaml`;

export function renderCommand(): Command {
  const boot = withWantedOptions(new Command("boot"))
    .description("Prints the payload that heals a machine before its first Pod")
    .addOption(
      new Option("--format <form>", "format of the payload").choices(Object.keys(FORMATS)).makeOptionMandatory(),
    )
    .option("--program-url <url>", "URL of the program on a server; --format program prints the program")
    .option("--allow-login-in-user-data", "allow the login in user data")
    .addHelpText("after", BOOT_HELP)
    .action((options: BootOptions) => printed(() => bootText(options)));
  const script = withWantedOptions(new Command("script"))
    .description("Prints the program that runs as root on a node, with its settings")
    .option("--source", "print only the text of the program, without settings")
    .addHelpText("after", SCRIPT_HELP)
    .action((options: ScriptOptions) => printed(() => scriptText(options)));
  return new Command("render").description("Prints what runs on nodes").addCommand(script).addCommand(boot);
}

const printed = (text: () => Promise<string>): Promise<void> =>
  orRefuse(async () => {
    print(await text());
  });

async function scriptText(options: ScriptOptions): Promise<string> {
  if (options.source === true) {
    const { nodeProgram } = await import("../components/node/program");
    return nodeProgram();
  }
  const { settings } = whole(await wantedOf(options));
  const { renderStdin } = await import("../components/node/nodeScript");
  return renderStdin(settings);
}

async function bootText(options: BootOptions): Promise<string> {
  const { programUrl, allowLoginInUserData } = options;
  const form = FORMATS[options.format] ?? "shell";
  const given = whole(await wantedOf(options));
  const settings = { ...bootOptionsOf(given), ...given.settings };
  const all = { ...settings, ...withoutNothing({ programUrl, allowLoginInUserData }) };
  const { checkBootSettings } = await import("../components/boot/bootSetup");
  const { checked } = await import("../components/inputs");
  checked("pause-sandbox", all, (problems) => {
    checkBootSettings(problems, all);
  });
  const { bootProgram } = await import("../components/boot/bootFiles");
  if (form === "program") return bootProgram(all);
  const { renderBootSetup } = await import("../components/boot/renderBootSetup");
  try {
    return renderBootSetup(all, form);
  } catch (error) {
    const { userError } = await import("../components/errors");
    // Both of its errors name a field, and what to do.
    throw error instanceof Error ? userError(error.message) : error;
  }
}

type BootChoices = Pick<BootOptions, "programUrl" | "allowLoginInUserData">;

/** How a stack with `bootSetup` makes its payload. All of it is plain in a stack's file. */
const bootOptionsOf = ({ stack }: Wanted): BootChoices => (stack?.args.bootSetup ?? {}) as BootChoices;

function withoutNothing(options: BootChoices): BootChoices {
  return Object.fromEntries(Object.entries(options as object).filter(([, value]) => value !== undefined));
}

/** A node with a stand-in as its login could not pull. */
function whole(wanted: Wanted): Wanted {
  if (!wanted.loginUnknown) return wanted;
  throw new Refused(
    "the pull login of the stack file is encrypted, and cannot be read here: give its user with --pull-username, and " +
      "its password with --pull-password-file or PAUSE_SANDBOX_PULL_PASSWORD",
  );
}
