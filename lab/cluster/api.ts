/** What the lab asks of its own API server, as its administrator. */
import { connect } from "node:net";
import type { ClusterAuthorities } from "./authorities";
import { inContainer } from "./docker";
import { request, type Identity } from "./https";
import { apiServerUrl, CONTROL_PLANE_CONTAINER, type NodePlan } from "./layout";
import { waitFor } from "./wait";

interface NodeList {
  items: {
    metadata: { name: string };
    status?: { conditions?: { type: string; status: string; message?: string }[] };
  }[];
}

function adminIdentity({ kubernetes, admin }: ClusterAuthorities): Identity {
  return { ca: kubernetes.cert, cert: admin.cert, key: admin.key };
}

async function get(authorities: ClusterAuthorities, path: string): Promise<string> {
  const { status, body } = await request(`${apiServerUrl()}${path}`, adminIdentity(authorities));
  if (status !== 200) throw new Error(`${path} was answered with ${status}: ${body.slice(0, 300)}`);
  return body;
}

/** Ready, and with what the first Pod needs: the service account that every Pod gets by default. */
export async function waitForApi(authorities: ClusterAuthorities): Promise<void> {
  await waitFor({
    what: `the API server at ${apiServerUrl()} is ready`,
    timeoutSeconds: 60,
    missing: async () => {
      await get(authorities, "/readyz");
      await get(authorities, "/api/v1/namespaces/default/serviceaccounts/default");
      return undefined;
    },
    explain: () => journal(CONTROL_PLANE_CONTAINER, ["etcd", "kube-apiserver", "kube-controller-manager"]),
  });
}

const RBAC = "rbac.authorization.k8s.io";
/** Common name of the certificate that the API server shows to kubelets. */
const KUBELET_CLIENT = "kube-apiserver-kubelet-client";

/**
 * Lets the API server's own certificate into the kubelets, for exec and logs, and nothing else. Waits until that is in
 * force: a kubelet that asks a moment too early remembers the refusal for 30 s.
 */
export async function allowApiServerToKubelets(authorities: ClusterAuthorities): Promise<void> {
  const name = "lab:apiserver-to-kubelets";
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "system:kubelet-api-admin" },
    subjects: [{ apiGroup: RBAC, kind: "User", name: KUBELET_CLIENT }],
  };
  const path = `/apis/${RBAC}/v1/clusterrolebindings/${name}?fieldManager=pause-sandbox-lab`;
  await send(authorities, "PATCH", path, binding, "application/apply-patch+yaml");
  await waitFor({
    what: "the API server may call the kubelets",
    timeoutSeconds: 30,
    missing: async () => ((await mayCallKubelets(authorities)) ? undefined : "RBAC does not allow it yet"),
  });
}

async function mayCallKubelets(authorities: ClusterAuthorities): Promise<boolean> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: KUBELET_CLIENT, resourceAttributes: { resource: "nodes", subresource: "proxy", verb: "get" } },
  };
  const answer = await send(authorities, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
  return (JSON.parse(answer) as { status: { allowed: boolean } }).status.allowed;
}

async function send(
  authorities: ClusterAuthorities,
  method: string,
  path: string,
  object: object,
  contentType = "application/json",
): Promise<string> {
  const { status, body } = await request(`${apiServerUrl()}${path}`, adminIdentity(authorities), {
    method,
    headers: { "content-type": contentType },
    body: JSON.stringify(object),
  });
  if (status >= 300) throw new Error(`the API server answered ${method} ${path} with ${status}: ${body.slice(0, 300)}`);
  return body;
}

/** Ready, and reachable: by the API server's way to its kubelet, which needs `allowApiServerToKubelets`, and by SSH. */
export async function waitForNode(authorities: ClusterAuthorities, plan: NodePlan): Promise<void> {
  const { name, ip, container } = plan;
  await waitFor({
    what: `${name} is Ready`,
    timeoutSeconds: 90,
    missing: async () => {
      // After a restart the API server still shows the Ready of before: ask the kubelet itself, on the way that exec
      // and logs take.
      await get(authorities, `/api/v1/nodes/${name}/proxy/healthz`);
      await sshBanner(ip);
      const { items } = JSON.parse(await get(authorities, "/api/v1/nodes")) as NodeList;
      const node = items.find(({ metadata }) => metadata.name === name);
      if (!node) return "it has not registered with the API server";
      const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
      return ready?.status === "True" ? undefined : `it says: ${ready?.message ?? "nothing yet"}`;
    },
    explain: () => journal(container, ["containerd", "kubelet"]),
  });
}

/** Fails unless an SSH server introduces itself. */
function sshBanner(host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 22, timeout: 5000 });
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`no SSH server at ${host}: ${reason}`));
    };
    socket.once("error", (error) => {
      fail(error.message);
    });
    socket.once("timeout", () => {
      fail("no answer within 5 s");
    });
    socket.once("close", () => {
      fail("connection closed");
    });
    socket.once("data", (data) => {
      socket.destroy();
      if (data.toString().startsWith("SSH-2.0-")) resolve();
      else reject(new Error(`no SSH server at ${host}: something else answers there`));
    });
  });
}

/** The last lines of some units of a machine: what to read first when something did not start. */
async function journal(machine: string, units: string[]): Promise<string> {
  const selection = units.flatMap((unit) => ["--unit", unit]);
  const lines = await inContainer(machine, ["journalctl", "--no-pager", "--lines", "30", ...selection]);
  return `last lines from ${machine}:\n${lines}`;
}
