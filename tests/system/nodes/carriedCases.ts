/** A carried image on a real node: what each runtime has to show, in its own words. */
import { done, failed } from "./lab";
import { strict as assert } from "node:assert";

import * as fs from "node:fs";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

import {
  type Blobs,
  type ImageArchive,
  laidOut,
  MANIFEST,
  OCI,
  packedArchive,
  put,
  readArchive,
  sha256,
} from "../../../components/archive/archive";
import { tarOf } from "../../../components/archive/tar";
import { pauseArchive } from "../../../components/archive/pauseArchive";
import type { NodeSettings } from "../../../components/node/nodeSettings";
import { differing } from "../../support/nodes/snapshot";
import type { State, Target } from "../../support/nodes/target";
import { atLeast } from "../../support/tier";
import { FAULT_PATH, KILLED } from "../faults/killed";

const IMAGE = "localhost/pause-sandbox/pause:1.0.0";
const THEIRS = "registry.example.org/theirs:1";
const FIRST = pauseArchive(["linux/amd64", "linux/arm64"]);
const SECOND = ofSomebodyElse();

/** As others make images: one platform without an index, its layer gzipped. */
function ofSomebodyElse(architecture = "amd64"): ImageArchive {
  const bytes = fs.readFileSync(path.join(__dirname, "../../../image/binaries/pause-linux-amd64"));
  const layer = tarOf([{ name: "pause", bytes, mode: 0o755 }]);
  const blobs: Blobs = new Map();
  const config = put(blobs, `${OCI}.config.v1+json`, {
    ...{ architecture, os: "linux", created: "2026-01-01T00:00:00Z", config: { Entrypoint: ["/pause"] } },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const layers = [put(blobs, `${OCI}.layer.v1.tar+gzip`, gzipSync(layer))];
  const manifest = put(blobs, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers });
  return readArchive(laidOut(blobs, manifest).tar);
}

/** How the tests ask a runtime, behind the script's back. */
export interface Ways {
  /** Shell: a line for each name of an image, with its ID. */
  readonly names: string;
  /** Shell: gives the image `$1` the name `$2`, and takes it away. */
  readonly tag: string;
  readonly untag: string;
  /** Shell: makes a container `held` of image `$1`, and removes it. */
  readonly hold: string;
  readonly release: string;
  /** The programs that change images, and a pattern of what they do then. */
  readonly changes: Readonly<Record<string, string>>;
  /** By which digest CRI knows it: an ID, or the digest of the archive. */
  readonly reported: "ID" | "digest";
  /** Starts a sandbox, as the kubelet does. @returns its image */
  readonly startSandbox: (name: string) => Promise<string>;
}

type Case = (title: string, body: () => Promise<unknown>) => void;

export function carriedCases(it: Case, at: () => Target, ways: Ways): void {
  const wanted = (archive = FIRST, more: Partial<NodeSettings> = {}): Partial<NodeSettings> => ({
    ...{ image: IMAGE, digest: archive.digest, archive: packedArchive(archive), ca: undefined, owner: "us" },
    ...more,
  });
  const run = (to: State, settings: Partial<NodeSettings>, wrap: string[] = []) => at().run(to, { settings, wrap });
  const apply = async (archive = FIRST) => done(await run("A", wanted(archive)));
  const restore = async () => done(await run("none", { owner: "us" }));
  const names = () => at().sh(`{ ${ways.names}; } | sort -u`);
  const looks = async () => ({ names: await names(), files: await at().snapshot() });
  type Look = Awaited<ReturnType<typeof looks>>;
  const same = async (before: Look, when: string) => {
    const now = await looks();
    assert.deepEqual([now.names, differing(now.files, before.files)], [before.names, []], when);
  };
  /** No packet leaves the node. */
  const offline = async (body: () => Promise<void>) => {
    await at().sh("ip rule add pref 1 prohibit");
    try {
      await body();
    } finally {
      await at().sh("ip rule del pref 1");
    }
  };

  it("takes a carried image where no registry can be reached, has nothing to do then, has it again where it is deleted, and gives back every name", () =>
    offline(async () => {
      const before = await looks();
      const report = await apply();
      assert.equal(report.status, "changed");
      assert.equal(await ways.startSandbox("carried"), IMAGE);
      const line = (await names()).split("\n").find((one) => one.startsWith(`${IMAGE} `));
      const [, id = "none"] = line?.split(" ") ?? [];
      assert.equal(report.digest, ways.reported === "ID" ? id : FIRST.digest);
      const again = await apply();
      assert.deepEqual([again.status, again.changed, again.restarted], ["unchanged", [], []]);
      const healed = await names();
      await at().sh(ways.untag, IMAGE);
      assert.doesNotMatch(await names(), /^localhost\/pause-sandbox\/pause:1\.0\.0 /m);
      await at().sh("systemctl start pause-sandbox-heal && systemctl -q is-active pause-sandbox-heal.timer");
      assert.equal(await names(), healed);
      const said = await at().sh(
        "count() { journalctl --sync; journalctl -q -o cat -u pause-sandbox-heal | grep -c '^imported '; }; count; systemctl start pause-sandbox-heal; count",
      );
      assert.equal(said, "1\n1\n");
      assert.equal((await apply(SECOND)).status, "changed");
      assert.equal(await ways.startSandbox("carried-too"), IMAGE);
      await restore();
      await same(before, "restored");
      const timer = "systemctl show -P LoadState -P ActiveState pause-sandbox-heal.timer pause-sandbox-heal.service";
      const loaded = (await at().sh(timer)).split("\n").filter(Boolean);
      assert.deepEqual([...new Set(loaded)].sort(), ["inactive", "not-found"]);
    }));

  it("leaves a carried image's bytes under another name, and the name where a container is made of it", async () => {
    const before = await looks();
    await apply();
    await at().sh(ways.tag, IMAGE, THEIRS);
    await restore();
    const left = (await names()).split("\n").filter((line) => !before.names.includes(line));
    assert.deepEqual([...new Set(left.map((line) => line.split(" ")[0]))], [THEIRS]);
    await at().sh(ways.untag, THEIRS);
    await apply();
    await at().sh(ways.hold, IMAGE);
    const { stderr, status } = await run("none", { owner: "us" });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /pause:1\.0\.0 stays while a sandbox runs on it, and is not pinned any more/);
    assert.match(await names(), /^localhost\/pause-sandbox\/pause:1\.0\.0 /m);
    await at().sh(ways.release);
    await at().sh(ways.untag, IMAGE);
    await same(before, "after the container");
  });

  it("refuses a carried image of another architecture, and leaves nothing", async () => {
    const before = await looks();
    // Of a single manifest, nobody but us looks at the architecture: skopeo copies it.
    for (const archive of [pauseArchive(["linux/s390x"]), ofSomebodyElse("s390x")]) {
      failed(await run("A", wanted(archive)), /PS-N012 .*name it in platforms/);
      await same(before, "refused");
    }
  });

  // Each run that is killed takes seconds.
  if (!atLeast("long")) return;
  it("is as before, or as wanted, wherever a run with a carried image is killed", async () => {
    const before = await looks();
    await at().sh(killers(ways.changes));
    for (const to of ["A", "none"] as const) {
      for (let call = 1; ; call++) {
        const start = await looks();
        await at().sh("cd /tmp/fault; echo 0 >calls; echo $1 >kill", `${call}`);
        const killed = await run(to, to === "A" ? wanted() : { owner: "us" }, ["env", FAULT_PATH]);
        if (killed.status !== KILLED) {
          assert.equal(killed.status, 0, killed.stderr);
          assert.ok(call > 2, `${to} has only ${call} calls`);
          break;
        }
        // The next run of anybody finishes it, or undoes it.
        await run("none", { owner: "somebody else" });
        if (to === "A") await same(start, `killed after ${call}`);
        else if (!(await at().sh("cat /var/lib/pause-sandbox/state 2>/dev/null || :"))) {
          await same(before, `given back, killed after ${call}`);
          await apply();
        } else await same(start, `kept, killed after ${call}`);
      }
    }
    await at().sh("rm -r /tmp/fault");
    await same(before, "in the end");
  });
}

/** Shell: in the place of these programs, ones that end the whole run before change `kill / 2` or after it. */
const killers = (changes: Ways["changes"]): string =>
  Object.entries({ ...changes, systemctl: "*restart*|*reload*" })
    .map(
      ([program, pattern]) => `
mkdir -p /tmp/fault
cat >/tmp/fault/${program} <<END
#!/bin/sh
case "\\$*" in
  ${pattern}) ;;
  *) exec $(command -v ${program}) "\\$@" ;;
esac
read -r call </tmp/fault/calls
read -r kill </tmp/fault/kill
echo \\$((call + 2)) >/tmp/fault/calls
[ "\\$kill" != \\$((call + 1)) ] || pkill -KILL -s 0
status=0
$(command -v ${program}) "\\$@" || status=\\$?
[ "\\$kill" != \\$((call + 2)) ] || pkill -KILL -s 0
exit \\$status
END
chmod +x /tmp/fault/${program}`,
    )
    .join("\n");
