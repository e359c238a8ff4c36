/** Pods of one node are reached from the others by a route to that node; a lab this small needs no network plugin. */
import type { NodePlan } from "./layout";

/** Shell that sets the routes to the Pods of `nodes`; it may run again. */
export function podRoutes(nodes: NodePlan[]): string {
  return nodes.map(({ podCidr, ip }) => `ip route replace ${podCidr} via ${ip}\n`).join("");
}
