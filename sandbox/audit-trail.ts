import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DashError, makeDirectory } from '../format/index.ts';

/**
 * One line of the audit trail. Names follow OpenTelemetry's manner. Never bodies, never secrets.
 * `hash` chains: sha256 over the previous line's hash and this record without `hash`.
 */
export interface AuditRecord {
  readonly time: string;
  readonly 'event.name': 'trail.start' | 'decision' | 'effect' | 'kill' | 'grant' | 'consent';
  readonly 'dash.package'?: string;
  readonly 'dash.version'?: string;
  readonly 'content.hash'?: string;
  /** The call it happened in; several where they ran at once and the package alone knows which. */
  readonly 'call.id'?: string;
  /** It was asked for, or went on, when its call had ended or outside of any. */
  readonly background?: true;
  /** The packages that called each other to come here, the first one first. */
  readonly 'on.behalf.of'?: string;
  readonly capability?: string;
  readonly target?: string;
  readonly decision?: 'allow' | 'deny';
  readonly rule?: string;
  readonly permission?: string;
  readonly outcome?: string;
  readonly durationMs?: number;
  /** How often the same record came again since it was last written. */
  readonly repeated?: number;
  /** Of the first record: the last hashes of earlier files, so that a missing file is seen. */
  readonly heads?: Readonly<Record<string, string>>;
}

type WrittenRecord = AuditRecord & { readonly hash: string };

/** The same decision again within this time is counted, not written: a flood must not fill the disk. */
const REPEAT_WINDOW_MS = 1_000;
const WRITTEN_BEFORE_COUNTING = 20;
/** Lines of one package at once, and how many more each second: with a new target every time nothing repeats. */
const LINES_AT_ONCE = 10_000;
const LINES_PER_SECOND = 100;
/** As much of a target as a line holds. */
const MAX_TARGET_CHARACTERS = 1_024;

/** Append-only JSONL, one file per process run and session, 0600 in a 0700 directory. */
export class AuditTrail implements Disposable {
  readonly file: string;
  readonly #fd: number;
  readonly #onWritten: (record: AuditRecord) => void;
  #hash = '';
  readonly #budgets = new Map<string, { left: number; at: number }>();
  #recent = new Map<string, { since: number; count: number; repeated: number; record: Omit<AuditRecord, 'time'> }>();

  /** @throws {DashError} AUDIT_UNWRITABLE: without a trail nothing is allowed */
  constructor(directory: string, now: () => Date = () => new Date(), onWritten: (record: AuditRecord) => void = () => undefined) {
    this.#onWritten = onWritten;
    try {
      makeDirectory(directory, 0o700);
      const heads = lastHashes(directory);
      ({ file: this.file, fd: this.#fd } = openNew(directory, now()));
      this.#write({ time: now().toISOString(), 'event.name': 'trail.start', heads });
    } catch (error) {
      throw new DashError('AUDIT_UNWRITABLE', `the audit trail in ${directory} cannot be written`, {
        hint: 'free some space or check the rights of the directory; without it packages get no access',
        cause: error,
      });
    }
  }

  /** The hash of the newest line: what an anchor elsewhere holds. */
  get head(): string {
    return this.#hash;
  }

  /** @throws {DashError} AUDIT_UNWRITABLE */
  append(full: Omit<AuditRecord, 'time'>): void {
    const now = Date.now();
    const record = shortened(full);
    if (this.#isCounted(record, now)) return;
    if (this.#spend(record, now)) return this.#write({ time: new Date(now).toISOString(), ...record });
    // Beyond its budget a package's decisions are told apart by their targets no longer.
    const { target: _, permission: __, ...rest } = record;
    const various = { ...rest, target: '(various)' };
    if (!this.#isCounted(various, now)) this.#write({ time: new Date(now).toISOString(), ...various });
  }

  /** Whether the record came so often of late that it is counted instead of written. */
  #isCounted(record: Omit<AuditRecord, 'time'>, now: number): boolean {
    const key = `${record['dash.package']}\0${record.capability}\0${record.target}\0${record.decision}\0${record['event.name']}`;
    let recent = this.#recent.get(key);
    if (recent === undefined || now - recent.since > REPEAT_WINDOW_MS) {
      if (recent !== undefined) this.#flushRepeats(recent);
      if (this.#recent.size > 1_000) this.flush();
      recent = { since: now, count: 0, repeated: 0, record };
      this.#recent.set(key, recent);
    }
    recent.count++;
    if (recent.count <= WRITTEN_BEFORE_COUNTING) return false;
    recent.repeated++;
    return true;
  }

  /** Takes one line from what the package has left; what is no decision is written always. */
  #spend(record: Omit<AuditRecord, 'time'>, now: number): boolean {
    if (record.target === undefined) return true;
    const name = record['dash.package'] ?? '';
    const { left, at } = this.#budgets.get(name) ?? { left: LINES_AT_ONCE, at: now };
    const room = Math.min(left + ((now - at) / 1_000) * LINES_PER_SECOND, LINES_AT_ONCE);
    this.#budgets.set(name, { left: room < 1 ? room : room - 1, at: now });
    return room >= 1;
  }

  /** Writes what was only counted and syncs; called at the end of a turn. */
  flush(): void {
    for (const recent of this.#recent.values()) this.#flushRepeats(recent);
    this.#recent.clear();
    fsyncSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.flush();
    closeSync(this.#fd);
  }

  #flushRepeats(recent: { repeated: number; record: Omit<AuditRecord, 'time'> }): void {
    if (recent.repeated === 0) return;
    this.#write({ time: new Date().toISOString(), ...recent.record, repeated: recent.repeated });
    recent.repeated = 0;
  }

  #write(record: AuditRecord): void {
    const hash = chain(this.#hash, record);
    try {
      writeSync(this.#fd, `${JSON.stringify({ ...record, hash })}\n`);
    } catch (error) {
      throw new DashError('AUDIT_UNWRITABLE', `the audit trail ${this.file} cannot be written`, {
        hint: 'free some space; without it packages get no access',
        cause: error,
      });
    }
    this.#hash = hash;
    this.#onWritten(record);
  }
}

export interface AuditFile {
  readonly file: string;
  readonly records: readonly WrittenRecord[];
  /** Line number (from 1) at which the chain breaks, if it does. */
  readonly brokenAt?: number;
}

/** Reads all trails, oldest first. A torn last line of a crashed run is left out. */
export function readAuditTrails(directory: string): readonly AuditFile[] {
  return trailFiles(directory).map((file) => {
    const records: WrittenRecord[] = [];
    let previous = '';
    let brokenAt: number | undefined;
    // What follows the last line end is empty, or torn: a line counts once it is whole.
    const lines = readFileSync(join(directory, file), 'utf8').split('\n').slice(0, -1);
    for (const [index, line] of lines.entries()) {
      let record: WrittenRecord;
      try {
        record = JSON.parse(line) as WrittenRecord;
      } catch {
        brokenAt ??= index + 1;
        continue;
      }
      const { hash, ...rest } = record;
      if (chain(previous, rest) !== hash) brokenAt ??= index + 1;
      previous = hash;
      records.push(record);
    }
    return { file, records, ...(brokenAt !== undefined && { brokenAt }) };
  });
}

function shortened(record: Omit<AuditRecord, 'time'>): Omit<AuditRecord, 'time'> {
  const cut = (text: string): string => (text.length > MAX_TARGET_CHARACTERS ? `${text.slice(0, MAX_TARGET_CHARACTERS)}… (${text.length} characters)` : text);
  return {
    ...record,
    ...(record.target !== undefined && { target: cut(record.target) }),
    ...(record.permission !== undefined && { permission: cut(record.permission) }),
  };
}

function trailFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.jsonl'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A process that serves several sessions may begin two in the same millisecond: the second is of the next one. */
function openNew(directory: string, time: Date): { readonly file: string; readonly fd: number } {
  const file = join(directory, `${time.toISOString().replaceAll(/[:.]/g, '-')}-${process.pid}.jsonl`);
  try {
    return { file, fd: openSync(file, 'ax', 0o600) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return openNew(directory, new Date(time.getTime() + 1));
  }
}

/** The last line's hash of up to ten earlier files. */
function lastHashes(directory: string): Record<string, string> {
  const heads: Record<string, string> = {};
  for (const file of trailFiles(directory).slice(-10)) {
    const last = readFileSync(join(directory, file), 'utf8').split('\n').at(-2) ?? '';
    heads[file] = /"hash":"([0-9a-f]{64})"/.exec(last)?.[1] ?? '';
  }
  return heads;
}

function chain(previous: string, record: AuditRecord): string {
  return createHash('sha256').update(previous).update(JSON.stringify(record)).digest('hex');
}
