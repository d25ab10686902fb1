import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic, makeDirectory } from '../../format/index.ts';
import { KNOWN_ENTRIES, SESSION_VERSION, type SessionEntry, SessionHeader, toLine } from './entry.ts';
import { migrate } from './migrate.ts';

/** What a session file holds. */
export interface SessionContents {
  readonly header: SessionHeader;
  readonly entries: readonly SessionEntry[];
  readonly diagnostics: readonly Diagnostic[];
  /** True when the file has to be written anew before anything is appended: an older version, or a last line that was torn off. */
  readonly stale: boolean;
}

/** Where the sessions of `cwd` lie; the encoding of the directory is pi's. */
export function sessionDirectory(dashHome: string, cwd: string): string {
  return join(
    dashHome,
    'sessions',
    `--${resolve(cwd)
      .replace(/^[/\\]/, '')
      .replace(/[/\\:]/g, '-')}--`,
  );
}

/** The path of a new session: ordered by time, unique by id. */
export function newSessionPath(directory: string, header: SessionHeader): string {
  return join(directory, `${header.timestamp.replace(/[:.]/g, '-')}_${header.id}.jsonl`);
}

/** The first line of a new session. */
export function newHeader(cwd: string, parentSession?: string): SessionHeader {
  return {
    type: 'session',
    version: SESSION_VERSION,
    id: randomUUID(),
    timestamp: new Date().toISOString(),
    cwd: resolve(cwd),
    ...(parentSession === undefined ? {} : { parentSession }),
  };
}

/** Reads a session of ours or of pi's. Damaged lines are left out and named. @throws {DashError} SESSION_CORRUPT when there is no header */
export async function readSession(path: string): Promise<SessionContents> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new DashError('SESSION_CORRUPT', `cannot read the session \`${path}\``, { cause, where: { path } });
  }
  return parseSession(text, path);
}

/** Reads the text of a session file. @throws {DashError} SESSION_CORRUPT when there is no header */
export function parseSession(text: string, path: string): SessionContents {
  const diagnostics: Diagnostic[] = [];
  const damaged = (line: number, message: string): void => {
    diagnostics.push({ severity: 'warning', code: 'SESSION_CORRUPT', message, where: { path, line } });
  };
  const lines = text.split('\n');
  const torn = lines.at(-1) !== '';
  const records: { readonly line: number; readonly value: Record<string, unknown> }[] = [];
  lines.forEach((content, index) => {
    if (content.trim() === '') return;
    const value = parseObject(content);
    if (value !== undefined) records.push({ line: index + 1, value });
    else damaged(index + 1, index === lines.length - 1 ? 'the last line was torn off and is left out' : 'this line is not a JSON object and is left out');
  });

  const first = records.shift()?.value;
  if (!Value.Check(SessionHeader, first)) {
    throw new DashError('SESSION_CORRUPT', `\`${path}\` does not begin with a session header`, { where: { path, line: 1 } });
  }
  const migrated = migrate(
    first,
    records.map(({ value }) => value),
  );
  const entries = migrated.entries.flatMap((value, index): SessionEntry[] => {
    const entry = toEntry(value);
    if (entry === undefined) damaged(records[index]?.line ?? 0, 'this line is not an entry and is left out');
    return entry === undefined ? [] : [entry];
  });
  return { header: migrated.header, entries, diagnostics, stale: torn || migrated.changed };
}

/** Appends entries to a session file. */
export interface SessionWriter extends Disposable {
  readonly path: string;
  append(entry: SessionEntry): void;
  /** Returns when everything appended so far is on the disk. */
  sync(): void;
}

/**
 * Opens a session for appending; a stale one is written anew first, a new one gets its file and its header with the
 * first entry. Writing is synchronous on purpose: an entry is in the file before anyone acts on it, and the order of
 * entries is the order of calls. @throws {DashError} DISK_ERROR, DISK_FULL
 */
export function openWriter(path: string, contents: Pick<SessionContents, 'header' | 'entries' | 'stale'>, isNew: boolean): SessionWriter {
  const open = (): number => {
    makeDirectory(dirname(path), 0o700);
    if (contents.stale) rewrite(path, contents);
    const descriptor = openSync(path, isNew ? 'ax' : 'a', 0o600);
    if (isNew) writeLine(descriptor, contents.header);
    return descriptor;
  };
  let file = isNew ? undefined : onDisk(path, open);
  let dirty = false;
  return {
    path,
    append(entry) {
      onDisk(path, () => writeLine((file ??= open()), toLine(entry)));
      dirty = true;
    },
    sync() {
      const written = file;
      if (dirty && written !== undefined) onDisk(path, () => fsyncSync(written));
      dirty = false;
    },
    [Symbol.dispose]() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

const LooseEntry = Type.Object({
  type: Type.String(),
  id: Type.String({ minLength: 1 }),
  parentId: Type.Union([Type.String(), Type.Null()]),
  timestamp: Type.Optional(Type.String()),
});

function toEntry(value: Record<string, unknown>): SessionEntry | undefined {
  for (const schema of Object.values(KNOWN_ENTRIES)) {
    if (schema.properties.type.const === value['type'] && Value.Check(schema, value)) return value;
  }
  if (!Value.Check(LooseEntry, value)) return undefined;
  return { type: 'opaque', id: value.id, parentId: value.parentId, timestamp: value.timestamp ?? '', raw: value };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(Type.Record(Type.String(), Type.Unknown()), value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function writeLine(file: number, value: unknown): void {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  // A short write would glue the next entry to half of this one.
  for (let written = 0; written < line.length;) written += writeSync(file, line, written);
}

function rewrite(path: string, { header, entries }: Pick<SessionContents, 'header' | 'entries'>): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeLine(file, header);
    for (const entry of entries) writeLine(file, toLine(entry));
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
