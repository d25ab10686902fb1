import { hostile, printable } from './hostile.ts';

/** One plain file of a package: its path inside the package, with `/`, and its bytes. */
export interface PackageFile {
  readonly path: string;
  readonly data: Buffer;
}

/** How large a package may be; the user can raise every limit. */
export interface TreeLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
  readonly maxFileBytes: number;
  readonly maxManifestBytes: number;
  readonly maxPathBytes: number;
  readonly maxSegmentBytes: number;
  readonly maxDepth: number;
}

export const DEFAULT_TREE_LIMITS: TreeLimits = {
  maxFiles: 20_000,
  maxBytes: 200 * 1024 * 1024,
  maxFileBytes: 50 * 1024 * 1024,
  maxManifestBytes: 1024 * 1024,
  maxPathBytes: 1024,
  maxSegmentBytes: 255,
  maxDepth: 32,
};

/**
 * Refuses, never skips: a tree passes as a whole or not at all. Pure, so that it runs before the first byte is written.
 *
 * @throws {DashError} HOSTILE_PACKAGE
 */
export function assertSafeTree(files: readonly { readonly path: string; readonly size: number }[], limits: TreeLimits = DEFAULT_TREE_LIMITS): void {
  if (files.length > limits.maxFiles) throw hostile('TOO_MANY_FILES', `${files.length} files, ${limits.maxFiles} at most`);
  let bytes = 0;
  for (const { path, size } of files) {
    assertSafePath(path, limits);
    if (size > limits.maxFileBytes) throw hostile('FILE_TOO_LARGE', `\`${path}\` has ${size} bytes, ${limits.maxFileBytes} at most`, path);
    if (path === 'package.json' && size > limits.maxManifestBytes) {
      throw hostile('MANIFEST_TOO_LARGE', `package.json has ${size} bytes, ${limits.maxManifestBytes} at most`, path);
    }
    bytes += size;
    if (bytes > limits.maxBytes) throw hostile('TOO_LARGE', `more than ${limits.maxBytes} bytes unpacked`);
  }
  assertNoTwins(files.map(({ path }) => path));
}

/** Checks one path of a file or a directory. @throws {DashError} HOSTILE_PACKAGE */
export function assertSafePath(path: string, limits: TreeLimits = DEFAULT_TREE_LIMITS): void {
  const quoted = () => `\`${printable(path)}\``;
  if (path === '') throw hostile('PATH_EMPTY', 'an entry without a name');
  if (path.includes('\0')) throw hostile('PATH_NUL', `${quoted()} has a NUL in its name`, path);
  if (path.startsWith('/')) throw hostile('PATH_ABSOLUTE', `${quoted()} is an absolute path`, path);
  if (/^[A-Za-z]:/.test(path)) throw hostile('PATH_DRIVE', `${quoted()} begins with a drive letter`, path);
  if (path.includes('\\')) throw hostile('PATH_BACKSLASH', `${quoted()} has a backslash in its name`, path);
  if (/\p{Cc}/u.test(path)) throw hostile('PATH_CONTROL', `${quoted()} has a control character in its name`, path);
  if (path.includes('\uFFFD') || /\p{Cs}/u.test(path)) throw hostile('PATH_NOT_UTF8', `${quoted()} is not UTF-8`, path);
  // bidi and zero-width characters: what is reviewed would not be what is there
  if (/[\p{Cf}\p{Zl}\p{Zp}]/u.test(path)) throw hostile('PATH_INVISIBLE', `${quoted()} has an invisible character in its name`, path);
  if (Buffer.byteLength(path) > limits.maxPathBytes) throw hostile('PATH_TOO_LONG', `${quoted()} is longer than ${limits.maxPathBytes} bytes`, path);
  const segments = path.split('/');
  if (segments.length > limits.maxDepth) throw hostile('PATH_TOO_DEEP', `${quoted()} is deeper than ${limits.maxDepth} directories`, path);
  for (const segment of segments) assertSafeSegment(segment, path, limits);
}

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;
/** A repository's hooks and configuration, and the file that tells npm where to send tokens. */
const FORBIDDEN = new Set(['.git', 'git~1', '.npmrc']);

function assertSafeSegment(segment: string, path: string, limits: TreeLimits): void {
  const quoted = () => `\`${printable(path)}\``;
  if (segment === '' || segment === '.') throw hostile('PATH_EMPTY', `${quoted()} has an empty segment`, path);
  if (segment === '..') throw hostile('PATH_TRAVERSAL', `${quoted()} leaves the package`, path);
  if (Buffer.byteLength(segment) > limits.maxSegmentBytes) {
    throw hostile('PATH_TOO_LONG', `${quoted()} has a name of more than ${limits.maxSegmentBytes} bytes`, path);
  }
  if (/[. ]$/.test(segment)) throw hostile('PATH_TRAILING_DOT', `${quoted()} has a name that ends with a dot or a space`, path);
  if (RESERVED.test(segment)) throw hostile('PATH_RESERVED_NAME', `${quoted()} has a name that Windows keeps for a device`, path);
  if (FORBIDDEN.has(segment.toLowerCase())) throw hostile('PATH_FORBIDDEN_NAME', `${quoted()} may not be in a package`, path);
}

/** Two paths that one file system takes for one, or a file where another path needs a directory. */
function assertNoTwins(paths: readonly string[]): void {
  const spellings = new Map<string, string>();
  const files = new Set<string>();
  for (const path of paths) {
    if (files.has(path)) throw hostile('DUPLICATE_PATH', `\`${path}\` is there twice`, path);
    files.add(path);
    for (const part of [...parentsOf(path), path]) {
      const folded = part.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC');
      const spelled = spellings.get(folded) ?? part;
      if (spelled !== part) throw hostile('TWIN_PATHS', `\`${part}\` and \`${spelled}\` are one file on many machines`, path);
      spellings.set(folded, part);
    }
  }
  for (const path of paths) {
    const file = parentsOf(path).find((parent) => files.has(parent));
    if (file !== undefined) throw hostile('FILE_AND_DIRECTORY', `\`${file}\` is a file and a directory`, path);
  }
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) parents.push(path.slice(0, slash));
  return parents;
}
