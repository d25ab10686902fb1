import { type PackageFile, DEFAULT_TREE_LIMITS, type TreeLimits, assertSafePath, assertSafeTree } from '../verify/tree-safety.ts';
import { hostile, printable } from '../verify/hostile.ts';
import { gunzipStrictly } from './gunzip.ts';

const BLOCK = 512;

/**
 * Reads an npm tarball held in memory: one gzip member, one tar archive with its end marker, one root directory (which
 * is taken off), plain files only. Whatever another reader might see differently is refused.
 *
 * @throws {DashError} HOSTILE_PACKAGE
 */
export async function readTarball(bytes: Buffer, limits: TreeLimits = DEFAULT_TREE_LIMITS): Promise<PackageFile[]> {
  // headers and padding count too, else a million empty entries would be free
  const archive = await gunzipStrictly(bytes, limits.maxBytes + limits.maxFiles * 4 * BLOCK);
  const files = withoutRoot(readEntries(archive, limits), limits);
  assertSafeTree(
    files.map(({ path, data }) => ({ path, size: data.length })),
    limits,
  );
  return files;
}

interface Entry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly data: Buffer;
}

function readEntries(archive: Buffer, limits: TreeLimits): Entry[] {
  const entries: Entry[] = [];
  let extended: Extended = {};
  let at = 0;
  for (;;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw hostile(header.length === 0 ? 'TAR_NO_END' : 'TAR_TRUNCATED', 'the archive stops without an end marker');
    if (isZero(header)) break;
    const { type, size: written, path: named, isUstar } = readHeader(header);
    const size = extended.size ?? written;
    const data = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (data.length < size) throw hostile('TAR_TRUNCATED', `\`${printable(named)}\` ends in the middle`, named);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (at > archive.length) throw hostile('TAR_TRUNCATED', `\`${printable(named)}\` ends in the middle`, named);

    switch (type) {
      case 'x':
        extended = { ...extended, ...readPax(data) };
        continue;
      case 'g': {
        // `git archive` writes a comment; anything that changes the entries after it is a trick
        const { path, size: globalSize } = readPax(data);
        if (path !== undefined || globalSize !== undefined) throw hostile('TAR_PAX', 'a global header renames or resizes every entry');
        continue;
      }
      case 'L':
        extended = { ...extended, path: decode(withoutFinalNul(data)) };
        continue;
    }
    const path = extended.path ?? named;
    extended = {};
    entries.push(toEntry(type, path, data, isUstar));
    if (entries.length > limits.maxFiles * 2) throw hostile('TOO_MANY_FILES', `more than ${limits.maxFiles} files`);
  }
  if (extended.path !== undefined || extended.size !== undefined) throw hostile('TAR_PAX', 'an extended header stands before no entry');
  assertEnd(archive.subarray(at));
  return entries;
}

function toEntry(type: string, path: string, data: Buffer, isUstar: boolean): Entry {
  const quoted = `entry \`${printable(path)}\``;
  switch (type) {
    case '0':
    case '\0':
    case '7':
      if (path.endsWith('/')) {
        // before POSIX a directory was a file whose name ends with a slash
        if (isUstar || data.length > 0) throw hostile('TAR_HEADER', `${quoted} is a file with the name of a directory`, path);
        return { path, isDirectory: true, data };
      }
      return { path, isDirectory: false, data };
    case '5':
      if (data.length > 0) throw hostile('TAR_HEADER', `${quoted} is a directory with content`, path);
      return { path, isDirectory: true, data };
    case '1':
      throw hostile('TAR_HARDLINK', `${quoted} is a hard link`, path);
    case '2':
      throw hostile('TAR_SYMLINK', `${quoted} is a symbolic link`, path);
    case '3':
    case '4':
    case '6':
      throw hostile('TAR_DEVICE', `${quoted} is a device or a pipe`, path);
    case 'S':
      throw hostile('TAR_SPARSE', `${quoted} is a sparse file`, path);
    default:
      throw hostile('TAR_UNKNOWN_TYPE', `${quoted} is of the type \`${printable(type)}\``, path);
  }
}

interface Header {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly isUstar: boolean;
}

function readHeader(header: Buffer): Header {
  const stored = readOctal(header.subarray(148, 156), 'checksum');
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  if (sum !== stored) throw hostile('TAR_CHECKSUM', 'the checksum of a header is wrong');
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const name = decode(untilNul(header.subarray(0, 100)));
  const prefix = isUstar ? decode(untilNul(header.subarray(345, hasTimes(header) ? 475 : 500))) : '';
  return {
    type: String.fromCharCode(header[156] ?? 0),
    path: prefix === '' ? name : `${prefix}/${name}`,
    size: readOctal(header.subarray(124, 136), 'size'),
    isUstar,
  };
}

/**
 * Older packers, that of `@types` among them, keep two more times in the last bytes of the prefix. A byte of the prefix
 * before them is zero and they are digits, so a reader that knows nothing of them reads the same name.
 */
function hasTimes(header: Buffer): boolean {
  return header[475] === 0 && /^[0-7]{11}[ \0][0-7]{11}[ \0]$/.test(header.toString('latin1', 476, 500));
}

function readOctal(field: Buffer, what: string): number {
  const text = field
    .toString('latin1')
    .replace(/^ +/, '')
    .replace(/[ \0]+$/, '');
  if (text === '') return 0;
  // base-256 and negative numbers as well: no package needs eight gigabytes
  if (!/^[0-7]+$/.test(text)) throw hostile('TAR_HEADER', `the ${what} in a header is not an octal number`);
  return Number.parseInt(text, 8);
}

interface Extended {
  readonly path?: string;
  readonly size?: number;
}

/** Records `<length> <key>=<value>\n` of a pax header; the length counts itself, in bytes. */
function readPax(data: Buffer): Extended {
  let extended: Extended = {};
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const digits = space < 0 ? '' : data.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^[1-9][0-9]{0,8}$/.test(digits) || end > data.length || data[end - 1] !== 0x0a || end <= space)
      throw hostile('TAR_PAX', 'a record of an extended header has the wrong length');
    const record = data.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals < 0) throw hostile('TAR_PAX', 'a record of an extended header has no value');
    const key = decode(record.subarray(0, equals));
    const value = record.subarray(equals + 1);
    if (key.startsWith('GNU.sparse')) throw hostile('TAR_SPARSE', 'an extended header describes a sparse file');
    if (key === 'path') extended = { ...extended, path: decode(value) };
    if (key === 'size') {
      const size = value.toString('latin1');
      if (!/^[0-9]{1,12}$/.test(size)) throw hostile('TAR_PAX', 'the size in an extended header is not a number');
      extended = { ...extended, size: Number(size) };
    }
    at = end;
  }
  return extended;
}

/** Two zero blocks end an archive, and nothing but padding follows. */
function assertEnd(rest: Buffer): void {
  if (rest.length < 2 * BLOCK) throw hostile('TAR_NO_END', 'the archive has half an end marker');
  if (!isZero(rest.subarray(BLOCK, 2 * BLOCK))) throw hostile('TAR_ZERO_BLOCK', 'a zero block stands in the middle of the archive');
  if (!isZero(rest)) throw hostile('TAR_TRAILING_DATA', 'something follows the end marker of the archive');
}

/** Takes the one root directory off; npm writes `package/`, others their own name. */
function withoutRoot(entries: readonly Entry[], limits: TreeLimits): PackageFile[] {
  let root: string | undefined;
  const files: PackageFile[] = [];
  for (const { path, isDirectory, data } of entries) {
    const full = isDirectory ? path.replace(/\/$/, '') : path;
    assertSafePath(full, limits);
    const slash = full.indexOf('/');
    const top = slash < 0 ? full : full.slice(0, slash);
    if (slash < 0 && !isDirectory) throw hostile('TAR_NO_ROOT', `\`${printable(path)}\` is in no directory`, path);
    root ??= top;
    if (root !== top) throw hostile('TAR_TWO_ROOTS', `the archive has two root directories, \`${root}\` and \`${top}\``, path);
    if (!isDirectory) files.push({ path: full.slice(slash + 1), data });
  }
  return files;
}

function untilNul(field: Buffer): Buffer {
  const nul = field.indexOf(0);
  if (nul < 0) return field;
  // bytes behind the NUL are a second name for a reader that does not stop there
  if (!isZero(field.subarray(nul))) throw hostile('PATH_NUL', `\`${printable(field.toString('latin1').replace(/\0+$/, ''))}\` has a NUL in its name`);
  return field.subarray(0, nul);
}

function withoutFinalNul(data: Buffer): Buffer {
  return data.at(-1) === 0 ? data.subarray(0, -1) : data;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw hostile('PATH_NOT_UTF8', `\`${printable(bytes.toString('latin1'))}\` is not UTF-8`);
  }
}

const ZEROS = Buffer.alloc(BLOCK);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    if (!block.equals(ZEROS.subarray(0, block.length))) return false;
  }
  return true;
}
