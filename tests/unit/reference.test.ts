import * as assert from "assert";
import * as fc from "fast-check";

import { checkSource, digestOf, parseReference } from "../../components/registry/reference";

describe("a reference for nodes", () => {
  const good: [string, string, string, string][] = [
    ["registry.example.com/pause:3.10", "registry.example.com", "pause", "3.10"],
    ["registry.example.com:5000/a/b-c/pause:v1_2", "registry.example.com:5000", "a/b-c/pause", "v1_2"],
    ["localhost/pause:1", "localhost", "pause", "1"],
    ["10.0.0.1:5000/pause:1", "10.0.0.1:5000", "pause", "1"],
    ["[fd00::1]:5000/pause:1", "[fd00::1]:5000", "pause", "1"],
    ["docker.io/library/pause:1", "docker.io", "library/pause", "1"],
    ["registry.docker.io/pause:1", "registry.docker.io", "pause", "1"],
    ["registry.aliyuncs.com/google_containers/pause:3.5", "registry.aliyuncs.com", "google_containers/pause", "3.5"],
  ];
  for (const [ref, registry, repository, tag] of good) {
    it(`${ref} is read`, () => {
      assert.deepStrictEqual(parseReference(ref), { registry, repository, tag });
    });
  }

  const bad: [string, RegExp][] = [
    ["", /registry is missing/],
    ["pause:3.10", /registry is missing/],
    ["library/pause:3.10", /registry is missing/],
    ["registry.example.com/pause", /tag is missing, and containerd never pins/],
    ["registry.example.com:5000/pause", /tag is missing/],
    ["registry.example.com/pause:latest", /`latest` means another image every day/],
    [`registry.example.com/pause@sha256:${"0".repeat(64)}`, /digest is checked on the node/],
    [`registry.example.com/pause:1@sha256:${"0".repeat(64)}`, /digest is checked on the node/],
    ["registry.example.com/Pause:1", /repository "Pause"/],
    ["registry.example.com//pause:1", /repository "\/pause"/],
    ["registry.example.com/pause:a b", /tag "a b"/],
    ["registry.example.com/pause:1\n", /tag "1\\n"/],
    ["registry.example.com:99999/pause:1", /registry is missing/],
    ["https://registry.example.com/pause:1", /registry is missing/],
    ["[1::2::3]:5000/pause:1", /registry is missing/],
    ["[::ffff:10.0.0.1]:5000/pause:1", /registry is missing/],
    ["registry.example.com/$(id):1", /repository/],
    ["docker.io/pause:1", /never pin .*; write docker\.io\/library\/pause:1$/],
    ["index.docker.io/pause:1", /write docker\.io\/library\/pause:1$/],
    ["index.docker.io/platform/pause:1", /write docker\.io\/platform\/pause:1$/],
  ];
  for (const [ref, why] of bad) {
    it(`${JSON.stringify(ref)} is refused, naming value, what is allowed and why`, () => {
      const check = (error: Error): boolean =>
        error.message.startsWith(`${JSON.stringify(ref)} is not allowed; it must be host[:port]/`) &&
        why.test(error.message);
      assert.throws(() => parseReference(ref), check);
    });
  }

  it("never accepts a string that a shell or TOML would have to quote", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (noise) => {
        fc.pre(/[^A-Za-z0-9._-]/.test(noise));
        assert.throws(() => parseReference(`registry.example.com/pause:${noise}`));
      }),
    );
  });
});

describe("an image to copy from", () => {
  it("may have a short name of Docker Hub: nodes never see it", () => {
    checkSource("docker.io/nginx:1");
  });
});

describe("the digest of what was pushed", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  for (const pushed of [`r.example/pause@${digest}`, `r.example:5000/pause:1@${digest}`]) {
    it(`is read from ${pushed.slice(0, 30)}…`, () => {
      assert.strictEqual(digestOf(pushed), digest);
    });
  }
  it("is an error where nothing was pushed", () => {
    assert.throws(
      () => digestOf("r.example/pause:1"),
      /"r\.example\/pause:1": the registry gave no digest .* --replace/,
    );
  });
});
