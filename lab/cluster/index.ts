/** The lab's cluster: a registry, a control plane and two nodes, as containers on one machine. */
import type { Log } from "../log";
import { allowApiServerToKubelets, waitForApi, waitForNode } from "./api";
import { clusterAuthorities, type ClusterAuthorities } from "./authorities";
import { docker, engineSilence, labContainers, labImages, requireEngine } from "./docker";
import { holdsMoreThan, removeAllBut, writeAtomic } from "./files";
import { adminKubeconfigFile, workloadReferences, writeLab, type LabInfo } from "./info";
import { kubeconfig } from "./kubeconfig";
import { restoreKernelSettings, saveKernelSettings } from "./kernel";
import { labDir, nodePlans } from "./layout";
import { withLock } from "./lock";
import { controlPlaneMachine } from "./controlPlane";
import { ensureCreated, removeContainer, start, type Ensured, type Machine } from "./machine";
import { machineImages } from "./machineImages";
import { ensureNetwork, refuseGuests, removeNetwork } from "./network";
import { nodeMachine, sshPublicKey } from "./nodes";
import { distrustRegistryInEngine, registryMachine, trustRegistryInEngine, waitForRegistry } from "./registry";
import { all } from "./wait";
import { ensureWorkloads } from "./workloads";

export { labStands, readLab, type LabInfo, type LabNode } from "./info";

/**
 * Brings up the lab, or what is missing of it: what stands as described is not touched, what was stopped is started,
 * what was made from anything else is recreated. Returns when the nodes are Ready and the registry has its images.
 */
export async function clusterUp(log: Log): Promise<LabInfo> {
  await requireEngine();
  // Refuses an app that there is none of, before anything is made.
  workloadReferences();
  return withLock(async () => {
    const images = await machineImages(log);
    await ensureNetwork();
    await saveKernelSettings();
    const authorities = await clusterAuthorities();
    await writeAtomic(adminKubeconfigFile(), adminKubeconfig(authorities), 0o600);
    await trustRegistryInEngine(authorities.registry.cert);
    const registry = await registryMachine(images.registry, authorities.registry);
    const controlPlane = await controlPlaneMachine(images.controlPlane, authorities);
    const authorizedKey = await sshPublicKey();
    const created = await log.step("registry, control plane and nodes", async () => {
      const first = await all([registry, controlPlane].map(ensure));
      const controlPlaneId = first[1]?.id ?? "";
      const nodes = await all(
        nodePlans().map(async (plan) => {
          const image = images.nodes[plan.name] ?? "";
          return ensure(await nodeMachine({ plan, image, authorities, authorizedKey, controlPlaneId }));
        }),
      );
      for (const { machine, outcome } of [...first, ...nodes]) log.info(`${machine}: ${outcome}`);
      return nodes;
    });
    await ready(authorities, log);
    return writeLab(created);
  });
}

/** Where lab/toolchain/engine.sh keeps what it stops the engine by, after the containers are gone. */
const ENGINE_DIRECTORY = "engine";

/** Takes the lab down: its containers with their volumes, its network, its directory and the engine's trust in it. */
export async function clusterDown(log: Log): Promise<void> {
  if (!(await holdsMoreThan(labDir(), ENGINE_DIRECTORY)) && (await engineSilence()) !== undefined) {
    log.info("no docker engine answers, and there is no lab to remove");
    return;
  }
  await requireEngine();
  await withLock(async () => {
    const containers = await labContainers();
    await refuseGuests(containers.map(({ id }) => id));
    await log.step(`remove ${containers.length} containers, the network and the lab's files`, async () => {
      await all(containers.map(({ id }) => removeContainer(id)));
      await removeNetwork();
      await restoreKernelSettings();
      await distrustRegistryInEngine();
      await removeAllBut(labDir(), ENGINE_DIRECTORY);
    });
  });
}

/** Removes the lab's images from the engine too; the next `clusterUp` imports or builds them again. */
export async function clusterClean(log: Log): Promise<void> {
  await clusterDown(log);
  if ((await engineSilence()) !== undefined) {
    log.info("its images stay where they are: without an engine nobody can look for them");
    return;
  }
  const images = await labImages();
  if (images.length === 0) return;
  await log.step(`remove ${images.length} images`, () => docker(["image", "rm", "--force", ...images]));
}

interface Kept extends Ensured {
  machine: string;
}

/** The machine exists as described and has been told to boot; machines boot side by side. */
async function ensure(machine: Machine): Promise<Kept> {
  const ensured = await ensureCreated(machine);
  if (ensured.outcome !== "kept") await start(machine);
  return { ...ensured, machine: machine.container };
}

async function ready(authorities: ClusterAuthorities, log: Log): Promise<void> {
  const ca = authorities.registry.cert;
  const api = log.step("API server is ready", async () => {
    await waitForApi(authorities);
    await allowApiServerToKubelets(authorities);
  });
  await all([
    api,
    log.step("registry answers and has the sample Pod's images", async () => {
      await waitForRegistry(ca);
      await ensureWorkloads(ca, log);
    }),
    ...nodePlans().map((plan) =>
      log.step(`${plan.name} is Ready`, async () => {
        await api;
        await waitForNode(authorities, plan);
      }),
    ),
  ]);
}

function adminKubeconfig({ kubernetes, admin }: ClusterAuthorities): string {
  return kubeconfig("lab-admin", kubernetes.cert, admin);
}
