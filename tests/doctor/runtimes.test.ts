/** What runtime and kubelet say of themselves, and each runtime by its own rules. */
import { strict as assert } from "node:assert";

import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import type { Walk } from "../../doctor/judge/wire";
import { type Cause, itNames, withRegistry, withStatus } from "./examined";
import { CLOCK, factsOf, failed, runtime } from "./nodeFacts";

const CAUSES: Cause[] = [
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
];

/** A node of another runtime than containerd. */
const of = (name: string, unit: string, version = "1.34.0") => ({ name, unit, version });
const trustedBy = (root: string, more: Partial<NonNullable<Facts["registry"]>> = {}) => ({
  ...{ directory: "/etc/containers/certs.d", directories: [], files: [], trusted: root },
  ...more,
});

const RUNTIMES: Cause[] = [
  ...["k3s", "rke2", "cri-dockerd", "docker"].map(
    (name): Cause => ({
      what: `nothing, where ${name} has its image, pinned`,
      node: (image, facts) => ({
        ...facts,
        runtime: { ...runtime(image), ...of(name, name) },
        files: [],
        image: { status: { pinned: true } },
      }),
      code: undefined,
      verdict: /all is well/,
    }),
  ),
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
withRegistry("the doctor of a runtime", () => {
  itNames([...CAUSES, ...RUNTIMES]);

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
});
