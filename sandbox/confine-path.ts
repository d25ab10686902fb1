import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { CapabilityFailure } from './define-capability.ts';

/**
 * From a path that a guest wrote to a file that a grant covers, without a moment in between at which somebody
 * can swap one for the other: the canonical path is decided on, then opened without following links, and the
 * *open handle* must still have that path. (Check-then-open lost thousands of times against a process that
 * renames directories to and fro; this lost never.)
 */

const MAX_PATH_BYTES = 4_096;

/**
 * The real path of `path`: links resolved as far as it exists, the rest appended. Purely lexical `..` are
 * resolved first, as Node does.
 *
 * @throws {CapabilityFailure} EINVAL for a path no file system has
 */
export async function canonicalPath(path: string, cwd: string): Promise<string> {
  const absolute = lexicalPath(path, cwd);
  const missing: string[] = [];
  for (let existing = absolute; ;) {
    try {
      return join(await realpath(existing), ...missing);
    } catch (error) {
      if (!endsHere(error)) throw error;
      const parent = dirname(existing);
      if (parent === existing) return absolute;
      missing.unshift(basename(existing));
      existing = parent;
    }
  }
}

/** Like {@link canonicalPath} but keeps a link in the last place: for `lstat`, `unlink`, `rename`. */
export async function canonicalParent(path: string, cwd: string): Promise<string> {
  const absolute = lexicalPath(path, cwd);
  if (dirname(absolute) === absolute) return canonicalPath(absolute, cwd);
  return join(await canonicalPath(dirname(absolute), cwd), basename(absolute));
}

/**
 * The absolute path that a guest means, before any link is looked at: what a denial may tell it.
 *
 * @throws {CapabilityFailure} EINVAL for a path no file system has
 */
export function lexicalPath(path: string, cwd: string): string {
  if (path.includes('\0') || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new CapabilityFailure({ code: 'EINVAL', message: 'EINVAL: invalid path', syscall: 'open' });
  }
  return isAbsolute(path) ? resolve(path) : resolve(cwd, path);
}

/**
 * Nothing there, a link that leads nowhere or in a circle, a directory that the agent itself may not enter: the
 * path is as real as it gets, and opening it without following links says the rest. Thrown here, the difference
 * would tell a guest without any grant what lies on the disk.
 */
function endsHere(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENAMETOOLONG'].includes(String((error as NodeJS.ErrnoException).code));
}

/**
 * Opens exactly `canonical` for reading. O_NONBLOCK: a FIFO must not hang the agent.
 *
 * @throws {CapabilityFailure} EACCES when the path changed under us
 */
export async function openForReading(canonical: string): Promise<FileHandle> {
  return verified(canonical, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/**
 * A small regular file in a few system calls, with the same certainty as {@link openForReading}: for files on a disk of
 * this machine. `undefined` where it is none of at most `mostBytes`, or changes right now.
 *
 * @throws {CapabilityFailure} EACCES when the path changed under us
 */
export function readSmallFile(canonical: string, mostBytes: number): { readonly stats: Stats; readonly bytes: Buffer } | undefined {
  const descriptor = openSync(canonical, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (readlinkSync(`/proc/self/fd/${descriptor}`) !== canonical) throw pathChanged();
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size === 0 || stats.size > mostBytes) return undefined; // kernel files say 0
    const bytes = Buffer.allocUnsafe(stats.size + 1);
    return readSync(descriptor, bytes, 0, bytes.length, 0) === stats.size ? { stats, bytes: bytes.subarray(0, stats.size) } : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a directory itself, to work on its children by `/proc/self/fd/N/name`. */
export async function openDirectory(canonical: string): Promise<FileHandle> {
  return verified(canonical, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/**
 * Opens exactly `canonical` for writing, creating it where `flag` says so. The file is written in place: a
 * temporary file and a rename would be atomic, but would drop the mode and every watcher of the file.
 *
 * @throws {CapabilityFailure} EACCES for a hard-linked file: its other name may be protected
 */
export async function openForWriting(canonical: string, flag: 'w' | 'a' | 'wx', mode: number): Promise<FileHandle> {
  const parent = await openDirectory(dirname(canonical));
  try {
    const place = handlePath(parent, basename(canonical), canonical);
    const create = constants.O_CREAT | (flag === 'wx' ? constants.O_EXCL : 0) | (flag === 'a' ? constants.O_APPEND : 0);
    const handle = await open(place, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | create, mode & 0o777);
    try {
      await assertIs(handle, canonical);
      const { nlink } = await assertRegularFile(handle);
      if (nlink > 1) throw new CapabilityFailure({ code: 'EACCES', message: `EACCES: the file has ${nlink} hard links`, syscall: 'open' });
      if (flag === 'w') await handle.truncate(0);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  } finally {
    await parent.close();
  }
}

/** A path that goes through the open handle, so that a renamed parent cannot lead elsewhere. */
export function handlePath(directory: FileHandle, name: string, fallback: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${directory.fd}/${name}` : fallback;
}

export async function assertRegularFile(handle: FileHandle): Promise<Stats> {
  const stats = await handle.stat();
  if (stats.isDirectory()) throw new CapabilityFailure({ code: 'EISDIR', message: 'EISDIR: illegal operation on a directory', syscall: 'read' });
  if (!stats.isFile()) throw new CapabilityFailure({ code: 'EACCES', message: 'EACCES: not a regular file', syscall: 'open' });
  return stats;
}

async function verified(canonical: string, flags: number): Promise<FileHandle> {
  const handle = await open(canonical, flags);
  try {
    await assertIs(handle, canonical);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Synchronous, because the kernel answers from memory: a round through the thread pool would take longer than the
 * question. Elsewhere than on Linux the handle cannot be asked for its path; `dash doctor` says "racy" there.
 */
async function assertIs(handle: FileHandle, canonical: string): Promise<void> {
  const actual = process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${handle.fd}`) : await realpath(canonical);
  if (actual !== canonical) throw pathChanged();
}

function pathChanged(): CapabilityFailure {
  return new CapabilityFailure({ code: 'EACCES', message: 'EACCES: the path changed while it was opened', syscall: 'open' });
}
