/** How a node reaches and trusts the registry, and the checks of these settings. */
import * as pulumi from "@pulumi/pulumi";

import type { PullLogin, RegistryLogin } from "./login";
import { checkUnlessOutput, fieldsOf, laterObject, type Rule, TRUE_OR_FALSE } from "../inputs";
import { isOutput, type Problems } from "../problems";

/** What a node must trust, and where it pulls from. */
export interface RegistryTrust {
  /** Certificate authority of the registry, PEM. Default: the node's own trust store. */
  ca?: pulumi.Input<string>;
  /**
   * URLs to try before the registry itself, in this order, such as `https://mirror.example.com:5000`. Default: none.
   */
  mirrors?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Pull over HTTP, without TLS. Anyone between node and registry can then replace the image. Default: false.
   */
  plainHttp?: pulumi.Input<boolean>;
  /**
   * The login for pulling the sandbox image, for which neither credentials of Pods nor credential providers are used. Its `keep` says
   * whether it stays on the node. Default: none.
   */
  login?: pulumi.Input<PullLogin>;
}

/** The trust settings, each field as an Input. */
export function trustOf(trust: pulumi.Input<RegistryTrust> = {}): RegistryTrust {
  const fields = fieldsOf("trust", trust, ["ca", "mirrors", "plainHttp", "login"]);
  const { login } = fields;
  // A login's Output must not resolve to nothing. Where trust itself is an Output, it is unknown whether it has a login.
  if (login === undefined || isOutput(trust) || !isOutput(login)) return fields;
  return { ...fields, login: laterObject<PullLogin>("trust.login", login) };
}

/** The login as one secret: every text that contains it is secret too. */
export function secretLogin(login: pulumi.Input<PullLogin> | undefined): pulumi.Input<KnownLogin | undefined> {
  if (login === undefined) return undefined;
  const secret = (known: KnownLogin | undefined) => {
    return known === undefined ? undefined : (pulumi.secret(known) as unknown as KnownLogin);
  };
  return pulumi.output(login).apply(secret);
}

/** A login whose parts are known. */
interface KnownLogin {
  readonly username: string;
  readonly password: string;
  readonly keep?: boolean;
}

/**
 * Adds the problems of the plain trust settings; Outputs are checked when they are known.
 * @param field Name of the settings in messages: `trust`.
 */
export function checkTrust(problems: Problems, field: string, trust: pulumi.Input<RegistryTrust>): void {
  if (isOutput(trust) || !problems.isObject(field, trust, "ca, mirrors, plainHttp or login")) return;
  const { ca, mirrors, plainHttp, login } = trust as RegistryTrust;
  checkKnownTrust(problems, field, { ca, mirrors, plainHttp });
  if (login === undefined || isOutput(login)) return;
  if (problems.isObject(`${field}.login`, login, "username and password")) {
    checkPullLogin(problems, `${field}.login`, login as PullLogin);
  }
}

/**
 * Adds a problem for each setting that a node with a carried image has no use for. Accepts Outputs as given.
 * @param field Name of the settings in messages: `trust`.
 */
export function checkNoTrust(problems: Problems, field: string, trust: pulumi.Input<RegistryTrust>): void {
  if (isOutput(trust)) return;
  for (const [name, value] of Object.entries((trust as RegistryTrust | null) ?? {})) {
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
    problems.addHidden(
      `${field}.${name}`,
      value,
      "left out with a carried image: it comes with the script, and nodes ask no registry for it",
    );
  }
}

/** Accepts values with Outputs inside, and ignores the Outputs. */
export function checkPullLogin(problems: Problems, field: string, login: PullLogin): void {
  checkKnownLogin(problems, field, login);
  checkUnlessOutput(problems, `${field}.keep`, login.keep, TRUE_OR_FALSE);
}

/** Accepts values with Outputs inside, and ignores the Outputs. */
export function checkKnownLogin(problems: Problems, field: string, { username, password }: RegistryLogin): void {
  if (typeof password === "string" && /[\0\r\n]/.test(password)) {
    problems.addHidden(`${field}.password`, password, "the password of the login, in one line");
  } else problems.isGiven(`${field}.password`, password, "the password of the login");
  if (!problems.isGiven(`${field}.username`, username, "the user of the login")) return;
  if (username === "" || (typeof username === "string" && /[:\0\r\n]/.test(username))) {
    problems.add(`${field}.username`, username, "a user name without a colon");
  }
}

/** Accepts values with Outputs inside, and ignores the Outputs. */
export function checkKnownTrust(problems: Problems, field: string, { ca, mirrors, plainHttp }: RegistryTrust): void {
  checkUnlessOutput(problems, `${field}.ca`, ca, PEM);
  checkUnlessOutput(problems, `${field}.plainHttp`, plainHttp, TRUE_OR_FALSE);
  if (mirrors === undefined || isOutput(mirrors)) return;
  if (!Array.isArray(mirrors)) problems.addHidden(`${field}.mirrors`, mirrors, "a list of URLs");
  else
    mirrors.forEach((url, i) => {
      checkUnlessOutput(problems, `${field}.mirrors[${i}]`, url, MIRROR);
    });
}

const PEM: Rule = {
  allows: (value) =>
    typeof value === "string" &&
    /-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(value) &&
    // Stacks keep certificates in the clear, and nodes would get the key.
    !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value),
  allowed: "certificates in PEM form (-----BEGIN CERTIFICATE-----), without a private key",
  hidden: true,
};
const MIRROR: Rule = {
  allows: (value) => typeof value === "string" && /^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._/-]*)?$/.test(value),
  allowed: "an http or https URL, host[:port] and perhaps a path, without a login",
  hidden: true,
};
