import Docker from "dockerode";
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { pauseContext } from "../../../image/compile";
import { type Props, Provider, urn } from "./provider";

const CONTAINER = urn("docker:index/container:Container", "contract");
const IMAGE = urn("docker:index/image:Image");

describe("docker:index/container:Container", function () {
  this.timeout(60_000);
  const engine = new Docker();
  // Fully qualified, so that no engine would look for it on Docker Hub.
  const image = `localhost:1/contract-${process.pid}:pause`;
  let provider: Provider;
  let folder: string;
  let pause: { id: string; inputs: Props; outputs: Props };

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-container-"));
    provider = await Provider.start("docker", { cwd: folder });
    const context = pauseContext({ platforms: ["linux/amd64"], version: "1.0.0", cacheDir: folder });
    const build = { context, dockerfile: `${context}/Dockerfile`, args: { TARGETARCH: "amd64" } };
    const inputs = await provider.check(IMAGE, { imageName: image, build, skipPush: true });
    await provider.create(IMAGE, inputs);
    const ports = [{ internal: 80, external: 0, ip: "127.0.0.1" }];
    const labels = [{ label: "scratch", value: "contract" }];
    pause = await create({ ipcMode: "shareable", ports, labels });
  });
  after(async () => {
    await provider.delete(CONTAINER, pause);
    provider.stop();
    await engine.getImage(image).remove();
    fs.rmSync(folder, { recursive: true });
  });

  const create = async (changed: Props) =>
    provider.create(CONTAINER, await provider.check(CONTAINER, { image, ...changed }));

  it("runs the image, named after the resource, with what was asked of its namespaces and ports", async () => {
    const live = await engine.getContainer(pause.id).inspect();
    assert.ok(live.State.Running);
    assert.match(live.Name, /^\/contract-[0-9a-f]{7}$/);
    assert.equal(live.HostConfig.IpcMode, "shareable");
    assert.equal(live.NetworkSettings.Ports["80/tcp"]?.[0]?.HostIp, "127.0.0.1");
    const [network] = pause.outputs.networkDatas as { ipAddress: string }[];
    assert.equal(network?.ipAddress, live.NetworkSettings.IPAddress);
  });

  it("joins the namespaces of another, with a file of its own", async () => {
    const joined = `container:${pause.id}`;
    const uploads = [{ file: "/etc/nginx/nginx.conf", content: "of the test" }];
    const made = await create({
      name: `joined-${process.pid}`,
      networkMode: joined,
      ipcMode: joined,
      pidMode: joined,
      uploads,
    });
    const live = await engine.getContainer(made.id).inspect();
    const archive = await engine.getContainer(made.id).getArchive({ path: "/etc/nginx/nginx.conf" });
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    assert.equal(live.HostConfig.PidMode, joined);
    assert.match(Buffer.concat(chunks).toString(), /of the test/);
    await provider.delete(CONTAINER, made);
    await assert.rejects(engine.getContainer(made.id).inspect(), /no such container/i);
  });

  it("is left alone for the same inputs, and replaced for others", async () => {
    assert.equal((await provider.diff(CONTAINER, pause, pause.inputs)).changes, "none");
    const { replaces } = await provider.diff(CONTAINER, pause, { ...pause.inputs, ipcMode: "private" });
    assert.deepEqual(replaces, ["ipcMode"]);
  });

  it("leaves nothing behind where it cannot start", async () => {
    const name = `broken-${process.pid}`;
    await assert.rejects(create({ name, entrypoints: ["/absent"] }), /absent/);
    await assert.rejects(engine.getContainer(name).inspect(), /no such container/i);
  });

  it("is to be replaced once a refresh saw it stopped, and gone once it was removed", async () => {
    const made = await create({ name: `stopped-${process.pid}` });
    await engine.getContainer(made.id).kill();
    const live = await provider.read(CONTAINER, made);
    assert.ok(live);
    const diff = await provider.diff(CONTAINER, { ...live, inputs: made.inputs }, made.inputs);
    assert.equal(diff.changes, "some");
    await engine.getContainer(made.id).remove();
    assert.equal(await provider.read(CONTAINER, made), undefined);
  });
});
