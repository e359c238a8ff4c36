import { strict as assert } from "node:assert";
import { setTimeout } from "node:timers/promises";

import { clusterDown, clusterUp, labStands, type LabInfo } from "../../cluster";
import { lineLog } from "../../log";
import { Api } from "../../plugins/kubernetes/api";
import { clusterOf } from "../../plugins/kubernetes/kubeconfig";
import { initFailure, isStandIn, type Props, Provider, urn } from "./provider";

const NAMESPACE = urn("kubernetes:core/v1:Namespace", "contract");
const CONFIG_MAP = urn("kubernetes:core/v1:ConfigMap");
const POD = urn("kubernetes:core/v1:Pod");

describe("kubernetes:core/v1, on the lab's API server", function () {
  this.timeout("15m");
  const stoodBefore = labStands();
  let lab: LabInfo;
  const signal = new AbortController().signal;
  let api: Api;
  let provider: Provider;
  let namespace: { id: string; inputs: Props; outputs: Props };

  before(async () => {
    lab = await clusterUp(lineLog());
    api = new Api(clusterOf({ kubeconfig: lab.kubeconfig }));
    provider = await Provider.start("kubernetes", { config: { kubeconfig: lab.kubeconfig } });
    const inputs = await provider.check(NAMESPACE, { apiVersion: "v1", kind: "Namespace" });
    namespace = await provider.create(NAMESPACE, inputs);
  });
  after(async () => {
    try {
      await provider.delete(NAMESPACE, namespace);
      assert.equal(await provider.read(NAMESPACE, namespace), undefined);
      provider.stop();
    } finally {
      if (!stoodBefore) await clusterDown(lineLog());
    }
  });

  const configMap = (data: Props, metadata: Props = {}): Props => ({
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: { namespace: namespace.id, ...metadata },
    data,
  });
  // In the default namespace: a new one has no service account for a moment, and takes no Pods until then.
  const pod = (container: Props, metadata: Props = {}): Props => ({
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata,
    spec: {
      automountServiceAccountToken: false,
      // No node has it, so no kubelet takes the Pod.
      nodeSelector: { "contract-test": "nowhere" },
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: lab.images.app, ...container }],
    },
  });
  const create = async (type: string, inputs: Props, options = {}) =>
    provider.create(type, await provider.check(type, inputs), options);
  const podPath = (inputs: Props) => `/api/v1/namespaces/default/pods/${nameIn(inputs)}`;
  /** Reports a Pod's condition in the kubelet's stead, which might have no sandbox image to start one with. */
  const playKubelet = (inputs: Props, status: "True" | "False") => {
    const body = { status: { phase: "Running", conditions: [{ type: "Ready", status }] } };
    const contentType = "application/merge-patch+json";
    return api.ask(`${podPath(inputs)}/status`, { method: "PATCH", contentType, body, signal });
  };
  const nameIn = (inputs: Props) => (inputs.metadata as { name: string }).name;

  it("names what has no name, the same way for the same seed, and keeps the name it gave before", async () => {
    const first = await provider.check(CONFIG_MAP, configMap({}));
    assert.match(nameIn(first), /^it-[0-9a-f]{8}$/);
    assert.equal(nameIn(await provider.check(CONFIG_MAP, configMap({}))), nameIn(first));
    const renamed = { ...first, metadata: { ...(first.metadata as Props), name: "it-before" } };
    assert.equal(nameIn(await provider.check(CONFIG_MAP, configMap({}), renamed)), "it-before");
    assert.equal(nameIn(await provider.check(CONFIG_MAP, configMap({}, { name: "given" }))), "given");
  });

  it("touches nothing in a preview", async () => {
    const seen = await create(CONFIG_MAP, configMap({ a: "b" }, { name: "preview" }), { preview: true });
    assert.equal(await provider.read(CONFIG_MAP, { ...seen, id: `${namespace.id}/preview` }), undefined);
  });

  it("refuses a property that the API server does not know", async () => {
    await assert.rejects(create(POD, pod({ imagePullPolice: "Always" })), /imagePullPolice/);
  });

  it("creates, reads, updates and deletes, and sees what someone else changed", async () => {
    const made = await create(CONFIG_MAP, configMap({ a: "1" }, { name: "life", labels: { of: "one" } }));
    assert.equal(made.id, `${namespace.id}/life`);
    assert.deepEqual(made.outputs.data, { a: "1" });
    const inputs = await provider.check(CONFIG_MAP, configMap({ a: "1" }, { name: "life", labels: { of: "two" } }));
    const updated = await provider.update(CONFIG_MAP, made, inputs);
    assert.equal((updated.outputs.metadata as { labels: { of: string } }).labels.of, "two");
    const live = await provider.read(CONFIG_MAP, made);
    assert.equal((live?.inputs.metadata as { labels: { of: string } }).labels.of, "two");
    await provider.delete(CONFIG_MAP, updated);
    assert.equal(await provider.read(CONFIG_MAP, updated), undefined);
    await provider.delete(CONFIG_MAP, updated);
  });

  it("replaces a ConfigMap whose data changed: beside the old one where it made the name, else after it", async () => {
    for (const [metadata, deleteBeforeReplace] of [
      [{}, false],
      [{ name: "given" }, true],
    ] as const) {
      const inputs = await provider.check(CONFIG_MAP, configMap({ a: "1" }, metadata));
      const old = { id: "", inputs, outputs: inputs };
      const same = await provider.diff(CONFIG_MAP, old, inputs);
      assert.equal(same.changes, "none");
      const diff = await provider.diff(CONFIG_MAP, old, { ...inputs, data: { a: "2" } });
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [["data"], deleteBeforeReplace]);
    }
  });

  it("updates a Pod's image, and replaces it for anything else in its spec", async () => {
    const inputs = await provider.check(POD, pod({}));
    const old = { id: "", inputs, outputs: inputs };
    const { spec } = pod({ image: "another" });
    assert.deepEqual((await provider.diff(POD, old, { ...inputs, spec })).replaces, []);
    const { spec: other } = pod({ command: ["sleep", "1"] });
    assert.deepEqual((await provider.diff(POD, old, { ...inputs, spec: other })).replaces, ["spec"]);
  });

  it("waits for a Pod until it is Ready, and until it is gone", async () => {
    const inputs = await provider.check(POD, pod({}));
    const creating = provider.create(POD, inputs, { timeout: 60 });
    const answered = creating.then(() => "answered");
    await api.until("/api/v1/namespaces/default/pods", nameIn(inputs), signal, (found) => found !== undefined);
    await playKubelet(inputs, "False");
    assert.equal(await Promise.race([answered, setTimeout(500, "waiting")]), "waiting");
    await playKubelet(inputs, "True");
    const made = await creating;
    const { conditions } = made.outputs.status as { conditions: { type: string; status: string }[] };
    assert.equal(conditions.find(({ type }) => type === "Ready")?.status, "True");
    await provider.delete(POD, made);
    assert.equal(await provider.read(POD, made), undefined);
  });

  it("keeps a Pod that did not become Ready in time, and says what the cluster says about it", async () => {
    const inputs = pod({});
    const error: unknown = await create(POD, inputs, { timeout: 3 }).then(
      () => undefined,
      (refused: unknown) => refused,
    );
    const failed = initFailure(error);
    assert.ok(failed, String(error));
    assert.match(failed.id, /^default\/it-[0-9a-f]{8}$/);
    assert.match(failed.reasons.join("\n"), /node/);
    await provider.delete(POD, failed);
  });

  it("does not wait where it is told not to", async () => {
    const annotations = { "pulumi.com/skipAwait": "true" };
    const made = await create(POD, pod({}, { annotations }));
    await provider.delete(POD, made);
  });

  it("says what is wrong with a kubeconfig", async () => {
    const config = { kubeconfig: lab.kubeconfig, context: "absent" };
    await assert.rejects(async () => {
      const other = await Provider.start("kubernetes", { config });
      // The published plugin takes note, and fails with the first resource.
      await other.create(CONFIG_MAP, configMap({})).finally(() => {
        other.stop();
      });
    }, /absent/);
  });

  (isStandIn ? it : it.skip)("refuses kinds and properties that it does not act upon", async () => {
    await assert.rejects(provider.check(urn("kubernetes:apps/v1:Deployment"), {}), /does not know kubernetes:apps\/v1/);
    await assert.rejects(provider.check(CONFIG_MAP, { ...configMap({}), spec: {} }), /spec: .*not supported/);
  });
});
