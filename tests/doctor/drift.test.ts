import { strict as assert } from "node:assert";

import { type NodeReport, NodeStatus, Runtime } from "../../components/node/nodeScript";
import { differenceText } from "../../cli/checkText";
import { differencesOf } from "../../doctor/check/drift";

const image = "registry.example.com:5000/platform/pause:1.0.0";
const digest = `sha256:${"a".repeat(64)}`;
const report = (more: Partial<NodeReport> = {}): NodeReport => ({
  ...{ changed: [], digest, image, kubelet: "1.34.2", node: "n", pinned: true, previousImage: image, restarted: [] },
  ...{ runtime: Runtime.Containerd, runtimeVersion: "2.1.4", scriptVersion: "x", status: NodeStatus.Unchanged },
  ...more,
});
const expected = { image, digest, loginUnknown: false };
const diff = (file: string, ...lines: string[]) =>
  [`[n] would change ${file}`, `--- ${file}`, `+++ ${file} (planned)`, "@@ -1,2 +1,2 @@", ...lines, "[n] more"].join(
    "\n",
  );

describe("what a plan means", () => {
  it("nothing differs where nothing would change and the image is there, pinned and the right one", () => {
    assert.deepEqual(differencesOf(report(), "[n] no file would change", expected), []);
  });

  it("a carried image is compared by the node, which may know it by another digest", () => {
    const carried = { ...expected, archive: "x" };
    const known = report({ digest: `sha256:${"b".repeat(64)}` });
    assert.deepEqual(differencesOf(known, "[n] no file would change", carried), []);
    const again = `[n] would import ${image} again: this node has ${known.digest}, and the settings ask for ${digest}`;
    assert.deepEqual(differencesOf(known, again, carried), [{ key: "digest", is: known.digest, wanted: digest }]);
    const missing = `[n] would import ${image}: it is not on this node`;
    assert.deepEqual(differencesOf(report({ digest: "" }), missing, carried), [
      { key: "image on the node", wanted: image },
    ]);
  });

  it("a key of TOML differs by its value, and other lines of the diff do not count", () => {
    const file = "/etc/containerd/config.toml";
    const lines = [
      " version = 2",
      '-  sandbox_image = "a.b/c:1"',
      `+  sandbox_image = "${image}"`,
      "-# mine",
      "+# mine ",
    ];
    assert.deepEqual(differencesOf(report({ changed: [file] }), diff(file, ...lines), expected), [
      { file, key: "sandbox_image", is: "a.b/c:1", wanted: image },
    ]);
  });

  it("the kubelet's flag is a key, wherever it stands", () => {
    const file = "/var/lib/kubelet/kubeadm-flags.env";
    const lines = [
      '-KUBELET_KUBEADM_ARGS="--v=2"',
      `+KUBELET_KUBEADM_ARGS="--v=2 --pod-infra-container-image=${image}"`,
    ];
    const found = differencesOf(report({ changed: [file] }), diff(file, ...lines), expected);
    assert.deepEqual(
      found.find(({ key }) => key === "--pod-infra-container-image"),
      { file, key: "--pod-infra-container-image", wanted: image },
    );
  });

  it("a removed line that looks like a header stays a line", () => {
    const lines = ["--- a = 1", '-sandbox_image = "x"'];
    assert.equal(differencesOf(report({ changed: ["/f"] }), diff("/f", ...lines), expected)[0]?.key, "sandbox_image");
  });

  it("a file that is not there is one difference, whatever should stand in it", () => {
    const said = diff("/etc/a.toml", '+server = "https://r"', '+ca = "/x"').replace("would change", "would create");
    assert.deepEqual(differencesOf(report({ changed: ["/etc/a.toml"] }), said, expected), [
      { file: "/etc/a.toml", missing: true },
    ]);
    assert.equal(differenceText({ file: "/etc/a.toml", missing: true }), "/etc/a.toml is missing");
  });

  it("a file without a diff differs as a whole: its mode, or a node without diff", () => {
    assert.deepEqual(differencesOf(report({ changed: ["/a b"] }), "", expected), [{ file: "/a b" }]);
  });

  it("an image that is not there, or not pinned, differs", () => {
    for (const verb of ["import", "pull"]) {
      const gone = `[n] would ${verb} it: it is not on this node`;
      assert.deepEqual(differencesOf(report({ digest: "", pinned: false }), gone, expected), [
        { key: "image on the node", wanted: image },
      ]);
    }
    const unpinned = [{ key: "pinned", is: "false", wanted: "true" }];
    assert.deepEqual(differencesOf(report({ pinned: false }), "", expected), unpinned);
    const old = report({ pinned: false, kubelet: "1.28.4" });
    assert.deepEqual(differencesOf(old, "", expected), [], "the kubelet's flag protects it");
    assert.deepEqual(differencesOf(old, "", { ...expected, kubeletFlag: false }), unpinned);
  });
});
