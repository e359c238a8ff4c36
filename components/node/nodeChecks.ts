/** What a node's settings have to be. Nothing here needs the engine or a plugin. */
import type * as pulumi from "@pulumi/pulumi";

import type { NodeSettings } from "./nodeSettings";
import type { RegistryTrust } from "./sandboxNode";
import { checked, checkPlain, type Rule, TRUE_OR_FALSE } from "../inputs";
import { isLater, isWholeNumber, type Problems } from "../problems";
import { checkDigest, parseReference } from "../reference";
import type { RegistryLogin } from "../registryLogin";
import { INVISIBLE } from "../visible";

/** Returns the settings of a node. @throws InputPropertiesError naming every one that is not allowed. */
export function checkedSettings(
  settings: NodeSettings & SharedSettings,
  { recheck, subject }: { recheck?: number; subject?: string } = {},
): NodeSettings {
  const { node, image, digest, ca, mirrors, plainHttp, login } = settings;
  return checked(subject ?? `SandboxNode "${node ?? ""}"`, settings, (problems) => {
    problems.attempt("reference", () => parseReference("reference", image));
    problems.attempt("digest", () => {
      if (digest !== undefined) checkDigest("digest", digest);
    });
    checkPlain(problems, "nodeName", node, NODE_NAME);
    checkKnownTrust(problems, "trust", { ca, mirrors, plainHttp });
    if (login) checkKnownLogin(problems, "trust.login", login);
    checkNodeSettings(problems, { kubeletFlag: settings.kubeletFlag, recheck, dryRun: settings.dryRun });
  });
}

/**
 * Notes what is wrong with the plain values of what a node is to trust; Outputs are checked when they are known.
 * @param field Name of it in messages: `trust`.
 */
export function checkTrust(problems: Problems, field: string, trust: pulumi.Input<RegistryTrust>): void {
  if (isLater(trust) || !problems.isObject(field, trust, "ca, mirrors, plainHttp or login")) return;
  const { ca, mirrors, plainHttp, login } = trust as RegistryTrust;
  checkKnownTrust(problems, field, { ca, mirrors, plainHttp });
  if (login === undefined || isLater(login)) return;
  if (problems.isObject(`${field}.login`, login, "username and password")) {
    checkKnownLogin(problems, `${field}.login`, login as RegistryLogin);
  }
}

/** Also takes what holds Outputs, which it passes over. */
export function checkKnownLogin(problems: Problems, field: string, { username, password }: RegistryLogin): void {
  problems.isGiven(`${field}.password`, password, "the password of the login");
  if (!problems.isGiven(`${field}.username`, username, "the user of the login")) return;
  if (username === "" || (typeof username === "string" && /[:\0\r\n]/.test(username))) {
    problems.add(`${field}.username`, username, "a user name without a colon");
  }
}

/** Also takes what holds Outputs, which it passes over. */
export function checkKnownTrust(problems: Problems, field: string, { ca, mirrors, plainHttp }: RegistryTrust): void {
  checkPlain(problems, `${field}.ca`, ca, PEM);
  checkPlain(problems, `${field}.plainHttp`, plainHttp, TRUE_OR_FALSE);
  if (mirrors === undefined || isLater(mirrors)) return;
  if (!Array.isArray(mirrors)) problems.addHidden(`${field}.mirrors`, mirrors, "a list of URLs");
  else
    mirrors.forEach((url, i) => {
      checkPlain(problems, `${field}.mirrors[${i}]`, url, MIRROR);
    });
}

/** The settings that nodes share and that have a rule of their own. */
interface SharedSettings {
  kubeletFlag?: pulumi.Input<boolean>;
  recheck?: pulumi.Input<number>;
  dryRun?: pulumi.Input<boolean>;
}

/** Notes what is wrong with the settings that nodes share. */
export function checkNodeSettings(problems: Problems, { kubeletFlag, recheck, dryRun }: SharedSettings): void {
  checkPlain(problems, "kubeletFlag", kubeletFlag, TRUE_OR_FALSE);
  checkPlain(problems, "recheck", recheck, COUNT);
  checkPlain(problems, "dryRun", dryRun, TRUE_OR_FALSE);
}

const PEM: Rule = {
  allows: (value) =>
    typeof value === "string" && /-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(value),
  allowed: "certificates in PEM form (-----BEGIN CERTIFICATE-----)",
  hidden: true,
};
const MIRROR: Rule = {
  allows: (value) => typeof value === "string" && /^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._/-]*)?$/.test(value),
  allowed: "an http or https URL, host[:port] and perhaps a path",
};
const COUNT: Rule = {
  allows: (value) => isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER),
  allowed: "a whole number from 0",
};
export const NODE_NAME: Rule = {
  // The node's report has the name, and a report with other characters is refused.
  allows: (value) => typeof value === "string" && value !== "" && value.length <= 253 && !INVISIBLE.test(value),
  allowed: "a name of 253 visible characters at most",
};
