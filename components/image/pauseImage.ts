import * as docker from "@pulumi/docker";
import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";

import { carriedImage, referenceOf } from "./carriedImage";
import { type BuildInputs, buildInputs } from "./pauseBuild";
import { checkPauseImage, DEFAULT_PLATFORMS, suffixOf } from "./pauseImageArgs";
import { type PauseImageArgs, PauseImageSource } from "./pauseImageArgs";
import { explainedPush, type Push } from "./pushFailure";
import { architectureOf } from "../../image/compile";
import { archiveFile } from "../archive/archiveFile";
import { checked, fieldsOf, whenKnown } from "../inputs";
import { Problems } from "../problems";
import { checkDigest, checkSource, digestOf, parseReference, registryOf, renamed } from "../registry/reference";
import { keysFor, onceRead, signedAndVerified } from "../registry/signing/signedAndVerified";

export { checkPauseImage, type PauseImageArgs, PauseImageSource } from "./pauseImageArgs";
export type { ImageSigning } from "../registry/signing/signingArgs";

/**
 * A pause image in your registry: built, mirrored, or already existing.
 *
 * Built: one `docker.Image` a platform, `<name>-<os>-<arch>`, and a `docker_build.Index`, `<name>-index`, over them.
 * Mirrored: the `docker_build.Index` alone, which copies from registry to registry. Existing and carried: no children. Each of `alsoTags` is
 * another index, `<name>-tag-<tag>`.
 *
 * The reference is written last, in one request, after all images that it names. A run that fails does not change the
 * reference, and the next run pushes the missing parts. The docker engine repeats an upload that was cut or got a 5xx
 * answer; nothing else is retried.
 *
 * The state does not notice that images were deleted from the registry, and a refresh checks the index only. After a registry
 * has lost its images, `pulumi up --replace '**PauseImage$**'` pushes all of them again.
 *
 * The reference is pushed over verified TLS; platforms' images as the docker engine is configured. The authority of a
 * private registry must be known in two places where the program runs. The docker engine reads
 * `/etc/docker/certs.d/<host[:port]>/ca.crt`. For the index, the plugin reads the machine's trust store, or
 * `SSL_CERT_FILE`. Nothing is ever deleted from the registry: nodes may still pull it, and other tags may share its
 * digest.
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class PauseImage extends pulumi.ComponentResource {
  /** The reference for the nodes: `host[:port]/repository:tag`. */
  public readonly reference: pulumi.Output<string>;
  /**
   * Digest of the pushed image, `sha256:…`; undefined for an existing image without `digest`. With `signing` or `publicKey`,
   * it is known only after the image is signed and verified.
   */
  public readonly digest: pulumi.Output<string | undefined>;
  /**
   * The file that source `carried` takes to the nodes, relative to the program: the argument `archive` of SandboxNode and BootSetup.
   * Undefined for the other sources.
   */
  public readonly archive: pulumi.Output<string | undefined>;

  constructor(name: string, args: PauseImageArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = new Problems(`PauseImage "${name}"`);
    checkPauseImage(problems, "", args);
    problems.throwIfAny();
    super("pause-sandbox:index:PauseImage", name, {}, opts);
    const keys = keysFor(name, args);
    this.reference = onceRead(keys, whenGiven(name, "reference", referenceOf(args), parseReference));
    const { reference } = this;
    const carried = carriedImage(`PauseImage "${name}"`, args);
    this.archive = pulumi.output(carried && whenKnown(carried, archiveFile));
    const provided = carried ? pulumi.output(whenKnown(carried, ({ digest }) => digest)) : this.provide(name, args);
    this.digest = signedAndVerified(this, name, args, keys, { reference, digest: provided });
    for (const tag of args.alsoTags ?? []) this.alsoTag(name, args, tag);
    this.registerOutputs({ reference: this.reference, digest: this.digest, archive: this.archive });
  }

  private provide(name: string, args: PauseImageArgs): pulumi.Output<string | undefined> {
    switch (args.source ?? PauseImageSource.Build) {
      case PauseImageSource.Existing:
        // A digest that is given, and turns out to be none, is refused: somebody has asked for a check.
        if (args.digest === undefined) return pulumi.output(undefined);
        return whenGiven(name, "digest", args.digest, checkDigest);
      case PauseImageSource.Mirror:
        return this.index(`${name}-index`, args, "mirror", [
          whenGiven(name, "mirrorOf", args.mirrorOf ?? "", checkSource),
        ]);
      case PauseImageSource.Build:
        return this.build(name, args);
      case PauseImageSource.Carried:
        throw new Error("nothing is pushed for it");
    }
  }

  private build(name: string, args: PauseImageArgs): pulumi.Output<string> {
    const { platforms = [...DEFAULT_PLATFORMS] } = args;
    const build = buildInputs({ ...args, platforms });
    const pushed = platforms.map((platform) => this.image(name, args, build, platform).repoDigest);
    const [only] = pushed;
    // An index cannot go where TLS cannot: with plainHttp the one platform's image is the reference.
    return args.plainHttp && only ? only.apply(digestOf) : this.index(`${name}-index`, args, "index", pushed);
  }

  private image(name: string, args: PauseImageArgs, build: BuildInputs, platform: string): docker.Image {
    const suffix = suffixOf(platform);
    return new docker.Image(
      `${name}${suffix}`,
      {
        imageName: args.plainHttp ? this.reference : pulumi.interpolate`${this.reference}${suffix}`,
        build: { ...build, platform, args: { ...build.args, TARGETARCH: architectureOf(platform) } },
        registry: { server: this.reference.apply(registryOf), ...secretLogin(args) },
      },
      { parent: this, ...explainedPush(this, `${name}${suffix}`, "image") },
    );
  }

  /** Gives the pushed image a further tag: a copy of its index within the repository, so with the same bytes. */
  private alsoTag(name: string, args: PauseImageArgs, tag: string): void {
    const tagged = this.reference.apply((reference) => renamed(reference, { tag }));
    const source = pulumi
      .all([this.reference, this.digest])
      .apply(([reference, digest]) => renamed(reference, { digest }));
    this.index(`${name}-tag-${tag}`, args, "index", [source], tagged);
  }

  private index(
    name: string,
    args: PauseImageArgs,
    push: Push,
    sources: pulumi.Input<string>[],
    tag = this.reference,
  ): pulumi.Output<string> {
    const registry = args.login && { address: this.reference.apply(registryOf), ...secretLogin(args) };
    const index = new dockerBuild.Index(
      name,
      { tag, sources, push: true, registry },
      // Deleting goes by digest, so it would take every other tag with the same content along.
      { parent: this, retainOnDelete: true, ...explainedPush(this, name, push) },
    );
    return index.ref.apply(digestOf);
  }
}

/** The value of a field, checked when it is known. */
function whenGiven<T extends string | undefined>(
  name: string,
  field: string,
  value: pulumi.Input<T>,
  check: (value: T) => void,
): pulumi.Output<T> {
  return pulumi.output<T>(value).apply((known) =>
    checked(`PauseImage "${name}"`, known as T, (problems) => {
      problems.attempt(field, () => {
        check(known as T);
      });
    }),
  );
}

function secretLogin({ login }: PauseImageArgs) {
  if (login === undefined) return undefined;
  const { username, password } = fieldsOf("login", login, ["username", "password"]);
  return { username, password: pulumi.secret(password) };
}
