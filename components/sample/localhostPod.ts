import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { checkNginxAndApp, nginxConfOf } from "./nginxAndApp";
import { isWholeNumber, Problems } from "../problems";

/** The containers of the sample Pod, and where it runs. */
export interface LocalhostPodArgs {
  /** An nginx image whose own command runs nginx in the foreground with /etc/nginx/nginx.conf. */
  nginxImage: pulumi.Input<string>;
  /** The image of an app that listens on 127.0.0.1 at `appPort`; nobody outside the Pod can reach it directly. */
  appImage: pulumi.Input<string>;
  /** TCP port the app listens on, on 127.0.0.1. Default: 8888. */
  appPort?: pulumi.Input<number>;
  /**
   * Name of the node to run on. The Pod tolerates every taint, so that a cordoned node can be proven too.
   * Default: wherever the scheduler puts it.
   */
  nodeName?: pulumi.Input<string>;
  /** Name of the Pod's RuntimeClass. Default: none, which is the default handler of the node's runtime. */
  runtimeClassName?: pulumi.Input<string>;
  /** Namespace of the Pod. Default: `default`. */
  namespace?: pulumi.Input<string>;
  /** How long the Pod may take to become Ready, in seconds, from 1 to 86400. Default: 300. */
  readyTimeoutSeconds?: number;
  /**
   * What the Pod proves. A Pod keeps the sandbox that it was started with, so that another value makes another Pod.
   * Kept as the annotation `pause-sandbox/proof-of`. Default: the Pod is left as it is.
   */
  proofOf?: pulumi.Input<string>;
}

/**
 * The sample Pod: nginx on port 80 in front of an app on 127.0.0.1, both in one sandbox.
 *
 * Its readiness probe goes through nginx to the app, so Ready proves that the containers share localhost. The PID
 * namespace is shared as well, so PID 1 in every container is the pause, on every runtime. Otherwise CRI-O starts none.
 *
 * Children: a ConfigMap `<name>-nginx` and a Pod `<name>-pod`.
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class LocalhostPod extends pulumi.ComponentResource {
  /** `namespace/name` of the Pod, known once it is Ready. */
  public readonly podName: pulumi.Output<string>;

  constructor(name: string, args: LocalhostPodArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = new Problems(`LocalhostPod "${name}"`);
    checkLocalhostPod(problems, "", args);
    problems.throwIfAny();
    super("pause-sandbox:index:LocalhostPod", name, {}, opts);
    const namespace = args.namespace ?? "default";
    const nginx = new k8s.core.v1.ConfigMap(
      `${name}-nginx`,
      { metadata: { namespace }, data: { "nginx.conf": nginxConfOf(args.appPort) } },
      { parent: this },
    );
    const pod = new k8s.core.v1.Pod(
      `${name}-pod`,
      {
        metadata: {
          namespace,
          labels: { app: "pause-sandbox-localhost" },
          annotations: args.proofOf === undefined ? undefined : { [PROOF_OF]: args.proofOf },
        },
        spec: podSpec(args, nginx.metadata.name),
      },
      {
        parent: this,
        customTimeouts: { create: `${args.readyTimeoutSeconds ?? 300}s` },
        // A Pod that is given another image in place is Ready from before, until its kubelet gets to it.
        replaceOnChanges: ["spec", `metadata.annotations["${PROOF_OF}"]`],
      },
    );
    this.podName = pulumi.interpolate`${pod.metadata.namespace}/${pod.metadata.name}`;
    this.registerOutputs({ podName: this.podName });
  }
}

const PROOF_OF = "pause-sandbox/proof-of";

function podSpec(args: LocalhostPodArgs, nginxConfigMap: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  return {
    shareProcessNamespace: true,
    runtimeClassName: args.runtimeClassName,
    // The proof needs nothing of the API server, and a Pod without a token is one secret fewer on the node.
    automountServiceAccountToken: false,
    ...(args.nodeName === undefined ? {} : { affinity: onNode(args.nodeName), tolerations: [{ operator: "Exists" }] }),
    // The containers ask for nothing by name, and cluster DNS may be one of the Pods that cannot start yet.
    dnsPolicy: "Default",
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "nginx",
        image: args.nginxImage,
        ports: [{ containerPort: 80 }],
        readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 2 },
        volumeMounts: [{ name: "nginx", mountPath: "/etc/nginx/nginx.conf", subPath: "nginx.conf", readOnly: true }],
      },
      { name: "app", image: args.appImage },
    ],
    volumes: [{ name: "nginx", configMap: { name: nginxConfigMap } }],
  };
}

/** By the node's own name: the label `kubernetes.io/hostname` need not be the same. */
function onNode(name: pulumi.Input<string>): k8s.types.input.core.v1.Affinity {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [name] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
}

/**
 * Notes what is wrong with the plain values among the arguments.
 * @param at What stands before the name of each field in messages: `proof.`.
 */
export function checkLocalhostPod(problems: Problems, at: string, args: LocalhostPodArgs): void {
  if (!problems.isObject(at.replace(/\.$/, ""), args, "nginxImage and appImage")) return;
  checkNginxAndApp(problems, at, args);
  const { readyTimeoutSeconds = 300 } = args;
  if (!isWholeNumber(readyTimeoutSeconds, 1, 86400)) {
    problems.add(`${at}readyTimeoutSeconds`, readyTimeoutSeconds, "a whole number of seconds from 1 to 86400");
  }
}
