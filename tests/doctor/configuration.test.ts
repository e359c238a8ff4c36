/** What the runtime is told of its image and of its registries, and what it makes of that. */
import { type Cause, hosts, itNames, NAME, withRegistry, withStatus } from "./examined";
import { CLOCK, DIR, factsOf, failed, READY, runtime } from "./nodeFacts";

const CAUSES: Cause[] = [
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
  ...(
    [
      ["on containerd 2.0", { version: "2.0.5" }],
      ["that the node says it reads, since it pulls by itself", { version: "2.4.2", misread: false }],
    ] as const
  ).map(([what, more]) => ({
    what: `an unknown root alone, with two directories in config_path ${what}`,
    node: (image: string) =>
      factsOf(image, { runtime: { ...runtime(image), ...more, configPath: `${DIR}:/etc/docker/certs.d` } }),
    code: "PS-D001",
    verdict: /no Pod can start/,
  })),
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
    verdict: /localhost\/kubernetes\/pause:latest is not on the node, and no registry has it/,
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
    what: "an image that is not pinned",
    node: (_, facts) => ({ ...facts, image: { status: { pinned: false } } }),
    code: "PS-D022",
    verdict: /Pods can start, but something is wrong\. .*is not pinned/,
  },
];

withRegistry("the doctor of a configuration", () => {
  itNames(CAUSES);
});
