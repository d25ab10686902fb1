import { base64ToBytes, bytesToBase64 } from '../../globals/base64.ts';
import { viewBytes } from '../../globals/text-encoding.ts';
import { argumentError, systemError, unsupported } from '../system-error.ts';
import { constants } from './constants.ts';
import { Dirent, Stats, toBigIntStats, type EntryType, type StatAnswer } from './entries.ts';
import type { OpenFile, OpenFiles } from './open-files.ts';
import { ask, type Operation } from './operation.ts';

export type PathLike = string | URL | Uint8Array;
export type FileData = string | ArrayBufferView | ArrayBuffer;

interface EncodingOptions {
  readonly encoding?: string | null;
  readonly flag?: string;
  readonly mode?: number | string;
}

type EncodingArgument = EncodingOptions | string | null | undefined;

/** The file operations that go by path or by an open file, each told once for its three forms. */
export function createOperations(cwd: string, files: OpenFiles) {
  const absolute = (path: string) => (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path) ? path : `${cwd}/${path}`);
  const place = (given: PathLike, name = 'path') => {
    const path = toPath(given, name);
    return { path, target: absolute(path) };
  };

  function* readFile(source: PathLike | number | OpenFile, options?: EncodingArgument): Operation<Buffer | string> {
    const { encoding } = encodingOf(options);
    const open = files.find(source);
    if (open !== undefined) return decode(yield* open.readRest(), encoding);
    const { path, target } = place(source as PathLike);
    const call = { syscall: 'open', path };
    if (isUtf8(encoding)) return String((yield* ask(call, 'fs.readFile', { path: target, encoding: 'utf8' }))['text']);
    return decode(base64ToBytes(String((yield* ask(call, 'fs.readFile', { path: target }))['base64'])), encoding);
  }

  function* writeFile(sink: PathLike | number | OpenFile, data: FileData, options?: EncodingArgument): Operation<void> {
    yield* put(sink, data, encodingOf(options), 'w');
  }

  function* appendFile(sink: PathLike | number | OpenFile, data: FileData, options?: EncodingArgument): Operation<void> {
    yield* put(sink, data, encodingOf(options), 'a');
  }

  function* put(sink: PathLike | number | OpenFile, data: FileData, { encoding, flag, mode }: EncodingOptions, fallback: 'w' | 'a'): Operation<void> {
    const open = files.find(sink);
    if (open !== undefined) {
      yield* open.write(toBytes(data, encoding), undefined);
      return;
    }
    const { path, target } = place(sink as PathLike);
    yield* ask({ syscall: 'open', path }, 'fs.writeFile', {
      path: target,
      ...(typeof data === 'string' && isUtf8(encoding ?? 'utf8') ? { text: data.toWellFormed() } : { base64: bytesToBase64(toBytes(data, encoding)) }),
      flag: writeFlag(flag ?? fallback),
      ...(mode === undefined ? {} : { mode: toMode(mode) }),
    });
  }

  function* statWith(given: PathLike, follow: boolean, options: StatOptions): Operation<Stats | undefined> {
    const { path, target } = place(given);
    try {
      const answer = yield* ask({ syscall: follow ? 'stat' : 'lstat', path }, 'fs.stat', { path: target, follow });
      const stats = new Stats(answer as unknown as StatAnswer);
      return options.bigint ? toBigIntStats(stats) : stats;
    } catch (error) {
      if (options.throwIfNoEntry === false && error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw error;
    }
  }

  interface StatOptions {
    readonly bigint?: boolean;
    readonly throwIfNoEntry?: boolean;
  }

  function* listing(given: PathLike, recursive: boolean, syscall: string): Operation<{ name: string; inside: string; type: EntryType }[]> {
    const { path, target } = place(given);
    const { entries } = yield* ask({ syscall, path }, 'fs.readdir', { path: target, recursive });
    return (entries as { name: string; parent: string; type: EntryType }[]).map(({ name, parent, type }) => ({
      name,
      inside: relativeTo(target, parent),
      type,
    }));
  }

  return {
    readFile,
    writeFile,
    appendFile,
    *stat(path: PathLike, options: StatOptions = {}): Operation<Stats | undefined> {
      return yield* statWith(path, true, options);
    },
    *lstat(path: PathLike, options: StatOptions = {}): Operation<Stats | undefined> {
      return yield* statWith(path, false, options);
    },
    *readdir(
      given: PathLike,
      options?: { withFileTypes?: boolean; recursive?: boolean; encoding?: string } | string | null,
    ): Operation<(string | Dirent | Buffer)[]> {
      const { withFileTypes = false, recursive = false, encoding } = typeof options === 'object' && options !== null ? options : {};
      const path = toPath(given, 'path');
      const entries = yield* listing(given, recursive, 'scandir');
      if (withFileTypes) return entries.map(({ name, inside, type }) => new Dirent(name, inside === '' ? path : `${trimSlash(path)}/${inside}`, type));
      const names = entries.map(({ name, inside }) => (inside === '' ? name : `${inside}/${name}`));
      return encoding === 'buffer' || options === 'buffer' ? names.map((name) => Buffer.from(name)) : names;
    },
    *opendir(given: PathLike, options: { recursive?: boolean } = {}): Operation<Dirent[]> {
      const path = toPath(given, 'path');
      return (yield* listing(given, options.recursive === true, 'opendir')).map(
        ({ name, inside, type }) => new Dirent(name, inside === '' ? path : `${trimSlash(path)}/${inside}`, type),
      );
    },
    *mkdir(given: PathLike, options?: { recursive?: boolean; mode?: number | string } | number | string | null): Operation<string | undefined> {
      const { path, target } = place(given);
      const { recursive = false, mode } = typeof options === 'object' && options !== null ? options : { mode: options ?? undefined };
      const { first } = yield* ask({ syscall: 'mkdir', path }, 'fs.mkdir', { path: target, recursive });
      if (mode !== undefined && (first !== undefined || !recursive)) yield* ask({ syscall: 'mkdir', path }, 'fs.chmod', { path: target, mode: toMode(mode) });
      return recursive && typeof first === 'string' ? first : undefined;
    },
    *rm(given: PathLike, options: { recursive?: boolean; force?: boolean } = {}): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'rm', path }, 'fs.remove', { path: target, recursive: options.recursive === true, force: options.force === true, kind: 'any' });
    },
    *rmdir(given: PathLike, options: { recursive?: boolean } = {}): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'rmdir', path }, 'fs.remove', { path: target, recursive: options?.recursive === true, force: false, kind: 'directory' });
    },
    *unlink(given: PathLike): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'unlink', path }, 'fs.remove', { path: target, recursive: false, force: false, kind: 'file' });
    },
    *rename(from: PathLike, to: PathLike): Operation<void> {
      const [source, dest] = [place(from, 'oldPath'), place(to, 'newPath')];
      yield* ask({ syscall: 'rename', path: source.path, dest: dest.path }, 'fs.rename', { from: source.target, to: dest.target });
    },
    *copyFile(from: PathLike, to: PathLike, mode = 0): Operation<void> {
      const [source, dest] = [place(from, 'src'), place(to, 'dest')];
      yield* ask({ syscall: 'copyfile', path: source.path, dest: dest.path }, 'fs.copy', {
        from: source.target,
        to: dest.target,
        recursive: false,
        force: (mode & constants.COPYFILE_EXCL) === 0,
      });
    },
    *cp(from: PathLike, to: PathLike, options: { recursive?: boolean; force?: boolean; filter?: unknown } = {}): Operation<void> {
      if (options.filter !== undefined) throw unsupported('fs.cp with `filter`', 'walk the tree with fs.readdir and fs.copyFile');
      const [source, dest] = [place(from, 'src'), place(to, 'dest')];
      yield* ask({ syscall: 'cp', path: source.path, dest: dest.path }, 'fs.copy', {
        from: source.target,
        to: dest.target,
        recursive: options.recursive === true,
        force: options.force !== false,
      });
    },
    *access(given: PathLike, mode: number = constants.F_OK): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'access', path }, 'fs.access', { path: target, mode });
    },
    *realpath(given: PathLike): Operation<string> {
      const { path, target } = place(given);
      return String((yield* ask({ syscall: 'realpath', path }, 'fs.realpath', { path: target }))['path']);
    },
    *mkdtemp(given: PathLike): Operation<string> {
      const { path, target } = place(given, 'prefix');
      const made = String((yield* ask({ syscall: 'mkdtemp', path: `${path}XXXXXX` }, 'fs.mkdtemp', { prefix: target }))['path']);
      // A relative prefix gives a relative path.
      return target === path ? made : made.slice(target.length - path.length);
    },
    *utimes(given: PathLike, atime: number | string | Date, mtime: number | string | Date): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'utime', path }, 'fs.utimes', { path: target, atimeMs: toMs(atime), mtimeMs: toMs(mtime) });
    },
    *chmod(given: PathLike, mode: number | string): Operation<void> {
      const { path, target } = place(given);
      yield* ask({ syscall: 'chmod', path }, 'fs.chmod', { path: target, mode: toMode(mode) });
    },
    *truncate(given: PathLike, length = 0): Operation<void> {
      const open = yield* files.open(place(given), 'r+');
      yield* open.truncate(length);
      files.close(open.fd);
    },
    *open(given: PathLike, flags: string | number = 'r', mode?: number | string): Operation<OpenFile> {
      return yield* files.open(place(given), flags, mode === undefined ? undefined : toMode(mode));
    },
    *fstat(fd: number, options: StatOptions = {}): Operation<Stats> {
      const { target } = files.get(fd, 'fstat');
      const stats = yield* statWith(target, true, { ...options, throwIfNoEntry: true });
      if (stats === undefined) throw systemError('ENOENT', { syscall: 'fstat' });
      return stats;
    },
    *ftruncate(fd: number, length = 0): Operation<void> {
      yield* files.get(fd, 'ftruncate').truncate(length);
    },
    // Every write has reached the broker when it returns; there is nothing of ours to flush.
    *fsync(fd: number): Operation<void> {
      files.get(fd, 'fsync');
    },
    *fdatasync(fd: number): Operation<void> {
      files.get(fd, 'fdatasync');
    },
    *close(fd: number): Operation<void> {
      files.close(fd);
    },
  };
}

export type Operations = ReturnType<typeof createOperations>;

/** The path as the package wrote it. */
export function toPath(given: PathLike, name: string): string {
  if (typeof given === 'string') {
    if (given.includes('\0'))
      throw Object.assign(new TypeError(`The argument '${name}' must be a string without null bytes. Received ${JSON.stringify(given)}`), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
    return given;
  }
  if (given instanceof Uint8Array) return toPath(new TextDecoder().decode(given), name);
  if (typeof given === 'object' && given !== null && 'href' in given && 'protocol' in given) {
    if (given.protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
    return toPath(decodeURIComponent(given.pathname), name);
  }
  throw argumentError(name, 'of type string or an instance of Buffer or URL', given);
}

/** The bytes of what is written. */
export function toBytes(data: FileData, encoding: string | null | undefined): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, (encoding ?? 'utf8') as BufferEncoding);
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return viewBytes(data);
  throw argumentError('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data);
}

function encodingOf(options: EncodingArgument): EncodingOptions {
  return typeof options === 'string' ? { encoding: options } : (options ?? {});
}

function decode(bytes: Uint8Array, encoding: string | null | undefined): Buffer | string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding === undefined || encoding === null || encoding === 'buffer' ? buffer : buffer.toString(encoding as BufferEncoding);
}

function isUtf8(encoding: string | null | undefined): boolean {
  return encoding === 'utf8' || encoding === 'utf-8' || encoding === 'UTF-8' || encoding === 'UTF8';
}

function writeFlag(flag: string): 'w' | 'a' | 'wx' {
  if (flag === 'w' || flag === 'w+') return 'w';
  if (flag === 'a' || flag === 'a+' || flag === 'as') return 'a';
  if (flag === 'wx' || flag === 'xw' || flag === 'wx+') return 'wx';
  throw unsupported(`the flag '${flag}' for a whole file`, "use 'w', 'a' or 'wx'");
}

function toMode(mode: number | string): number {
  return typeof mode === 'string' ? Number.parseInt(mode, 8) : mode;
}

function toMs(time: number | string | Date): number {
  return time instanceof Date ? time.getTime() : Number(time) * 1000;
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function relativeTo(root: string, parent: string): string {
  const base = trimSlash(root);
  if (parent === base || parent === root || parent === '' || parent === '.') return '';
  return parent.startsWith(`${base}/`) ? parent.slice(base.length + 1) : parent;
}
