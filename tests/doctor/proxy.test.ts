import { strict as assert } from "node:assert";
import * as http from "node:http";
import { type AddressInfo, connect } from "node:net";

import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import { look } from "../../doctor/examine";
import { isExempt, proxyFor } from "../../doctor/proxy";
import { Certificates, having, type Pair, serve, stopAll } from "./servers";
import { factsOf } from "./nodeFacts";

describe("the proxy of a runtime", function () {
  this.timeout("30s");
  const to = { host: "registry.bank.example", port: 5000 };

  const exempt: [string, string, number, boolean][] = [
    ["", "registry.bank.example", 443, false],
    ["*", "registry.bank.example", 443, true],
    ["bank.example", "registry.bank.example", 443, true],
    ["bank.example", "bank.example", 443, true],
    ["bank.example", "otherbank.example", 443, false],
    [".bank.example", "registry.bank.example", 443, true],
    [".bank.example", "bank.example", 443, false],
    ["*.bank.example", "registry.bank.example", 443, true],
    ["registry.bank.example:5000", "registry.bank.example", 5000, true],
    ["registry.bank.example:5000", "registry.bank.example", 443, false],
    ["a, REGISTRY.bank.example ,b", "registry.Bank.example", 443, true],
    ["10.0.0.0/8", "10.1.2.3", 443, true],
    ["10.0.0.0/8", "11.1.2.3", 443, false],
    ["10.0.0.0/8", "registry.bank.example", 443, false],
    ["10.1.2.3", "10.1.2.3", 5000, true],
    ["fd00::/8", "fd00::1", 443, true],
    ["10.0.0.0/99", "10.1.2.3", 443, false],
    ["", "127.0.0.1", 443, true],
    ["", "localhost", 443, true],
  ];
  for (const [list, host, port, expected] of exempt) {
    it(`${expected ? "is not" : "is"} taken to ${host}:${port} with NO_PROXY=${list}`, () => {
      assert.equal(isExempt([`NO_PROXY=${list}`], { host, port }), expected);
    });
  }

  it("is that of the scheme, in capitals first, with or without http:// in front", () => {
    const url = (lines: string[], plainHttp = false) => proxyFor(lines, { ...to, plainHttp })?.url;
    assert.equal(url(["HTTP_PROXY=http://a:3128"]), undefined);
    assert.equal(url(["HTTP_PROXY=http://a:3128"], true), "http://a:3128");
    assert.equal(url(["https_proxy=b:3128", "HTTPS_PROXY=a:3128"]), "http://a:3128");
    assert.equal(url(["HTTPS_PROXY=", "https_proxy=b:3128"]), "http://b:3128");
    assert.deepEqual(proxyFor(["HTTPS_PROXY=https://[fd00::1]/"], to), {
      ...{ url: "https://[fd00::1]", host: "fd00::1", port: 443, tls: true },
    });
    assert.equal(url(["HTTPS_PROXY=http://a:3128", "no_proxy=bank.example"]), undefined);
  });

  describe("on the way to a registry", () => {
    let certificates: Certificates;
    let root: Pair;
    const proxies: http.Server[] = [];
    before(() => {
      certificates = new Certificates();
      root = certificates.make({ name: "Bank Root" });
    });
    after(() => {
      certificates.remove();
      stopAll();
      for (const one of proxies) one.closeAllConnections();
      for (const one of proxies) one.close();
    });

    /** One that connects to this port, whoever is asked for, or answers with a status. */
    async function proxy(answer: { port: number } | { status: string }): Promise<string> {
      const server = http.createServer().on("connect", (_, client, head) => {
        if ("status" in answer) {
          client.end(`HTTP/1.1 ${answer.status}\r\n\r\n`);
          return;
        }
        const back = connect(answer.port, "127.0.0.1", () => {
          client.write("HTTP/1.1 200 Connection established\r\n\r\n");
          back.write(head);
          back.pipe(client).pipe(back);
        });
        for (const one of [client, back]) one.on("error", () => undefined);
      });
      proxies.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    async function seen(url: string, more: string[] = []) {
      const facts: Omit<Facts, "failed"> = {
        ...factsOf("registry.bank.example/platform/pause:1.0.0", { proxy: [`HTTPS_PROXY=${url}`, ...more] }),
        // Certificates are made when the test runs, not when it is loaded.
        host: {
          architecture: "amd64",
          epochSeconds: Math.floor(Date.now() / 1000),
          kubernetes: true,
          name: "worker-7",
        },
      };
      const told = Object.entries(facts).filter(([fact]) => fact !== "failed");
      const lines = told.map(([fact, value]) => JSON.stringify({ fact, value }));
      const found = await look({
        name: "worker-7",
        run: () => Promise.resolve(lines.join("\n")),
        plan: () => Promise.reject(new Error("nobody plans")),
        dial: (host, port) => connect(port, host === "registry.bank.example" ? "127.0.0.2" : host),
      });
      return diagnose(found);
    }
    const registry = async (names: string) =>
      serve(having("amd64"), certificates.make({ name: "registry", signer: root, names }));

    it("is walked through, and the certificate that arrives is judged", async () => {
      const url = await proxy({ port: await registry("DNS:registry.bank.example") });
      const { findings, evidence } = await seen(url);
      const [first] = findings;
      assert.ok(first);
      assert.equal(first.code, "PS-D001");
      assert.ok(first.what.includes(`registry.bank.example:443 through the proxy ${url}`), first.what);
      assert.ok(evidence.some(({ text }) => text === `pulls from registry.bank.example go through ${url}`));
    });

    it("is named where it refuses the registry, with NO_PROXY as the way out", async () => {
      const { findings } = await seen(await proxy({ status: "403 Forbidden" }));
      assert.deepEqual([findings[0]?.code, findings[0]?.fatal], ["PS-D042", true]);
      assert.match(findings[0]?.what ?? "", /the proxy answers 403 to CONNECT registry\.bank\.example:443/);
      assert.match(findings[0]?.remedy ?? "", /add it to NO_PROXY \(systemctl edit containerd/);
    });

    it("is named where nobody listens there", async () => {
      const { findings } = await seen("http://127.0.0.1:1");
      assert.equal(findings[0]?.code, "PS-D042");
    });

    it("is not judged where it wants a login", async () => {
      const { findings, unknown } = await seen(await proxy({ status: "407 Proxy Authentication Required" }));
      assert.deepEqual([findings, unknown], [[], ["whether the image can be pulled"]]);
    });

    it("is not taken where NO_PROXY exempts the registry, and that is said", async () => {
      const { findings, evidence } = await seen(await proxy({ status: "403 Forbidden" }), ["NO_PROXY=.bank.example"]);
      assert.equal(findings[0]?.code, "PS-D007");
      assert.ok(
        evidence.some(({ text }) => text === "the runtime has a proxy, and NO_PROXY exempts registry.bank.example"),
      );
    });
  });
});
