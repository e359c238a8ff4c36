/** Optional packages, for programs that sign or verify an image. No exported type may name one. */
import { firstLine, userError } from "../../errors";

/** The versions of package.json. */
const SIGSTORE = "@sigstore/bundle@4 @sigstore/sign@4 @sigstore/verify@3 make-fetch-happen@15";

/** Bundles of sigstore, and an HTTP client that knows proxies. */
export async function libraries() {
  return installed("signing.privateKey and publicKey need", SIGSTORE, async () => {
    const [bundle, sign, verify, fetch] = await Promise.all([
      import("@sigstore/bundle"),
      import("@sigstore/sign"),
      import("@sigstore/verify"),
      import("make-fetch-happen"),
    ]);
    return { bundle, sign, verify, fetch: fetch.default };
  });
}

/** The library that writes an SBOM. */
export async function sbomLibrary() {
  const load = () => import("@cyclonedx/cyclonedx-library");
  return installed("signing an image that is built here needs", "@cyclonedx/cyclonedx-library@10", load);
}

/** The cipher of cosign's private keys, which Node.js does not have. */
export async function cosignKeys() {
  return (await installed("a private key of cosign needs", "tweetnacl@1", () => import("tweetnacl"))).default;
}

/** @throws Error with the command that installs them. */
async function installed<T>(who: string, packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw userError(`${who} packages that are not installed: run npm install ${packages} (${firstLine(error)})`);
  }
}
