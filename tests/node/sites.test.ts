/**
 * A site's own way to our registry, in every place where containerd looks: kept and completed, or refused with what to add. On
 * simulated nodes with a real containerd.
 */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";

import type { NodeSettings } from "../../components/node/nodeSettings";
import { Host } from "./host";
import { shells, wanted as image } from "./script";
import { describeWith } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

const ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const other = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n";
const registry = image.split("/")[0] ?? "";
const [name = "", port = ""] = registry.split(":");
const inForce = `[host."https://${registry}"]\n  ca = "@DIR@/site.crt"\n`;

interface Row {
  what: string;
  /** Value of config_path. @default certs.d */
  path?: string;
  files: Record<string, string>;
  settings?: Partial<NodeSettings>;
  /** What our files are, below root/. */
  ours?: string[];
  refused?: RegExp;
}

const rows: Row[] = [
  {
    what: "nothing of a site's",
    files: {},
    ours: [`certs.d/${registry}/hosts.toml`, `certs.d/${registry}/pause-sandbox-ca.crt`],
  },
  {
    what: "docker's certificates (54)",
    files: { [`certs.d/${registry}/registry.crt`]: other, [`certs.d/${registry}/client.cert`]: other },
    ours: [`certs.d/${registry}/pause-sandbox-ca.crt`],
  },
  {
    what: "a ca.crt with two authorities (M13, 77)",
    files: { [`certs.d/${registry}/ca.crt`]: other + other },
    ours: [`certs.d/${registry}/pause-sandbox-ca.crt`],
  },
  {
    what: "docker's certificates, and a mirror that is asked for",
    files: { [`certs.d/${registry}/client.cert`]: other },
    settings: { mirrors: ["https://m.example.com"] },
    refused: /PS-N025 \S+ has certificates that are not ours.*client/,
  },
  {
    what: "hosts for every registry (56)",
    files: { "certs.d/_default/hosts.toml": '[host."http://m.example.com"]\n' },
    refused:
      /PS-N025 \S+\/_default\/hosts\.toml is how this node reaches .*write \S+\/hosts\.toml with these hosts and with/,
  },
  {
    what: "certificates for every registry",
    files: { "certs.d/_default/site.crt": other },
    refused: /PS-N025 \S+\/_default has certificates that are not ours/,
  },
  {
    what: "host_port_, without our CA (55)",
    files: { [`certs.d/${name}_${port}_/hosts.toml`]: `[host."https://${registry}"]\n  skip_verify = true\n` },
    refused: /PS-N025 \S+_\d+_\/hosts\.toml exists already.*skip_verify = false in .*the CA of the stack/,
  },
  {
    what: "host_port_, with our CA",
    files: { [`certs.d/${name}_${port}_/hosts.toml`]: inForce },
    ours: [],
  },
  {
    what: "host_port_ without anything in it",
    files: { [`certs.d/${name}_${port}_/README`]: "a site's\n" },
    ours: [`certs.d/${name}_${port}_/hosts.toml`, `certs.d/${name}_${port}_/pause-sandbox-ca.crt`],
  },
  {
    what: "two directories, and another registry in the second (53)",
    path: "@DIR@/root/certs.d:@DIR@/root/docker.d",
    files: { "docker.d/other.example.com/ca.crt": other },
    ours: [`certs.d/${registry}/hosts.toml`, `certs.d/${registry}/pause-sandbox-ca.crt`],
  },
  {
    what: "two directories, and this registry in the second (53b)",
    path: "@DIR@/root/certs.d:@DIR@/root/docker.d",
    files: { [`docker.d/${registry}/ca.crt`]: other },
    ours: [`docker.d/${registry}/pause-sandbox-ca.crt`],
  },
  {
    what: "two directories, and hosts for every registry in the second",
    path: "@DIR@/root/certs.d:@DIR@/root/docker.d",
    files: { "docker.d/_default/hosts.toml": '[host."http://m.example.com"]\n' },
    refused: /PS-N025 \S+\/docker\.d\/_default\/hosts\.toml/,
  },
];

for (const shell of shells) {
  describeWith(CONTAINERD.one, CONTAINERD.newest)(`${shell.join(" ")}: a site's own way to the registry`, function () {
    this.timeout(60_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const table = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = ';

    for (const { what, path = "@DIR@/root/certs.d", files, settings, ours = [], refused } of rows) {
      it(`${refused ? "is refused with what to add" : "is kept"}: ${what}`, () => {
        host.containerd(CONTAINERD.one, `version = 2\n${table}"${path}"\n`);
        host.write("site.crt", ca);
        for (const [file, content] of Object.entries(files)) host.write(`root/${file}`, content);
        const before = host.files();
        const asked = { ca, ...settings };
        if (refused) {
          const run = host.run("apply", asked);
          assert.deepEqual([run.status, run.did], [3, []], run.stderr);
          assert.match(run.stderr, refused);
        } else {
          const { changed } = host.done("apply", asked);
          const made = changed
            .map((file) => file.slice(`${host.dir}/root/`.length))
            .filter((file) => /\.d\//.test(file));
          assert.deepEqual(made, [...ours].sort());
          assert.ok(host.read("root/containerd/config.toml").includes(`"${path.replaceAll("@DIR@", host.dir)}"`));
          assert.equal(host.done("apply", asked).status, "unchanged");
          host.done("restore");
        }
        assert.deepEqual(host.files(), before);
      });
    }

    const login = { username: "puller", password: "hunter2secret" };
    const encoded = Buffer.from("puller:hunter2secret").toString("base64");
    for (const [what, edit, says] of [
      ["a comment was added", (text: string) => `${text}# mine\n`, undefined],
      [
        "the login was moved",
        (text: string) => `${text.replace(/ {2}Auth.*\n/, "")}\tAuthorization=["Basic ${encoded}"]\n`,
        undefined,
      ],
      [
        "the login has another form",
        (text: string) => text.replace(/\["Basic (.*)"\]/, '"Basic $1"'),
        /still has a login/,
      ],
    ] as const) {
      it(`a login goes with a restore, or is named, where ${what} since (M9)`, () => {
        host.containerd(CONTAINERD.one, `version = 2\n${table}"@DIR@/root/certs.d"\n`);
        host.done("apply", { login });
        const file = `root/certs.d/${registry}/hosts.toml`;
        host.write(file, edit(host.read(file)));
        const run = host.run("restore");
        assert.equal(run.status, 0, run.stderr);
        if (says) assert.match(run.stderr, says);
        else assert.ok(!host.read(file).includes(encoded), host.read(file));
      });
    }

    it("a handler whose snapshotter will not have the image is named (71c)", () => {
      const runtimes =
        '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]\n  runtime_type = "x"\n  snapshotter = "native"\n';
      const discard = '[plugins."io.containerd.grpc.v1.cri".containerd]\n  discard_unpacked_layers = true\n';
      host.containerd(CONTAINERD.one, `version = 2\n${discard}${runtimes}`);
      assert.match(host.run("plan").stderr, /the runtime handler kata has a snapshotter of its own/);
      host.write("root/containerd/config.toml", `version = 2\n${runtimes}`);
      assert.doesNotMatch(host.run("plan").stderr, /runtime handler/);
    });

    const list = "@DIR@/root/certs.d:@DIR@/root/docker.d";
    const two = (more: string) =>
      `version = 3\n[plugins."io.containerd.cri.v1.images"]\n${more}\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "${list}"\n`;

    it("2.3 reads one directory: the first of two is set", () => {
      host.containerd(CONTAINERD.newest, two("  max_concurrent_downloads = 3"));
      host.done("apply", { ca });
      assert.match(host.read("root/containerd/config.toml"), /config_path = "\S+\/root\/certs\.d"/);
    });

    for (const key of [
      "use_local_image_pull = true",
      "discard_unpacked_layers = true",
      "disable_snapshot_annotations = false",
      "max_concurrent_downloads = 30",
      "max_concurrent_downloads = 2",
      "image_pull_with_sync_fs = true",
    ]) {
      it(`2.4 pulls by itself with ${key}, and reads each directory of a list: it stays`, () => {
        host.containerd(CONTAINERD.newest, two(`  ${key}`));
        const before = host.read("root/containerd/config.toml");
        host.done("apply", { ca });
        assert.match(before, /config_path = "\S+:\S+"/);
        const [line = ""] = /config_path = .*/.exec(before) ?? [];
        assert.ok(host.read("root/containerd/config.toml").includes(line));
      });
    }
  });
}
