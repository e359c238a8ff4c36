/** The tar format, as far as archives of images need it: regular files. */

/** A regular file in an archive. */
export interface TarFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Mode bits. Default: 0644. */
  readonly mode?: number;
}

const BLOCK = 512;

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))]);

/** A ustar archive of the files in their order, of root and without dates: the same files give the same bytes. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const entries = files.flatMap(({ name, bytes, mode = 0o644 }) => [header(name, bytes.length, mode), padded(bytes)]);
  return Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, mode: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name}: a name in an archive has 100 bytes at most`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  };
  block.write(name, 0);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  block.write("0", 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  // The checksum counts itself as spaces.
  block.fill(" ", 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block.writeUInt8(0, 154);
  return block;
}

/**
 * The regular files of an archive by name, without a leading `./`. Links, directories and extended headers are passed over.
 * @throws Error if it is no tar archive, or is cut off.
 */
export function filesOfTar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const text = (from: number, length: number): string =>
      block.toString("utf8", from, from + length).replace(/\0[^]*$/, "");
    if (text(257, 5) !== "ustar") throw new Error("it is no tar archive");
    const size = parseInt(text(124, 12), 8);
    const start = at + BLOCK;
    if (!(size >= 0) || start + size > archive.length) throw new Error("the tar archive is cut off");
    const prefix = text(345, 155);
    const name = (prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`).replace(/^\.\//, "");
    if (["0", ""].includes(text(156, 1))) files.set(name, archive.subarray(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
