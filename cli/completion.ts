/**
 * `pause-sandbox completion`: scripts for shells, from commander's own tree of commands.
 *
 * commander has no completion of its own, and the libraries for it do not fit. omelette and tabtab want the commands
 * written again beside commander, and tabtab edits people's start-up files. @bomb.sh/tab reads commander's tree, but is a
 * 0.0 release of ES modules only, and starts this program at each Tab. A script of words needs nothing when it runs.
 */
import { Argument, Command, Option } from "commander";

interface Word {
  readonly word: string;
  readonly description: string;
}

/** A command by its path, with what may follow it. */
interface Place {
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** Options behind which a word of a list comes, or a file. */
  readonly values: readonly {
    readonly flags: readonly string[];
    readonly choices: readonly string[];
    readonly file: boolean;
  }[];
}

type Shell = "bash" | "zsh" | "fish";
const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

const HELP = `
Exit codes: 0 it is printed, 1 wrong usage.

Examples:
  pause-sandbox completion bash >/etc/bash_completion.d/pause-sandbox
  pause-sandbox completion zsh >"\${fpath[1]}/_pause-sandbox"
  pause-sandbox completion fish >~/.config/fish/completions/pause-sandbox.fish`;

export function completionCommand(): Command {
  return new Command("completion")
    .description("Prints a script that has a shell complete commands and options")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", HELP)
    .action((shell: Shell, _options: unknown, command: Command) => {
      const { parent } = command;
      if (parent) process.stdout.write(completionScript(parent, shell));
    });
}

/** @param root The whole command line. */
export function completionScript(root: Command, shell: Shell): string {
  const places = placesOf(root, "");
  return shell === "fish" ? fish(places) : bash(places, shell);
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((one) => one.name() !== "help");
  const options = help.visibleOptions(command);
  const flagsOf = ({ short, long }: Option) => [short, long].filter((flag) => flag !== undefined);
  const argument = command.registeredArguments[0]?.argChoices ?? [];
  const here: Place = {
    path,
    commands: [
      ...commands.map((one) => ({ word: one.name(), description: one.description() })),
      ...argument.map((word) => ({ word, description: "" })),
    ],
    options: options.flatMap((one) => flagsOf(one).map((word) => ({ word, description: one.description }))),
    values: options
      .filter((one) => one.required)
      .map((one) => ({ flags: flagsOf(one), choices: one.argChoices ?? [], file: one.flags.includes("<file>") })),
  };
  const below = commands.flatMap((one) => placesOf(one, path === "" ? one.name() : `${path} ${one.name()}`));
  return [here, ...below];
}

const words = (all: readonly Word[]): string => all.map(({ word }) => word).join(" ");

/** zsh reads bash's own form with bashcompinit. */
function bash(places: readonly Place[], shell: Shell): string {
  const paths = places.filter(({ path }) => path !== "").map(({ path }) => `'${path}'`);
  const values = places.flatMap(({ path, values: all }) =>
    all.map(({ flags, choices, file }) => {
      const reply = file ? '-f -- "$word"' : `-W '${choices.join(" ")}' -- "$word"`;
      return `    ${flags.map((flag) => `'${path} ${flag}'`).join("|")}) mapfile -t COMPREPLY < <(compgen ${reply}); return ;;`;
    }),
  );
  const lists = places.map(({ path, commands, options }) => {
    return `    '${path}') if [[ $word == -* ]]; then all='${words(options)}'; else all='${words(commands)}'; fi ;;`;
  });
  const script = `# Completion of pause-sandbox. Written by: pause-sandbox completion ${shell}
_pause_sandbox() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} at='' all='' one i
  for ((i = 1; i < COMP_CWORD; i++)); do
    one="\${at:+$at }\${COMP_WORDS[i]}"
    case $one in ${paths.join("|")}) at=$one ;; esac
  done
  case "$at $before" in
${values.join("\n")}
  esac
  case $at in
${lists.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$all" -- "$word")
}
complete -o bashdefault -F _pause_sandbox pause-sandbox
`;
  if (shell === "bash") return script;
  // zsh has no mapfile.
  const zsh = script.replace(/mapfile -t COMPREPLY < <\((compgen .*?)\)(;|$)/gm, "COMPREPLY=( $($1) )$2");
  // A file of fpath is read at the first Tab, which is to be answered too. One that is sourced is only read.
  const first = `if [ "$funcstack[1]" = _pause-sandbox ]; then _bash_complete -o bashdefault -F _pause_sandbox; fi\n`;
  return `#compdef pause-sandbox\nautoload -Uz bashcompinit && bashcompinit\n${zsh}${first}`;
}

function fish(places: readonly Place[]): string {
  const quoted = (text: string): string => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
  const lines = places.flatMap(({ path, commands, options, values }) => {
    const seen = path.split(" ").filter((one) => one !== "");
    const inside = seen.map((one) => `__fish_seen_subcommand_from ${one}`);
    const not = commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${words(commands)}`];
    const when = (all: readonly string[]): string => (all.length === 0 ? "" : ` -n ${quoted(all.join("; and "))}`);
    const start = "complete -c pause-sandbox";
    const valued = (flag: string): string => {
      const value = values.find(({ flags }) => flags.includes(flag));
      if (value === undefined) return "";
      return value.file ? " -r -F" : ` -x${value.choices.length === 0 ? "" : ` -a ${quoted(value.choices.join(" "))}`}`;
    };
    return [
      ...commands.map(
        ({ word, description }) => `${start}${when([...inside, ...not])} -a ${word} -d ${quoted(description)}`,
      ),
      ...options.map(({ word, description }) => {
        const name = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        return `${start}${when(inside)} ${name}${valued(word)} -d ${quoted(description)}`;
      }),
    ];
  });
  return [
    "# Completion of pause-sandbox. Written by: pause-sandbox completion fish",
    "complete -c pause-sandbox -f",
    ...lines,
    "",
  ].join("\n");
}
