import { strict as assert } from "node:assert";

import { causeOf, isOfImage, kubeletCause } from "../../doctor/causes";
import { judgeKubelet } from "../../doctor/judge/kubelet";
import { triedIn } from "../../doctor/sandboxes";
import { CLOCK, factsOf, journal, runtime } from "./nodeFacts";
import { KUBELET_ERRORS, SANDBOX_ERRORS } from "./recordedErrors";

describe("what a sandbox failed with", () => {
  for (const { who, code, error, what } of SANDBOX_ERRORS) {
    it(`is known from ${who} where the kubelet goes on to the next Pod`, () => {
      const created = JSON.stringify(`Failed to create sandbox for pod "app_default(1)": ${error}`);
      const err = JSON.stringify(
        `failed to "CreatePodSandbox" for "app_default(1)" with CreatePodSandboxError: ${created}`,
      );
      const line = `${CLOCK} node-1 kubelet[1]: E1130 pod_workers.go:1] "Error syncing pod, skipping" err=${err} pod="default/app"`;
      const tried = triedIn(line);
      assert.equal(
        causeOf(tried?.error ?? "", { runtime: runtime("registry.example/pause:1") })?.code,
        code,
        tried?.error,
      );
    });

    it(`is known from ${who}`, () => {
      const found = causeOf(error, { runtime: runtime("registry.example/pause:1") });
      assert.equal(found?.code, code, JSON.stringify(found));
      assert.match(found.what, what);
      assert.ok(found.remedy.length > 20);
    });
  }

  it("is left to the way of the pull where it is of the image", () => {
    const error =
      'failed to get sandbox image "k8s.gcr.io/pause:3.5": failed to resolve reference: dial tcp: i/o timeout';
    assert.equal(isOfImage(error), true);
    assert.equal(causeOf(error, {}), undefined);
  });

  const OWN: Readonly<Record<string, { unit: string; foreign: RegExp }>> = {
    containerd: { unit: "containerd", foreign: /crio|daemon\.json|k3s/ },
    "cri-o": { unit: "crio", foreign: /containerd|daemon\.json|k3s|config\.toml/ },
    k3s: { unit: "k3s-agent", foreign: /crio|daemon\.json|config\.toml(?!\.tmpl)/ },
    rke2: { unit: "rke2-server", foreign: /crio|daemon\.json|k3s(?!\/containerd)/ },
    "cri-dockerd": { unit: "cri-docker", foreign: /crio|config\.toml|plugins\.|k3s/ },
  };
  for (const [name, { unit, foreign }] of Object.entries(OWN)) {
    it(`has a remedy on ${name} that names no unit and no table of another runtime`, () => {
      for (const { error } of SANDBOX_ERRORS) {
        const found = causeOf(error, { runtime: { name, unit, socket: "/run/x.sock", version: "1.34.0" } });
        assert.doesNotMatch(found?.remedy ?? "", foreign);
      }
    });
  }
});

describe("a kubelet that does not run", () => {
  for (const { error, what, remedy } of KUBELET_ERRORS) {
    it(`says why: ${what.source}`, () => {
      const found = kubeletCause(error, { runtime: runtime("registry.example/pause:1") });
      assert.match(found?.what ?? "", what);
      assert.match(found?.remedy ?? "", remedy);
    });
  }

  const down = (text: string) =>
    judgeKubelet(
      factsOf("registry.example/pause:1", {
        kubelet: { version: "1.34.2", state: "activating", flagged: [] },
        events: [
          journal(CLOCK - 3, "kubelet", `E1129 10:00:00 1 run.go:72] "command failed" err=${JSON.stringify(text)}`),
        ],
      }),
    ).findings[0]?.what;

  it("is quoted where its last words are not known", () => {
    assert.equal(
      down("the moon is full"),
      "the kubelet is activating, and without it no Pod starts. It ended with: the moon is full",
    );
  });

  it("is told where systemd starts it again and again, and it is active for a moment", () => {
    const line = (at: number) => journal(at, "kubelet", 'E1129 1 run.go:72] "command failed" err="unknown flag: --x"');
    const found = (at: number, healthy: boolean) =>
      judgeKubelet(
        factsOf("registry.example/pause:1", {
          kubelet: { version: "1.34.2", state: "active", flagged: [], healthy },
          events: [line(at)],
        }),
      ).findings.map(({ what }) => what);
    assert.match(
      found(CLOCK - 5, false)[0] ?? "",
      /^the kubelet is started again and again.*does not know the flag --x$/,
    );
    assert.deepEqual(found(CLOCK - 5, true), []);
    assert.deepEqual(found(CLOCK - 600, false), []);
  });

  it("that somebody has stopped is to be started, whatever an earlier one ended with", () => {
    const [found] = judgeKubelet(
      factsOf("registry.example/pause:1", {
        kubelet: { version: "1.34.2", state: "inactive", flagged: [] },
        events: [journal(CLOCK - 90, "kubelet", 'E1129 1 run.go:72] "command failed" err="unknown flag: --x"')],
      }),
    ).findings;
    assert.equal(found?.what, "the kubelet is inactive, and without it no Pod starts");
    assert.match(found.remedy, /^Run: systemctl start kubelet\./);
  });

  it("has its cause in the finding", () => {
    assert.match(down(KUBELET_ERRORS[0]?.error ?? "") ?? "", /no Pod starts: swap is on$/);
  });
});

describe("a kubelet that does not reach its API server", () => {
  const line = (at: number) =>
    journal(
      at,
      "kubelet",
      'E1129 1 controller.go:145] "Failed to ensure lease exists, will retry" err="Get \\"https://10.0.0.1:6443/apis/coordination.k8s.io\\": dial tcp 10.0.0.1:6443: connect: connection refused" interval="7s"',
    );
  const registered = journal(
    CLOCK - 2,
    "kubelet",
    'I1129 1 kubelet_node_status.go:78] "Successfully registered node" node="x"',
  );
  const found = (at: number, ...later: string[]) =>
    judgeKubelet(factsOf("registry.example/pause:1", { events: [line(at), ...later] })).findings[0];

  it("is told where that is so now", () => {
    assert.equal(found(CLOCK - 5)?.code, "PS-D038");
    assert.match(found(CLOCK - 5)?.remedy ?? "", /reaches 10\.0\.0\.1:6443/);
  });

  it("is not told where that was so once", () => {
    assert.equal(found(CLOCK - 600), undefined);
    assert.equal(found(CLOCK - 5, registered), undefined);
  });
});
