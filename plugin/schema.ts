import { ComponentProvider } from "@pulumi/pulumi/provider/experimental";
import type { PackageSpec } from "@pulumi/pulumi/provider/experimental/schema";

import * as components from "../components";

const { PauseSandbox, PauseImage, BootSetup, LocalhostPod } = components;

/** Else the names in a program change with the place that the package comes from: with the owner of a git repository. */
const LANGUAGES: Readonly<Record<string, object>> = {
  python: { packageName: "pulumi_pause_sandbox" },
  // Nobody fetches it from there: go.mod replaces it with the folder that Pulumi writes.
  go: {
    importBasePath: "example.com/pulumi-pause-sandbox/sdk/go/pausesandbox",
    // Else the SDK lacks a type that it uses, RolloutGroupArgs, and does not compile.
    generateExtraInputTypes: true,
  },
  csharp: { rootNamespace: "Pulumi" },
};

/** Generators add `Args` to the name of a type: else Go has PauseImageArgsTypeArgs and ProofArgsArgs. */
const TYPES = { PauseImageArgs: "SandboxImage", ProofArgs: "Proof" };

/** What componentProviderHost serves, with what its options have no place for. */
export class Components extends ComponentProvider {
  constructor() {
    super({
      name: "pause-sandbox",
      dirname: __dirname,
      components: [PauseSandbox, PauseImage, BootSetup, LocalhostPod],
    });
  }

  /** The API of every other language, as JSON. The analyzer reads it out of the types. */
  override async getSchema(): Promise<string> {
    let text = await super.getSchema();
    for (const [from, to] of Object.entries(TYPES)) text = text.replaceAll(`:index:${from}"`, `:index:${to}"`);
    const spec = JSON.parse(text) as PackageSpec;
    const language = { ...spec.language };
    for (const [name, settings] of Object.entries(LANGUAGES))
      language[name] = { ...(language[name] as object), ...settings };
    return JSON.stringify({ ...spec, license: "Apache-2.0", language });
  }
}
