/** One file of a pack: where its bytes lie, and what they hash to. */
export interface PackedFile {
  readonly offset: number;
  readonly size: number;
  readonly sha256: string;
}

/** What can be read off the first bytes of a pack: how long its head is, which is the index and the line before it. */
export const PACK_LINE_BYTES = 32;

/**
 * Writes the head of a pack: a line of fixed length that says how long the index is, then the index, one line a file. The
 * bytes of the files follow in the same order with nothing between them.
 */
export function formatPackHead(files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[]): string {
  const index = files.map(({ path, size, sha256 }) => `${sha256} ${size} ${path}\n`).join('');
  return `${`dash-pack 1 ${Buffer.byteLength(index)}`.padEnd(PACK_LINE_BYTES - 1)}\n${index}`;
}

/** Gives the length of the whole head from its first {@link PACK_LINE_BYTES}, `undefined` when this is no pack. */
export function packHeadLength(line: string): number | undefined {
  const [, index] = /^dash-pack 1 (\d{1,9}) *\n$/.exec(line) ?? [];
  return index === undefined || line.length !== PACK_LINE_BYTES ? undefined : PACK_LINE_BYTES + Number(index);
}

/** Reads the index out of a head: path → file. `undefined` when it is damaged. */
export function parsePackHead(head: string): ReadonlyMap<string, PackedFile> | undefined {
  const files = new Map<string, PackedFile>();
  let offset = Buffer.byteLength(head);
  for (const line of head.slice(PACK_LINE_BYTES).split('\n').slice(0, -1)) {
    const [, sha256 = '', length, path = ''] = /^([0-9a-f]{64}) (\d{1,10}) (.+)$/s.exec(line) ?? [];
    if (length === undefined) return undefined;
    files.set(path, { offset, size: Number(length), sha256 });
    offset += Number(length);
  }
  return files;
}
