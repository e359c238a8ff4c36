/** Where the files and the socket of containerd and k3s are: derived from the process that runs, or refused. */
import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type Run, shells } from "./script";
import { joinedScript } from "../../components/node/program";
import { needs } from "../support/needs";

const GET = path.join(__dirname, "../../lab/toolchain/get");

const image = "registry.example.org:5000/platform/pause:1.0.0";

/** A node's files, what systemd says of its unit, and its process. */
class Node {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-find-"));

  constructor() {
    this.write("script.sh", joinedScript({ run: false }));
    this.write(
      "program",
      '#!/bin/sh\necho "${VERSION_LINE:-containerd github.com/containerd/containerd v2.1.4 abc}"\n',
    );
    fs.chmodSync(path.join(this.dir, "program"), 0o755);
    fs.mkdirSync(path.join(this.dir, "home/plan"), { recursive: true });
  }

  write(name: string, content: string): string {
    const file = path.join(this.dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content.replaceAll("@DIR@", this.dir));
    return file;
  }

  /** The unit as systemd prints it, and the arguments of its process; none: it does not run. */
  unit(line: string, argv?: string[]): void {
    const start = `${this.dir}/program ${line}`;
    this.write(
      "show",
      `ExecStart={ path=${this.dir}/program ; argv[]=${start} ; }\nLoadState=loaded\nMainPID=${argv === undefined ? 0 : 42}\n`,
    );
    this.write("cat", `ExecStart=${start}\n`);
    if (argv !== undefined) this.write("proc/42/cmdline", ["program", ...argv].map((word) => `${word}\0`).join(""));
  }

  run(shell: readonly string[], command: string, env: Record<string, string> = {}): Run {
    const [program = "sh", ...args] = shell;
    const driver = [
      "set -eu; script_id=test; LC_ALL=C; export LC_ALL",
      `dir='${this.dir}'; . "$dir/script.sh"`,
      "fail=3 proc=$dir/proc home=$dir/home error_file=$dir/error plan=$dir/home/plan new=$dir/home/plan/new backup=$dir/home/backup",
      `image=${image} registry=\${image%%/*}`,
      'systemctl() { if [ "$1" = cat ]; then cat "$dir/cat"; else cat "$dir/show"; fi; }',
      "is_program() { :; }",
      command,
    ].join("\n");
    return spawnSync(program, [...args, "-c", driver], { encoding: "utf8", env: { ...process.env, ...env } });
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.dir, name), "utf8");
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true });
  }
}

for (const shell of shells) {
  describe(`${shell.join(" ")}: where a runtime's files are`, function () {
    this.timeout(30_000);
    let node: Node;
    beforeEach(() => {
      node = new Node();
    });
    afterEach(() => {
      node.remove();
    });

    describe("containerd", () => {
      const find = 'containerd_find; echo "$config $address"';
      const table: [name: string, line: string, argv: string[] | undefined, stdout: string][] = [
        ["without arguments", "", [], "/etc/containerd/config.toml "],
        ["-c (32)", "-c /etc/kops.toml", ["-c", "/etc/kops.toml"], "/etc/kops.toml "],
        ["--config", "", ["--config", "/etc/a.toml"], "/etc/a.toml "],
        ["--config=", "", ["--config=/etc/a.toml"], "/etc/a.toml "],
        ["-config, as Go takes it", "", ["-config", "/etc/a.toml"], "/etc/a.toml "],
        ["-c=", "", ["-c=/etc/a=b.toml"], "/etc/a=b.toml "],
        ["a path with a space", "", ["-c", "/etc/a b.toml"], "/etc/a b.toml "],
        ["the last of two", "", ["-c", "/etc/a.toml", "--config", "/etc/b.toml"], "/etc/b.toml "],
        ["a variable (30)", "--config ${CONFIG}", ["--config", "/etc/f.toml"], "/etc/f.toml "],
        ["an address (33)", "", ["--address", "/run/cri.sock"], "/etc/containerd/config.toml /run/cri.sock"],
        ["-a=", "", ["-a=/run/cri.sock"], "/etc/containerd/config.toml /run/cri.sock"],
        ["a unit that does not run", "--config /etc/u.toml", undefined, "/etc/u.toml "],
      ];
      for (const [name, line, argv, stdout] of table) {
        it(`is read from its process: ${name}`, () => {
          node.unit(line, argv);
          const run = node.run(shell, find);
          assert.deepEqual([run.status, run.stdout], [0, `${stdout}\n`], run.stderr);
        });
      }

      for (const [name, line, argv] of [
        ["a variable of a unit that does not run", "--config ${CONFIG}", undefined],
        ["a relative path", "", ["--config", "config.toml"]],
        ["an empty path", "", ["--config", ""]],
      ] as const) {
        it(`is refused: ${name}`, () => {
          node.unit(line, argv === undefined ? undefined : [...argv]);
          const run = node.run(shell, find);
          assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
          assert.match(run.stderr, /^\[node\] PS-N005 .*not an absolute path.*\n$/);
        });
      }

      it("has its socket from its own parse, of 2.3 and later too (grpc-address-23), and is refused without one", () => {
        node.unit("", []);
        for (const dump of [
          "version = 4\n[plugins.'io.containerd.server.v1.grpc']\n  address = '/run/other/containerd.sock'\n",
          "version = 3\n[grpc]\n  address = '/run/other/containerd.sock'\n[plugins.'x']\n  y = 1\n",
        ]) {
          node.write("dump", dump);
          fs.chmodSync(node.write("containerd", "#!/bin/sh\ncat @DIR@/dump\n"), 0o755);
          const run = node.run(
            shell,
            'containerd_find; containerd=$dir/containerd; containerd_read; echo "$socket"; refuse_deaf',
          );
          assert.deepEqual([run.status, run.stdout], [3, "/run/other/containerd.sock\n"], run.stderr);
          assert.match(run.stderr, /PS-N005 \/run\/other\/containerd\.sock, .*is not a socket/);
        }
      });
    });

    it("a program behind another one is that of the process (50), and what wraps it is not asked", () => {
      node.unit("", []);
      node.write("wrapper", "#!/bin/sh\necho started >>@DIR@/started\n");
      fs.chmodSync(path.join(node.dir, "wrapper"), 0o755);
      fs.symlinkSync(path.join(node.dir, "program"), path.join(node.dir, "proc/42/exe"));
      node.write("show", node.read("show").replaceAll("/program", "/wrapper"));
      const run = node.run(shell, 'containerd_find; echo "$containerd $runtime_version"');
      assert.deepEqual([run.status, run.stdout], [0, `${node.dir}/program 2.1.4\n`], run.stderr);
      assert.equal(fs.existsSync(path.join(node.dir, "started")), false);
    });

    it("a script that no process has is not started", () => {
      node.unit("");
      const run = node.run(shell, 'unset -f is_program; . "$dir/script.sh"; fail=3; containerd_find');
      assert.equal(run.status, 3, run.stderr);
      assert.match(
        run.stderr,
        /PS-N005 containerd\.service is not running, and starts \S+\/program, which is not an ELF binary/,
      );
    });

    it("what the daemon has of proxies and authorities is what is used, and not what a log-in has", () => {
      node.unit("", []);
      const own = ["HTTPS_PROXY=http://p:1", "no_proxy=a b", "SSL_CERT_FILE=/etc/x", "LD_PRELOAD=/x", "A B_PROXY=1"];
      node.write("proc/42/environ", own.map((one) => `${one}\0`).join(""));
      const show =
        "as_daemon containerd sh -c 'echo \"$HTTPS_PROXY|$https_proxy|$no_proxy|$SSL_CERT_FILE|$LD_PRELOAD\"'";
      const run = node.run(shell, `set +u; ${show}`, { https_proxy: "http://login:2" });
      assert.deepEqual([run.status, run.stdout], [0, "http://p:1||a b|/etc/x|\n"], run.stderr);
    });

    (needs("crio") ? describe : describe.skip)("CRI-O", () => {
      let crio: string;
      before(function () {
        this.timeout("20m");
        crio = path.join(execFileSync(GET, ["crio"], { encoding: "utf8" }).trim(), "crio");
      });
      /** CRI-O as it runs with these words and variables, behind a unit that says nothing of them. */
      const runs = (words: string[], environ: string[] = []): void => {
        node.unit("$OPTIONS", words);
        node.write("proc/42/environ", environ.map((one) => `${one}\0`.replaceAll("@DIR@", node.dir)).join(""));
        fs.symlinkSync(crio, path.join(node.dir, "proc/42/exe"));
      };
      const plan =
        'crio_find; crio_read; : >"$plan/seen"; : >"$plan/changed"; crio_plan; cat "$plan/changed"; echo "$socket"';
      for (const [what, words, environ] of [
        ["--config-dir (71)", ["--config-dir=@DIR@/site.d"], []],
        ["CONTAINER_CONFIG_DIR (73c)", [], ["CONTAINER_CONFIG_DIR=@DIR@/site.d"]],
        ["both, of which the option counts", ["-d", "@DIR@/site.d"], ["CONTAINER_CONFIG_DIR=/other"]],
      ] as const) {
        it(`reads where its process does: ${what}`, () => {
          node.write("site.d/10-site.conf", '[crio.api]\nlisten = "/run/site/crio.sock"\n');
          runs(
            words.map((word) => word.replaceAll("@DIR@", node.dir)),
            [...environ],
          );
          const run = node.run(shell, plan);
          const out = `${node.dir}/site.d/zz-pause-sandbox.conf\n/run/site/crio.sock\n`;
          assert.deepEqual([run.status, run.stdout], [0, out], run.stderr);
        });
      }
      for (const [what, words, environ, says] of [
        [
          "--pause-image (73)",
          ["--pause-image=a.b/c:1"],
          [],
          /PS-N014 .*--pause-image .* set to a\.b\/c:1, which overrides/,
        ],
        ["CONTAINER_PAUSE_IMAGE", [], ["CONTAINER_PAUSE_IMAGE=a.b/c:1"], /--pause-image or its variable set to a\.b/],
        ["--pause-command", ["--pause-command", "/usr/bin/pod"], [], /pause_command = "\/usr\/bin\/pod"/],
        ["CONTAINER_PAUSE_COMMAND", [], ["CONTAINER_PAUSE_COMMAND=/pod"], /pause_command = "\/pod"/],
      ] as const) {
        it(`is refused with what wins over our file: ${what}`, () => {
          runs(["--config-dir", path.join(node.dir, "site.d"), ...words], [...environ]);
          fs.mkdirSync(path.join(node.dir, "site.d"));
          const run = node.run(shell, plan);
          assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
          assert.match(run.stderr, says);
        });
      }
      it("is refused with a pause_command that is not our image's (74), naming it", () => {
        node.write("site.d/10-site.conf", '[crio.image]\npause_command = "/usr/bin/pod"\n');
        runs(["--config-dir", path.join(node.dir, "site.d")]);
        const run = node.run(shell, plan);
        assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
        assert.match(run.stderr, /PS-N014 CRI-O has pause_command = "\/usr\/bin\/pod"/);
      });
    });

    (needs("containerd", "crio") ? describe : describe.skip)("the runtime handlers", function () {
      this.timeout("20m");
      const tool = (name: string) => execFileSync(GET, [name], { encoding: "utf8" }).trim();
      const told = (command: string) => {
        const run = node.run(shell, command);
        assert.equal(run.status, 0, run.stderr);
        return run.stdout.trim().split("\n");
      };

      it("of containerd run pause, unless their shim is the sandboxer", () => {
        const handler = (name: string, more: string) =>
          `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}]\nruntime_type = "io.containerd.runc.v2"\n${more}`;
        const shim = 'sandboxer = "shim"\n';
        const file = node.write(
          "config.toml",
          `version = 3\n${handler("a-shim", shim)}${handler('"b.none"', `${shim}disable_pause_image_pull = true\n`)}`,
        );
        const dump = `"${tool("containerd")}/containerd" -c "${file}" config dump 2>/dev/null | toml_list >"$plan/before"`;
        const known = (version: string) =>
          told(`${dump}; runtime_name=containerd runtime_version=${version}; ctr_handlers`);
        assert.deepEqual(known("2.4.2"), ["a-shim\timage", "b.none\tnone", "runc\tevery"]);
        assert.deepEqual(known("2.2.9"), ["a-shim\tnone", "b.none\tnone", "runc\tevery"]);
      });

      it("of CRI-O drop it where a Pod does not share its PID namespace, but for virtual machines", () => {
        const parse = `"${tool("crio")}/crio" --config /dev/null --config-dir "$dir/site.d" config 2>/dev/null >"$plan/parse.out"`;
        const known = () => told(`${parse}; crio_handlers`);
        fs.mkdirSync(path.join(node.dir, "site.d"));
        const [first = ""] = known();
        assert.match(first, /^(crun|runc)\tshared-pid$/, "the default");
        const handler = (name: string, type: string) =>
          `[crio.runtime.runtimes.${name}]\nruntime_path = "/bin/true"\nruntime_type = "${type}"\n`;
        const own = `${handler("other", "oci")}${handler("vm", "vm")}${handler("kata-v1", "oci")}`;
        node.write("site.d/10-site.conf", own);
        assert.deepEqual(known().slice(-3), ["kata-v1\tevery", "other\tshared-pid", "vm\tevery"]);
        node.write("site.d/20-site.conf", "[crio.runtime]\ndrop_infra_ctr = false\n");
        assert.deepEqual(new Set(known().map((line) => line.split("\t")[1])), new Set(["every"]));
      });
    });

    for (const [version, registry, mirrors, refused] of [
      ["1.7.28", "[fd00::2]:5000", "", true],
      ["1.6.38", "r.example:5000", "https://[fd00::2]:5000\n", true],
      ["1.7.28", "r.example:5000", "", false],
      ["2.1.4", "[fd00::2]:5000", "", false],
    ] as const) {
      it(`containerd ${version} ${refused ? "is refused" : "may have"} a hosts.toml for ${registry} ${mirrors.trim()}`, () => {
        const given = `registry='${registry}' mirrors='${mirrors}' ca=x socket=/k3s.sock unit=k3s`;
        const stubs = `plan_hosts() { echo planned; }; registries_yaml() { echo planned >&3; }; want() { :; }; want_ca() { :; }`;
        const cri = `cri() { printf 'Version:  0.1.0\\nRuntimeName:  containerd\\nRuntimeVersion:  v${version}-k3s1\\n'; }`;
        for (const verb of [
          `runtime_version=${version}; containerd_trust`,
          "registries=/none; new=/dev/null; k3s_trust 3>&1",
        ]) {
          const run = node.run(shell, `${stubs}; ${cri}; ${given}; ${verb}`);
          assert.deepEqual([run.status, run.stdout], refused ? [3, ""] : [0, "planned\n"], run.stderr);
          if (refused)
            assert.match(run.stderr, /PS-N022 containerd 1\.\S+ cannot read a hosts\.toml with an IPv6 address/);
        }
      });
    }

    it("CRI-O is refused with an IPv6 address as the registry or a mirror, which it cannot read in any name", () => {
      for (const given of [
        "registry='[fd00::2]:5000' mirrors=",
        "registry=r.example mirrors='https://[fd00::2]:5000'",
      ]) {
        const run = node.run(shell, `${given}; crio_trust`);
        assert.equal(run.status, 3);
        assert.match(run.stderr, /PS-N022 CRI-O takes no IPv6 address/);
      }
    });

    it("an awk that fails is named, and not taken for an inline table", () => {
      node.write("home/plan/load", "/etc/containerd/config.toml\n");
      for (const [status, reason] of [
        [3, /^$/],
        [2, /^\[node\] PS-N014 \/etc\/containerd\/config\.toml: awk ends with status 2 .*\(awk: out of memory\)/],
      ] as const) {
        const awk = `toml_set() { echo 'awk: out of memory' >&2; return ${status}; }`;
        const run = node.run(shell, `${awk}; edited 1 a b </dev/null || echo "$inline"`);
        assert.equal(run.stdout, status === 3 ? "/etc/containerd/config.toml: a\n" : "");
        assert.match(run.stderr, reason);
      }
    });

    describe("k3s", () => {
      const find = 'unit=k3s; loaded k3s; k3s_find; echo "$generated"';
      const version = { VERSION_LINE: "k3s version v1.33.4+k3s1 (abc)" };
      const cases = path.join(__dirname, "cases/k3s");
      const generated = "agent/etc/containerd/config.toml";

      const read: [name: string, yaml: string, dir: string][] = [
        ["as it comes", "", "/var/lib/rancher/k3s"],
        ["a comment behind it", fs.readFileSync(path.join(cases, "data-dir-comment.yaml"), "utf8"), "/data/k3s"],
        ["a quoted key", '"data-dir": /data/k3s\n', "/data/k3s"],
        ["a quoted value with a hash", "'data-dir' : \"/data/#1\"  # big\r\n", "/data/#1"],
        ["a key below another", "kubelet-arg:\n  data-dir: /no\ndata-directory: /no\n", "/var/lib/rancher/k3s"],
        ["the last of two", "data-dir: /a\ndata-dir: /b#c\n", "/b#c"],
      ];
      for (const [name, yaml, dir] of read) {
        it(`has its data-dir in config.yaml: ${name}`, () => {
          node.unit("server --config @DIR@/config.yaml".replace("@DIR@", node.dir), []);
          node.write("config.yaml", yaml);
          const run = node.run(shell, find, version);
          assert.deepEqual([run.status, run.stdout], [0, `${dir}/${generated}\n`], run.stderr);
        });
      }

      it("has its data-dir in its process's environment", () => {
        node.unit(`server --config ${node.dir}/config.yaml`, []);
        node.write("proc/42/environ", "A=b\0K3S_DATA_DIR=/env/k3s\0");
        assert.equal(node.run(shell, find, version).stdout, `/env/k3s/${generated}\n`);
      });

      const external = fs.readFileSync(path.join(cases, "external-endpoint.yaml"), "utf8");
      const refused: [name: string, line: string, yaml: string, reason: RegExp][] = [
        ["an external endpoint", "", external, /PS-N006 k3s uses the runtime at unix:\/\/\/run\/containerd/],
        ["an endpoint in its unit", " --container-runtime-endpoint=/run/crio.sock", "", /PS-N006 .*at \/run\/crio/],
        ["--docker", " --docker", "", /PS-N006 k3s runs with docker/],
        ["docker in config.yaml", "", "docker: true # old\n", /PS-N006 k3s runs with docker/],
        ["a value over many lines", "", "data-dir: >-\n  /data\n", /PS-N005 .*config\.yaml: data-dir is not written/],
        ["a flow mapping", "", "{data-dir: /data}\n", /PS-N005 .*is not written as one plain value/],
        ["a relative data-dir", "", "data-dir: data\n", /PS-N005 k3s's 'data' is not an absolute path/],
      ];
      for (const [name, line, yaml, reason] of refused) {
        it(`is refused with its reason: ${name}`, () => {
          node.unit(`server --config ${node.dir}/config.yaml${line}`, []);
          node.write("config.yaml", yaml);
          const run = node.run(shell, find, version);
          assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
          assert.match(run.stderr, reason);
          assert.equal(run.stderr.trim().split("\n").length, 1);
        });
      }
    });

    describe("a site's own hosts.toml", () => {
      const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
      const trust = (settings: string) =>
        `${settings}; : >"$plan/wanted"; : >"$plan/changed"; config_path=$dir/certs.d certs=$dir/certs.d; plan_hosts; cat "$plan/wanted"`;
      const ca = `ca='${pem}'`;
      const url = "https://registry.example.org:5000";
      const file = "certs.d/registry.example.org:5000/hosts.toml";
      const own = (more: string): string =>
        `server = "${url}"\n\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n${more}  [host."${url}".header]\n    X-Team = "platform"\n`;

      const kept: [name: string, hosts: string, settings: string][] = [
        ["it names our CA", own('  ca = "@DIR@/site.pem"\n'), ca],
        ["it names our CA among others", own('  ca = ["/none.pem", "@DIR@/site.pem"]\n'), ca],
        [
          "it has the mirror and the login",
          `${own('    Authorization = "Basic dTpw"\n').replace(/^ {4}Auth.*\n/m, "")}    Authorization = ["Basic dTpw"]\n[host."https://m.example.com"]\n  capabilities = ["pull"]\n`,
          "mirrors='https://m.example.com\n' auth=dTpw",
        ],
      ];
      for (const [name, hosts, settings] of kept) {
        it(`is kept as it is where ${name}`, () => {
          node.write("site.pem", `# ours\n${pem}`);
          node.write(file, hosts);
          const run = node.run(shell, trust(settings));
          assert.deepEqual([run.status, run.stdout], [0, ""], run.stderr);
          assert.match(run.stderr, /hosts\.toml is not our file.*it stays unchanged/);
        });
      }

      const refused: [name: string, hosts: string, settings: string, lacking: RegExp][] = [
        [
          "it names another CA (44)",
          own('  ca = "@DIR@/other.pem"\n'),
          ca,
          /add the CA of the stack, in a file that ca names/,
        ],
        [
          "it has no table for a mirror",
          own(""),
          "mirrors='https://m.example.com\n'",
          /add \[host\."https:\/\/m\.example\.com"\]/,
        ],
        ["it has no login", own(""), "login=dTpw kept_login=dTpw", /add \[host\."https:.*"\.header\] with the login/],
      ];
      for (const [name, hosts, settings, lacking] of refused) {
        it(`is refused with what to add where ${name}`, () => {
          node.write("other.pem", "another\n");
          node.write(file, hosts);
          const run = node.run(shell, trust(settings));
          assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
          assert.match(run.stderr, /^\[node\] PS-N025 .*hosts\.toml exists already/);
          assert.match(run.stderr, lacking);
        });
      }

      it("is written where there is none", () => {
        const run = node.run(shell, trust(ca));
        assert.equal(run.status, 0, run.stderr);
        assert.match(run.stdout, /hosts\.toml\n$/);
      });
    });
  });
}
