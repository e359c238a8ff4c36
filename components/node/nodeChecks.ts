/** The checks of a node's settings. They need no engine and no plugin. */
import type * as pulumi from "@pulumi/pulumi";

import type { NodeSettings } from "./nodeSettings";
import { checked, checkUnlessOutput, type Rule, TRUE_OR_FALSE } from "../inputs";
import { isWholeNumber, type Problems } from "../problems";
import { checkDigest, parseReference } from "../registry/reference";
import { checkKnownLogin, checkKnownTrust } from "../registry/trust";
import { INVISIBLE } from "../visible";

/** The rule of each setting. Messages use the names that users know. */
const RULES: {
  [K in keyof Required<NodeSettings>]: (problems: Problems, value: NonNullable<NodeSettings[K]>) => void;
} = {
  node: (problems, name) => {
    checkUnlessOutput(problems, "nodeName", name, NODE_NAME);
  },
  // It contains the names of project, stack and resource.
  owner: () => undefined,
  image: (problems, image) => {
    problems.attempt("reference", () => parseReference(image));
  },
  digest: (problems, digest) => {
    problems.attempt("digest", () => {
      checkDigest(digest);
    });
  },
  ca: (problems, ca) => {
    checkKnownTrust(problems, "trust", { ca });
  },
  mirrors: (problems, mirrors) => {
    checkKnownTrust(problems, "trust", { mirrors });
  },
  plainHttp: (problems, plainHttp) => {
    checkKnownTrust(problems, "trust", { plainHttp });
  },
  kubeletFlag: (problems, kubeletFlag) => {
    checkNodeSettings(problems, { kubeletFlag });
  },
  login: (problems, login) => {
    checkKnownLogin(problems, "trust.login", login);
  },
};

/** Returns the settings of a node. @throws InputPropertiesError naming every one that is not allowed. */
export function checkedSettings(
  settings: NodeSettings & SharedSettings,
  { recheck, subject }: { recheck?: number; subject?: string } = {},
): NodeSettings {
  return checked(subject ?? `SandboxNode "${settings.node ?? ""}"`, settings, (problems) => {
    for (const [name, rule] of Object.entries(RULES)) {
      const value: unknown = settings[name as keyof NodeSettings];
      // Programs without types may leave the image out.
      if (value !== undefined || name === "image") (rule as (of: Problems, value: unknown) => void)(problems, value);
    }
    checkNodeSettings(problems, { recheck, dryRun: settings.dryRun });
  });
}

/** The settings that nodes share and that have a rule of their own. */
interface SharedSettings {
  kubeletFlag?: pulumi.Input<boolean>;
  recheck?: pulumi.Input<number>;
  dryRun?: pulumi.Input<boolean>;
}

/** Adds the problems of the settings that nodes share. */
export function checkNodeSettings(problems: Problems, { kubeletFlag, recheck, dryRun }: SharedSettings): void {
  checkUnlessOutput(problems, "kubeletFlag", kubeletFlag, TRUE_OR_FALSE);
  checkUnlessOutput(problems, "recheck", recheck, COUNT);
  checkUnlessOutput(problems, "dryRun", dryRun, TRUE_OR_FALSE);
}

const COUNT: Rule = {
  allows: (value) => isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER),
  allowed: "a whole number from 0",
};
export const NODE_NAME: Rule = {
  // The node's report contains the name, and a report with other characters is refused.
  allows: (value) => typeof value === "string" && value !== "" && value.length <= 253 && !INVISIBLE.test(value),
  allowed: "a name of 253 visible characters at most",
};
