/** The kubelet's flag on nodes as other people lay them out: whole command line and environment stay, but for the flag. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { parseReport } from "../../../components/node/nodeScript";
import { atLeast } from "../../support/tier";
import { verdictOn } from "../doctor/machine";
import { DATA, type Running } from "./caseMachine";
import { itOnMachine as it } from "./machines";

const FLAG = "--pod-infra-container-image";

interface Otherwise {
  refused?: RegExp;
  noFlag?: boolean;
  downBefore?: boolean;
  /** What the doctor says of the node once it has our image. Default: all is well. */
  verdict?: RegExp;
}
/** The machine's containerd has the other driver, so that no real kubelet would start a Pod there. */
const OTHER_DRIVER = /The cgroup driver of the kubelet is systemd, and that of containerd is cgroupfs/;

/** What is not the usual: the flag once with our image, all else as before, and byte for byte as before in the end. */
const OTHERWISE: Record<string, Otherwise> = {
  "08-word-quoted-135": { noFlag: true, downBefore: true },
  "08b-word-quoted-off": { noFlag: true },
  "14-vmware": { noFlag: true, downBefore: true },
  "17-wrapper": { refused: /PS-N023/ },
  "17b-wrapper-bash": { refused: /PS-N023/ },
  "19-rhel-kubelet-args": { verdict: OTHER_DRIVER },
  // Its unit names a configuration that nobody has written: for a run, the node has not joined yet, and its kubelet is left alone.
  "20b-kubespray-135": { noFlag: true, downBefore: true, verdict: /no Pod can start\. The kubelet is failed/ },
  "60-braces": { verdict: OTHER_DRIVER },
  "60d-braces-135": { refused: /PS-N021 .*an argument of its own/, downBefore: true },
  "64-config-dir": { refused: /PS-N005 the kubelet speaks to unix:\/\/\/run\/other\/runtime\.sock/ },
};

const bare = (words: string[]): string[] => {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === FLAG) i++;
    else if (!word.startsWith(`${FLAG}=`)) out.push(word);
  }
  return out;
};
const bareEnvironment = ({ environ }: Running): string[] =>
  environ
    .map((one) =>
      one
        .replaceAll(/\s*--pod-infra-container-image(=|\s+)("[^"]*"|\S*)/g, "")
        .replace(/=\s+/, "=")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    // A variable that was not there before has nothing but the flag.
    .filter((one) => !one.endsWith("="));

describe("a kubelet as other people run it", function () {
  this.timeout("20m");

  for (const name of fs.readdirSync(path.join(DATA, "kubelet")).sort()) {
    it(`${name} gets the flag, and nothing else changes`, async ({ shared, machine }) => {
      const folder = path.join(DATA, "kubelet", name);
      const { refused, noFlag = false, downBefore = false, verdict = /: all is well\./ } = OTHERWISE[name] ?? {};
      await machine.lay(folder);
      const { reference, digest } = shared.images.A;
      const off = fs.existsSync(path.join(folder, "off"));
      const settings = { node: name, image: reference, digest, ca: shared.caPem, kubeletFlag: !off };
      // One that cannot start comes and goes.
      const before = downBefore ? { argv: [], environ: [] } : await machine.running();
      const files = await machine.files();
      const first = await machine.run("apply", settings);
      if (refused) {
        assert.equal(first.status, 3, first.stderr);
        assert.match(first.stderr, refused);
        assert.equal(await machine.files(), files);
        return;
      }
      assert.equal(first.status, 0, first.stderr);
      const now = await machine.running();
      const given = now.argv.filter((word) => word.startsWith(FLAG));
      assert.deepEqual(given, noFlag ? [] : [`${FLAG}=${reference}`], now.argv.join(" "));
      if (!downBefore) {
        assert.deepEqual(bare(now.argv), bare(before.argv));
        assert.deepEqual(bareEnvironment(now), bareEnvironment(before));
      }
      // The doctor reads of the kubelet what `apply` reads.
      if (atLeast("long")) assert.match(await verdictOn(machine.container), verdict);
      const second = await machine.run("apply", settings);
      assert.equal(second.status, 0, second.stderr);
      assert.equal(parseReport(second.stdout).status, "unchanged");
      const other = shared.images.B;
      const third = await machine.run("apply", { ...settings, image: other.reference, digest: other.digest });
      assert.equal(third.status, 0, third.stderr);
      const then = (await machine.running()).argv.filter((word) => word.startsWith(FLAG));
      assert.deepEqual(then, noFlag ? [] : [`${FLAG}=${other.reference}`]);
      const back = await machine.run("restore", settings);
      // A flag that keeps the kubelet from starting does not come back.
      if (downBefore) return;
      assert.equal(back.status, 0, back.stderr);
      assert.equal(await machine.files(), files);
      assert.deepEqual(await machine.running(), before);
    });
  }
});
