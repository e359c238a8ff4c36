/**
 * A program of one's own that uses the components: two clusters share one image, and only the second, which serves
 * customers, proves every node.
 *
 * In another repository the import reads `from "pause-sandbox"`.
 */
import * as pulumi from "@pulumi/pulumi";

import { PauseImage, PauseImageSource, PauseSandbox, ProofScope, type ClusterNode } from "../components";

/** A node as this program's inventory has it. */
export interface Machine {
  name: string;
  address: string;
  hostKey: string;
}

const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";

export function twoClusters(staging: Machine[], production: Machine[], sshKey: pulumi.Input<string>) {
  const image = new PauseImage("pause", { reference: REFERENCE });
  const toNode = ({ name, address, hostKey }: Machine): ClusterNode => ({
    name,
    connection: { host: address, hostKey, user: "provisioner", privateKey: sshKey },
  });
  // The image is there already for both: they wait for it, and check its digest on every node.
  const shared = { reference: image.reference, source: PauseImageSource.Existing, digest: image.digest };
  const stage = new PauseSandbox("staging", { image: shared, nodes: staging.map(toNode) });
  const live = new PauseSandbox(
    "production",
    {
      image: shared,
      nodes: production.map(toNode),
      maxUnavailable: "10%",
      proof: {
        scope: ProofScope.Every,
        nginxImage: "registry.example.com:5000/library/nginx:1.29",
        appImage: "registry.example.com:5000/platform/hello:1.0.0",
      },
    },
    // Nothing of production starts before staging is done.
    { dependsOn: stage },
  );
  return { digest: image.digest, staging: stage.nodes, production: live.nodes };
}
