/** The last file of the suite: tests of other files run side by side, and need the registry. */
import { done, nodes, type Nodes } from "./lab";
import { strict as assert } from "node:assert";

import { docker } from "../../../lab/cluster/docker";
import { REGISTRY_CONTAINER } from "../../../lab/cluster/layout";
import { waitFor } from "../../../lab/cluster/wait";
import { HOSTS } from "../../support/nodes/machines";
import { UPSTREAM } from "./bootMachine";
import { BOOT, BootNode, OWNER } from "./bootNode";

describe("a machine that is made with the payload as cloud-init's configuration, while its registry is down", function () {
  this.timeout("15m");
  let shared: Nodes;
  let target: BootNode;
  const made: BootNode[] = [];
  before(async () => {
    shared = await nodes();
    await docker(["stop", REGISTRY_CONTAINER]);
    target = await BootNode.boots(shared, "boot-cloud", HOSTS.bootCloud, "cloudInit");
    made.push(target);
    await target.ready();
  });
  after(async () => {
    await docker(["start", REGISTRY_CONTAINER]);
    for (const node of made) await node.remove();
  });

  it("boots and joins, and its journal says why it is not healed", async () => {
    assert.match(await target.sh("cloud-init status --wait || true"), /status: done/);
    assert.match(await target.journal(BOOT), /PS-N010 image .* cannot be pulled/);
    // It may be in the middle of a pull.
    await waitFor({
      what: "a further try has failed",
      timeoutSeconds: 120,
      missing: async () => {
        const said = await target.everSaid("pause-sandbox-retry");
        return /PS-N010 image .* cannot be pulled/.test(said) ? undefined : said;
      },
    });
    assert.match(await target.sh("cat /etc/containerd/config.toml"), new RegExp(`sandbox_image = "${UPSTREAM}"`));
  });

  it("boots so a second time", async () => {
    await target.reboot();
    await target.ready();
    assert.match(await target.journal(BOOT), /PS-N010 image .* cannot be pulled/);
  });

  it("is healed by systemd once the registry is there", async () => {
    await docker(["start", REGISTRY_CONTAINER]);
    assert.equal(await target.firstSandbox(), shared.images.A.reference);
    await waitFor({
      what: "nothing is tried any more",
      timeoutSeconds: 120,
      missing: async () =>
        (await target.sh("systemctl show pause-sandbox-retry -p ActiveState")).includes("=inactive")
          ? undefined
          : "the unit still runs",
    });
    assert.equal(done(await target.run("A", { settings: { owner: OWNER } })).status, "unchanged");
  });
});
