/** Values of a stack's settings. */
import type * as pulumi from "@pulumi/pulumi";
import * as fs from "fs";

import { atHome } from "../components/cluster/kubeconfig";
import { messageOf } from "../components/errors";
import type { Problems } from "../components/problems";

/** The value of a setting that is no text. If it is a text all the same, it is wrong, and is left to the checks. */
export function object(config: pulumi.Config, key: string): unknown {
  const text = optional(config, key);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

export function optional(config: pulumi.Config, key: string): string | undefined {
  const value = config.get(key);
  return value === "" ? undefined : value;
}

/** A path, in which `~/` is the home directory, as in each setting that is one. */
export function pathIn(config: pulumi.Config, key: string): string | undefined {
  const value = optional(config, key);
  return value === undefined ? undefined : atHome(value);
}

export function secret(config: pulumi.Config, key: string): pulumi.Output<string> | undefined {
  return optional(config, key) === undefined ? undefined : config.getSecret(key);
}

export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || JSON.stringify(value) === "{}";
}

export function list(config: pulumi.Config, key: string): string[] | undefined {
  const value = config.getObject<string[]>(key);
  return value?.length ? value : undefined;
}

/** What a setting needs that is a text or a path to one. */
export interface TextOrPath {
  readonly problems: Problems;
  readonly config: pulumi.Config;
  /** What the text is: `a known_hosts file`. */
  readonly what: string;
}

/** @returns The text that the setting is, or that is in the file that it names. */
export function textOrFile({ problems, config, what }: TextOrPath, key: string): string | undefined {
  const value = optional(config, key);
  // Whatever is read here has at least two words.
  if (value === undefined || /\s/.test(value.trim())) return value;
  return readFile(problems, key, value, `the content of ${what}, or a path to one that can be read`);
}

/** @returns The content of a file; nothing, and a problem noted, where it cannot be read. */
export function readFile(problems: Problems, field: string, file: string, allowed: string): string | undefined {
  try {
    return fs.readFileSync(atHome(file), "utf8");
  } catch (error) {
    problems.add(field, file, `${allowed} (${messageOf(error)})`);
    return undefined;
  }
}
