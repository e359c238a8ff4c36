import Docker from "dockerode";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type Props, Provider, urn } from "./provider";
import { Registry, removeImages } from "../../../tests/support/registry";

const IMAGE = urn("docker:index/image:Image");
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("images in a registry", function () {
  this.timeout(60_000);
  let registry: Registry;
  let docker: Provider;
  /** Working directory of the plugin: the program's, which relative paths are meant to start from. */
  let program: string;

  before(async () => {
    registry = await Registry.start();
    program = fs.mkdtempSync(path.join(os.tmpdir(), "contract-images-"));
    fs.mkdirSync(path.join(program, "context"));
    fs.writeFileSync(path.join(program, "context/Dockerfile"), "FROM scratch\nARG FILE\nCOPY ${FILE} /file\n");
    fs.writeFileSync(path.join(program, "context/one"), `only in ${program}`);
    fs.writeFileSync(path.join(program, "context/two"), `also in ${program}`);
    docker = await Provider.start("docker", { cwd: program });
  });
  after(async () => {
    docker.stop();
    registry.stop();
    fs.rmSync(program, { recursive: true });
    await removeImages(registry.host);
  });

  const imageInputs = (tag: string, changed: Props = {}): Props => ({
    imageName: `${registry.host}/test/image:${tag}`,
    build: { context: "context", dockerfile: "context/Dockerfile", platform: "linux/amd64", args: { FILE: "one" } },
    registry: { server: registry.host, ...Registry.user },
    ...changed,
  });
  const build = (changed: Props): Props => ({ ...(imageInputs("").build as Props), ...changed });
  const createImage = async (inputs: Props) => docker.create(IMAGE, await docker.check(IMAGE, inputs));

  describe("docker:index/image:Image", () => {
    it("has the version of the SDK", async () => {
      const { version } = JSON.parse(fs.readFileSync(require.resolve("@pulumi/docker/package.json"), "utf8")) as Props;
      assert.equal(await docker.version(), version);
    });

    for (const [builderVersion, architecture] of [
      ["BuilderBuildKit", "amd64"],
      ["BuilderBuildKit", "arm64"],
      // The first builder of engine 20.10 refuses its own intermediate images for any other platform.
      ["BuilderV1", "amd64"],
    ] as const) {
      it(`builds and pushes with ${builderVersion} for ${architecture}`, async () => {
        const tag = `${builderVersion.toLowerCase()}-${architecture}`;
        const inputs = imageInputs(tag, { build: build({ platform: `linux/${architecture}`, builderVersion }) });
        const { id, outputs } = await createImage(inputs);
        const { digest } = await registry.manifest("test/image", tag);
        assert.equal(id, inputs.imageName);
        assert.equal(outputs.repoDigest, `${registry.host}/test/image@${digest}`);
        assert.equal(outputs.imageName, inputs.imageName);
        assert.equal(outputs.baseImageName, inputs.imageName);
        assert.equal(outputs.registryServer, registry.host);
        assert.equal((await registry.config("test/image", tag)).architecture, architecture);
      });
    }

    it("has nothing to do for the same context, and an update for another content, mode or log-in server", async () => {
      const inputs = await docker.check(IMAGE, imageInputs("diff"));
      const old = { id: "it", inputs, outputs: {} };
      const diffOf = async (changed: Props) => docker.diff(IMAGE, old, await docker.check(IMAGE, changed));
      assert.equal((await diffOf(imageInputs("diff"))).changes, "none");
      const later = { server: registry.host, username: "another", password: "another" };
      assert.equal((await diffOf(imageInputs("diff", { registry: later }))).changes, "none");
      const two = path.join(program, "context/two");
      fs.chmodSync(two, 0o700);
      assert.equal((await diffOf(imageInputs("diff"))).changes, "some");
      fs.chmodSync(two, 0o644);
      fs.appendFileSync(two, "!");
      const { changes, replaces } = await diffOf(imageInputs("diff"));
      assert.deepEqual([changes, replaces], ["some", []]);
    });

    it("pushes nothing in a preview, and does not know the digest", async () => {
      const { outputs } = await docker.create(IMAGE, await docker.check(IMAGE, imageInputs("preview")), {
        preview: true,
      });
      assert.ok(outputs.repoDigest === undefined || outputs.repoDigest === UNKNOWN);
      await assert.rejects(registry.manifest("test/image", "preview"), /404/);
    });

    it("previews what it cannot know yet", async () => {
      const inputs = imageInputs("unknown", { imageName: UNKNOWN, build: build({ args: { FILE: UNKNOWN } }) });
      await docker.create(IMAGE, await docker.check(IMAGE, inputs), { preview: true });
    });

    it("only builds with skipPush, and gives the local image's id", async () => {
      const { outputs } = await createImage(imageInputs("local", { skipPush: true }));
      const { Id } = await new Docker().getImage(`${registry.host}/test/image:local`).inspect();
      assert.equal(outputs.repoDigest, Id);
      await assert.rejects(registry.manifest("test/image", "local"), /404/);
    });

    it("gives the engine's reason where a build or a push fails", async () => {
      const missing = imageInputs("missing", { build: build({ args: { FILE: "absent" } }) });
      await assert.rejects(createImage(missing), /error reading build output: .*absent/s);
      const wrong = { server: registry.host, ...Registry.user, password: "wrong" };
      await assert.rejects(
        createImage(imageInputs("denied", { registry: wrong })),
        /error reading push output: .*auth/s,
      );
    });

    it("refuses a name without a registry, and a Dockerfile that is not there", async () => {
      await assert.rejects(docker.check(IMAGE, imageInputs("", { imageName: "image:tag" })), /fully qualified/);
      const inputs = imageInputs("absent", { build: build({ dockerfile: "context/Absent" }) });
      await assert.rejects(docker.check(IMAGE, inputs), /could not open dockerfile.*context\/Absent/);
    });
  });
});
