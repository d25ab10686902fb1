import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DashError, makeDirectory } from '../../format/index.ts';
import { type SessionEntry, type SessionHeader, toLine } from './entry.ts';
import type { EntryRecord } from './entry-record.ts';
import type { SessionContents } from './session-file.ts';

/** Appends entries to a session file. */
export interface SessionWriter extends Disposable {
  readonly path: string;
  append(entry: SessionEntry): void;
  /** Returns when everything appended so far is on the disk. */
  sync(): void;
}

/**
 * Opens a session for appending, and repairs it first; a new one gets its file and its header with the first entry.
 * Writing is synchronous on purpose: an entry is in the file before anyone acts on it, and the order of entries is the
 * order of calls. @throws {DashError} DISK_ERROR, DISK_FULL
 */
export function openWriter(path: string, { header, records, repair }: Pick<SessionContents, 'header' | 'records' | 'repair'>, isNew: boolean): SessionWriter {
  let isThere = !isNew;
  let repaired = false;
  const open = (): number => {
    makeDirectory(dirname(path), 0o700);
    if (!repaired && repair?.kind === 'rewrite') rewrite(path, header, records);
    if (!repaired && repair?.kind === 'cut off') truncateSync(path, repair.sizeBytes);
    const descriptor = openSync(path, isThere ? 'a' : 'ax', 0o600);
    isThere = true;
    try {
      // none either where the disk was full when the file was made
      if (fstatSync(descriptor).size === 0) writeLine(descriptor, header);
      else if (!repaired && repair?.kind === 'end the line') writeSync(descriptor, '\n');
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    repaired = true;
    return descriptor;
  };
  let file = isNew ? undefined : onDisk(path, open);
  let dirty = false;
  let isClosed = false;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    path,
    append(entry) {
      onDisk(path, () => writeLine((file ??= open()), toLine(entry)));
      dirty = true;
      // what ends late, such as the price of a request that was given up, is written all the same
      if (isClosed) close();
    },
    sync() {
      const written = file;
      if (dirty && written !== undefined) onDisk(path, () => fsyncSync(written));
      dirty = false;
    },
    [Symbol.dispose]() {
      isClosed = true;
      close();
    },
  };
}

function writeLine(file: number, value: unknown): void {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  const { size } = fstatSync(file);
  try {
    // A short write would glue the next entry to half of this one.
    for (let written = 0; written < line.length;) written += writeSync(file, line, written);
  } catch (error) {
    // So would what a full disk took of it before it was full.
    ftruncateSync(file, size);
    throw error;
  }
}

function rewrite(path: string, header: SessionHeader, records: readonly EntryRecord[]): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeLine(file, header);
    for (const record of records) writeLine(file, toLine(record.load()));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

function onDisk<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    const full = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
    throw new DashError(full ? 'DISK_FULL' : 'DISK_ERROR', `cannot write the session \`${path}\`: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      where: { path },
    });
  }
}
