/** The containerds of the toolchain. A version that is missing is built first, except in `make check`. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";

import { needs } from "../support/needs";
import { asked, ran } from "../support/ran";

const GET = path.join(__dirname, "../../lab/toolchain/get");

/** Asked once a version: each simulated node wants to know. */
const folders = new Map<string, string>();

/** Says whether tests with these versions can run. */
export const hasContainerd = (...versions: string[]): boolean =>
  needs(...versions.map((version) => `containerd@${version}`));

/** Folder with the programs of this version. */
export function containerdOf(version: string): string {
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  const folder =
    folders.get(version) ?? execFileSync(GET, [`containerd@${version}`], { encoding: "utf8", stdio }).trim();
  folders.set(version, folder);
  return folder;
}

/** Builds what is missing of these versions before the tests of the `describe` that it stands in: their time-outs are seconds. */
export function builtBefore(...versions: string[]): void {
  before(function () {
    this.timeout("20m");
    versions.filter((version) => hasContainerd(version)).forEach(containerdOf);
  });
}

/** `describe` for tests that need these versions. */
export function describeWith(...versions: string[]): (title: string, tests: (this: Mocha.Suite) => void) => void {
  if (!hasContainerd(...versions)) return describe.skip;
  return (title, tests) =>
    describe(title, function () {
      builtBefore(...versions);
      tests.call(this);
    });
}

/** {@link ran} for a version of containerd that tests run. */
export function ranContainerd(what: string, version: string): void {
  ran(what, () => asked(path.join(containerdOf(version), "containerd")));
}

/** `it` for a test that needs these versions; the `describe` around it has `builtBefore`. */
export const itWith = (...versions: string[]): Mocha.TestFunction | Mocha.PendingTestFunction =>
  hasContainerd(...versions) ? it : it.skip;
