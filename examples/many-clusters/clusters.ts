/** The clusters: a stack each, and one for the image that they share. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterNode, hostKeyOf, PauseImage, PauseImageSource, PauseSandbox, ProofScope } from "pause-sandbox";

/** A node as this program's inventory has it. */
export interface Machine {
  name: string;
  address: string;
}

/** A cluster, and how it is changed. */
export interface Cluster {
  /** Name of its stack, and of its context in the kubeconfig. */
  name: string;
  machines: Machine[];
  maxUnavailable?: string;
  /** Prove every node by a sample Pod. */
  proven?: boolean;
}

/** In the order to change them. */
export const clusters: Cluster[] = [
  {
    name: "staging",
    machines: [{ name: "staging-1", address: "10.80.0.11" }],
  },
  {
    name: "production",
    machines: [
      { name: "production-1", address: "10.90.0.11" },
      { name: "production-2", address: "10.90.0.12" },
    ],
    maxUnavailable: "10%",
    proven: true,
  },
];

/** The program of the stack `image`: pushes the image once. */
export function image() {
  const { reference, digest } = new PauseImage("pause", {
    reference: "registry.example.com:5000/platform/pause:1.0.0",
  });
  return { reference, digest };
}

/** What the stack `image` gives to the others. */
export interface Pushed {
  reference: string;
  digest: string;
}

/** The program of a cluster's stack. The image is there already, and every node checks its digest. */
export function cluster({ name, machines, maxUnavailable, proven }: Cluster, pushed: Pushed) {
  const config = new pulumi.Config();
  const knownHosts = config.require("knownHosts");
  const toNode = (machine: Machine): ClusterNode => ({
    name: machine.name,
    connection: {
      host: machine.address,
      user: "provisioner",
      hostKey: hostKeyOf(knownHosts, machine.address),
      privateKey: config.requireSecret("sshPrivateKey"),
    },
  });
  const proof = {
    scope: ProofScope.Every,
    nginxImage: "registry.example.com:5000/library/nginx:1.29",
    appImage: "registry.example.com:5000/platform/hello:1.0.0",
  };
  const kubernetes = new k8s.Provider(name, { context: name });
  const sandbox = new PauseSandbox(
    name,
    {
      image: { ...pushed, source: PauseImageSource.Existing },
      nodes: machines.map(toNode),
      maxUnavailable,
      proof: proven === true ? proof : undefined,
    },
    { providers: { kubernetes } },
  );
  return { nodes: sandbox.nodes };
}
