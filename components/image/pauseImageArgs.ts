import type * as pulumi from "@pulumi/pulumi";

import { buildablePlatforms, pauseVersion } from "../../image/compile";
import { archiveIn } from "../archive/archiveFile";
import { checkUnlessOutput, checkNoOutput, type Rule, TRUE_OR_FALSE } from "../inputs";
import { isOutput, type Problems } from "../problems";
import type { RegistryLogin } from "../registry/login";
import { checkReferenceAndDigest, checkSource, isTag, splitImageName } from "../registry/reference";
import { checkSigning, type ImageSigning, PUBLIC_KEY } from "../registry/signing/signingArgs";

/** Where the pause image comes from. */
export const PauseImageSource = {
  /**
   * Push this project's own pause, for Linux on amd64, arm64, arm, ppc64le, riscv64 and s390x. Its binaries come with the
   * project; `buildFromSource` compiles them where the program runs.
   */
  Build: "build",
  /**
   * Copy another image, for example upstream's, into the own registry. It goes from registry to registry, byte for
   * byte, with every platform. This is the way to a pause for Windows nodes, which is not built here; their containerd
   * is configured by hand, see docs/image.md.
   */
  Mirror: "mirror",
  /** Use a reference as it is; nothing is built or pushed. */
  Existing: "existing",
  /**
   * Take the image to each node with the script: this project's own pause, or `archive`. No registry, no docker engine and no login is
   * needed. Only for nodes with containerd; the others are refused before anything is changed on them, see docs/image.md.
   */
  Carried: "carried",
} as const;
/** A value of {@link PauseImageSource}. */
export type PauseImageSource = (typeof PauseImageSource)[keyof typeof PauseImageSource];

/** The image, its source and its place in the registry. */
export interface PauseImageArgs {
  /**
   * The reference for the nodes: `host[:port]/repository:tag`. References without a registry or tag, with
   * `latest` or with a digest are refused. Required, but for source `carried` without `archive`.
   * Default: `localhost/pause-sandbox/pause:<version>`, a name that no registry has, for a carried pause.
   */
  reference?: pulumi.Input<string>;
  /** Where the image comes from. Default: `build`. */
  source?: PauseImageSource;
  /**
   * The image to copy, `host[:port]/repository` with a tag, a digest (`@sha256:…`) or both; required for source
   * `mirror` and refused for the others. It is copied once. If its tag moves later, the copy stays as it is: add
   * the digest if this matters. If its registry wants a login, run `docker login` on the machine that runs the program.
   * Default: none.
   */
  mirrorOf?: pulumi.Input<string>;
  /**
   * The file with the image to carry, relative to the program: an OCI archive, as `skopeo copy` and `docker buildx` write it, or
   * `docker save`, also gzipped. At most 2,097,152 bytes. Only for source `carried`. Default: this project's own pause.
   */
  archive?: pulumi.Input<string>;
  /**
   * Platforms to build, for example `linux/arm64`. The reference is an index over one image per platform, tagged
   * `<tag>-linux-<arch>` when it is pushed. Only for sources `build` and `carried` without `archive`: other images have the platforms they have. `windows/…` is refused;
   * mirror upstream's image for such nodes. Default: `linux/amd64` and `linux/arm64`.
   */
  platforms?: string[];
  /**
   * Further tags for the same image, in the reference's repository, for example kubeadm's own for pause: on a control plane, kubeadm first
   * pulls `<imageRepository>/pause:<tag>`. They are pushed after the reference and its signature. Nodes are not configured with them. Only
   * for sources `build` and `mirror`, and not with `plainHttp`. Default: none.
   */
  alsoTags?: string[];
  /**
   * The digest of an existing image; nodes check it. Only for source `existing`: for the other sources, nodes check the digest
   * of the pushed image. Default: no check.
   */
  digest?: pulumi.Input<string | undefined>;
  /**
   * The login for pushing. Refused for source `existing`. Default: the login of `docker login` on the machine that runs the
   * program, else anonymous.
   */
  login?: pulumi.Input<RegistryLogin>;
  /**
   * The address of the sources, for the label `org.opencontainers.image.source`: an http or https URL. Only for
   * source `build`. Default: empty.
   */
  sourceUrl?: pulumi.Input<string>;
  /**
   * Compile pause where the program runs, instead of the binaries that come with the project. Needs clang and lld; other
   * versions of them may give other bytes, and so another digest. Only for source `build`. Default: false.
   */
  buildFromSource?: pulumi.Input<boolean>;
  /**
   * Push over HTTP, or with a certificate of an unknown authority. Only the docker engine can do this, and only if its own
   * `insecure-registries` names the registry: an index is always pushed over verified TLS. So this needs source `build` and
   * exactly one platform, and the reference is that platform's image. Anyone between the engine
   * and the registry can then replace the image; nodes need `trust.plainHttp` to pull it. Default: false.
   */
  plainHttp?: boolean;
  /**
   * The key that signs the pushed image. The registry then has a signature beside the image, in cosign's format, as a
   * referrer. A built image also gets a signed provenance and a signed SBOM. Existing attestations are not attached again.
   * Needs a push over verified TLS. Default: no signature.
   */
  signing?: pulumi.Input<ImageSigning>;
  /**
   * An EC P-256 public key in PEM. Each `pulumi up` verifies in the registry that the digest has a signature by its private
   * key, in cosign's format. Without one, the run fails before it touches a node. With source `existing`, `digest` is
   * required. Default: no check.
   */
  publicKey?: pulumi.Input<string | undefined>;
}

export const DEFAULT_PLATFORMS: readonly string[] = ["linux/amd64", "linux/arm64"];

/** What goes behind the tag for the image of one platform: `-linux-arm64`. */
export function suffixOf(platform: string): string {
  return `-${platform.replaceAll("/", "-")}`;
}

/** What runtimes take for the same platform: the variant that goes without saying. */
const USUAL_VARIANT = /^(linux\/arm64)\/v8$|^(linux\/arm)\/v7$/;

function samePlatform(one: string, other: string): boolean {
  const plain = (platform: string) => platform.replace(USUAL_VARIANT, "$1$2");
  return plain(one) === plain(other);
}

/** Arguments that belong to one source only. */
const ONLY_FOR: readonly [keyof PauseImageArgs, PauseImageSource[], string][] = [
  ["archive", [PauseImageSource.Carried], "the image is in a registry"],
  ["mirrorOf", [PauseImageSource.Mirror], "only an image that is mirrored has another one behind it"],
  ["platforms", [PauseImageSource.Build, PauseImageSource.Carried], "the image has the platforms it has"],
  ["alsoTags", [PauseImageSource.Build, PauseImageSource.Mirror], "nothing is pushed"],
  ["digest", [PauseImageSource.Existing], "nodes are checked against what was pushed or carried"],
  ["login", [PauseImageSource.Build, PauseImageSource.Mirror], "nothing is pushed"],
  ["sourceUrl", [PauseImageSource.Build], "the image has the labels it has"],
  ["buildFromSource", [PauseImageSource.Build], "nothing is built"],
  ["plainHttp", [PauseImageSource.Build], "only an image of one platform, built here, can be pushed so"],
  ["signing", [PauseImageSource.Build, PauseImageSource.Mirror], "nothing is pushed; sign it where that is done"],
  [
    "publicKey",
    [PauseImageSource.Build, PauseImageSource.Mirror, PauseImageSource.Existing],
    "a signature is read from a registry, and none is asked",
  ],
];

/** What stands in messages for values that are never printed. */
const HIDDEN: Partial<Record<keyof PauseImageArgs, string>> = {
  login: "a login",
  signing: "a key",
  publicKey: "a key",
};

/**
 * Notes what is wrong with the plain values among the arguments; Outputs are checked when they are known.
 * @param at What stands before the name of each field in messages: `image.`.
 */
export function checkPauseImage(problems: Problems, at: string, args: PauseImageArgs): void {
  if (!problems.isObject(at.replace(/\.$/, ""), args, "reference, or source carried")) return;
  const source = args.source ?? PauseImageSource.Build;
  if (!Object.values(PauseImageSource).includes(source)) {
    problems.add(`${at}source`, source, Object.values(PauseImageSource).join(", "));
  }
  for (const [field, sources, why] of ONLY_FOR) {
    if (args[field] === undefined || sources.includes(source)) continue;
    problems.add(`${at}${field}`, HIDDEN[field] ?? args[field], `left out with source ${source}: ${why}`);
  }
  checkReferences(problems, at, args);
  checkAlsoTags(problems, `${at}alsoTags`, args);
  if (args.login !== undefined) checkLogin(problems, `${at}login`, args.login);
  checkSignature(problems, at, args);
  if (source === PauseImageSource.Build) checkBuild(problems, at, args);
  if (source === PauseImageSource.Carried) checkCarried(problems, at, args);
}

/** The name of a carried pause: nobody asks a registry for it. */
export const CARRIED_REFERENCE = (): string => `localhost/pause-sandbox/pause:${pauseVersion()}`;

/** Reads the archive: a file that cannot be carried is refused before anything is created. */
function checkCarried(problems: Problems, at: string, { archive, platforms }: PauseImageArgs): void {
  if (archive === undefined) {
    checkPlatformList(problems, `${at}platforms`, platforms ?? DEFAULT_PLATFORMS);
    return;
  }
  if (platforms !== undefined)
    problems.add(`${at}platforms`, platforms, "left out with archive: the image has the platforms it has");
  if (!isOutput(archive)) problems.attempt(`${at}archive`, () => archiveIn(archive as string));
}

function checkSignature(problems: Problems, at: string, args: PauseImageArgs): void {
  const { source, signing, publicKey, digest, plainHttp } = args;
  if (signing !== undefined) checkSigning(problems, `${at}signing`, signing);
  checkUnlessOutput(problems, `${at}publicKey`, publicKey, PUBLIC_KEY);
  if (source === PauseImageSource.Existing && publicKey !== undefined && digest === undefined) {
    problems.add(
      `${at}digest`,
      digest,
      "the digest that is signed: a tag may be moved after its signature was verified",
    );
  }
  if (plainHttp !== true) return;
  for (const [field, value] of Object.entries({ signing, publicKey })) {
    if (value === undefined) continue;
    problems.add(
      `${at}${field}`,
      "a key",
      "left out with plainHttp: signatures are written and read over verified TLS",
    );
  }
}

function checkLogin(problems: Problems, field: string, login: pulumi.Input<RegistryLogin>): void {
  if (isOutput(login) || !problems.isObject(field, login, "username and password")) return;
  const { username, password } = login as RegistryLogin;
  problems.isGiven(`${field}.username`, username, "the user of the login");
  problems.isGiven(`${field}.password`, password, "the password of the login");
}

function checkReferences(
  problems: Problems,
  at: string,
  { reference, source, mirrorOf, digest, archive }: PauseImageArgs,
): void {
  const named = source === PauseImageSource.Carried && archive === undefined ? CARRIED_REFERENCE() : reference;
  checkReferenceAndDigest(problems, at, { reference: (reference ?? named) as pulumi.Input<string>, digest });
  if (source !== PauseImageSource.Mirror) return;
  if (mirrorOf === undefined) problems.add(`${at}mirrorOf`, mirrorOf, "the image to copy");
  if (typeof mirrorOf === "string")
    problems.attempt(`${at}mirrorOf`, () => {
      checkSource(mirrorOf);
    });
  if (typeof mirrorOf === "string" && mirrorOf === reference) {
    problems.add(
      `${at}mirrorOf`,
      mirrorOf,
      "another image than the reference; for an existing image use source existing",
    );
  }
}

/** The tags that the reference and its platforms do not have already. */
function checkAlsoTags(problems: Problems, field: string, { alsoTags = [], ...args }: PauseImageArgs): void {
  if (!Array.isArray(alsoTags as unknown)) {
    problems.add(field, alsoTags, "a list of tags");
    return;
  }
  if (args.plainHttp && alsoTags.length > 0) {
    problems.add(field, alsoTags, "left out with plainHttp: further tags are only pushed over verified TLS");
  }
  const { tag } = typeof args.reference === "string" ? splitImageName(args.reference) : {};
  const platforms = args.source === PauseImageSource.Mirror ? [] : (args.platforms ?? DEFAULT_PLATFORMS);
  // Platforms of another shape are refused elsewhere.
  const suffixes = Array.isArray(platforms) ? platforms.filter((one) => typeof one === "string").map(suffixOf) : [];
  const taken = tag === undefined ? [] : ["", ...suffixes].map((suffix) => `${tag}${suffix}`);
  for (const [index, one] of alsoTags.entries()) {
    const at = `${field}[${index}]`;
    if (!isTag(one)) problems.add(at, one, "a tag: at most 128 letters, digits, underscores, dots and hyphens");
    else if (taken.includes(one) || alsoTags.indexOf(one) < index)
      problems.add(at, one, "a tag that is not pushed already");
  }
}

/** For people who look for the sources. */
export const SOURCE_URL: Rule = {
  allows: (value) => typeof value === "string" && /^(https?:\/\/[!-~]+)?$/.test(value),
  allowed: "an http or https URL of the sources",
};

function checkBuild(problems: Problems, at: string, args: PauseImageArgs): void {
  const { platforms = DEFAULT_PLATFORMS, sourceUrl, plainHttp } = args;
  if (!checkPlatformList(problems, `${at}platforms`, platforms)) return;
  if (plainHttp && platforms.length > 1) {
    const why = "exactly one platform with plainHttp: an index over several is only pushed over verified TLS";
    problems.add(`${at}platforms`, platforms, why);
  }
  checkNoOutput(problems, `${at}plainHttp`, plainHttp, TRUE_OR_FALSE);
  checkUnlessOutput(problems, `${at}buildFromSource`, args.buildFromSource, TRUE_OR_FALSE);
  checkUnlessOutput(problems, `${at}sourceUrl`, sourceUrl, SOURCE_URL);
  if (typeof args.reference === "string" && plainHttp !== true) {
    checkTagLength(problems, `${at}reference`, args.reference, platforms);
  }
}

/** @returns True if it is a list. */
function checkPlatformList(problems: Problems, field: string, platforms: readonly string[]): boolean {
  if (Array.isArray(platforms)) {
    checkPlatforms(problems, field, platforms);
    return true;
  }
  problems.addHidden(field, platforms, "a list of platforms");
  return false;
}

function checkPlatforms(problems: Problems, field: string, platforms: readonly string[]): void {
  const buildable = buildablePlatforms.join(", ");
  if (platforms.length === 0) problems.add(field, platforms, `one or more of ${buildable}`);
  platforms.forEach((platform, i) => {
    const first = platforms.findIndex((other) => samePlatform(other, platform));
    if (first < i)
      problems.add(`${field}[${i}]`, platform, `another platform than ${field}[${first}], named only once`);
    if (buildablePlatforms.includes(platform)) return;
    const mirror = "; pause for Windows is not built here: mirror upstream's image with source mirror";
    problems.add(`${field}[${i}]`, platform, `one of ${buildable}${platform.startsWith("windows/") ? mirror : ""}`);
  });
}

/** A tag has room for 128 characters, and each platform's image adds its name to it. */
function checkTagLength(problems: Problems, field: string, reference: string, platforms: readonly string[]): void {
  const { tag = "" } = splitImageName(reference);
  const room = 128 - Math.max(0, ...platforms.map((platform) => suffixOf(platform).length));
  // A tag of more than 128 characters has been refused already.
  if (tag.length > room && tag.length <= 128) {
    problems.add(field, reference, `a reference with a tag of at most ${room} characters: each platform adds its name`);
  }
}
