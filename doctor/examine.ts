/** A look at one node, from the log-in to the diagnosis. */
import { diagnose } from "./diagnose";
import { parseFacts } from "./facts";
import type { Diagnosis } from "./finding";
import { pulledImage } from "./pulledImage";
import type { WantedImage } from "./judge/stack";
import type { Walk } from "./judge/wire";
import type { Reach } from "./reach";
import { routesOf } from "./routes";
import { walk } from "./wire";

/**
 * Looks at a node, and compares with a stack where there is one. Nothing on it is changed, and no login is sent.
 * @throws CouldNotLook where nobody could log in.
 */
export async function examine(reach: Reach, wanted?: WantedImage): Promise<Diagnosis> {
  const facts = parseFacts(await reach.run());
  const ourSeconds = Math.floor(Date.now() / 1000);
  const image = facts.runtime && pulledImage(facts.runtime.image);
  const walks: Walk[] = [];
  if (image) {
    const { repository, tag } = image;
    const architecture = facts.host?.architecture ?? "amd64";
    // One after the other, as a pull goes: a registry that limits requests is not to be asked by ten at once.
    for (const route of routesOf(facts, image)) {
      const dial = (host: string, port: number) => reach.dial(host, port);
      walks.push({ route, fact: await walk(dial, { ...route, repository, tag, architecture }) });
    }
  }
  return diagnose({ node: facts.host?.name ?? reach.name, host: reach.name, facts, walks, ourSeconds, wanted });
}
