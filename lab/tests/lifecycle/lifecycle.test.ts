import * as assert from "node:assert/strict";

import { clusterDown, clusterUp, type LabInfo, labStands } from "../../cluster";
import { docker, inContainer, labContainers, labImages } from "../../cluster/docker";
import { CONTROL_PLANE_CONTAINER, LABEL, NETWORK } from "../../cluster/layout";
import { MACHINE_ROOTFS, rootFsReference } from "../../cluster/rootfs";
import { lineLog } from "../../log";
import { killedRun } from "../../../tests/system/e2e/killed";
import { kernelSettings, labVolumes, traces } from "../../../tests/system/e2e/traces";

const CLUSTER = "lab/cluster/main.ts";

describe("the lab's cluster, looked at from outside", function () {
  this.timeout("15m");
  // All look at the lab that the first one brings up.
  this.bail(true);
  const stoodBefore = labStands();
  let lab: LabInfo;
  let settings: Record<string, string>;

  before(async () => {
    await clusterDown(lineLog());
    settings = kernelSettings();
  });
  after(async () => {
    if (stoodBefore) await clusterUp(lineLog());
    else await clusterDown(lineLog());
  });

  it("an up that is killed leaves nothing half-made for the next, which goes on", async () => {
    await killedRun([CLUSTER, "up"], "==> registry, control plane and nodes");
    await killedRun([CLUSTER, "up"], "==> API server is ready");
    lab = await clusterUp(lineLog());
    const states = (await labContainers()).map(({ name, running }) => `${name} ${running ? "runs" : "stands"}`);
    const machines = ["control-plane", "node-1", "node-2", "registry"].map((name) => `${NETWORK}-${name} runs`);
    assert.deepEqual(states.sort(), machines);
  });

  it("labels each container with its role", async () => {
    const roles = (await labContainers()).map(({ name, labels }) => [name, labels[LABEL]]);
    assert.deepEqual(roles.sort(), [
      [`${NETWORK}-control-plane`, "control-plane"],
      [`${NETWORK}-node-1`, "node"],
      [`${NETWORK}-node-2`, "node"],
      [`${NETWORK}-registry`, "registry"],
    ]);
  });

  it("takes no container for its own that is another lab's, whatever its name", async () => {
    const other = `${NETWORK}-2`;
    await docker(["network", "create", other]);
    try {
      const flags = ["--name", `${other}-node-1`, "--network", other, "--label", `${LABEL}=node`];
      await docker(["create", ...flags, rootFsReference(MACHINE_ROOTFS), "true"]);
      assert.equal((await labContainers()).length, 4);
    } finally {
      await docker(["rm", "--force", `${other}-node-1`]);
      await docker(["network", "rm", other]);
    }
  });

  it("knows the images to clean up: its own and its registry's, not another lab's of the same bytes", async () => {
    const image = rootFsReference(MACHINE_ROOTFS);
    const names = [`${lab.registry.host}/platform/pause:e2e`, "127.0.0.9:5000/platform/pause:e2e"];
    for (const name of names) await docker(["tag", image, name]);
    const found = await labImages();
    await docker(["rmi", ...names]);
    assert.deepEqual(
      [image, ...names].map((name) => found.includes(name)),
      [true, true, false],
    );
  });

  it("lets nobody past authentication and RBAC: so says the command line of the API server that runs", async () => {
    const script = "tr '\\0' '\\n' < /proc/$(pidof kube-apiserver)/cmdline";
    const flags = (await inContainer(CONTROL_PLANE_CONTAINER, ["sh", "-c", script])).split("\n");
    for (const wanted of ["--authorization-mode=Node,RBAC", "--anonymous-auth=false"])
      assert.ok(flags.includes(wanted));
    assert.deepEqual(
      flags.filter((flag) => /insecure|token-auth-file|basic-auth|AlwaysAllow/.test(flag)),
      [],
    );
  });

  it("resolves the nodes' names where the API server runs, to the nodes", async () => {
    for (const { name, host } of lab.nodes) {
      const found = await inContainer(CONTROL_PLANE_CONTAINER, ["getent", "hosts", name]);
      assert.equal(found.split(/\s+/)[0], host);
    }
  });

  it("down names somebody else's container on its network, and removes nothing before that is gone", async () => {
    const guest = "somebody-elses";
    const run = ["run", "--detach", "--name", guest, "--network", NETWORK, "--entrypoint", "sleep"];
    await docker([...run, rootFsReference(MACHINE_ROOTFS), "infinity"]);
    try {
      await assert.rejects(clusterDown(lineLog()), (error: Error) => {
        assert.match(error.message, /not the lab's: somebody-elses\. Nothing was removed\./);
        assert.ok(error.message.includes(`docker network disconnect ${NETWORK} ${guest}`));
        return true;
      });
      assert.equal((await labContainers()).filter(({ running }) => running).length, 4);
    } finally {
      await docker(["rm", "--force", guest]);
    }
  });

  it("down leaves nothing of it on the machine, and the kernel's settings as they were", async () => {
    const volumes = await labVolumes((await labContainers()).map(({ id }) => id));
    assert.ok(volumes.length > 0);
    assert.notDeepEqual(await traces(), []);
    await clusterDown(lineLog());
    assert.deepEqual(await traces(), []);
    const left = await docker(["volume", "ls", "--quiet"]);
    assert.deepEqual(
      volumes.filter((volume) => left.includes(volume)),
      [],
    );
    assert.deepEqual(kernelSettings(), settings);
  });

  it("an up that is killed leaves nothing half-made for a down", async () => {
    await killedRun([CLUSTER, "up"], "==> registry, control plane and nodes");
    await clusterDown(lineLog());
    assert.deepEqual(await traces(), []);
  });
});
