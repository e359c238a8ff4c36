/** One node, or one registry, that answers what nobody asked for: the others are looked at all the same. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

import { parseFacts } from "../../doctor/facts";
import { walk } from "../../doctor/wire";
import { calledHere } from "../support/commandLine";
import { node, nodesServer } from "../support/nodesServer";
import { fakeSsh } from "./fakeSsh";
import { factsOf, runtime } from "./nodeFacts";
import { serve, stopAll } from "./servers";

const lineOf = (fact: string, value: unknown): string => JSON.stringify({ fact, value });
const facts = (fact: string, value: unknown): string => {
  const { failed, ...rest } = factsOf("registry.example/pause:1", {});
  assert.deepEqual(failed, {});
  return Object.entries({ ...rest, [fact]: value })
    .map(([name, one]) => lineOf(name, one))
    .join("\n");
};

/** Well-formed and of no use, by what is wrong with it. */
const SHAPES: readonly [string, string, unknown][] = [
  ["events that are a number", "events", 5],
  ["events that are objects", "events", [{}, null]],
  ["a host that is null", "host", null],
  ["a clock beyond all time", "host", { architecture: "amd64", epochSeconds: 1e300, name: "b" }],
  ["a name that is an object", "host", { architecture: "amd64", epochSeconds: 0, name: { toString: 1 } }],
  ["a runtime without its image", "runtime", { ...runtime("x"), image: undefined }],
  ["a runtime that is a list", "runtime", []],
  ["files that are a text", "files", "x"],
  ["a file with lines that are none", "files", [{ path: "/x", changedSeconds: 1, lines: { length: 1e9 } }]],
  ["a registry with null for a file", "registry", { directories: [], directory: "/x", files: [null], trusted: "" }],
  [
    "entries that are numbers",
    "registry",
    { directories: [], directory: "/x", files: [{ path: "/x", entries: [1] }], trusted: "" },
  ],
  ["an image with a status that is a text", "image", { status: "x" }],
  ["digests that are numbers", "image", { status: { pinned: true, repoDigests: [1] } }],
  ["conditions that are a text", "status", { conditions: "x" }],
  ["handlers that are numbers", "status", { conditions: [], handlers: [1] }],
  ["a list of handlers", "handlers", ["every"]],
  ["a handler with a use that nobody knows", "handlers", { runc: "toString" }],
  ["a handler with a name that fills a screen", "handlers", { ["x".repeat(9999)]: "every" }],
  ["a sandbox without a time", "sandbox", { name: "x", namespace: "x" }],
  ["a kubelet whose version is a number", "kubelet", { flagged: [], state: "active", version: 1.34 }],
  ["addresses that are null", "name", { addresses: null, host: "x" }],
  [
    "authorities that unpack to hundreds of megabytes",
    "roots",
    { path: "/x", packed: gzipSync(Buffer.alloc(300 << 20, "a")).toString("base64") },
  ],
  ["authorities that are no gzip", "roots", { path: "/x", packed: "AAAA" }],
];

describe("a node that answers what nobody asked for", function () {
  this.timeout("60s");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-hostile-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  const doctor = async (...args: string[]) => {
    const env = { PATH: `${dir}:${process.env.PATH ?? ""}` };
    return calledHere(["doctor", "--host", "a", "b", ...args], { env });
  };
  const good = () => {
    // Nothing has to be walked to.
    fakeSsh(dir, {
      a: {
        ...factsOf("pause", { runtime: runtime("pause") }),
        host: { architecture: "amd64", epochSeconds: 0, name: "a" },
      },
    });
  };

  for (const [what, fact, value] of SHAPES) {
    it(`such as ${what} is the only one that could not be looked at`, async () => {
      good();
      fs.writeFileSync(path.join(dir, "b.facts"), `${facts(fact, value)}\n`);
      const { status, stdout } = await doctor();
      assert.equal(status, 2);
      assert.match(stdout, /^a: no Pod can start\. /m);
      assert.match(stdout, new RegExp(`^b: could not look: the node misstates the fact ${fact}$`, "m"));
    });
  }

  const PROGRAMS: readonly [string, string, RegExp][] = [
    ["prints without an end", "exec cat /dev/zero", /b: could not look: it printed more than 4 MiB/],
    ["complains without an end", "exec cat /dev/zero >&2", /b: could not look: it printed more than 4 MiB/],
    ["hangs after the log-in", "sleep 60", /b: could not look: no answer in 1 s/],
  ];
  for (const [what, program, says] of PROGRAMS) {
    it(`is the only one that could not be looked at, where it ${what}`, async () => {
      good();
      const ssh = fs.readFileSync(path.join(dir, "ssh"), "utf8");
      fs.writeFileSync(
        path.join(dir, "ssh"),
        ssh.replace("#!/bin/sh\n", `#!/bin/sh\ncase " $* " in *" -- b "*) ${program} ;; esac\n`),
      );
      const { status, stdout } = await doctor(...(program.startsWith("sleep") ? ["--timeout", "1"] : []));
      assert.equal(status, 2);
      assert.match(stdout, /^a: no Pod can start\. /m);
      assert.match(stdout, says);
    });
  }

  it("names no fact of its own, nor one of JavaScript", () => {
    const text = `${facts("events", [])}\n${lineOf("__proto__", { events: 5 })}\n${lineOf("toString", 5)}\n${lineOf("more", 5)}`;
    assert.deepEqual(Object.keys(parseFacts(text)).sort(), Object.keys(factsOf("x")).sort());
  });

  it("says long texts, of which the beginning is taken", () => {
    const { events = [] } = parseFacts(facts("events", ["x".repeat(100_000)]));
    assert.equal(events[0]?.length, 4096);
  });
});

describe("a Node object", function () {
  this.timeout("60s");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-objects-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  it("has only a host name or an IP address go to ssh", async () => {
    const addresses = ["root@evil.example;id", "ssh://root@127.0.0.1:2222", "-oProxyCommand=id", "$(id)", "", "a b"];
    const names = addresses.map((_, i) => `w-${i}`);
    const pods = names.map((name) => ({
      metadata: { name, namespace: "x", uid: name },
      ...{ spec: { nodeName: name }, status: { phase: "Pending" } },
    }));
    const events = names.map((uid) => ({ involvedObject: { uid }, message: "no sandbox" }));
    fakeSsh(dir, {});
    const server = await nodesServer([names.map((name, i) => node(name, { ip: addresses[i] }))], { pods, events });
    try {
      fs.writeFileSync(path.join(dir, "kubeconfig"), server.kubeconfig);
      const env = { PATH: `${dir}:${process.env.PATH ?? ""}` };
      const { stdout, stderr } = await calledHere(["doctor", "--kubeconfig", path.join(dir, "kubeconfig")], { env });
      assert.ok(!fs.existsSync(path.join(dir, "args")), "ssh was started");
      assert.match(
        stdout + stderr,
        /w-0: could not look: its Node object has the address "root@evil\.example;id", which is/,
      );
    } finally {
      server.close();
    }
  });
});

describe("a registry that answers what nobody asked for", function () {
  this.timeout("60s");
  afterEach(stopAll);
  const question = (port: number) => ({
    host: "127.0.0.1",
    port,
    repository: "pause",
    tag: "1",
    architecture: "amd64",
    plainHttp: true,
  });
  const dial = (host: string, port: number) => net.connect({ host, port });

  const BODIES: readonly [string, unknown][] = [
    ["null", null],
    ["manifests of null", { manifests: [null, { platform: null }, { platform: { architecture: 5 } }] }],
    ["manifests that are a text", { manifests: "x" }],
    ["a config that is a number", { config: 5 }],
    ["a config with a digest that is a list", { config: { digest: [] } }],
  ];
  for (const [what, body] of BODIES) {
    it(`such as ${what} has the image, and says of no architecture`, async () => {
      const fact = await walk(dial, question(await serve(() => ({ status: 200, body }))));
      assert.deepEqual([fact.status, fact.architectures, fact.unreached], [200, [], undefined]);
    });
  }

  it("such as a token that is none is asked without one", async () => {
    let port = 0;
    port = await serve((asked) =>
      asked.startsWith("/token")
        ? { status: 200, body: { token: { a: "\r\n" } } }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="http://127.0.0.1:${port}/token"` } },
    );
    assert.equal((await walk(dial, question(port))).status, 401);
  });

  it("such as tokens from an IPv6 address has that address dialled", async () => {
    let port = 0;
    port = await serve((asked) =>
      asked.startsWith("/token")
        ? { status: 200, body: { token: "x" } }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="http://[2001:DB8::1]:${port}/token"` } },
    );
    const dialled: string[] = [];
    await walk((host, at) => (dialled.push(host), dial("127.0.0.1", at)), question(port));
    assert.ok(dialled.includes("2001:db8::1"), dialled.join());
  });

  it("such as text without an end is not read for ever", async () => {
    const server = net.createServer((socket) => {
      socket.on("error", () => undefined).write("HTTP/1.1 200 OK\r\n\r\n");
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20, " ")));
        socket.once("drain", more);
      };
      more();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const fact = await walk(dial, question((server.address() as AddressInfo).port));
      assert.match(fact.unreached ?? "", /more than 4 MiB/);
    } finally {
      server.close();
    }
  });

  it("such as a byte now and then is not read for ever", async () => {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined).write("HTTP/1.1 200 OK\r\n\r\n");
      const timer = setInterval(() => socket.write(" "), 100);
      socket.on("close", () => {
        clearInterval(timer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const fact = await walk(dial, { ...question(port), timeoutSeconds: 1 });
      assert.match(fact.unreached ?? "", /no end of \S+ in 1 s/);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});
