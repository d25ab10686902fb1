import { createReadStream } from 'node:fs';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../../format/index.ts';
import { textOf } from '../model/messages.ts';
import { KNOWN_ENTRIES, SessionHeader, type SessionEntry } from './entry.ts';
import { readMessage } from './read-message.ts';
import { Session } from './session.ts';
import { newHeader, newSessionPath, readSession, sessionDirectory } from './session-file.ts';
import { openWriter } from './session-writer.ts';

/** A session as a list shows it, read without building it. */
export interface SessionSummary {
  readonly id: string;
  readonly path: string;
  readonly cwd: string;
  readonly name?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** In all branches. */
  readonly messages: number;
  /** What the person said first, and last. */
  readonly firstMessage: string;
  readonly lastMessage: string;
  readonly parentSession?: string;
}

/** Lists sessions, the newest first: those of `cwd`, or of every directory. Files that are no sessions are left out. */
export async function listSessions(dashHome: string, cwd?: string): Promise<readonly SessionSummary[]> {
  const paths = await sessionPaths(cwd === undefined ? join(dashHome, 'sessions') : sessionDirectory(dashHome, cwd));
  const summaries: SessionSummary[] = [];
  // one after the other: a hundred open files are no faster on one disk
  for (const path of paths) {
    const summary = await summaryOf(path);
    if (summary !== undefined) summaries.push(summary);
  }
  return summaries.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt) || b.path.localeCompare(a.path));
}

/**
 * The file of the session that `reference` names: a path, the beginning of an id, or nothing for the newest of `cwd`.
 * @throws {DashError} SESSION_NOT_FOUND
 */
export async function findSession(reference: string | undefined, { dashHome, cwd }: { readonly dashHome: string; readonly cwd: string }): Promise<string> {
  if (reference === undefined) {
    const newest = await newestOf(await sessionPaths(sessionDirectory(dashHome, cwd)));
    if (newest !== undefined) return newest;
    throw new DashError('SESSION_NOT_FOUND', 'there is no session of this directory yet', { hint: '`dash session list --all` shows those of others' });
  }
  if (/[/\\]|\.jsonl$/.test(reference)) {
    const path = resolve(cwd, reference);
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
    throw new DashError('SESSION_NOT_FOUND', `there is no session \`${reference}\``);
  }
  const all = await sessionPaths(join(dashHome, 'sessions'));
  // the file's name ends with the id
  const found = all.filter((path) => path.slice(path.lastIndexOf('_') + 1).startsWith(reference));
  const [path, ...others] = found;
  if (path !== undefined && others.length === 0) return path;
  throw new DashError('SESSION_NOT_FOUND', path === undefined ? `there is no session \`${reference}\`` : `several sessions begin with \`${reference}\``, {
    hint: path === undefined ? '`dash session list --all` shows them' : 'write more of the id',
  });
}

/** The session that has exactly this id; a file that bears it in its name is looked into first. */
export async function sessionOf(dashHome: string, id: string): Promise<SessionSummary | undefined> {
  const paths = await sessionPaths(join(dashHome, 'sessions'));
  const [named, others] = [paths.filter((path) => path.endsWith(`_${id}.jsonl`)), paths.filter((path) => !path.endsWith(`_${id}.jsonl`))];
  for (const path of named) {
    const summary = await summaryOf(path);
    if (summary?.id === id) return summary;
  }
  // somebody gave it another name: whose first line it is, is read on
  for (const path of others) if ((await headerOf(path))?.id === id) return summaryOf(path);
  return undefined;
}

/** Names a session that is not open here. It is as old as before: nothing was said in it. @throws {DashError} SESSION_CORRUPT, DISK_ERROR */
export async function renameSession(path: string, name: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  {
    using session = await Session.open(path);
    session.append({ type: 'session_info', name });
  }
  await utimes(path, atime, mtime);
}

/** Deletes the session that has exactly this id; where there is none nothing is to be done. */
export async function deleteSession(dashHome: string, id: string): Promise<void> {
  for (let found = await sessionOf(dashHome, id); found !== undefined; found = await sessionOf(dashHome, id)) await rm(found.path, { force: true });
}

/**
 * Makes a session file of somebody else's one of ours, of `cwd`. What packages kept in it is not theirs here: it stays in
 * the file, under another name. @throws {DashError} SESSION_CORRUPT, DISK_ERROR
 */
export async function importSession(from: string, { dashHome, cwd }: { readonly dashHome: string; readonly cwd: string }): Promise<string> {
  const { entries } = await readSession(from);
  const header = newHeader(cwd);
  const path = newSessionPath(sessionDirectory(dashHome, cwd), header);
  using writer = openWriter(path, { header, records: [], repair: undefined }, true);
  for (const entry of entries) writer.append(withoutState(entry));
  writer.sync();
  return path;
}

function withoutState(entry: SessionEntry): SessionEntry {
  if (entry.type === 'custom') return { ...entry, customType: `imported:${entry.customType}` };
  if (entry.type !== 'custom_message') return entry;
  // a package that is here draws nothing that only says it was its own
  return { ...entry, package: undefined };
}

async function sessionPaths(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => join(directory, name));
}

/** The one that was written to last, of those in which something was said; where that is none, of all. */
async function newestOf(paths: readonly string[]): Promise<string | undefined> {
  const dated = await Promise.all(paths.map(async (path) => ({ path, mtimeMs: (await stat(path)).mtimeMs })));
  const newestFirst = dated.toSorted((a, b) => b.mtimeMs - a.mtimeMs || b.path.localeCompare(a.path)).map(({ path }) => path);
  for (const path of newestFirst) if (await hasMessage(path)) return path;
  return newestFirst[0];
}

/** Reads no further than to the first message. What cannot be read is said by who opens it. */
async function hasMessage(path: string): Promise<boolean> {
  const input = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) if (line.slice(0, 400).includes('"type":"message"')) return true;
    return false;
  } finally {
    input.destroy();
  }
}

async function headerOf(path: string): Promise<SessionHeader | undefined> {
  const input = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const first = parsed(line);
      return Value.Check(SessionHeader, first) ? first : undefined;
    }
    return undefined;
  } finally {
    input.destroy();
  }
}

/** Reads line by line, and parses only those that a list shows something of. */
async function summaryOf(path: string): Promise<SessionSummary | undefined> {
  let header: SessionHeader | undefined;
  let messages = 0;
  let firstMessage: string | undefined;
  let lastLine = '';
  let name: string | undefined;
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (header === undefined) {
      const first = parsed(line);
      if (!Value.Check(SessionHeader, first)) return undefined;
      header = first;
    } else if (line.slice(0, 400).includes('"type":"message"')) {
      messages += 1;
      firstMessage ??= saidIn(line);
      if (line.slice(0, 1_000).includes('"role":"user"')) lastLine = line;
    } else if (line.includes('"session_info"')) {
      const info = parsed(line);
      if (Value.Check(KNOWN_ENTRIES.session_info, info)) name = info.name?.trim();
    }
  }
  if (header === undefined) return undefined;
  const { mtime } = await stat(path);
  return {
    id: header.id,
    path,
    cwd: header.cwd,
    ...(name === undefined || name === '' ? {} : { name }),
    createdAt: header.timestamp,
    updatedAt: mtime.toISOString(),
    messages,
    firstMessage: firstMessage ?? '',
    lastMessage: saidIn(lastLine) ?? '',
    ...(header.parentSession === undefined ? {} : { parentSession: header.parentSession }),
  };
}

function saidIn(line: string): string | undefined {
  if (!line.includes('"role":"user"')) return undefined;
  const entry = parsed(line);
  const read = readMessage(typeof entry === 'object' && entry !== null && 'message' in entry ? entry.message : undefined);
  return read.kind === 'message' && read.message.role === 'user' ? textOf(read.message.content).slice(0, 500) : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
