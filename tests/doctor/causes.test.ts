import { strict as assert } from "node:assert";
import { X509Certificate } from "node:crypto";
import { connect } from "node:net";

import { verdict } from "../../cli/text";
import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import type { Diagnosis } from "../../doctor/finding";
import { healingConfig } from "../../doctor/heal";
import { isLocal, pulledImage } from "../../doctor/pulledImage";
import type { Walk } from "../../doctor/judge/wire";
import { looksIn, recordOf } from "../../doctor/record";
import { routesOf } from "../../doctor/routes";
import { type Dial, walk } from "../../doctor/wire";
import { CLOCK, DIR, factsOf, failed, READY, runtime } from "./nodeFacts";
import { type Answers, Certificates, having, type Pair, serve, stopAll } from "./servers";
import { needs } from "../support/needs";

const NAME = "registry.bank.example";
const PATH = "platform/pause:1.0.0";
const YEAR = 31_557_600;

/** What makes one cause. */
interface Cause {
  readonly what: string;
  readonly answers?: Answers;
  /** The chain that the registry sends. Default: its certificate alone, for {@link NAME}. */
  readonly tls?: (made: Made) => { cert: string; key: string } | undefined;
  /** How the node differs. Default: it trusts the registry's root by its hosts.toml. */
  readonly node?: (image: string, facts: Facts, made: Made) => Facts;
  /** Without a registry that listens. */
  readonly gone?: true;
  /** Our own clock. Default: the node's. */
  readonly ourSeconds?: number;
  readonly code: string | undefined;
  readonly verdict: RegExp;
}

interface Made {
  readonly root: Pair;
  readonly leaf: Pair;
  readonly middle: Pair;
  readonly under: Pair;
  readonly other: Pair;
}

const hosts = (image: string, root: string, more = "") => {
  const registry = image.split("/")[0] ?? "";
  const entries = [`host|https://${registry}|ca\t"${DIR}/${registry}/ca.crt"`, ...more.split("\n").filter(Boolean)];
  const files = [{ path: `${DIR}/${registry}/hosts.toml`, entries }];
  return { directory: DIR, directories: [registry], files, trusted: root };
};
const untrusted = (image: string): Facts => factsOf(image);
const withStatus =
  (status: number): Answers =>
  () => ({ status });
const bearer: Answers = (path, { authorization }) => {
  if (path.startsWith("/token")) return { status: 200, body: { token: "anybody" } };
  if (authorization === "Bearer anybody") return having("amd64")(path, {});
  return { status: 401, headers: { "www-authenticate": `Bearer realm="https://${NAME}:@PORT@/token",service="lab"` } };
};

const CAUSES: Cause[] = [
  { what: "nothing", code: undefined, verdict: /^worker-7: all is well/ },
  {
    what: "an unknown root that is sent along",
    tls: ({ root, leaf }) => ({ cert: leaf.cert + root.cert, key: leaf.key }),
    node: untrusted,
    code: "PS-D001",
    verdict:
      /no Pod can start\. The registry's chain ends at "Bank Root CA G2", which containerd does not trust for registry\.bank\.example:\d+\.$/,
  },
  {
    what: "an unknown root that is not sent",
    node: untrusted,
    code: "PS-D001",
    verdict: /"Bank Root CA G2".*sent 1 certificate, but not this one\.$/,
  },
  {
    what: "a proxy that signs again",
    tls: ({ other }) => other,
    code: "PS-D001",
    verdict: /chain ends at "Inspection Proxy"/,
  },
  {
    what: "a missing intermediate certificate",
    tls: ({ under }) => under,
    code: "PS-D002",
    verdict: /does not send its intermediate certificate: "Bank Issuing CA 3"/,
  },
  {
    what: "nothing, where the intermediate is sent",
    tls: ({ under, middle }) => ({ cert: under.cert + middle.cert, key: under.key }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "a certificate that has expired",
    ourSeconds: CLOCK + YEAR,
    node: (_, facts) => ({
      ...facts,
      host: { name: "worker-7", architecture: "amd64", epochSeconds: CLOCK + YEAR },
    }),
    code: "PS-D003",
    verdict: /not valid now: "registry\.bank\.example" was valid until/,
  },
  {
    what: "a clock that is behind",
    node: (_, facts) => ({
      ...facts,
      host: { name: "worker-7", architecture: "amd64", epochSeconds: CLOCK - 9 * YEAR },
    }),
    code: "PS-D004",
    verdict: /clock is 9 years behind .*valid from/,
  },
  {
    what: "a certificate for another name",
    tls: ({ root }) => certificates.make({ name: "x", signer: root, names: "DNS:other.bank.example" }),
    code: "PS-D005",
    verdict: /certificate for another name: .*other\.bank\.example/,
  },
  { what: "a registry without TLS", tls: () => undefined, code: "PS-D006", verdict: /answers without TLS/ },
  { what: "a registry that does not listen", gone: true, code: "PS-D007", verdict: /cannot be reached.*ECONNREFUSED/ },
  {
    what: "an unknown host name",
    gone: true,
    node: (_, facts) => ({ ...facts, name: { addresses: [], host: NAME } }),
    code: "PS-D008",
    verdict: /the name registry\.bank\.example is unknown|The name registry\.bank\.example is unknown/,
  },
  {
    what: "a login",
    answers: withStatus(401),
    code: "PS-D009",
    verdict: /wants a login for platform\/pause:1\.0\.0 \(401/,
  },
  { what: "nothing, where anybody gets a token", answers: bearer, code: undefined, verdict: /all is well/ },
  { what: "a pull that is forbidden", answers: withStatus(403), code: "PS-D010", verdict: /forbids .*403/ },
  { what: "too many requests", answers: withStatus(429), code: "PS-D011", verdict: /429/ },
  {
    what: "a tag that is not there",
    answers: withStatus(404),
    code: "PS-D012",
    verdict: /does not have platform\/pause:1\.0\.0/,
  },
  {
    what: "another architecture",
    answers: having("arm64", "s390x"),
    code: "PS-D013",
    verdict: /for arm64, s390x, but the node is amd64/,
  },
  {
    what: "host.toml instead of hosts.toml",
    node: (image, facts, { root }) => {
      const told = hosts(image, root.cert);
      const files = told.files.map((file) => ({ ...file, path: file.path.replace("hosts.toml", "host.toml") }));
      return { ...facts, registry: { ...told, files } };
    },
    code: "PS-D014",
    verdict: /host\.toml is not read/,
  },
  {
    what: "a directory for another port",
    node: (image) =>
      factsOf(image, { registry: { directory: DIR, directories: [`${NAME}:5000`], files: [], trusted: "" } }),
    code: "PS-D014",
    verdict: /registry\.bank\.example:5000 is not read for registry\.bank\.example:\d+/,
  },
  {
    what: "a ca outside of a host",
    node: (image, facts, { root }) => {
      const told = hosts(image, root.cert);
      return {
        ...facts,
        registry: { ...told, files: told.files.map((file) => ({ ...file, entries: ['ca\t"/x/ca.crt"'] })) },
      };
    },
    code: "PS-D014",
    verdict: /ca outside of a \[host\] table/,
  },
  {
    what: "two directories in config_path",
    node: (image) =>
      factsOf(image, { runtime: { ...runtime(image), version: "2.3.4", configPath: `${DIR}:/etc/docker/certs.d` } }),
    code: "PS-D014",
    verdict: /containerd takes for one directory/,
  },
  {
    what: "no config_path",
    node: (image, facts, { root }) => ({
      ...facts,
      registry: hosts(image, root.cert),
      runtime: { ...runtime(image), configPath: "" },
    }),
    code: "PS-D014",
    verdict: /config_path is not set/,
  },
  {
    what: "a key in a table that does not count",
    answers: withStatus(404),
    node: (_, facts) => ({
      ...facts,
      files: [
        { path: "/etc/containerd/config.toml", changedSeconds: 0, lines: ['9:  sandbox = "mine.example/pause:1"'] },
      ],
    }),
    code: "PS-D015",
    verdict: /config\.toml:9 sets mine\.example\/pause:1, and containerd 1\.7\.28 does not read it/,
  },
  {
    what: "a runtime that was not restarted",
    node: (_, facts) => ({
      ...facts,
      events: [failed(CLOCK - 9, "web/a", 'failed to get sandbox image "k8s.gcr.io/pause:3.5": not found')],
      files: (facts.files ?? []).map((file) => ({ ...file, changedSeconds: CLOCK })),
      status: { ...READY, image: "k8s.gcr.io/pause:3.5" },
    }),
    code: "PS-D016",
    verdict:
      /no Pod can start\. .*config\.toml was edited after containerd was started, .*still has k8s\.gcr\.io\/pause:3\.5/,
  },
  {
    what: "a daemon of another line, of which nobody knows what it read, as no more than a doubt",
    node: (image, facts) => ({
      ...facts,
      runtime: { ...runtime(image), version: "2.1.4" },
      files: (facts.files ?? []).map((file) => ({ ...file, changedSeconds: CLOCK })),
    }),
    code: "PS-D016",
    verdict: /Pods can start, but something is wrong\. .*may still run on what it read then/,
  },
  {
    what: "nothing, where a file was edited and the daemon has what it says",
    node: (image, facts) => ({
      ...facts,
      files: (facts.files ?? []).map((file) => ({ ...file, changedSeconds: CLOCK })),
      status: { ...READY, image, configPath: DIR },
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "nothing, where CRI-O took an edit without a restart",
    node: (image, facts) => ({
      ...facts,
      runtime: { ...runtime(image), name: "cri-o", unit: "crio", version: "1.34.0" },
      files: (facts.files ?? []).map((file) => ({ ...file, changedSeconds: CLOCK })),
      image: { status: { pinned: true } },
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "a network that is not set up, and why",
    node: (_, facts) => ({
      ...facts,
      status: {
        conditions: [
          { type: "RuntimeReady", status: true },
          {
            ...{ type: "NetworkReady", status: false, reason: "NetworkPluginNotReady" },
            message: "Network plugin returns error: cni plugin not initialized",
          },
        ],
        network: "cni config load failed: no network config found in /etc/cni/net.d",
      },
    }),
    code: "PS-D025",
    verdict: /no Pod can start\. Containerd has no network .*no network config found.*\(NetworkPluginNotReady\)/,
  },
  {
    what: "a runtime that does not run, and nothing of an image that nobody asked it for",
    node: (image, facts) => ({
      ...facts,
      image: undefined,
      status: undefined,
      runtime: { ...runtime(image), startedSeconds: 0 },
      failed: { able: "[n] PS-N005 is not a socket", status: "connection refused", image: "connection refused" },
    }),
    code: "PS-D037",
    verdict: /no Pod can start\. Containerd does not run/,
  },
  {
    what: "a runtime that hangs",
    node: (_, facts) => ({
      ...facts,
      image: undefined,
      status: undefined,
      failed: { status: "it gives no answer within 20 s", image: "it gives no answer within 20 s" },
    }),
    code: "PS-D037",
    verdict: /gives no answer on \/run\/containerd\/containerd\.sock/,
  },
  {
    what: "what it could not look at, and not that all is well",
    node: (_, facts) => ({
      ...facts,
      status: undefined,
      failed: { status: "flag provided but not defined: -template" },
    }),
    code: undefined,
    verdict: /nothing wrong is found, but not all could be looked at: whether containerd and its network are ready$/,
  },
  {
    what: "an error that it does not know, verbatim",
    node: (_, facts) => ({ ...facts, events: [failed(CLOCK - 9, "web/a", "the moon is full")] }),
    code: "PS-D039",
    verdict: /no Pod can start\. The last sandbox of Pod web\/a failed with: the moon is full\.$/,
  },
  {
    what: "an image that failed to come, where nothing else says why",
    node: (_, facts) => ({
      ...facts,
      events: [failed(CLOCK - 9, "web/a", 'failed to get sandbox image "x": the moon is full')],
    }),
    code: "PS-D039",
    verdict: /failed to get sandbox image "x": the moon is full/,
  },
  {
    what: "nothing, where the image has come since",
    node: (_, facts) => ({
      ...facts,
      image: { status: { pinned: true } },
      events: [failed(CLOCK - 9, "web/a", 'failed to get sandbox image "x": the moon is full')],
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "nothing, where a local image is there and pinned",
    gone: true,
    node: (_, facts) => ({
      ...facts,
      runtime: runtime("localhost/kubernetes/pause:latest"),
      image: { status: { pinned: true, repoDigests: [] } },
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "a local image that is gone, and how it comes back",
    gone: true,
    node: (_, facts) => ({ ...facts, runtime: runtime("localhost/kubernetes/pause:latest") }),
    code: "PS-D040",
    verdict: /Localhost\/kubernetes\/pause:latest is not on the node, and no registry has it/,
  },
  {
    what: "nothing, where an image is pinned and its registry is gone",
    gone: true,
    node: (_, facts) => ({ ...facts, image: { status: { pinned: true } } }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "a short reference on a containerd that cannot start it",
    node: (image, facts) => ({ ...facts, runtime: { ...runtime(image.replace(/:[^:]*$/, "")), version: "2.3.3" } }),
    code: "PS-D021",
    verdict: /containerd 2\.3\.3 does not find .*2\.3\.0 to 2\.3\.3/i,
  },
  {
    what: "nothing, where another containerd completes a short reference",
    node: (image, facts) => ({
      ...facts,
      runtime: { ...runtime(image.replace(/:[^:]*$/, "")), version: "2.2.3" },
      image: { status: { pinned: true } },
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "the flag on a kubelet that lost it",
    node: (_, facts) => ({
      ...facts,
      kubelet: { version: "1.35.4", state: "activating", flagged: ["/etc/default/kubelet:1"] },
    }),
    code: "PS-D018",
    verdict: /\/etc\/default\/kubelet:1 has --pod-infra-container-image\. Kubelet 1\.35\.4 does not know this flag/,
  },
  {
    what: "a kubelet that does not run",
    node: (_, facts) => ({ ...facts, kubelet: { version: "1.34.2", state: "failed", flagged: [] } }),
    code: "PS-D019",
    verdict: /the kubelet is failed|The kubelet is failed/,
  },
  {
    what: "a CRI plugin that is disabled",
    node: (_, facts) => ({
      ...facts,
      failed: { able: '[n] PS-N024 disabled_plugins holds "cri", see docs/errors/PS-N024.md' },
    }),
    code: "PS-D020",
    verdict: /PS-N024 disabled_plugins holds "cri"\.$/,
  },
  {
    what: "an image that is not pinned",
    node: (_, facts) => ({ ...facts, image: { status: { pinned: false } } }),
    code: "PS-D022",
    verdict: /Pods can start, but something is wrong\. .*is not pinned/,
  },
];

/** A node of another runtime than containerd. */
const of = (name: string, unit: string, version = "1.34.0") => ({ name, unit, version });
const trustedBy = (root: string, more: Partial<NonNullable<Facts["registry"]>> = {}) => ({
  ...{ directory: "/etc/containers/certs.d", directories: [], files: [], trusted: root },
  ...more,
});

const RUNTIMES: Cause[] = [
  {
    what: "nothing, where CRI-O trusts a registry by its own directory",
    node: (image, facts, { root }) => ({
      ...facts,
      runtime: { ...runtime(image), ...of("cri-o", "crio") },
      registry: trustedBy(root.cert),
    }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "an unknown root of CRI-O, by its name",
    node: (image, facts) => ({
      ...facts,
      runtime: { ...runtime(image), ...of("cri-o", "crio") },
      registry: trustedBy(""),
    }),
    code: "PS-D001",
    verdict: /which cri-o does not trust/,
  },
  {
    what: "what it cannot know where a file of CRI-O may send the pull elsewhere",
    answers: withStatus(404),
    node: (image, facts, { root }) => ({
      ...facts,
      runtime: { ...runtime(image), ...of("cri-o", "crio") },
      registry: trustedBy(root.cert, { diverts: ["/etc/containers/registries.conf"] }),
    }),
    code: undefined,
    verdict: /nothing wrong is found, but not all could be looked at: whether the image can be pulled$/,
  },
  {
    what: "what it cannot know where docker has a login for the registry",
    answers: withStatus(401),
    node: (image, facts, { root }) => ({
      ...facts,
      runtime: { ...runtime(image), ...of("cri-dockerd", "cri-docker", "0.4.3") },
      registry: trustedBy(root.cert, { login: true }),
    }),
    code: undefined,
    verdict: /not all could be looked at: whether the image can be pulled$/,
  },
  {
    what: "a k3s that was not restarted, by its unit",
    node: (image, facts) => ({
      ...facts,
      runtime: { ...runtime(image), ...of("k3s", "k3s-agent", "1.34.1+k3s1") },
      files: [
        {
          ...{ path: "/etc/rancher/k3s/config.yaml.d/zz.yaml", changedSeconds: CLOCK },
          lines: ["1:pause-image: mine.example/pause:1"],
        },
      ],
      image: { status: { pinned: true } },
    }),
    code: "PS-D016",
    verdict: /zz\.yaml was edited after k3s was started, which still has /,
  },
];
CAUSES.push(...RUNTIMES);

const certificates = new Certificates();

(needs("openssl") ? describe : describe.skip)("the doctor", function () {
  this.timeout("60s");
  let made: Made;
  before(() => {
    const root = certificates.make({ name: "Bank Root CA G2", organisation: "Bank" });
    const middle = certificates.make({ name: "Bank Issuing CA 3", organisation: "Bank", signer: root });
    const proxy = certificates.make({ name: "Inspection Proxy", organisation: "Network" });
    const leaf = (signer: Pair) => certificates.make({ name: NAME, signer, names: `DNS:${NAME}` });
    made = { root, middle, leaf: leaf(root), under: leaf(middle), other: leaf(proxy) };
  });
  afterEach(stopAll);
  after(() => {
    certificates.remove();
  });

  /** Every name leads to this machine. */
  const dial: Dial = (_, port) => connect(port, "127.0.0.1");

  async function examined(cause: Cause): Promise<Diagnosis> {
    let port = 0;
    const ask: Answers = (path, headers) => {
      const answer = (cause.answers ?? having("amd64", "arm64"))(path, headers);
      const change = Object.entries(answer.headers ?? {}).map(([name, value]) => [
        name,
        value.replace("@PORT@", String(port)),
      ]);
      return { ...answer, headers: Object.fromEntries(change) as Record<string, string> };
    };
    port = await serve(ask, cause.tls ? cause.tls(made) : made.leaf);
    if (cause.gone) stopAll();
    const image = `${NAME}:${port}/${PATH}`;
    const trusted = factsOf(image, { registry: hosts(image, made.root.cert) });
    const facts = cause.node?.(image, trusted, made) ?? trusted;
    const parts = pulledImage(image);
    const pulled = pulledImage(facts.runtime?.image ?? "");
    assert.ok(parts && pulled);
    const walks: Walk[] = [];
    for (const route of isLocal(pulled) ? [] : routesOf(facts, pulled)) {
      walks.push({ route, fact: await walk(dial, { ...parts, ...route, architecture: "amd64" }) });
    }
    const look = { node: "worker-7", host: "10.0.0.11", facts, walks, ourSeconds: cause.ourSeconds ?? CLOCK };
    const diagnosis = diagnose(look);
    // Whoever gets a bundle comes to the same.
    const [read] = looksIn(recordOf([look]));
    assert.ok(read && "facts" in read);
    assert.deepEqual(diagnose(read), diagnosis);
    return diagnosis;
  }

  for (const cause of CAUSES) {
    it(`names ${cause.what}`, async () => {
      const diagnosis = await examined(cause);
      assert.equal(diagnosis.findings[0]?.code, cause.code, JSON.stringify(diagnosis, null, 1));
      assert.match(verdict(diagnosis.node, diagnosis.findings, 0, diagnosis.unknown), cause.verdict);
    });
  }

  it("gives the certificate that was seen as a setting", async () => {
    const cause = CAUSES.find(({ what }) => what === "an unknown root that is sent along");
    assert.ok(cause);
    const text = healingConfig([await examined(cause)]);
    assert.ok(text.includes("pause-sandbox:registryCa: |"), text);
    const indented = made.root.cert.trim().replaceAll("\n", "\n    ");
    assert.ok(text.includes(indented), text);
    assert.match(text, /- name: worker-7\n\s+host: 10\.0\.0\.11/);
  });

  it("names no unit, table or tool in a remedy that the runtime does not have", () => {
    const all: [string, string, RegExp][] = [
      ["cri-o", "crio", /containerd|\bctr\b|k3s|docker /],
      ["k3s", "k3s-agent", /crio|docker |Run: ctr|config\.toml|plugins\./],
      ["rke2", "rke2-server", /crio|docker |k3s(?!\/containerd)|config\.toml|plugins\./],
      ["cri-dockerd", "cri-docker", /crio|containerd|\bctr\b|k3s|plugins\./],
    ];
    const lines = ['9: sandbox_image = "mine.example/pause:1"'];
    for (const [name, unit, foreign] of all) {
      for (const image of ["registry.example/pause:1", "localhost/pause:1"]) {
        const ours = { ...runtime(image), ...of(name, unit) };
        const wrong = { unreached: "connection refused" };
        const route = {
          host: "registry.example",
          port: 443,
          plainHttp: false,
          takesCa: false,
          hasLogin: false,
          url: "x",
        };
        for (const here of [null, { status: { pinned: false } }]) {
          const facts = factsOf(image, {
            ...{ runtime: ours, image: here, registry: trustedBy("") },
            files: [{ path: "/etc/x", changedSeconds: CLOCK, lines }],
          });
          const walks: Walk[] = image.startsWith("localhost") ? [] : [{ route, fact: wrong }];
          const { findings } = diagnose({ node: "n", host: "n", facts, walks, ourSeconds: CLOCK });
          assert.ok(findings.length > 0);
          for (const { code, remedy } of findings) assert.doesNotMatch(remedy, foreign, `${name} ${code}`);
        }
      }
    }
  });

  it("says that the stack has a CA where it has one", () => {
    const image = "registry.example/pause:1";
    const facts = factsOf(image);
    const served = certificates.make({ name: "registry.example", names: "DNS:registry.example", signer: made.other });
    const route = { host: "registry.example", port: 443, plainHttp: false, takesCa: false, hasLogin: false, url: "x" };
    const walks: Walk[] = [{ route, fact: { served: [new X509Certificate(served.cert)] } }];
    const look = { node: "n", host: "n", facts, walks, ourSeconds: CLOCK };
    const [unknown] = diagnose({ ...look, wanted: { image, ca: true } }).findings;
    assert.match(unknown?.remedy ?? "", /^The stack has a registryCa\./);
    assert.match(diagnose({ ...look, wanted: { image } }).findings[0]?.remedy ?? "", /^Set registryCa/);
  });

  it("sends no login to a registry, and no name of a user", async () => {
    const seen: string[] = [];
    await examined({
      what: "",
      code: "",
      verdict: /./,
      answers: (path, headers) => {
        seen.push(...Object.keys(headers));
        return having("amd64")(path, headers);
      },
    });
    assert.deepEqual([...new Set(seen)].sort(), ["accept", "connection", "host"]);
  });
});
