/** Runtimes and kubelets as other people set them up: healed and given back, or refused before anything is changed. */
import { strict as assert } from "node:assert";
import * as path from "node:path";

import { parseReport } from "../../../components/node/nodeScript";
import { DATA } from "./caseMachine";
import { verdictOn } from "../doctor/machine";
import { itOnMachine as it } from "./machines";

/** The message that refuses the node; undefined where it is healed. */
const CASES: Record<string, RegExp | undefined> = {
  "30-flatcar-config-variable": undefined,
  "32-dropin-config-flag": undefined,
  "33-address-flag": undefined,
  "34-symlink-relative-import": undefined,
  "35-symlink-config": undefined,
  "36-immutable": /PS-N013 \/etc\/containerd\/config\.toml .*chattr -i/,
  "37-bind-mounted-config": /PS-N013 \/etc\/containerd\/config\.toml is a mount point/,
  "38-readonly-etc-containerd": /PS-N013 .*\/etc\/containerd/,
  "39-isulad-endpoint": /PS-N005 .*isulad\.sock/,
  "40-kubelet-json-config": /PS-N005 crio\.service is not loaded/,
  "41-disabled-cri": /PS-N024 .*disabled_plugins/,
  "42-docker-run-kubelet": /PS-N023 .*podman/,
  "43-kubelet-snap": undefined,
  "50-env-wrapper": undefined,
  "70-script-wrapper": /PS-N023 .*kubelet-start/,
  "51-rke1": /PS-N005 cri-docker\.service is not loaded/,
  "52-k8s-snap": /PS-N005 the kubelet .* speaks to unix:\/\/\/run\/k8s\/containerd\/containerd\.sock/,
  "44-own-hosts-toml": /PS-N025 .*hosts\.toml/,
};

describe("a node as other people set it up", function () {
  this.timeout("20m");

  for (const [name, refused] of Object.entries(CASES)) {
    it(`${name} is ${refused ? "refused, and nothing is changed" : "healed, and given back byte for byte"}`, async ({
      shared,
      machine,
    }) => {
      const { reference, digest } = shared.images.A;
      await machine.lay(path.join(DATA, "node", name));
      // The registry of the case is the one of this lab.
      await machine.sh(
        `cd /etc/containerd/certs.d 2>/dev/null || exit 0; [ "$1" = 10.203.0.2:5000 ] || [ ! -d 10.203.0.2:5000 ] || { mv 10.203.0.2:5000 "$1"; sed -i "s/10.203.0.2:5000/$1/" "$1/hosts.toml"; }`,
        reference.split("/")[0] ?? "",
      );
      const settings = { node: name, image: reference, digest, ca: shared.caPem };
      const files = await machine.files();
      const first = await machine.run("apply", settings);
      if (refused) {
        assert.match(first.stderr, refused);
        assert.ok(first.status === 3 || first.status === 4, first.stderr);
        assert.equal(await machine.files(), files);
        return;
      }
      assert.equal(first.status, 0, first.stderr);
      const report = parseReport(first.stdout);
      assert.deepEqual([report.image, report.pinned, report.digest], [reference, true, digest]);
      assert.match(await verdictOn(machine.container), /: all is well\./);
      const second = await machine.run("apply", settings);
      assert.equal(second.status, 0, second.stderr);
      assert.equal(parseReport(second.stdout).status, "unchanged");
      const back = await machine.run("restore", settings);
      assert.equal(back.status, 0, back.stderr);
      assert.equal(await machine.files(), files);
    });
  }
});
