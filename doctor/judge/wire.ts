/** What a walk to a registry means for a node. */
import type { X509Certificate } from "node:crypto";

import { counted } from "../../components/counted";
import { answerOfStatus } from "../../components/registry/answers";
import { type ChainFault, judgeChain, nameOf } from "../chain";
import type { Evidence, Finding } from "../finding";
import type { PulledImage } from "../pulledImage";
import type { Route } from "../routes";
import type { WireFact } from "../wire";

export interface Walk {
  readonly route: Route;
  readonly fact: WireFact;
}

/** What the node knows, by which a walk is judged. */
export interface NodeView {
  readonly image: PulledImage;
  /** Its name. */
  readonly runtime: string;
  /** Its unit, in whose environment the proxy stands. */
  readonly unit: string;
  readonly architecture: string;
  readonly now: Date;
  /** How far its clock is from ours, in seconds. */
  readonly clockOffSeconds: number;
  readonly addresses?: readonly string[];
  readonly trusted: readonly X509Certificate[];
}

type Bad = Omit<Finding, "fatal">;

/** @returns the fault, if there is one, and how far the walk went */
export function judgeWalk({ route, fact }: Walk, view: NodeView): { bad?: Bad; evidence: Evidence[] } {
  const way = route.proxy === undefined ? "" : ` through the proxy ${route.proxy}`;
  const at = `${route.host}:${route.port}${way}`;
  const evidence: Evidence[] = [];
  const no = (text: string, bad: Bad) => ({ bad, evidence: [...evidence, { is: "no", text } as const] });
  if (fact.unreached !== undefined && !fact.served) {
    if (/prohibited|forwarding/i.test(fact.unreached) && !/connect failed/.test(fact.unreached)) {
      return {
        evidence: [
          {
            is: "unknown",
            text: `${at} was not examined: the node's sshd does not forward connections (${fact.unreached})`,
          },
        ],
      };
    }
    if (route.proxy !== undefined) {
      const wants = /answers 407/.test(fact.unreached);
      const text = `${at} was not examined: the proxy wants a login, which the doctor does not send`;
      return wants
        ? { evidence: [{ is: "unknown", text }] }
        : no(`${at}: ${fact.unreached}`, proxied(route, fact.unreached, view));
    }
    const why = withoutChannel(fact.unreached);
    return no(`${at} cannot be reached: ${why}`, unreached(at, why, view));
  }
  evidence.push({ is: "yes", text: `${at} takes a connection` });
  if (fact.noTls !== undefined) return no(`${at} speaks no TLS`, noTls(at, fact.noTls));
  if (!route.plainHttp) {
    const fault = judgeChain({ served: fact.served ?? [], trusted: view.trusted, host: route.host, now: view.now });
    if (fault) return no(`TLS with what the node trusts: ${chainWords(fault)}`, chainFault(fault, at, fact, view));
    evidence.push({ is: "yes", text: `its certificate is trusted here: ${nameOf(fact.served?.[0]?.subject ?? "")}` });
  }
  if (fact.unreached !== undefined) return no(fact.unreached, unreached(at, fact.unreached, view));
  if (route.hasLogin && fact.status === 401) {
    return {
      evidence: [
        ...evidence,
        { is: "unknown", text: `${at} wants a login; hosts.toml has one, which the doctor does not send` },
      ],
    };
  }
  const refused = answerFault(fact, at, view);
  if (refused) return no(refused.what, refused);
  const has = fact.architectures ?? [];
  evidence.push({
    is: "yes",
    text: `it has the image: ${fact.digest ?? "digest unknown"}${has.length > 0 ? `, for ${has.join(", ")}` : ""}`,
  });
  return { evidence };
}

/** ssh names the channel of the connection first. */
const withoutChannel = (why: string): string =>
  why.replace(/^channel \d+: open failed: (connect failed: )?/, "").trim();

function proxied({ host, port, proxy = "" }: Route, why: string, { runtime, unit }: NodeView): Bad {
  return {
    code: "PS-D042",
    kind: "a proxy that does not let a pull through",
    what: `${runtime} goes to ${host}:${port} through the proxy ${proxy}, and that fails: ${why}`,
    remedy: `If the node reaches ${host} directly, add it to NO_PROXY (systemctl edit ${unit}, then restart it). Else have the proxy let it through`,
  };
}

const NO_REGISTRY =
  "If it is to reach no registry, set imageSource to carried: the image then goes to the node over SSH";

function unreached(at: string, why: string, { addresses, image }: NodeView): Bad {
  if (addresses?.length === 0 || /not known|ENOTFOUND|EAI_AGAIN|resolve/i.test(why)) {
    const what = `the name ${image.host} is unknown to the node's resolver`;
    return {
      code: "PS-D008",
      kind: "an unknown host name",
      what,
      remedy: `Check /etc/resolv.conf there, and run: getent hosts ${image.host}. ${NO_REGISTRY}`,
    };
  }
  const remedy =
    "Check firewall and routes between them, and whether the registry runs. If the node can reach a mirror, add it to registryMirrors (trust.mirrors). " +
    NO_REGISTRY;
  return {
    code: "PS-D007",
    kind: "a registry that cannot be reached",
    what: `${at} cannot be reached from the node (${why})`,
    remedy,
  };
}

const noTls = (at: string, why: string): Bad => ({
  code: "PS-D006",
  kind: "a registry without TLS",
  what: `${at} answers without TLS, and the node expects TLS: ${why}`,
  remedy: "Give the registry a certificate, or set registryPlainHttp (trust.plainHttp) to true",
});

function chainWords(fault: ChainFault): string {
  switch (fault.kind) {
    case "unknownRoot":
      return `the chain ends at "${fault.endsAt}", which is not trusted`;
    case "missingIntermediate":
      return `"${fault.issuer}", which signed it, was not sent`;
    case "expired":
      return `"${fault.subject}" was valid until ${day(fault.to)}`;
    case "notYetValid":
      return `"${fault.subject}" is valid from ${day(fault.from)} on`;
    case "wrongName":
      return `the certificate is for ${fault.names}`;
  }
}

const day = (date: Date): string =>
  isNaN(date.getTime()) ? "a day that cannot be read" : date.toISOString().slice(0, 10);

function chainFault(fault: ChainFault, at: string, fact: WireFact, view: NodeView): Bad {
  const what = chainWords(fault);
  switch (fault.kind) {
    case "unknownRoot": {
      const print = fault.root
        ? `. Compare this fingerprint with the administrator of the registry: SHA-256 ${fault.root.fingerprint256}`
        : "";
      const sent = fault.root
        ? ""
        : `. The registry sent ${counted(fact.served?.length ?? 0, "certificate")}, but not this one`;
      const remedy = `Set registryCa (trust.ca in a program) to the certificate of "${fault.endsAt}"${print}`;
      const ca = fault.root?.toString();
      return {
        code: "PS-D001",
        kind: "an unknown root",
        what: `the registry's chain ends at "${fault.endsAt}", which ${view.runtime} does not trust for ${at}${sent}`,
        remedy,
        ca,
      };
    }
    case "missingIntermediate":
      return {
        code: "PS-D002",
        kind: "a missing intermediate certificate",
        what: `the registry at ${at} does not send its intermediate certificate: ${what}`,
        remedy: `Configure the registry to send its whole chain, or set registryCa (trust.ca in a program) to the certificate of "${fault.issuer}"`,
      };
    case "expired":
    case "notYetValid": {
      if (Math.abs(view.clockOffSeconds) > CLOCK_SECONDS) return clockFault(view, what);
      return {
        code: "PS-D003",
        kind: "a certificate that is not valid now",
        what: `a certificate of ${at} is not valid now: ${what}`,
        remedy: "Renew the registry's certificate",
      };
    }
    case "wrongName":
      return {
        code: "PS-D005",
        kind: "a certificate for another name",
        what: `${at} has a certificate for another name: ${what}`,
        remedy: "Use a name from the certificate in reference, or get a certificate for this name",
      };
  }
}

/** A clock that differs by this much is wrong; what it costs to log in differs by less. */
export const CLOCK_SECONDS = 300;

export function clockFault({ clockOffSeconds: off, now }: NodeView, why: string): Bad {
  const what = `the node's clock is ${spell(Math.abs(off))} ${off < 0 ? "behind" : "ahead"} (${now.toISOString().slice(0, 16)}Z)${why === "" ? "" : `: ${why}`}`;
  return {
    code: "PS-D004",
    kind: `a clock that is ${off < 0 ? "behind" : "ahead"}`,
    what,
    remedy: "Set the clock, and check the node's time service: timedatectl",
  };
}

function spell(seconds: number): string {
  const units: [string, number][] = [
    ["years", 31_557_600],
    ["days", 86_400],
    ["hours", 3600],
    ["minutes", 60],
  ];
  const [name, size] = units.find(([, one]) => seconds >= 2 * one) ?? ["seconds", 1];
  return `${Math.round(seconds / size)} ${name}`;
}

function answerFault(fact: WireFact, at: string, { image, architecture }: NodeView): Bad | undefined {
  const name = `${image.repository}:${image.tag}`;
  const said = fact.realm === undefined ? "" : `; logins are given out at ${fact.realm}`;
  if (fact.status === 200) {
    const has = fact.architectures ?? [];
    if (has.length === 0 || has.includes(architecture)) return undefined;
    return {
      code: "PS-D013",
      kind: "an image for another architecture",
      what: `${name} exists for ${has.join(", ")}, but the node is ${architecture}`,
      remedy: `Add linux/${architecture} to platforms`,
    };
  }
  switch (answerOfStatus(fact.status ?? 0)) {
    case "unauthorized":
      return {
        code: "PS-D009",
        kind: "a registry that wants a login",
        what: `${at} wants a login for ${name} (401${said})`,
        remedy: "Set pullUsername and pullPassword (trust.login). imagePullSecrets are not used for a sandbox image",
      };
    case "forbidden":
      return {
        code: "PS-D010",
        kind: "a registry that forbids the pull",
        what: `${at} forbids ${name} (403${said})`,
        remedy: "Give this login the right to pull this repository, or allow anonymous pulls",
      };
    case "too-often":
      return {
        code: "PS-D011",
        kind: "a registry's limit for pulls",
        what: `${at} limits pulls, and the node's network has reached the limit (429)`,
        remedy: "Set reference to a registry of your own: imageSource mirror copies the image",
      };
    case "missing":
      return {
        code: "PS-D012",
        kind: "a missing image",
        what: `${at} does not have ${name} (404)`,
        remedy: "Push it, or correct the tag in reference",
      };
    default:
      return {
        code: "PS-D017",
        kind: `a registry that answers ${fact.status ?? 0}`,
        what: `${at} answers ${fact.status ?? 0} for ${name}`,
        remedy: "Check the registry's log",
      };
  }
}
