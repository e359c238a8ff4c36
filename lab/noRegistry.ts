/** `make up REGISTRY=none`: no registry answers, and the image goes to the nodes with the script. */
import type { LabInfo } from "./cluster";
import { docker, inContainer } from "./cluster/docker";
import { exec } from "./cluster/exec";
import { REGISTRY_CONTAINER } from "./cluster/layout";
import type { Overrides } from "./engine";
import type { Log } from "./log";

/** Whether the environment asks for it. @throws Error for a value that means nothing. */
export function registryIsOff(): boolean {
  const chosen = process.env["REGISTRY"] ?? "";
  if (chosen !== "" && chosen !== "none") {
    throw new Error(`REGISTRY is "${chosen}": leave it out, or turn the lab's registry off with REGISTRY=none`);
  }
  return chosen === "none";
}

/** The settings that differ from the lab's stack file. */
export const CARRIED: Overrides = { imageSource: "carried", reference: "", registryCa: "" };

/** Loads the images of the Pods into each node, as an installation without a network does, and stops the registry. */
export async function turnRegistryOff(lab: LabInfo, log: Log): Promise<void> {
  const references = Object.values(lab.images);
  await log.step("the Pods' images onto each node, and the registry off", async () => {
    for (const reference of references) await docker(["pull", "--quiet", reference]);
    for (const { container } of lab.nodes) {
      await exec("sh", [
        "-c",
        'docker save "$@" | docker exec -i "$0" ctr -n k8s.io images import -',
        container,
        ...references,
      ]);
      await inContainer(container, ["crictl", "inspecti", "-q", ...references]);
    }
    await docker(["stop", "--time", "5", REGISTRY_CONTAINER]);
  });
}
