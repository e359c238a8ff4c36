/** Lists of the API server, page by page. */
import type { Cluster, NodeObject, Page, PageRequest } from "./kubeconfig";
import { firstLine, userError } from "../errors";

/** So long a cluster may take to answer, in milliseconds. */
const ANSWERS_WITHIN = 30_000;

/**
 * Every Node object.
 * @throws Error naming the kubeconfig, the server and its answer.
 */
export function listNodes(cluster: Cluster, labelSelector?: string): Promise<NodeObject[]> {
  return listAll(cluster, "nodes", (request) => cluster.page({ labelSelector, ...request }));
}

/**
 * All objects, page by page.
 * @throws Error naming the kubeconfig, the server and its answer.
 */
export async function listAll<T>(
  { server, called }: Cluster,
  what: string,
  page: (request: PageRequest) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  try {
    do {
      const some = await withinTime(page({ limit: 500, _continue: next }));
      items.push(...some.items);
      next = some.metadata?._continue;
    } while (next !== undefined && next !== "");
  } catch (error) {
    throw userError(`the ${what} of ${server} cannot be listed with ${called}: ${answerOf(error)}`);
  }
  return items;
}

/** @throws Error where there is no answer in time. */
export async function withinTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${ANSWERS_WITHIN / 1000} s`));
    }, ANSWERS_WITHIN);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The server's own message where there is one. */
export function answerOf(error: unknown): string {
  const { body } = error as { body?: unknown };
  try {
    const { message } = JSON.parse(typeof body === "string" ? body : JSON.stringify(body ?? "")) as {
      message?: unknown;
    };
    if (typeof message === "string") return firstLine(message);
  } catch {
    // No answer of an API server.
  }
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? firstLine(error) : `${firstLine(error)}: ${firstLine(cause)}`;
}
