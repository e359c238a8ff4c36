/** The order of the stacks: the image, then one cluster after the other. */
import { type Cluster, cluster, image, type Pushed } from "./clusters";

/** Brings a stack up with a program, and gives its outputs. */
export type Up = (stack: string, program: () => Record<string, unknown>) => Promise<Record<string, unknown>>;

/** The first stack that fails ends it: no cluster behind it is touched. */
export async function rollOut(clusters: Cluster[], up: Up): Promise<void> {
  const pushed = (await up("image", image)) as unknown as Pushed;
  for (const one of clusters) await up(one.name, () => cluster(one, pushed));
}
