/** The claims about an image that is built here: provenance and SBOM. Neither contains a time or a random number. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Claim } from "./bundles";
import { sbomLibrary } from "./libraries";
import { architectureOf, pauseVersion, sourcesHash } from "../../../image/compile";

/** How the image was built. */
export interface Build {
  /** The folder with the binary of each architecture. */
  readonly context: string;
  readonly platforms: readonly string[];
  readonly sourceUrl: string;
  readonly buildFromSource: boolean;
}

/** docs/image.md describes it. */
const BUILD_TYPE = "urn:pause-sandbox:build:v1";
/** The builder: the machine that runs the program. The key identifies its owner. */
const BUILDER = "urn:pause-sandbox:program";
const LICENSE = "Apache-2.0";

export async function claimsOf(build: Build): Promise<Claim[]> {
  return [provenanceOf(build), await sbomOf(build)];
}

function sumOf({ context }: Build, platform: string): string {
  const binary = fs.readFileSync(path.join(context, `pause-linux-${architectureOf(platform)}`));
  return createHash("sha256").update(binary).digest("hex");
}

/** SLSA's provenance: the binaries, their sources and their version. */
function provenanceOf(build: Build): Claim {
  const { platforms, sourceUrl, buildFromSource } = build;
  const architectures = [...new Set(platforms.map(architectureOf))];
  const binaries = architectures.map((arch) => ({
    name: `pause-linux-${arch}`,
    digest: { sha256: sumOf(build, `linux/${arch}`) },
  }));
  return {
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { platforms, buildFromSource, ...(sourceUrl === "" ? {} : { sourceUrl }) },
        // The image has both as labels.
        internalParameters: { version: pauseVersion(), revision: sourcesHash() },
        resolvedDependencies: binaries,
      },
      runDetails: { builder: { id: BUILDER } },
    },
  };
}

/** CycloneDX: an image has one file per platform. */
async function sbomOf(build: Build): Promise<Claim> {
  const { Enums, Models, Serialize, Spec } = await sbomLibrary();
  type Type = InstanceType<typeof Models.Component>["type"];
  const version = pauseVersion();
  const component = (type: Type, bomRef: string, sum?: string) => {
    const made = new Models.Component(type, "pause", { version, bomRef });
    made.licenses.add(new Models.SpdxLicense(LICENSE));
    if (sum !== undefined) made.hashes.set(Enums.HashAlgorithm["SHA-256"], sum);
    return made;
  };
  const bom = new Models.Bom();
  const image = component(Enums.ComponentType.Container, "image");
  bom.metadata.component = image;
  for (const platform of build.platforms) {
    const file = component(Enums.ComponentType.File, platform, sumOf(build, platform));
    file.properties.add(new Models.Property("pause-sandbox:platform", platform));
    bom.components.add(file);
    image.dependencies.add(file.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const predicate = JSON.parse(serializer.serialize(bom, { sortLists: true })) as object;
  return { predicateType: "https://cyclonedx.org/bom", predicate };
}
