/** The Pods that run while their node is worked on, and must not notice. */
import { get, isReady, kubectl, type Pod, until } from "../../../lab/kubectl";
import type { LabInfo } from "../../../lab/cluster";
import { inContainer } from "../../../lab/cluster/docker";
import { CONTROL_PLANE_CONTAINER } from "../../../lab/cluster/layout";

const NAME = "victim";
const NGINX_CONF = 'server { listen 80; location / { return 200 "still here\\n"; } }\n';

/** Starts a Pod on every node. Its node must have a sandbox image by then. */
export async function startVictims(lab: LabInfo): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: NAME },
    data: { "default.conf": NGINX_CONF },
  };
  const items = [config, ...lab.nodes.map(({ name }) => pod(lab, name))];
  await kubectl(lab, ["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

/** The address of a node's Pod, once it answers: after a restart of its machine the API server has the one of before. */
export async function victimIp(lab: LabInfo, node: string): Promise<string> {
  return until(`Pod ${NAME}-${node} to answer`, 120, async () => {
    const { status, ...pod } = await get<Pod>(lab, ["pod", `${NAME}-${node}`]);
    const ip = status.podIP;
    return isReady({ status, ...pod }) && ip !== undefined && (await answers(ip)) ? ip : undefined;
  });
}

async function answers(ip: string): Promise<boolean> {
  const ask = ["curl", "--silent", "--fail", "--max-time", "2", "--output", "/dev/null", `http://${ip}/`];
  return inContainer(CONTROL_PLANE_CONTAINER, ask).then(
    () => true,
    () => false,
  );
}

export async function removeVictims(lab: LabInfo): Promise<void> {
  const pods = lab.nodes.map(({ name }) => `pod/${NAME}-${name}`);
  await kubectl(lab, ["delete", "--ignore-not-found", "--wait", `configmap/${NAME}`, ...pods]);
}

function pod(lab: LabInfo, node: string): object {
  const volumeMounts = [{ name: "conf", mountPath: "/etc/nginx/conf.d" }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${NAME}-${node}` },
    spec: {
      nodeName: node,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "nginx", image: lab.images.nginx, volumeMounts }],
      volumes: [{ name: "conf", configMap: { name: NAME } }],
    },
  };
}
