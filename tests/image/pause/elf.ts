/** What the tests look at in an ELF executable of any word size and byte order. */
export interface Elf {
  readonly machine: number;
  readonly type: number;
  readonly entry: number;
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

export const ET_EXEC = 2;
export const PT_LOAD = 1;
export const PT_GNU_STACK = 0x6474e551;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** Where the fields are, in the files of either word size (ELF specification, figures 1-3 and 2-1). */
const layouts = {
  1: { word: 4, entry: 24, tableOffset: 28, entrySize: 42, entries: 44, flags: 24, address: 8, file: 16, memory: 20 },
  2: { word: 8, entry: 24, tableOffset: 32, entrySize: 54, entries: 56, flags: 4, address: 16, file: 32, memory: 40 },
} as const;

/** Reads the header and the program headers. */
export function parseElf(file: Buffer): Elf {
  if (file.toString("latin1", 0, 4) !== "\x7fELF") {
    throw new Error("not an ELF file");
  }
  const layout = layouts[file[4] === 1 ? 1 : 2];
  const little = file[5] === 1;
  const half = (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const int = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const long = (at: number) => Number(little ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  const word = (at: number) => (layout.word === 4 ? int(at) : long(at));

  const segments = Array.from({ length: half(layout.entries) }, (_, i): Segment => {
    const at = word(layout.tableOffset) + i * half(layout.entrySize);
    return {
      type: int(at),
      flags: int(at + layout.flags),
      address: word(at + layout.address),
      fileBytes: word(at + layout.file),
      memoryBytes: word(at + layout.memory),
    };
  });
  return { type: half(16), machine: half(18), entry: word(layout.entry), segments };
}
