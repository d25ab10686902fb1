import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import { DashError } from '../format/index.ts';

export interface ReadTextOptions {
  /** Largest file that is read. */
  readonly maxBytes: number;
  /** A directory that the file must lie in, whatever links lead to it. */
  readonly confinedTo?: string | undefined;
}

/**
 * Reads a small file that somebody else wrote: an ordinary one, no larger than it may be, and where it must lie. All of it is
 * asked of the file that was opened: what a path leads to can change between a look and the reading.
 * Reads at once, for it is short and there may be thousands. @throws {DashError} INVALID_SKILL, and errors of the file system
 */
export function readTextFile(path: string, { maxBytes, confinedTo }: ReadTextOptions): string {
  const refuse = (why: string): DashError => new DashError('INVALID_SKILL', `\`${path}\` ${why}`, { where: { path } });
  // a device is not even opened: for some that is an act
  if (!statSync(path).isFile()) throw refuse('is no ordinary file');
  // without waiting: a pipe that was put in its place has nobody at its other end
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { ino, dev, size, isFile } = describe(file);
    if (!isFile) throw refuse('is no ordinary file');
    if (size > maxBytes) throw refuse(`is larger than ${maxBytes} bytes`);
    if (confinedTo !== undefined && !liesIn(path, confinedTo, { ino, dev })) throw refuse('is a link that leaves the project');
    // one byte more than it says: it may have grown
    const buffer = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    if (length > size) throw refuse('changes while it is read');
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

interface Identity {
  readonly ino: bigint;
  readonly dev: bigint;
}

function describe(file: number): Identity & { readonly size: number; readonly isFile: boolean } {
  const found = fstatSync(file, { bigint: true });
  return { ino: found.ino, dev: found.dev, size: Number(found.size), isFile: found.isFile() };
}

/** Whether the file that was opened is the one at a place inside. */
function liesIn(path: string, directory: string, opened: Identity): boolean {
  const real = realpathSync.native(path);
  if (!real.startsWith(realpathSync.native(directory) + sep)) return false;
  const there = statSync(real, { bigint: true });
  return there.ino === opened.ino && there.dev === opened.dev;
}
