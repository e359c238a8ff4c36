import * as assert from "assert";

import { HandmadePod } from "../../components";
import { refused, run } from "../support/mocks";

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

  it("gives all three containers the labels to find them by", async () => {
    const [, ...containers] = await run(() => new HandmadePod("pod", { ...IMAGES, labels: { made: "by hand" } }));
    assert.strictEqual(containers.length, 3);
    for (const { inputs } of containers) {
      assert.deepStrictEqual(inputs.labels, [{ label: "made", value: "by hand" }]);
    }
  });

  const urls: [address: string | undefined, url: string][] = [
    [undefined, "http://127.0.0.1:8081/"],
    ["0.0.0.0", "http://127.0.0.1:8081/"],
    ["192.0.2.7", "http://192.0.2.7:8081/"],
    ["::", "http://[::1]:8081/"],
    ["fd00::7", "http://[fd00::7]:8081/"],
  ];
  for (const [publishedAddress, url] of urls) {
    it(`published on ${publishedAddress ?? "no address in particular"}, it is reached at ${url}`, async () => {
      let found = "";
      await run(() =>
        new HandmadePod("pod", { ...IMAGES, publishedAddress, publishedPort: 8081 }).url.apply((u) => (found = u)),
      );
      assert.strictEqual(found, url);
    });
  }

  it("leads nginx to the app's port", async () => {
    const all = await run(() => new HandmadePod("pod", { ...IMAGES, appPort: 9999 }));
    const nginx = all.find(({ name }) => name === "pod-nginx");
    assert.match(JSON.stringify(nginx?.inputs.uploads), /proxy_pass http:\/\/127\.0\.0\.1:9999;/);
  });

  it("reports every problem at once, and creates nothing", () =>
    refused(
      () =>
        new HandmadePod("pod", {
          ...IMAGES,
          pauseImage: "",
          appPort: 80,
          publishedPort: 0,
          publishedAddress: "127.0.0.",
          serverName: "a;b",
          labels: { "": "nameless" },
        }),
      [
        'pauseImage: ""',
        "appPort: 80",
        "publishedPort: 0",
        'publishedAddress: "127.0.0."',
        'serverName: "a;b"',
        'labels: {"":"nameless"}',
      ],
    ));
});
