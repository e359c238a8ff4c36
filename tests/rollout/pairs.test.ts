/** Two stacks that change one host at the same time: each has its own copy of the script, and a lock decides. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { commandLine, type Verb } from "../../components/node/nodeCommand";
import { nodeFile, remoteName, scriptText } from "../../components/node/nodeFile";
import { publicSettings, type Setting, stdinSettings, settingLines } from "../../components/node/nodeSettings";
import { Host, makePrograms } from "../../lab/bench/fleet/hosts";
import { atLeast } from "../support/tier";

const DIGEST = `sha256:${"d".repeat(64)}`;
const PEM = "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----\n";
const PAIRS = atLeast("long") ? 50 : 8;

type Owner = "A" | "B";

describe("two stacks on one host at the same time", function () {
  this.timeout(1_800_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-pairs-"));
  let host: Host;
  /** What the host's disks look like when nobody has changed it, and when each owner was the last. */
  const looks = new Map<Owner | "none", Record<string, string>>();

  before(async () => {
    fs.mkdirSync(path.join(folder, "hosts"));
    makePrograms(folder);
    host = await Host.at(path.join(folder, "hosts"), "127.1.1.1", DIGEST);
    host.reset();
    looks.set("none", host.files());
    for (const owner of ["A", "B"] as const) {
      await ends0(owner, "apply");
      looks.set(owner, host.files());
      await ends0(owner, "restore");
      assert.deepEqual(host.files(), looks.get("none"));
    }
  });
  after(() => {
    host.close();
    fs.rmSync(folder, { recursive: true });
  });

  /** Copies the script and runs it, as the engine does for one of the stacks. */
  async function run(owner: Owner, verb: Verb) {
    const place = { owner: `project/${owner}/n`, login: ["root", "127.1.1.1"] };
    const file = remoteName(place, nodeFile({ ca: PEM }).sum);
    const who: Setting[] = [
      ["node", "n"],
      ["owner", place.owner],
    ];
    const image = `registry.example.com:5000/platform/pause:${owner}`;
    const settings = verb === "restore" ? who : publicSettings({ node: "n", owner: place.owner, image, ca: PEM });
    host.copy(file, scriptText({ ca: PEM }));
    return host.run(
      commandLine(verb, settings, { user: "root", file }),
      settingLines(stdinSettings({ digest: DIGEST })),
    );
  }

  async function ends0(owner: Owner, verb: Verb): Promise<void> {
    const { status, stderr } = await run(owner, verb);
    assert.equal(status, 0, stderr);
  }

  const kinds: [string, [Owner, Verb], [Owner, Verb], (Owner | "none")[]][] = [
    ["both apply", ["A", "apply"], ["B", "apply"], ["A", "B"]],
    ["one applies and the other restores", ["A", "apply"], ["B", "restore"], ["A", "none", "B"]],
    ["one applies and restores itself", ["A", "apply"], ["A", "restore"], ["A", "none"]],
  ];
  for (const [how, one, other, ends] of kinds) {
    it(`leave it as one of them wanted it, whole, where ${how}, ${PAIRS} times`, async () => {
      for (let i = 0; i < PAIRS; i++) {
        const results = await Promise.all([run(...one), run(...other)]);
        for (const { status, stderr } of results) {
          assert.ok(status === 0 || (status === 3 && stderr.includes("PS-N004")), `pair ${i}: ${status} ${stderr}`);
        }
        const now = host.files();
        const same = ends.filter((end) => isSame(now, looks.get(end) ?? {}));
        if (same.length === 0) for (const end of ends) assert.deepEqual(now, looks.get(end), `pair ${i}, ${end}`);
      }
    });
  }
});

const isSame = (one: Record<string, string>, other: Record<string, string>): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
