/** PauseImage through the real Pulumi engine, a real docker engine and real registries. */
import * as pulumi from "@pulumi/pulumi";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { type PauseImageArgs, PauseImageSource } from "../../../components";
import { bridgeAddress, trustInEngine } from "../../support/engineTrust";
import { asked, ran } from "../../support/ran";
import { Registry, removeImages } from "../../support/registry";
import { atLeast } from "../../support/tier";
import { pushIndex } from "./handmade";
import { Program, toolFolders } from "./program";
import { type Fault, Proxy, type ProxyOptions } from "./proxy";

const REPOSITORY = "platform/pause";
const VERSION = "1.0.0";
/** The path of the reference itself in a registry. */
const REFERENCE = /manifests\/1\.0\.0$/;

interface Config {
  architecture: string;
  os: string;
  config: { User: string; Entrypoint: string[]; Cmd?: string[]; Env?: string[]; Labels: Record<string, string> };
  rootfs: { diff_ids: string[] };
}

describe("PauseImage", function () {
  // A bound, not a pace: a run of the engine takes seconds, on a machine that builds Kubernetes meanwhile a minute.
  this.timeout(600_000);
  ran("docker engine", () => asked("docker", "version", "--format", "{{.Server.Version}}"));
  ran("registry", () => asked("docker-registry"));
  let registry: Registry;
  let proxy: Proxy;
  let program: Program;

  // On a bare machine the engine and a plugin are built first, while another lane builds the lab's tools.
  before("the engine and its plugins", function () {
    this.timeout("40m");
    toolFolders();
  });
  beforeEach(async () => {
    registry = await Registry.start();
    proxy = await Proxy.start(registry);
    program = Program.make([registry]);
  });
  afterEach(async () => {
    const hosts = [proxy.host, registry.host];
    proxy.stop();
    registry.stop();
    program.remove();
    for (const host of hosts) await removeImages(host);
  });

  const built = (changed: Partial<PauseImageArgs> = {}): PauseImageArgs => ({
    reference: `${proxy.host}/${REPOSITORY}:${VERSION}`,
    login: Registry.user,
    ...changed,
  });
  const digestOf = async (tag: string) => (await registry.manifest(REPOSITORY, tag)).digest;
  const absent = (tag: string) => assert.rejects(registry.manifest(REPOSITORY, tag), /404/);

  /** How a run failed. One that did not is shown whole: what it did is gone with its folder. */
  const failed = (run: ReturnType<Program["up"]>): Promise<Error> =>
    run.then(
      ({ raw }) => assert.fail(`the run succeeded:\n${raw.stdout}${raw.stderr}`),
      (failure: unknown) => failure as Error,
    );
  /** Requires that a run ends at this resource for this reason, and names registry and reference and what to do. */
  const fails = async (args: PauseImageArgs, resource: string, why: RegExp, of = program): Promise<string> => {
    const { message } = await failed(of.up(args));
    const said = (of: string) =>
      new RegExp(`^  [\\w:-]+ \\(${of}\\):\\n((?:    .*\\n)+)`, "m").exec(message)?.[1] ?? message;
    assert.match(said(resource), why);
    assert.ok(typeof args.reference === "string");
    // The reference itself is the index's, or the only image's with plainHttp.
    const pushed = resource === "pause-index" || args.plainHttp ? "" : resource.slice("pause".length);
    const registry = args.reference.slice(0, args.reference.indexOf("/"));
    const whole = `${args.reference}${pushed} was not pushed to registry ${registry} \\(.*\\)\\. What to do: \\S`;
    assert.match(said("pause"), new RegExp(whole));
    assert.match(said("pause"), why);
    return message;
  };
  /** How the plugin says that the registry did not take the reference itself. */
  const notPublished = (status: string, said: string) => {
    const commit = `publish (sha256:[0-9a-f]{64}) to ${proxy.host}/${REPOSITORY}:${VERSION}: failed commit on ref "index-\\1"`;
    const put = `unexpected status from PUT request to https://${proxy.host}/v2/${REPOSITORY}/manifests/${VERSION}`;
    return new RegExp(`creating: ${commit}: ${put}: ${status}\\s+${said}`);
  };
  const failure = (kind: Fault, method: string, path: RegExp) => {
    proxy.reset();
    proxy.fault = (asked, url) => (asked === method && path.test(url) ? kind : undefined);
  };

  it("builds for each platform what it says on the label, pushes nothing again, and leaves all when destroyed", async () => {
    const preview = await program.preview(built());
    assert.equal(preview.changeSummary.create, 5);
    assert.deepEqual(proxy.written, [], "a preview touches nothing");

    const sourceUrl = "https://git.example.com/platform/pause";
    const { digest, reference } = await program.up(built({ sourceUrl }));
    assert.equal(reference, built().reference);
    const { digest: pushed, content } = await registry.manifest(REPOSITORY, VERSION);
    assert.equal(digest, pushed);
    assert.deepEqual(
      content.manifests?.map(({ platform }) => `${platform.os}/${platform.architecture}`),
      ["linux/amd64", "linux/arm64"],
    );
    for (const { digest: image, platform } of content.manifests ?? []) {
      const { architecture, config, rootfs } = (await registry.config(REPOSITORY, image)) as unknown as Config;
      assert.equal(architecture, platform.architecture);
      assert.deepEqual([config.User, config.Entrypoint, config.Cmd ?? []], ["65535:65535", ["/pause"], []]);
      assert.equal(rootfs.diff_ids.length, 1, "one layer");
      const { "org.opencontainers.image.revision": revision, ...labels } = config.Labels;
      assert.match(revision ?? "", /^sha256:[0-9a-f]{64}$/);
      assert.deepEqual(labels, {
        "org.opencontainers.image.title": "pause",
        "org.opencontainers.image.source": sourceUrl,
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
      });
    }

    proxy.reset();
    await program.up(built({ sourceUrl }), { expectNoChanges: true });
    assert.deepEqual(proxy.asked, [], "nothing is even looked up");

    await program.destroy();
    assert.equal(await digestOf(VERSION), pushed, "nodes may still pull it");
  });

  // One push is what `make test` needs.
  if (!atLeast("all")) return;

  it("gives a changed source another digest under the same reference, and under a further tag", async () => {
    const sources = program.useCopy();
    const args = { platforms: ["linux/amd64"], alsoTags: ["3.10.2"] };
    const first = await program.up(built(args));
    assert.equal(await digestOf("3.10.2"), first.digest);
    fs.appendFileSync(path.join(sources, "pause.c"), '\n__attribute__((used)) static const char changed[] = "x";\n');
    const second = await program.up(built(args));
    assert.notEqual(second.digest, first.digest);
    assert.deepEqual([await digestOf(VERSION), await digestOf("3.10.2")], [second.digest, second.digest]);
    await program.up(built(args), { expectNoChanges: true });
  });

  it("keeps the password out of state, outputs and messages", async () => {
    const { raw } = await program.up(built({ platforms: ["linux/amd64"] }));
    const { password } = Registry.user;
    const forms = [password, Buffer.from(password).toString("base64"), encodeURIComponent(password)];
    const texts = [raw.stdout, raw.stderr, JSON.stringify(raw.outputs)];
    for (const entry of fs.readdirSync(program.state, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.push(fs.readFileSync(path.join(entry.parentPath, entry.name), "utf8"));
    }
    assert.ok(
      texts.some((text) => text.includes(Registry.user.username)),
      "the state that was searched has the login",
    );
    for (const form of forms) assert.ok(!texts.some((text) => text.includes(form)));
  });

  it("mirrors every platform of an image, Windows among them, from a registry that wants a login", async () => {
    const upstream = await Registry.start();
    try {
      const platforms = [
        { os: "linux", architecture: "amd64" },
        { os: "windows", architecture: "amd64", "os.version": "10.0.17763.8146" },
        { os: "windows", architecture: "amd64", "os.version": "10.0.20348.4529" },
      ];
      const original = await pushIndex(upstream, "pause", "3.10", platforms);
      const trusting = Program.make([registry, upstream]);
      trusting.dockerLogin(upstream);
      const further = { alsoTags: ["3.10.2"] };
      const mirror = built({ source: PauseImageSource.Mirror, mirrorOf: `${upstream.host}/pause:3.10`, ...further });
      const { digest } = await trusting.up(mirror);
      assert.equal(digest, original);
      assert.deepEqual([await digestOf(VERSION), await digestOf("3.10.2")], [original, original]);
      const { content } = await registry.manifest(REPOSITORY, VERSION);
      for (const { digest: image } of content.manifests ?? []) {
        const from = await upstream.config("pause", image);
        assert.deepEqual(await registry.config(REPOSITORY, image), from);
      }
      const order = proxy.written.filter((line) => line.includes("/manifests/"));
      const last = [VERSION, "3.10.2"].map((tag) => `PUT /v2/${REPOSITORY}/manifests/${tag}`);
      assert.deepEqual([...new Set(order)].slice(-2), last, "the tags are written last, and the reference first");
      await trusting.up(mirror, { expectNoChanges: true });
      trusting.remove();
    } finally {
      upstream.stop();
    }
  });

  it("writes the reference after all that it names, and pushes what is missing", async () => {
    failure("refuse", "POST", /blobs\/uploads\/$/);
    await fails(built(), "pause-linux-\\w+", /error reading push output: denied: refused by the test/);
    await absent(VERSION);

    failure("refuse", "PUT", /manifests\/.*-linux-arm64$/);
    await fails(built(), "pause-linux-arm64", /denied: refused by the test/);
    await digestOf(`${VERSION}-linux-amd64`);
    await absent(VERSION);

    failure("refuse", "PUT", REFERENCE);
    await fails(built(), "pause-index", notPublished("403 Forbidden", "denied: refused by the test"));
    await absent(VERSION);

    proxy.reset();
    const { digest } = await program.up(built());
    // Asked twice: the first answer is that a login is wanted.
    assert.deepEqual([...new Set(proxy.written)], [`PUT /v2/${REPOSITORY}/manifests/${VERSION}`], "all else was there");

    failure("refuse", "PUT", /manifests\/.*-linux-arm64$/);
    await fails(built({ sourceUrl: "https://git.example.com" }), "pause-linux-arm64", /refused by the test/);
    assert.equal(await digestOf(VERSION), digest, "nodes go on pulling what they have");
  });

  it("leaves the reference alone when part of a mirror is refused, and copies what is missing", async () => {
    const upstream = await Registry.start();
    try {
      const platform = { os: "linux", architecture: "amd64" };
      const original = await pushIndex(upstream, "pause", "3.10", [platform]);
      const newer = await pushIndex(upstream, "pause", "3.11", [{ ...platform, architecture: "arm64" }, platform]);
      const trusting = Program.make([registry, upstream]);
      trusting.dockerLogin(upstream);
      const mirror = (tag: string) =>
        built({ source: PauseImageSource.Mirror, mirrorOf: `${upstream.host}/pause:${tag}` });
      const refused =
        /creating: (copy|publish) sha256:.*: unexpected status from \w+ request to \S+: 403 Forbidden\s+denied: refused/;
      const refuseEach = async (tag: string, check: () => Promise<unknown>) => {
        for (const [method, path] of [
          ["POST", /blobs\/uploads\/$/],
          ["PUT", /manifests\/sha256:/],
          ["PUT", REFERENCE],
        ] as const) {
          failure("refuse", method, path);
          await fails(mirror(tag), "pause-index", refused, trusting);
          await check();
        }
        proxy.reset();
        return (await trusting.up(mirror(tag))).digest;
      };
      assert.equal(await refuseEach("3.10", () => absent(VERSION)), original);
      const unchanged = async () => {
        assert.equal(await digestOf(VERSION), original);
      };
      assert.equal(await refuseEach("3.11", unchanged), newer);
      trusting.remove();
    } finally {
      upstream.stop();
    }
  });

  for (const kind of ["cut", "break"] as const) {
    it(`has the engine send a layer again after its upload was met by "${kind}"`, async () => {
      let met = 0;
      proxy.fault = (method) => (method === "PATCH" && met++ === 0 ? kind : undefined);
      const { digest } = await program.up(built({ platforms: ["linux/amd64"] }));
      assert.ok(met > 1);
      assert.equal(await digestOf(VERSION), digest);
    });
  }

  it("ends where a registry is out of order for a manifest, and leaves the reference alone", async () => {
    const args = built({ platforms: ["linux/amd64"] });
    failure("break", "PUT", /manifests\/.*-linux-amd64$/);
    await fails(args, "pause-linux-amd64", /received unexpected HTTP status: 503 Service Unavailable/);
    assert.equal(proxy.written.filter((line) => line.includes("/manifests/")).length, 1, "tried once");
    failure("break", "PUT", REFERENCE);
    await fails(args, "pause-index", notPublished("503 Service Unavailable", "unavailable: broken by the test"));
    await absent(VERSION);
  });

  it("pushes all again on --replace where the registry was replaced, which nothing else notices", async () => {
    const { digest } = await program.up(built());
    const fresh = await Registry.start();
    try {
      proxy.leadTo(fresh);
      await program.up(built(), { expectNoChanges: true });
      await program.refresh();
      const lost = new RegExp(`creating: ${proxy.host}/${REPOSITORY}@sha256:[0-9a-f]{64}: not found`);
      await fails(built(), "pause-index", lost);
      const again = await program.up(built(), { replace: ["**PauseImage$**"] });
      assert.equal(again.digest, digest);
      assert.equal((await fresh.manifest(REPOSITORY, VERSION)).digest, digest);
      await program.up(built(), { expectNoChanges: true });
    } finally {
      fresh.stop();
    }
  });

  it("says how to go on after a refresh whose login was refused, which keeps no digest", async () => {
    const args = built({ platforms: ["linux/amd64"] });
    const { digest } = await program.up(args);
    registry.setPassword("another");
    await program.refresh();
    registry.setPassword(Registry.user.password);
    const said = `error: .*${proxy.host}/${REPOSITORY}:${VERSION}.* --replace '\\*\\*PauseImage\\$\\*\\*'`;
    await assert.rejects(program.up(args), new RegExp(said));
    assert.equal((await program.up(args, { replace: ["**PauseImage$**"] })).digest, digest);
    await program.up(args, { expectNoChanges: true });
  });

  describe("says what is wrong, and leaves the reference alone, where", () => {
    const args = () => built({ platforms: ["linux/amd64"] });

    it("the login is wrong", async () => {
      const login = { username: "pusher", password: "not the password" };
      const said = await fails({ ...args(), login }, "pause-linux-amd64", /unauthorized: authentication required/);
      assert.ok(!said.includes(login.password));
      await absent(VERSION);
    });

    it("there is no login", async () => {
      await fails({ ...args(), login: undefined }, "pause-linux-amd64", /no basic auth credentials/);
      await absent(VERSION);
    });

    it("the machine does not know the registry's authority", async () => {
      const stranger = Program.make([]);
      await fails(args(), "pause-index", new RegExp(`https://${proxy.host}/.*: .*certificate`), stranger);
      await absent(VERSION);
      stranger.remove();
    });

    it("nobody answers", async () => {
      proxy.stop();
      await fails(args(), "pause-linux-amd64", new RegExp(`https?://${proxy.host}/v2/": .*: connection refused`));
    });
  });

  describe("to a registry that the engine was told nothing of", () => {
    let far: Proxy;
    const startFar = async (options: ProxyOptions = {}) =>
      (far = await Proxy.start(registry, { address: bridgeAddress(), ...options }));
    const args = () => built({ reference: `${far.host}/${REPOSITORY}:${VERSION}`, platforms: ["linux/amd64"] });
    afterEach(async () => {
      far.stop();
      await removeImages(far.host);
    });

    it("writes nothing where the engine does not know its authority, and pushes once it does", async () => {
      await startFar();
      const trusting = Program.make([registry], far.certificate);
      const why = new RegExp(`Get "https://${far.host}/v2/": x509: certificate signed by unknown authority`);
      await fails(args(), "pause-linux-amd64", why, trusting);
      assert.deepEqual(far.asked, []);
      const distrust = trustInEngine(far.host, far.certificate);
      try {
        const { digest } = await trusting.up(args());
        assert.equal(await digestOf(VERSION), digest);
      } finally {
        distrust();
        trusting.remove();
      }
    });

    it("writes nothing where it speaks plain HTTP and the engine was not told so, asked for or not", async () => {
      await startFar({ plainHttp: true });
      for (const plainHttp of [false, true]) {
        const asked = { ...args(), plainHttp };
        const resource = "pause-linux-amd64";
        await fails(asked, resource, /https:.*: http: server gave HTTP response to HTTPS client/);
        assert.deepEqual(far.asked, []);
      }
    });
  });

  it("refuses arguments that turn out wrong once they are known, and creates nothing", async () => {
    const late = built({ reference: pulumi.output(`${proxy.host}/${REPOSITORY}`) });
    await assert.rejects(program.up(late), /reference: .* is not allowed; .*tag is missing/);
    assert.deepEqual(proxy.written, []);
  });

  // The engine and buildx speak plain HTTP to 127.0.0.0/8, unlike to every other address.
  describe("over plain HTTP on loopback", () => {
    let plain: Proxy;
    beforeEach(async () => {
      plain = await Proxy.start(registry, { plainHttp: true, address: "127.0.0.1" });
    });
    afterEach(async () => {
      const { host } = plain;
      plain.stop();
      await removeImages(host);
    });

    it("pushes one platform's image over HTTP where that is asked for, and fails where it is not", async () => {
      const reference = `${plain.host}/${REPOSITORY}:${VERSION}`;
      const args = built({ reference, platforms: ["linux/amd64"] });
      const readBack = `\\(reading: .*(HTTP response to HTTPS client|wrong version number).*\\)`;
      const { message } = await failed(program.up(args));
      assert.match(message, new RegExp(`error: ${reference} was .*${readBack}\\. What to do: .*plainHttp`));
      const { digest } = await program.up({ ...args, plainHttp: true });
      assert.equal(await digestOf(VERSION), digest);
      assert.equal((await registry.config(REPOSITORY, VERSION)).architecture, "amd64");
      await program.up({ ...args, plainHttp: true }, { expectNoChanges: true });
    });
  });
});
