/** The payload for machines that do not exist yet, in the forms that platforms take. */
import { stringify } from "yaml";

import { BOOT_UNIT, type BootFile, type BootSettings, PROGRAM, programFile, RETRY_UNIT, unitFiles } from "./bootFiles";

/** The forms, by what reads them. */
export type BootForm = "shell" | "cloudInit" | "ignition" | "kubeadm";

/**
 * The payload in one form. Installs the program and its two units, and where the form can do so, runs it at once.
 *
 * @throws Error naming the field: the login would be readable in user data.
 */
export function renderBootSetup(settings: BootSettings, form: BootForm): string {
  refuseLogin(settings);
  switch (form) {
    case "shell":
      return shell(files(settings), [...ENABLE, START_OR_RETRY]);
    case "cloudInit":
      return cloudInit(files(settings));
    case "ignition":
      return ignition(settings);
    case "kubeadm":
      return kubeadm(files(settings));
    default:
      return form satisfies never;
  }
}

/** Why the login of these settings may not be in user data; undefined where it may, or there is none in it. */
export function loginProblem({ login, allowLoginInUserData, programUrl }: BootSettings): string | undefined {
  if (login === undefined || programUrl !== undefined || allowLoginInUserData === true) return undefined;
  return (
    "trust.login would be in user data, which whoever may read the instance's metadata can read: every Pod may be one of " +
    "them. Give programUrl and keep the program where only nodes can read it, take a login that may only pull, or set " +
    "allowLoginInUserData to true"
  );
}

function refuseLogin(settings: BootSettings): void {
  const problem = loginProblem(settings);
  if (problem !== undefined) throw new Error(`allowLoginInUserData: ${problem}`);
}

const files = (settings: BootSettings): BootFile[] => [programFile(settings), ...unitFiles()];
const octal = (mode: number): string => `0${mode.toString(8)}`;

// Aloud, it warns of each runtime that this machine does not have.
const ENABLE = ["systemctl daemon-reload", `systemctl --quiet enable ${BOOT_UNIT}`];
const START = `sh ${PROGRAM} apply`;
/** What comes after it goes on, joined or not: systemd tries again meanwhile. */
const START_OR_RETRY = `${START} || systemctl start --no-block ${RETRY_UNIT}`;

/** A subshell: what this sets, or fails with, is nothing to a script that it becomes a part of. */
function shell(all: BootFile[], commands: string[]): string {
  const end = "END_OF_PAUSE_SANDBOX";
  return [
    "#!/bin/sh",
    "# Has this machine use its own sandbox image, at each start of its kubelet.",
    "(",
    "set -eu",
    "umask 077",
    "put() {",
    '  mkdir -p "${2%/*}"',
    '  cat >"$2.new"',
    '  chmod "$1" "$2.new"',
    '  mv -f "$2.new" "$2"',
    "}",
    ...all.flatMap(({ path, mode, content }) => [`put ${octal(mode)} ${path} <<'${end}'`, content.trimEnd(), end]),
    ...commands,
    ")",
    "",
  ].join("\n");
}

function cloudInit(all: BootFile[]): string {
  const config = {
    write_files: all.map(({ path, mode, content }) => ({
      path,
      owner: "root:root",
      permissions: octal(mode),
      content,
    })),
    runcmd: [...ENABLE, START_OR_RETRY],
  };
  return `#cloud-config\n${yaml(config)}`;
}

/** Spec 3.4.0. There is nothing to run: the units are there before the machine's first boot. */
function ignition(settings: BootSettings): string {
  const program = programFile(settings);
  const source = `data:;base64,${Buffer.from(program.content).toString("base64")}`;
  const units = unitFiles().map(({ path, content }) => ({ name: path.replace(/.*\//, ""), contents: content }));
  const config = {
    ignition: { version: "3.4.0" },
    storage: { files: [{ path: program.path, mode: program.mode, overwrite: true, contents: { source } }] },
    systemd: { units: units.map((unit) => (unit.name === BOOT_UNIT ? { ...unit, enabled: true } : unit)) },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The two fields of a KubeadmConfigSpec: `spec.template.spec` of a KubeadmConfigTemplate. */
function kubeadm(all: BootFile[]): string {
  return yaml({
    files: all.map(({ path, mode, content }) => ({ path, owner: "root:root", permissions: octal(mode), content })),
    preKubeadmCommands: [...ENABLE, START_OR_RETRY],
  });
}

/** Long lines stay whole: a folded program would be none. */
const yaml = (value: unknown): string => stringify(value, { lineWidth: 0, blockQuote: "literal" });
