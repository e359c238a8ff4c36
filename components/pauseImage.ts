import * as docker from "@pulumi/docker";
import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import * as path from "path";

import { architectureOf, buildablePlatforms, pauseContext } from "../image/compile";
import { Problems } from "./problems";
import { digestOf, parseReference, registryOf } from "./reference";

/** Where the pause image comes from. */
export enum PauseImageSource {
  /**
   * Compile this project's own pause and push it; `/pause -v` prints the tag. Needs clang and lld where the program
   * runs.
   */
  Build = "build",
  /** Copy another image, for example upstream's, into the own registry. */
  Mirror = "mirror",
  /** Use a reference as it is; nothing is built or pushed. */
  Existing = "existing",
}

/** Credentials for pushing to the registry. Its host is that of the reference. */
export interface RegistryLogin {
  username: pulumi.Input<string>;
  /** Kept secret in state whether or not it is given as a secret. */
  password: pulumi.Input<string>;
}

export interface PauseImageArgs {
  /**
   * What nodes will be configured with: `host[:port]/repository:tag`. References without a registry or tag, with
   * `latest` or with a digest are refused.
   */
  reference: pulumi.Input<string>;
  /** @default PauseImageSource.Build */
  source?: PauseImageSource;
  /** The image to copy; required for {@link PauseImageSource.Mirror} and refused for the others. */
  mirrorOf?: pulumi.Input<string>;
  /**
   * Platforms to build or mirror, for example `linux/arm64`. With more than one, the reference is an index over one
   * image a platform, tagged `<tag>-linux-<arch>`. Not allowed for {@link PauseImageSource.Existing}.
   * @default ["linux/amd64", "linux/arm64"]
   */
  platforms?: string[];
  /**
   * The digest an existing image must have; nodes check it. Only for {@link PauseImageSource.Existing}: what is
   * built or mirrored is checked against what was pushed.
   * @default no check
   */
  digest?: pulumi.Input<string | undefined>;
  /** @default anonymous push */
  login?: RegistryLogin;
}

const DEFAULT_PLATFORMS = ["linux/amd64", "linux/arm64"];
/**
 * A pause image in a registry of one's own: built, mirrored, or one that is there already.
 *
 * Children: one `docker.Image` a platform, `<name>-<os>-<arch>`, and with several platforms a `docker_build.Index`,
 * `<name>-index`, over them. Existing images have no children.
 *
 * @throws Error naming every argument that is not allowed, before anything is created.
 */
export class PauseImage extends pulumi.ComponentResource {
  /** What nodes are to be configured with: `host[:port]/repository:tag`. */
  public readonly reference: pulumi.Output<string>;
  /** Digest of what was pushed, `sha256:…`; undefined for an existing image without {@link PauseImageArgs.digest}. */
  public readonly digest: pulumi.Output<string | undefined>;

  constructor(name: string, args: PauseImageArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = new Problems(`PauseImage "${name}"`);
    checkPauseImage(problems, "", args);
    problems.throwIfAny();
    super("pause-sandbox:index:PauseImage", name, {}, opts);
    this.reference = pulumi.output(args.reference).apply((r) => (parseReference("reference", r), r));
    this.digest =
      args.source === PauseImageSource.Existing
        ? pulumi.output(args.digest).apply((d) => (d === undefined ? d : checkedDigest("digest", d)))
        : this.push(name, args);
    this.registerOutputs({ reference: this.reference, digest: this.digest });
  }

  private push(name: string, args: PauseImageArgs): pulumi.Output<string> {
    const platforms = args.platforms ?? DEFAULT_PLATFORMS;
    const build = buildOf(args, platforms, this.reference);
    const single = platforms.length === 1;
    const registry = this.reference.apply(registryOf);
    const username = args.login?.username;
    const password = args.login && pulumi.secret(args.login.password);
    const images = platforms.map((platform) => {
      const suffix = platform.replaceAll("/", "-");
      return new docker.Image(
        `${name}-${suffix}`,
        {
          imageName: single ? this.reference : pulumi.interpolate`${this.reference}-${suffix}`,
          build: { ...build, platform, args: { ...build.args, TARGETARCH: architectureOf(platform) } },
          registry: { server: registry, username, password },
        },
        { parent: this },
      );
    });
    const first = images[0];
    if (single && first) return first.repoDigest.apply(digestOf);
    const index = new dockerBuild.Index(
      `${name}-index`,
      {
        tag: this.reference,
        sources: images.map((image) => image.repoDigest),
        push: true,
        registry: args.login && { address: registry, username, password },
      },
      { parent: this },
    );
    return index.ref.apply(digestOf);
  }
}

/** What is the same for every platform. Paths are relative: state must not depend on where a checkout lies. */
function buildOf(args: PauseImageArgs, platforms: string[], reference: pulumi.Output<string>): Build {
  if (args.source === PauseImageSource.Mirror) {
    const context = relative(path.join(__dirname, "..", "image", "mirror"));
    return { context, dockerfile: `${context}/Dockerfile`, args: { BASE: pulumi.output(args.mirrorOf ?? "") } };
  }
  // Beside other tools' caches, inside the project: a folder in the home directory would have another path elsewhere.
  const cacheDir = path.resolve("node_modules/.cache/pause-sandbox");
  // The tag is the version: what `/pause -v` prints on a node is the tag that the node was given.
  const version = reference.apply((r) => parseReference("reference", r).tag);
  const context = version.apply((v) => relative(pauseContext({ platforms, version: v, cacheDir })));
  return { context, dockerfile: pulumi.interpolate`${context}/Dockerfile`, args: { VERSION: version } };
}

interface Build {
  context: pulumi.Input<string>;
  dockerfile: pulumi.Input<string>;
  args: Record<string, pulumi.Input<string>>;
}

function relative(absolute: string): string {
  const fromHere = path.relative(process.cwd(), absolute);
  return fromHere.startsWith("..") ? fromHere : `./${fromHere}`;
}

/**
 * Notes what is wrong with the plain values among the arguments; Outputs are checked when they are known.
 * @param at What stands before the name of each field in messages: `image.`.
 */
export function checkPauseImage(problems: Problems, at: string, args: PauseImageArgs): void {
  const source = args.source ?? PauseImageSource.Build;
  const { reference, mirrorOf, digest } = args;
  if (!pulumi.Output.isInstance(reference)) {
    problems.attempt(() => parseReference(`${at}reference`, reference as string));
  }
  if (!Object.values(PauseImageSource).includes(source)) {
    problems.add(`${at}source`, source, Object.values(PauseImageSource).join(", "));
  }
  if ((source === PauseImageSource.Mirror) !== (mirrorOf !== undefined)) {
    const allowed = source === PauseImageSource.Mirror ? "the image to copy" : `left out with source ${source}`;
    problems.add(`${at}mirrorOf`, mirrorOf, allowed);
  }
  if (typeof digest === "string") problems.attempt(() => checkedDigest(`${at}digest`, digest));
  if (digest !== undefined && source !== PauseImageSource.Existing) {
    problems.add(`${at}digest`, digest, `left out with source ${source}: nodes are checked against what was pushed`);
  }
  checkPlatforms(problems, `${at}platforms`, source, args.platforms);
}

function checkPlatforms(problems: Problems, field: string, source: PauseImageSource, platforms?: string[]): void {
  if (platforms === undefined) return;
  if (source === PauseImageSource.Existing) {
    problems.add(field, platforms, "left out with source existing: the image has the platforms it has");
    return;
  }
  if (platforms.length === 0) problems.add(field, platforms, `one or more of ${buildablePlatforms.join(", ")}`);
  platforms.forEach((platform, i) => {
    if (platforms.indexOf(platform) < i) problems.add(`${field}[${i}]`, platform, "named only once");
    if (!buildablePlatforms.includes(platform))
      problems.add(`${field}[${i}]`, platform, `one of ${buildablePlatforms.join(", ")}`);
  });
}

function checkedDigest(field: string, digest: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new Error(`${field}: ${JSON.stringify(digest)} is not allowed; it must be sha256: and 64 hexadecimal digits`);
}
