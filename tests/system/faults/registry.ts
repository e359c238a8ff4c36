/** What the registry gives, or does not give. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { NodeSettings } from "../../../components/node/nodeSettings";
import { labDir } from "../../../lab/cluster/layout";
import type { Fault } from "./fault";
import type { Target } from "../../support/nodes/target";

/** A request that the node must refuse, and leave everything as it is. */
function refused(name: string, says: RegExp, settings: (target: Target) => Partial<NodeSettings>): Fault {
  return {
    name,
    runs: { long: 4, short: 1 },
    says,
    inject: async ({ target, to }) => ({ run: await target.run(to, { settings: settings(target) }) }),
  };
}

/** An authority of this lab that has nothing to do with the registry. */
const foreignCa = (): string => readFileSync(path.join(labDir(), "pki", "kubernetes-ca.pem"), "utf8");
const certificate = (pem: string): string =>
  /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n/.exec(pem)?.[0] ?? "";

export const registry: Fault[] = [
  refused("image that is not there", /PS-N010.*not found/, ({ images }) => ({
    image: images.A.reference.replace(/:[^:]*$/, ":missing"),
    digest: undefined,
  })),
  refused("registry that does not answer", /PS-N010.*refused/, ({ images }) => ({
    image: images.A.reference.replace(":5000/", ":5001/"),
  })),
  refused("image for another architecture", /PS-N012/, ({ images }) => ({
    image: images.foreign.reference,
    digest: images.foreign.digest,
  })),
  refused("digest that was not pushed", /PS-N011/, () => ({ digest: `sha256:${"0".repeat(64)}` })),
  refused("wrong certificate authority", /PS-N010.*x509/, () => ({ ca: certificate(foreignCa()) })),
];
