/** What a run says of a node that somebody changed meanwhile, of one that another stack had, and of one that is well. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";

import { Host } from "./host";
import { shells, wanted as image } from "./script";

for (const shell of shells) {
  describe(`${shell.join(" ")}: what a run says of a node`, () => {
    let host: Host;
    const pauseFile = () => `${host.dir}/root/config.yaml.d/zz-pause-sandbox.yaml`;
    const own = { owner: "pause-sandbox/own/pause-node-1" };
    beforeEach(() => {
      host = new Host(shell);
      const config =
        "--config @DIR@/root/config.yaml --private-registry @DIR@/root/registries.yaml --data-dir=@DIR@/data";
      host.unit("k3s", config, "k3s version v1.33.4+k3s1 (abc)");
      host.write("root/config.yaml", "node-label:\n  - a=b\n");
      const sandbox = '[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "a.b/c:1"\n';
      host.write("data/agent/etc/containerd/config.toml", `version = 3\n${sandbox}`);
      host.write("running", "a.b/c:1");
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const apply = (settings: object = own) => {
      const run = host.run("apply", settings);
      assert.equal(run.status, 0, run.stderr);
      return run.stderr;
    };

    it("ends with a line that says that the node is well, changed or not", () => {
      const last = (said: string) => said.trim().split("\n").pop();
      assert.equal(last(apply()), `[n] well: new sandboxes run on ${image}`);
      assert.equal(last(apply()), `[n] well: nothing to do, new sandboxes run on ${image}`);
    });

    it("names the file that somebody changed, with the key, from what and to what", () => {
      apply();
      fs.writeFileSync(pauseFile(), fs.readFileSync(pauseFile(), "utf8").replace(image, "evil.example/pause:9"));
      const said = apply();
      assert.ok(said.includes(`[n] ${pauseFile()} was changed since the last run: its settings are restored\n`), said);
      assert.match(said, /\n-pause-image: "?evil\.example\/pause:9"?\n\+pause-image: /);
      assert.ok(fs.readFileSync(pauseFile(), "utf8").includes(image));
    });

    it("names the file that somebody removed", () => {
      apply();
      fs.rmSync(pauseFile());
      assert.ok(apply().includes(`[n] ${pauseFile()} was removed since the last run: it is written again\n`));
    });

    it("says nothing of the kind of its own changes", () => {
      apply();
      assert.doesNotMatch(
        apply({ ...own, image: "registry.example.org:5000/platform/pause:2.0.0" }),
        /since the last run/,
      );
    });

    it("says whose it was where another stack takes it, in a dry run too, and nothing to its own stack or at boot", () => {
      apply();
      const other = { owner: "pause-sandbox/prog/p-node-1" };
      const taken =
        "[n] taken over from 'pause-sandbox/own/pause-node-1': 'pause-sandbox/prog/p-node-1' manages this node now. ";
      assert.ok(host.run("plan", other).stderr.includes(taken));
      assert.doesNotMatch(apply(), /taken over/);
      assert.doesNotMatch(apply({}), /taken over/);
      assert.ok(apply(other).includes(taken));
      assert.doesNotMatch(apply(other), /taken over/);
      assert.match(apply(), /taken over from 'pause-sandbox\/prog\/p-node-1'/);
    });
  });
}
