/** Logins for a real registry that takes tokens only, on a real containerd: what the node pulls with, and what stays there. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type NodeSettings } from "../../components/node/nodeSettings";
import { type Host } from "./host";
import { RealContainerd } from "./realContainerd";
import { describeWith, ranContainerd } from "./toolchain";
import { needs } from "../support/needs";
import { atLeast } from "../support/tier";
import { CONTAINERD } from "../../lab/toolchain/versions";

/** Before 2.1, no header of hosts.toml reaches who gives out the tokens. */
const VERSIONS = [CONTAINERD.one, CONTAINERD.newest, CONTAINERD.oldest, ...CONTAINERD.more];
const password = (of: string | number): string => `a-token:${of}`;
const login = { username: "robot", password: password("first") };
const forThisRun = { ...login, keep: false };

for (const version of VERSIONS.slice(0, atLeast("long") ? VERSIONS.length : atLeast("all") ? 3 : 1)) {
  const describeLogins = needs("crictl", "docker-registry") ? describeWith(version) : describe.skip;
  describeLogins(`a node with containerd ${version} and a registry that gives out tokens`, function () {
    this.timeout(120_000);
    ranContainerd("containerd, login", version);
    let folder: string;
    let registry: { process: ChildProcess; host: string; digest: string };
    let real: RealContainerd;
    let host: Host;

    before(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-tokens-"));
      const child = spawn(process.execPath, ["--import", "tsx", path.join(__dirname, "tokenRegistry.ts"), folder]);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      registry = { ...(JSON.parse(line.toString()) as { host: string; digest: string }), process: child };
    });
    after(() => {
      registry.process.kill();
      fs.rmSync(folder, { recursive: true });
    });
    beforeEach(() => {
      takes(login);
      real = new RealContainerd(version);
      ({ host } = real);
    });
    afterEach(() => {
      real.remove();
    });

    /** Who may pull from now on. */
    const takes = (...logins: (typeof login)[]): void => {
      fs.writeFileSync(path.join(folder, "logins.json"), JSON.stringify(logins));
    };
    const wanted = (more: Partial<NodeSettings>): Partial<NodeSettings> => ({
      ...{ image: `${registry.host}/a/pause:1`, digest: registry.digest, owner: "us" },
      ...more,
    });
    const applied = (more: Partial<NodeSettings>) => {
      const report = host.done("apply", wanted(more));
      assert.deepEqual([report.pinned, report.digest], [true, registry.digest]);
      return report;
    };
    const refused = (says: RegExp, more: Partial<NodeSettings>): void => {
      const before = [real.names(), host.files()];
      const run = host.run("apply", wanted(more));
      assert.match(run.stderr, says);
      assert.deepEqual([real.names(), host.files()], before);
    };
    /** The node's files with a login, in the clear or in base64. */
    const withLogin = (): string[] => {
      const texts = [login.password, Buffer.from(`${login.username}:${login.password}`).toString("base64")];
      const found = spawnSync("grep", ["-rlF", ...texts.flatMap((text) => ["-e", text]), host.dir], {
        encoding: "utf8",
      });
      return found.stdout.split("\n").filter(Boolean);
    };

    it("pulls with a login that stays, in the file that containerd reads", () => {
      const report = applied({ login, plainHttp: true });
      assert.deepEqual(
        withLogin(),
        report.changed.filter((file) => file.endsWith("hosts.toml")),
      );
      assert.equal(host.done("apply", wanted({ login, plainHttp: true })).status, "unchanged");
    });

    for (const [what, more] of [
      ["as it is", {}],
      ["which it has to be told of first", { plainHttp: true }],
    ] as const) {
      it(`pulls with a login that does not stay, from a registry ${what}`, () => {
        const { did } = applied({ login: forThisRun, ...more });
        assert.deepEqual(withLogin(), []);
        assert.deepEqual(
          [did.includes("restart containerd"), did.filter((one) => one.startsWith("pull ")).length],
          [true, 1],
        );
        assert.equal(host.done("apply", wanted({ login: forThisRun, ...more })).status, "unchanged");
        host.done("restore", { owner: "us" });
        assert.ok(!fs.existsSync(path.join(host.dir, "home")));
      });
    }

    // The rest is the same with every containerd.
    if (version !== CONTAINERD.one) return;

    it("is left alone by ten runs with ten tokens, and pulls with the one of then where the image was lost", () => {
      applied({ login: forThisRun });
      const before = seen();
      for (let run = 1; run <= 10; run++) {
        const { status, did } = host.done("apply", wanted({ login: { ...forThisRun, password: password(run) } }));
        assert.deepEqual([status, did], ["unchanged", []]);
      }
      assert.deepEqual(seen(), before);
      real.crictl("rmi", "--all");
      const now = { ...login, password: password("now") };
      takes(now);
      refused(/PS-N010 .*does not take the login of trust\.login/, { login: forThisRun });
      assert.equal(applied({ login: { ...now, keep: false } }).status, "unchanged");
    });

    it("loses its login where that shall not stay any more, without a restart", () => {
      applied({ login, plainHttp: true });
      const { changed, restarted } = applied({ login: forThisRun, plainHttp: true });
      assert.deepEqual(withLogin(), []);
      assert.deepEqual([restarted, changed.map((file) => path.basename(file))], [[], ["hosts.toml"]]);
    });

    it("is refused before a change where crictl or a mirror would show the login", () => {
      const program =
        "#!/bin/sh\ncase $1 in --version) echo crictl version v1.23.0 ;; pull) echo '--auth AUTH_STRING' ;; *) exit 1 ;; esac\n";
      const old = path.dirname(host.write("old/crictl", program, 0o755));
      const { PATH = "" } = host.env;
      host.env = { PATH: `${old}:${PATH}` };
      const way = /PS-N003 crictl version v1\.23\.0 takes a login on its command line only.*install crictl 1\.24/;
      for (const one of [login, forThisRun]) refused(way, { login: one });
      host.env = { PATH };
      refused(/PS-N022 containerd gives the login of a pull to each mirror/, {
        ...{ login: forThisRun, mirrors: ["https://mirror.example.com"] },
      });
    });

    it("is told by a plan that nobody can ask with a login that does not stay", () => {
      const { stderr } = host.run("plan", wanted({ login: forThisRun }));
      assert.match(stderr, /whether the registry has .* is unknown: ctr takes a login only where others can read it/);
    });

    it("says what to do where the registry wants a login, and where it does not take one", () => {
      refused(/PS-N010 .*see trust\.login \(pullUsername and pullPassword/, {});
      refused(/PS-N010 .*does not take the login of trust\.login/, { login: { ...forThisRun, password: "wrong" } });
      refused(/PS-N010 .*does not take the login of trust\.login/, {
        ...{ login: { ...login, password: "wrong" }, plainHttp: true },
      });
    });

    /** Every file of the node's and of ours, with inode and times. */
    function seen(): string[] {
      const of = ["root", "home"].map((name) => path.join(host.dir, name));
      return spawnSync("find", [...of, "-type", "f", "-printf", "%p %i %s %T@ %C@\n"], { encoding: "utf8" })
        .stdout.split("\n")
        .sort();
    }
  });
}
