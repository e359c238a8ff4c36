/** The sample Pod's app as a Spring Boot application: built by Maven, run by a JRE from Debian. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { Log } from "../log";
import { exec } from "./exec";
import { draftOf, readIfThere } from "./files";
import type { ImageSpec } from "./images";
import { cacheDir, TREE } from "./layout";
import { type RootFs, rootFsReference } from "./rootfs";

const SOURCE = path.join(TREE, "lab/images/spring/app");

/** Runs jars, and holds a busybox to look around with. */
export const JRE_ROOTFS: RootFs = {
  name: "jre",
  suite: "trixie",
  variant: "extract",
  packages: ["base-files", "openjdk-21-jre-headless", "busybox-static"],
  hooks: [],
};

/** What the image is made from; builds the application unless the cache has it. */
export async function springImage(log: Log): Promise<ImageSpec> {
  return { name: "spring", base: rootFsReference(JRE_ROOTFS), programs: { jar: [await springJar(log)] } };
}

/** The application's jar, built again when its sources change. */
async function springJar(log: Log): Promise<string> {
  const directory = path.join(cacheDir(), "lab", `spring-${await sources()}`);
  const jar = path.join(directory, "app.jar");
  if (!existsSync(jar)) {
    await log.step("build the Spring Boot application (Maven; the first time it downloads what it needs)", () =>
      build(directory),
    );
  }
  return jar;
}

/** In a copy, so that the tree stays as it is; whole or not at all, since its directory stands for a finished build. */
async function build(directory: string): Promise<void> {
  const draft = await draftOf(directory);
  await fs.rm(directory, { recursive: true, force: true });
  await fs.cp(SOURCE, path.join(draft, "source"), { recursive: true });
  try {
    const repository = `-Dmaven.repo.local=${path.join(cacheDir(), "maven")}`;
    const options = ["--batch-mode", "--no-transfer-progress", "--strict-checksums", repository];
    await maven([...options, "--file", path.join(draft, "source/pom.xml"), "package"]);
    await fs.rename(path.join(draft, "source/target/app.jar"), path.join(draft, "app.jar"));
    await fs.rm(path.join(draft, "source"), { recursive: true });
    await fs.rename(draft, directory);
  } finally {
    await fs.rm(draft, { recursive: true, force: true });
  }
}

/** Maven says what is wrong on standard output, among much else. */
async function maven(args: string[]): Promise<void> {
  const log = path.join(cacheDir(), "log", "maven.log");
  await fs.mkdir(path.dirname(log), { recursive: true });
  await fs.rm(log, { force: true });
  try {
    await exec("mvn", [...args, "--log-file", log]);
  } catch (error) {
    const errors = ((await readIfThere(log)) ?? "").split("\n").filter((line) => line.startsWith("[ERROR] "));
    if (errors.length === 0) throw error;
    throw new Error(`the Spring Boot application cannot be built, see ${log}\n${errors.slice(0, 10).join("\n")}`, {
      cause: error,
    });
  }
}

async function sources(): Promise<string> {
  const hash = createHash("sha256");
  const entries = await fs.readdir(SOURCE, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort())
    hash
      .update(file.slice(SOURCE.length))
      .update("\0")
      .update(await fs.readFile(file));
  return hash.digest("hex").slice(0, 12);
}
