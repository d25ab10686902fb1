import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic } from '../../format/index.ts';
import { KNOWN_ENTRIES, SESSION_VERSION, type SessionEntry, SessionHeader } from './entry.ts';
import { type EntryRecord, recordOf } from './entry-record.ts';
import { migrate } from './migrate.ts';
import { isBlocks, readMessage } from './read-message.ts';

/** What a session file holds. */
export interface SessionContents {
  readonly header: SessionHeader;
  readonly records: readonly EntryRecord[];
  /** All of them, read. */
  readonly entries: readonly SessionEntry[];
  /** What is damaged, as far as it has been read. */
  readonly diagnostics: readonly Diagnostic[];
  /** What has to be done to the file before anything is appended to it. */
  readonly repair: Repair | undefined;
}

/** An older version is written anew; a last line that was torn off is cut off, one without its end gets it. */
export type Repair = { readonly kind: 'rewrite' } | { readonly kind: 'cut off'; readonly sizeBytes: number } | { readonly kind: 'end the line' };

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

/**
 * Reads a session of ours or of pi's, as far as its tree needs it; what an entry says is read when it is asked for.
 * Damaged lines are named. @throws {DashError} SESSION_CORRUPT when there is no header
 */
export async function readSession(path: string): Promise<SessionContents> {
  let bytes: Buffer;
  try {
    // at once: in pieces it takes three times as long, and there is nothing to do meanwhile
    bytes = readFileSync(path);
  } catch (cause) {
    throw new DashError('SESSION_CORRUPT', `cannot read the session \`${path}\``, { cause, where: { path } });
  }
  const text = bytes.toString('latin1');
  const lines = linesOf(text);
  const diagnostics: Diagnostic[] = [];
  const damaged = (line: number, message: string): void => {
    diagnostics.push({ severity: 'warning', code: 'SESSION_CORRUPT', message, where: { path, line } });
  };
  const [first] = lines;
  const header = first === undefined ? undefined : parseObject(textOf(bytes, first));
  if (!Value.Check(SessionHeader, header)) {
    throw new DashError('SESSION_CORRUPT', `\`${path}\` does not begin with a session header`, { where: { path, line: 1 } });
  }
  const read = (header.version ?? 1) < SESSION_VERSION ? readOld : readRecords;
  const { header: current, records, torn } = read(header, lines.slice(1), { bytes, text }, damaged);
  return {
    header: current,
    records,
    get entries() {
      return records.map((record) => record.load());
    },
    diagnostics,
    repair: read === readOld ? { kind: 'rewrite' } : repairOf(bytes, torn),
  };
}

/** Where a line is in the bytes, without its end. */
interface Line {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

interface Content {
  readonly bytes: Buffer;
  /** The same with a character for each byte: V8 looks for the ends of lines in it, and for each in the bytes Node would be called. */
  readonly text: string;
}

interface Reading {
  readonly header: SessionHeader;
  readonly records: readonly EntryRecord[];
  /** The last line, if it was torn off. */
  readonly torn: Line | undefined;
}

type Damaged = (line: number, message: string) => void;

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let from = 0, number = 1; from < text.length; number += 1) {
    const end = text.indexOf('\n', from);
    const to = end === -1 ? text.length : end;
    if (!isBlank(text, from, to)) lines.push({ number, from, to });
    from = to + 1;
  }
  return lines;
}

const LINE_FEED = 0x0a;
const BRACE = 0x7d;
const SPACE = 0x20;

function isBlank(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (text.charCodeAt(at) > SPACE) return false;
  return true;
}

function textOf(bytes: Buffer, { from, to }: Line): string {
  return bytes.toString('utf8', from, to);
}

/** Versions before the current one are read as a whole: they have to be written anew anyway. */
function readOld(header: SessionHeader, lines: readonly Line[], { bytes }: Content, damaged: Damaged): Reading {
  const values = lines.flatMap((line) => {
    const value = parseObject(textOf(bytes, line));
    if (value === undefined) damaged(line.number, NOT_JSON);
    return value === undefined ? [] : [{ line, value }];
  });
  const migrated = migrate(
    header,
    values.map(({ value }) => value),
  );
  const records = migrated.entries.flatMap((value, index) => {
    const entry = toEntry(value, () => damaged(values[index]?.line.number ?? 0, UNREADABLE));
    if (entry === undefined) damaged(values[index]?.line.number ?? 0, NO_ENTRY);
    return entry === undefined ? [] : [recordOf(entry)];
  });
  return { header: migrated.header, records, torn: undefined };
}

const NOT_JSON = 'this line is not a JSON object and is left out';
const NO_ENTRY = 'this line is not an entry and is left out';
const UNREADABLE = 'this line is not what it says that it is; what it said is left out';

function readRecords(header: SessionHeader, lines: readonly Line[], { bytes, text }: Content, damaged: Damaged): Reading {
  const records: EntryRecord[] = [];
  const place = placesIn({ bytes, text }, damaged);
  let torn: Line | undefined;
  for (const line of lines) {
    // a line without its end may have been torn off anywhere, after a brace as well
    const record = line.to === bytes.length ? undefined : place(line);
    if (record !== undefined) {
      records.push(record);
      continue;
    }
    const value = parseObject(textOf(bytes, line));
    const entry = value === undefined ? undefined : toEntry(value, () => damaged(line.number, UNREADABLE));
    if (entry !== undefined) records.push(recordOf(entry));
    else if (value !== undefined) damaged(line.number, NO_ENTRY);
    else if (line.to === bytes.length) {
      torn = line;
      damaged(line.number, 'the last line was torn off and is left out');
    } else damaged(line.number, NOT_JSON);
  }
  return { header, records, torn };
}

/** How we and pi begin a line. What begins otherwise is read as a whole. */
const BEGINNING = /\{"type":"([a-z_]{1,64})","id":"([\w-]{1,64})","parentId":(?:null|"([\w-]{1,64})"),"timestamp":"/y;

/** Each kind once: a string for every line is what the collector would carry along while a session is opened. */
const KINDS: ReadonlyMap<string, string> = new Map(Object.keys(KNOWN_ENTRIES).map((kind) => [kind, kind]));

/**
 * Gives the place of an entry from the beginning of its line. That the line is whole is seen from its last character only,
 * so damage in the middle of it is found when it is read: its place stays, and what hangs on it, without what it said.
 */
function placesIn({ bytes, text }: Content, damaged: Damaged): (line: Line) => EntryRecord | undefined {
  let lastId: string | null = null;
  return (line) => {
    if (bytes[line.to - 1] !== BRACE) return undefined;
    BEGINNING.lastIndex = line.from;
    const [, kind, id, parentId = null] = BEGINNING.exec(text) ?? [];
    if (kind === undefined || id === undefined) return undefined;
    // nearly every entry hangs on the one before it, whose id is there already
    const parent = parentId === lastId ? lastId : parentId === null ? null : apart(parentId);
    lastId = apart(id);
    return new LineRecord(KINDS.get(kind) ?? apart(kind), lastId, parent, line, bytes, damaged);
  };
}

/** A longer piece of a string keeps the whole of it in memory. */
const LONGEST_COPY = 12;

function apart(piece: string): string {
  return piece.length <= LONGEST_COPY ? piece : Buffer.from(piece, 'latin1').toString('latin1');
}

/** A class, because a long session has a hundred thousand of them. */
class LineRecord implements EntryRecord {
  readonly kind: string;
  readonly id: string;
  readonly parentId: string | null;
  readonly #line: Line;
  readonly #bytes: Buffer;
  readonly #damaged: Damaged;
  #entry: SessionEntry | undefined;

  constructor(kind: string, id: string, parentId: string | null, line: Line, bytes: Buffer, damaged: Damaged) {
    this.kind = kind;
    this.id = id;
    this.parentId = parentId;
    this.#line = line;
    this.#bytes = bytes;
    this.#damaged = damaged;
  }

  load(): SessionEntry {
    return (this.#entry ??= this.#read());
  }

  #read(): SessionEntry {
    const { kind, id, parentId } = this;
    const value = parseObject(textOf(this.#bytes, this.#line));
    const read = value === undefined ? undefined : toEntry(value, () => this.#damaged(this.#line.number, UNREADABLE));
    if (read?.id === id && read.parentId === parentId) return read;
    this.#damaged(this.#line.number, 'this line is damaged; what it said is left out');
    return { type: 'opaque', id, parentId, timestamp: '', raw: { type: kind, id, parentId, timestamp: '' } };
  }
}

function repairOf(bytes: Buffer, torn: Line | undefined): Repair | undefined {
  if (torn !== undefined) return { kind: 'cut off', sizeBytes: torn.from };
  return bytes.at(-1) === LINE_FEED ? undefined : { kind: 'end the line' };
}

const LooseEntry = Type.Object({
  type: Type.String(),
  id: Type.String({ minLength: 1 }),
  parentId: Type.Union([Type.String(), Type.Null()]),
  timestamp: Type.Optional(Type.String()),
});

/** `damaged` is told of an entry of a kind we know that nobody can read; it keeps its place, without what it said. */
function toEntry(value: Record<string, unknown>, damaged: () => void): SessionEntry | undefined {
  if (value['type'] === 'message') {
    const read = toMessageEntry(value);
    if (read !== 'damaged' && read !== 'unknown role') return read;
    if (read === 'damaged') damaged();
  } else if (typeof value['type'] === 'string' && Object.hasOwn(KNOWN_ENTRIES, value['type'])) {
    for (const schema of Object.values(KNOWN_ENTRIES)) {
      if (schema.properties.type.const === value['type'] && Value.Check(schema, value) && hasReadableContent(value)) return value;
    }
    damaged();
  }
  if (!Value.Check(LooseEntry, value)) return undefined;
  return { type: 'opaque', id: value.id, parentId: value.parentId, timestamp: value.timestamp ?? '', raw: value };
}

type MessageEntry = Extract<SessionEntry, { readonly type: 'message' }>;

/** In plain words, not by its schema: there are a hundred thousand in a long session, and nothing else in such numbers. */
function toMessageEntry(value: Record<string, unknown>): MessageEntry | 'unknown role' | 'damaged' {
  const read = readMessage(value['message']);
  if (read.kind !== 'message') return read.kind;
  if (!isPlaced(value)) return 'damaged';
  return value.message === read.message ? value : { ...value, message: read.message };
}

function hasReadableContent(value: object): boolean {
  const edit = 'replacement' in value ? value.replacement : value;
  const content = typeof edit === 'object' && edit !== null && 'content' in edit ? edit.content : undefined;
  return !Array.isArray(content) || isBlocks(content);
}

function isPlaced(value: Record<string, unknown>): value is MessageEntry {
  const { id, parentId, timestamp, origins } = value;
  const hasPlace = typeof id === 'string' && id !== '' && (parentId === null || typeof parentId === 'string') && typeof timestamp === 'string';
  // a message must not lose whose word it is
  return hasPlace && (origins === undefined || (Array.isArray(origins) && origins.every((origin) => typeof origin === 'string')));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
