import { gzipSync } from 'node:zlib';

/** One file of a tarball. `path` is inside the package, with `/`. */
export interface TarballFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly executable: boolean;
}

/**
 * Writes a gzipped ustar archive of `files` under `package/`, the way npm lays it out. Equal files
 * give equal bytes: nothing of the machine, the user or the clock gets in.
 */
export function writeTarball(files: readonly TarballFile[]): Buffer {
  const inOrder = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const archive = gzipSync(Buffer.concat([...inOrder.flatMap(blocksOf), END_OF_ARCHIVE]), { level: 9 });
  // byte 9 of gzip names the operating system that compressed
  archive[9] = 255;
  return archive;
}

const BLOCK = 512;
const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK);
/** The date npm gives every file: 1985-10-26T08:15:00Z. */
const MTIME_SECONDS = 499_162_500;

function blocksOf({ path, bytes, executable }: TarballFile): Buffer[] {
  const full = `package/${path}`;
  const name = splitForUstar(full);
  const mode = executable ? 0o755 : 0o644;
  if (name !== undefined) return [header({ ...name, mode, size: bytes.length, type: '0' }), padded(bytes)];
  const record = paxRecord('path', full);
  return [
    header({ prefix: '', base: 'package/PaxHeader', mode: 0o644, size: record.length, type: 'x' }),
    padded(record),
    header({ prefix: '', base: 'package/long-name', mode, size: bytes.length, type: '0' }),
    padded(bytes),
  ];
}

/** A name fits when it is ASCII and divides at a slash into 155 and 100 bytes; else it goes into a pax record. */
function splitForUstar(path: string): { readonly prefix: string; readonly base: string } | undefined {
  if (!/^[\x20-\x7e]*$/.test(path)) return undefined;
  if (path.length <= 100) return { prefix: '', base: path };
  const slash = path.indexOf('/', path.length - 101);
  if (slash < 0 || slash > 155 || slash === path.length - 1) return undefined;
  return { prefix: path.slice(0, slash), base: path.slice(slash + 1) };
}

interface HeaderFields {
  readonly prefix: string;
  readonly base: string;
  readonly mode: number;
  readonly size: number;
  readonly type: '0' | 'x';
}

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
function header({ prefix, base, mode, size, type }: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(base, 0, 100, 'latin1');
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108); // uid
  block.write(octal(0, 7), 116); // gid
  block.write(octal(size, 11), 124);
  block.write(octal(MTIME_SECONDS, 11), 136);
  block.write(' '.repeat(8), 148); // the checksum counts its own field as spaces
  block.write(type, 156);
  block.write('ustar\0' + '00', 257);
  block.write(prefix, 345, 155, 'latin1');
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** `<length> key=value\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function padded(bytes: Buffer): Buffer {
  const missing = (BLOCK - (bytes.length % BLOCK)) % BLOCK;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
