/** Stack files as the program reads them. */
import * as pulumi from "@pulumi/pulumi";
import * as fs from "fs";
import { parse } from "yaml";

export type Settings = Record<string, unknown>;

/** Makes these settings the stack's configuration, in the project that the mocks name. */
export function configure(settings: Settings): void {
  const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  const entries = Object.entries(settings).map(([key, value]) => [`project:${key}`, text(value)]);
  pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>);
}

/** The settings of a tracked stack file, without the project's name. */
export function stackFile(name: string): Settings {
  const { config } = parse(fs.readFileSync(`stacks/Pulumi.${name}.yaml`, "utf8")) as { config: Settings };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("pause-sandbox:", ""), value]));
}

/** The settings that Pulumi.yaml declares. */
export function declared(): Record<string, { description?: string; default?: unknown }> {
  return (parse(fs.readFileSync("Pulumi.yaml", "utf8")) as { config: ReturnType<typeof declared> }).config;
}

/** What the engine adds for settings that a stack file does not have. */
export function defaults(): Settings {
  const known = Object.entries(declared()).filter(([, setting]) => setting.default !== undefined);
  return Object.fromEntries(known.map(([key, setting]) => [key, setting.default]));
}
