import { createHash } from "crypto";
import * as fs from "fs";
import * as path from "path";
import * as tar from "tar-stream";

/** One file, folder or link of a build context. */
interface Entry {
  name: string;
  type: "file" | "directory" | "symlink";
  mode: number;
  content: Buffer;
  linkname?: string;
}

/** A build context as it is on disk, in a fixed order. */
export class BuildContext {
  private constructor(
    private readonly entries: Entry[],
    /** Path of the Dockerfile within the context. */
    readonly dockerfile: string,
  ) {}

  /** @throws Error naming what is missing, or what this plugin cannot send. */
  static read(context: string, dockerfile: string): BuildContext {
    if (!fs.existsSync(dockerfile)) throw new Error(`could not open dockerfile at path ${dockerfile}`);
    const inside = path.relative(context, dockerfile);
    if (inside.startsWith("..")) throw new Error(`the dockerfile ${dockerfile} must be inside the context ${context}`);
    if (fs.existsSync(path.join(context, ".dockerignore"))) {
      throw new Error(`${context}/.dockerignore is not supported by the lab's stand-in plugin`);
    }
    return new BuildContext([...entriesOf(context, "")], inside);
  }

  /** Changes with the name, kind, mode or content of anything in the context, and with nothing else. */
  digest(): string {
    const hash = createHash("sha256").update(this.dockerfile);
    for (const { name, type, mode, content, linkname = "" } of this.entries) {
      hash.update(JSON.stringify([name, type, mode, linkname, content.length])).update(content);
    }
    return hash.digest("hex");
  }

  /** The context as the engine takes it. Owners and times are fixed, so that they do not end up in the image. */
  pack(): tar.Pack {
    const pack = tar.pack();
    for (const { name, type, mode, content, linkname } of this.entries) {
      pack.entry({ name, type, mode, linkname, mtime: new Date(0), uid: 0, gid: 0 }, content);
    }
    pack.finalize();
    return pack;
  }
}

function* entriesOf(root: string, folder: string): Generator<Entry> {
  const found = fs.readdirSync(path.join(root, folder), { withFileTypes: true });
  // By code unit, so that the order is the same in every locale.
  for (const item of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.posix.join(folder, item.name);
    const file = path.join(root, name);
    const mode = fs.lstatSync(file).mode & 0o7777;
    const empty = Buffer.alloc(0);
    if (item.isDirectory()) {
      yield { name, type: "directory", mode, content: empty };
      yield* entriesOf(root, name);
    } else if (item.isSymbolicLink()) {
      yield { name, type: "symlink", mode, content: empty, linkname: fs.readlinkSync(file) };
    } else if (item.isFile()) {
      yield { name, type: "file", mode, content: fs.readFileSync(file) };
    } else {
      throw new Error(`${file} is neither a file, a folder nor a link; it cannot be part of a build context`);
    }
  }
}
