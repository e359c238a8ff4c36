import * as assert from "assert";

import { HandmadePod } from "../../components";
import { refused, run } from "./mocks";

const IMAGES = { pauseImage: "r.example/pause:1", nginxImage: "r.example/nginx:1", appImage: "r.example/app:1" };

describe("HandmadePod", () => {
  it("is a pause that owns the namespaces and the port, and two containers that join it", async () => {
    const all = await run(() => new HandmadePod("pod", { ...IMAGES, serverName: "www.kubesre.com" }));
    const [component, pause, ...joiners] = all;
    assert.strictEqual(component?.name, "pod");
    assert.strictEqual(pause?.name, "pod-pause");
    assert.strictEqual(pause.inputs.ipcMode, "shareable");
    assert.deepStrictEqual(pause.inputs.ports, [{ internal: 80, external: 8080, ip: "127.0.0.1" }]);
    assert.deepStrictEqual(joiners.map(({ name }) => name).sort(), ["pod-app", "pod-nginx"]);
    for (const { inputs, parent, dependsOn } of joiners) {
      const joined = "container:pod-pause-id";
      const { networkMode, ipcMode, pidMode } = inputs;
      assert.deepStrictEqual(
        { networkMode, ipcMode, pidMode },
        { networkMode: joined, ipcMode: joined, pidMode: joined },
      );
      assert.strictEqual(parent, "pod");
      // What depends on pause is removed before it.
      assert.ok(dependsOn.includes("pod-pause"));
      assert.ok(!("ports" in inputs));
    }
    const nginx = joiners.find(({ name }) => name === "pod-nginx");
    assert.match(JSON.stringify(nginx?.inputs.uploads), /server_name www\.kubesre\.com;/);
  });

  it("reports every problem at once, and creates nothing", () =>
    refused(
      () =>
        new HandmadePod("pod", {
          ...IMAGES,
          pauseImage: "",
          appPort: 80,
          publishedPort: 0,
          publishedAddress: "x y",
          serverName: "a;b",
        }),
      ['pauseImage: ""', "appPort: 80", "publishedPort: 0", 'publishedAddress: "x y"', 'serverName: "a;b"'],
    ));
});
