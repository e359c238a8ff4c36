/** PauseImage through the real Pulumi engine, a real docker engine and real registries. */
import * as pulumi from "@pulumi/pulumi";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { type PauseImageArgs, PauseImageSource } from "../../components";
import { Registry, removeImages } from "../contract/registry";
import { pushIndex } from "./handmade";
import { Program } from "./program";
import { Proxy } from "./proxy";

const REPOSITORY = "platform/pause";
const VERSION = "1.0.0";

interface Config {
  architecture: string;
  os: string;
  config: { User: string; Entrypoint: string[]; Cmd?: string[]; Env?: string[]; Labels: Record<string, string> };
  rootfs: { diff_ids: string[] };
}

describe("PauseImage", function () {
  // A bound, not a pace: a run of the engine takes seconds, on a machine that builds Kubernetes meanwhile a minute.
  this.timeout(600_000);
  let registry: Registry;
  let proxy: Proxy;
  let program: Program;

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

  it("gives a changed source another digest under the same reference", async () => {
    const sources = program.useCopy();
    const platforms = ["linux/amd64"];
    const first = await program.up(built({ platforms }));
    fs.appendFileSync(path.join(sources, "pause.c"), '\n__attribute__((used)) static const char changed[] = "x";\n');
    const second = await program.up(built({ platforms }));
    assert.notEqual(second.digest, first.digest);
    assert.equal(await digestOf(VERSION), second.digest);
    await program.up(built({ platforms }), { expectNoChanges: true });
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
      const mirror = built({ source: PauseImageSource.Mirror, mirrorOf: `${upstream.host}/pause:3.10` });
      const { digest } = await trusting.up(mirror);
      assert.equal(digest, original);
      assert.equal(await digestOf(VERSION), original);
      const { content } = await registry.manifest(REPOSITORY, VERSION);
      for (const { digest: image } of content.manifests ?? []) {
        const from = await upstream.config("pause", image);
        assert.deepEqual(await registry.config(REPOSITORY, image), from);
      }
      const order = proxy.written.filter((line) => line.includes("/manifests/"));
      assert.equal(order.at(-1), `PUT /v2/${REPOSITORY}/manifests/${VERSION}`, "the tag is written last");
      await trusting.up(mirror, { expectNoChanges: true });
      trusting.remove();
    } finally {
      upstream.stop();
    }
  });

  it("writes the reference after all that it names, retries an upload that was cut, and pushes what is missing", async () => {
    const [blob, arm64, reference] = ["blobs/uploads/", `manifests/${VERSION}-linux-arm64`, `manifests/${VERSION}`];
    const refuse = (method: string, end: string) => {
      proxy.reset();
      proxy.fault = (asked, url) => (asked === method && url.endsWith(end) ? "refuse" : undefined);
    };
    const failing = (why: RegExp, args = built()) => assert.rejects(program.up(args), why);
    const named = (tag: string) => `(?=[^]*${proxy.host}/${REPOSITORY}:${tag})(?=[^]*refused by the test)`;

    refuse("POST", blob);
    await failing(new RegExp(named(`${VERSION}-linux-`)));
    await absent(VERSION);

    refuse("PUT", arm64);
    let cuts = 0;
    const refuseArm64 = proxy.fault;
    proxy.fault = (method, url) => (method === "PATCH" && cuts++ === 0 ? "cut" : refuseArm64(method, url));
    await failing(new RegExp(named(`${VERSION}-linux-arm64`)));
    assert.ok(cuts > 1, "the upload that was cut has been tried again");
    await digestOf(`${VERSION}-linux-amd64`);
    await absent(VERSION);

    refuse("PUT", reference);
    await failing(new RegExp(named(VERSION)));
    await absent(VERSION);

    proxy.reset();
    const { digest } = await program.up(built());
    // Asked twice: the first answer is that a login is wanted.
    assert.deepEqual([...new Set(proxy.written)], [`PUT /v2/${REPOSITORY}/${reference}`], "all else was there");

    refuse("PUT", arm64);
    await failing(new RegExp(named(`${VERSION}-linux-arm64`)), built({ sourceUrl: "https://git.example.com" }));
    assert.equal(await digestOf(VERSION), digest, "nodes go on pulling what they have");
  });

  describe("names the registry and the reference, and leaves the reference alone, where", () => {
    const reference = () => `${proxy.host}/${REPOSITORY}:${VERSION}`;
    const message = async (args: PauseImageArgs, of = program): Promise<string> => {
      const error = await of.up(args).then(
        () => assert.fail("the run succeeded"),
        (failure: unknown) => failure as Error,
      );
      assert.ok(error.message.includes(reference()), error.message);
      await absent(VERSION);
      return error.message;
    };

    it("the login is wrong", async () => {
      const login = { username: "pusher", password: "not the password" };
      const said = await message(built({ login }));
      assert.match(said, /unauthorized|no basic auth credentials/);
      assert.ok(!said.includes(login.password));
    });

    it("the machine does not know the registry's authority", async () => {
      const stranger = Program.make([]);
      assert.match(await message(built({ platforms: ["linux/amd64"] }), stranger), /certificate/);
      stranger.remove();
    });

    it("nobody answers", async () => {
      const gone = built();
      const host = proxy.host;
      proxy.stop();
      await assert.rejects(program.up(gone), new RegExp(`(?=[^]*${host}/${REPOSITORY}:${VERSION})(?=[^]*refused)`));
    });
  });

  it("refuses arguments that turn out wrong once they are known, and creates nothing", async () => {
    const late = built({ reference: pulumi.output(`${proxy.host}/${REPOSITORY}`) });
    await assert.rejects(program.up(late), /reference: .* is not allowed; .*tag is missing/);
    assert.deepEqual(proxy.written, []);
  });

  describe("over plain HTTP", () => {
    let plain: Proxy;
    beforeEach(async () => {
      plain = await Proxy.start(registry, { plainHttp: true });
    });
    afterEach(async () => {
      const { host } = plain;
      plain.stop();
      await removeImages(host);
    });

    it("writes no reference unless that is asked for, even where the engine would", async () => {
      const args = built({ reference: `${plain.host}/${REPOSITORY}:${VERSION}`, platforms: ["linux/amd64"] });
      await assert.rejects(program.up(args), new RegExp(`${plain.host}/${REPOSITORY}:${VERSION}`));
      await absent(VERSION);
      const { digest } = await program.up({ ...args, insecureRegistry: true });
      assert.equal(await digestOf(VERSION), digest);
      assert.equal((await registry.config(REPOSITORY, VERSION)).architecture, "amd64");
      await program.up({ ...args, insecureRegistry: true }, { expectNoChanges: true });
    });
  });
});
