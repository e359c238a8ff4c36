/** Archives of images as files: what a program carries to its nodes. */
import * as fs from "node:fs";
import * as path from "node:path";

import { type ImageArchive, LARGEST_ARCHIVE, packedArchive, readArchive, sha256 } from "./archive";
import { messageOf, userError } from "../errors";
import { describe, Problems } from "../problems";

/** An image as the script takes it along. */
export interface PackedArchive {
  /** The archive, gzipped, in base64. */
  readonly packed: string;
  /** `sha256:…`, as containerd reports it. */
  readonly digest: string;
}

/** A program may have thousands of nodes with the same file. */
const read = new Map<string, ImageArchive>();

/**
 * The image in a file: the tar of an OCI layout, or of `docker save`.
 * @param file Its path, relative to the program.
 * @throws Error naming the file, and what is wrong with it.
 */
export function archiveIn(file: string): ImageArchive {
  const refuse = (why: string): Error =>
    userError(
      `${describe(file)} is not allowed; it must be the path of an image as an OCI archive or a docker save: ${why}`,
    );
  // Programs without types may give anything.
  if (typeof (file as unknown) !== "string" || file === "") throw refuse("it names no file");
  try {
    const { mtimeMs, size, ino } = fs.statSync(file);
    if (size > LARGEST_ARCHIVE)
      throw userError(
        `it has ${size} bytes, and at most ${LARGEST_ARCHIVE} are carried to each node: copy it to a registry`,
      );
    const key = [path.resolve(file), mtimeMs, size, ino].join("\n");
    const image = read.get(key) ?? readArchive(fs.readFileSync(file));
    read.set(key, image);
    return image;
  } catch (error) {
    throw refuse(messageOf(error));
  }
}

/**
 * That image, as an argument called `archive`.
 * @param subject Owner of the argument; the first words of the message.
 * @throws InputPropertiesError naming what is wrong with it.
 */
export function checkedArchive(subject: string, file: string): ImageArchive {
  const problems = new Problems(subject);
  const image = problems.attempt("archive", () => archiveIn(file));
  problems.throwIfAny();
  return image as ImageArchive;
}

/** That image as the script takes it along; undefined without a file. @throws as checkedArchive does. */
export function packedIn(subject: string, file: string | undefined): PackedArchive | undefined {
  if (file === undefined) return undefined;
  const image = checkedArchive(subject, file);
  return { packed: packedArchive(image), digest: image.digest };
}

/**
 * Writes the archive into `node_modules/.cache` of the program, as the build context of pause. Its path is relative: state must not
 * depend on where a checkout lies.
 */
export function archiveFile({ tar }: ImageArchive): string {
  const folder = "node_modules/.cache/pause-sandbox/archive";
  const file = `./${folder}/${sha256(tar)}.tar`;
  fs.mkdirSync(folder, { recursive: true });
  // Two programs may write it at the same time.
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, tar);
  fs.renameSync(draft, file);
  return file;
}
