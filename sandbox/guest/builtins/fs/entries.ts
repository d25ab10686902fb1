import { constants } from './constants.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'other';

/** What the broker answers to `fs.stat`. */
export interface StatAnswer {
  readonly type: EntryType;
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly atimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly ino: number;
  readonly dev: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
}

abstract class TypedEntry {
  readonly #type: EntryType;

  protected constructor(type: EntryType) {
    this.#type = type;
  }

  isFile(): boolean {
    return this.#type === 'file';
  }

  isDirectory(): boolean {
    return this.#type === 'directory';
  }

  isSymbolicLink(): boolean {
    return this.#type === 'symlink';
  }

  // The broker opens nothing but files and directories, so it does not tell the special ones apart.
  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }
}

const formatBits = { file: constants.S_IFREG, directory: constants.S_IFDIR, symlink: constants.S_IFLNK, other: 0 } as const;

/** Node's class. */
export class Stats extends TypedEntry {
  readonly dev: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev = 0;
  readonly blksize = 4096;
  readonly ino: number;
  readonly size: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  constructor(answer: StatAnswer) {
    super(answer.type);
    this.dev = answer.dev;
    this.mode = (answer.mode & ~constants.S_IFMT) | (answer.mode & constants.S_IFMT || formatBits[answer.type]);
    this.nlink = answer.nlink;
    this.uid = answer.uid;
    this.gid = answer.gid;
    this.ino = answer.ino;
    this.size = answer.size;
    this.blocks = Math.ceil(answer.size / 512);
    this.atimeMs = answer.atimeMs;
    this.mtimeMs = answer.mtimeMs;
    this.ctimeMs = answer.ctimeMs;
    this.birthtimeMs = answer.birthtimeMs;
    this.atime = new Date(answer.atimeMs);
    this.mtime = new Date(answer.mtimeMs);
    this.ctime = new Date(answer.ctimeMs);
    this.birthtime = new Date(answer.birthtimeMs);
  }
}

/** The form of `{bigint: true}`: whole numbers as BigInt, and times in nanoseconds beside. */
export function toBigIntStats(stats: Stats): Stats {
  const big = Object.create(stats);
  for (const [key, value] of Object.entries(stats)) {
    if (typeof value !== 'number') continue;
    Object.defineProperty(big, key, { value: BigInt(Math.trunc(value)), enumerable: true });
    if (key.endsWith('Ms')) Object.defineProperty(big, key.replace(/Ms$/, 'Ns'), { value: BigInt(Math.trunc(value * 1000)) * 1000n, enumerable: true });
  }
  return big;
}

/** Node's class. */
export class Dirent extends TypedEntry {
  readonly name: string;
  readonly parentPath: string;
  /** The old name of `parentPath`. */
  readonly path: string;

  constructor(name: string, parentPath: string, type: EntryType) {
    super(type);
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
  }
}
