/** The checks of a node's settings. They need no engine and no plugin. */
import type * as pulumi from "@pulumi/pulumi";

import type { NodeSettings } from "./nodeSettings";
import { checked, checkUnlessOutput, checkValue, type Rule, TRUE_OR_FALSE } from "../inputs";
import { isWholeNumber, type Problems } from "../problems";
import { checkDigest, parseReference } from "../registry/reference";
import { checkKnownTrust, checkNoTrust, checkPullLogin } from "../registry/trust";
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
  archive: (problems, archive) => {
    checkValue(problems, "archive", archive, PACKED);
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
  selfHeal: (problems, selfHeal) => {
    checkNodeSettings(problems, { selfHeal });
  },
  login: (problems, login) => {
    checkPullLogin(problems, "trust.login", login);
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
    const { archive, ca, mirrors, plainHttp, login } = settings;
    checkCarriedOnly(problems, settings.selfHeal, archive !== undefined);
    if (archive !== undefined) checkNoTrust(problems, "trust", { ca, mirrors, plainHttp, login });
    checkNodeSettings(problems, { recheck, dryRun: settings.dryRun });
  });
}

/** Adds a problem if a carried image has another digest than the one that is asked for. */
export function checkCarriedDigest(problems: Problems, digest: string | undefined, carried: string | undefined): void {
  if (digest === undefined || carried === undefined || digest === carried) return;
  problems.add("digest", digest, `${carried}, the digest of the image in archive, or left out`);
}

/** Adds a problem if a node is to import an image that it does not have. */
export function checkCarriedOnly(problems: Problems, selfHeal: unknown, carried: boolean): void {
  if (selfHeal === undefined || carried) return;
  problems.add("selfHeal", selfHeal, "left out: only an image with source carried, or with archive, stays on the node");
}

/** The settings that nodes share and that have a rule of their own. */
interface SharedSettings {
  kubeletFlag?: pulumi.Input<boolean>;
  selfHeal?: pulumi.Input<boolean>;
  recheck?: pulumi.Input<number>;
  dryRun?: pulumi.Input<boolean>;
}

/** Adds the problems of the settings that nodes share. */
export function checkNodeSettings(
  problems: Problems,
  { kubeletFlag, selfHeal, recheck, dryRun }: SharedSettings,
): void {
  checkUnlessOutput(problems, "kubeletFlag", kubeletFlag, TRUE_OR_FALSE);
  checkUnlessOutput(problems, "selfHeal", selfHeal, TRUE_OR_FALSE);
  checkUnlessOutput(problems, "recheck", recheck, COUNT);
  checkUnlessOutput(problems, "dryRun", dryRun, TRUE_OR_FALSE);
}

const COUNT: Rule = {
  allows: (value) => isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER),
  allowed: "a whole number from 0",
};
/** It stands in quotes in the script's file. */
const PACKED: Rule = {
  allows: (value) => typeof value === "string" && /^[A-Za-z0-9+/]+=*$/.test(value),
  allowed: "an archive as packedArchive gives it",
  hidden: true,
};
export const NODE_NAME: Rule = {
  // The node's report contains the name, and a report with other characters is refused.
  allows: (value) => typeof value === "string" && value !== "" && value.length <= 253 && !INVISIBLE.test(value),
  allowed: "a name of 253 visible characters at most",
};
