import { type AuditFile, readAuditTrails } from './audit-trail.ts';

/** The hash of a line of the trail, written down somewhere else: the line existed then. */
export interface AuditAnchor {
  /** Name of the file of the trail. */
  readonly file: string;
  readonly hash: string;
  /** Who says so, e.g. the path of a session file. */
  readonly by: string;
}

/** What is wrong with one file of the trail. */
export interface AuditFault {
  readonly file: string;
  /** Changed: its lines do not follow from each other. Shortened: a line is gone that others name. */
  readonly kind: 'changed' | 'shortened' | 'missing';
  /** From 1; where the first line lies that cannot be trusted. */
  readonly line?: number;
  /** Who names what is not there. */
  readonly by?: string;
}

export interface AuditVerdict {
  readonly intact: boolean;
  readonly faults: readonly AuditFault[];
  readonly files: number;
  readonly records: number;
  /** Time of the oldest record; from here on nothing was changed or taken out. */
  readonly since: string | null;
  /** Time of the newest record that something else names: what came before it cannot have been cut off unseen. */
  readonly provenUntil: string | null;
  /** Records that nothing else names: the newest could be taken away, and nobody would know. */
  readonly unproven: number;
  /** Anchors outside the trail that were found in it. */
  readonly anchors: number;
}

/**
 * Checks the whole trail: each file's chain, the heads that later files name, and anchors from elsewhere. Edits, removed
 * lines, shortened and missing files show; that nothing was cut off the end of the newest file cannot be shown.
 */
export function verifyAudit(directory: string, anchors: readonly AuditAnchor[] = []): AuditVerdict {
  const trails = readAuditTrails(directory);
  const byName = new Map(trails.map((trail) => [trail.file, trail]));
  const named = [...trails.flatMap(headsNamedBy), ...anchors];
  const faults: AuditFault[] = trails.flatMap(({ file, brokenAt }) => (brokenAt === undefined ? [] : [{ file, kind: 'changed' as const, line: brokenAt }]));
  const seen = new Set(faults.map(({ file }) => file));
  /** File → how many of its records something else names. */
  const proven = new Map<string, number>();
  for (const { file, hash, by } of named) {
    const trail = byName.get(file);
    const index = trail?.records.findIndex((record) => record.hash === hash) ?? -1;
    if (index >= 0) proven.set(file, Math.max(proven.get(file) ?? 0, index + 1));
    // a line that was edited takes all hashes after it along: that was said already
    else if (!seen.has(file))
      faults.push({ file, kind: trail === undefined ? 'missing' : 'shortened', ...(trail !== undefined && { line: trail.records.length + 1 }), by });
    if (index < 0) seen.add(file);
  }
  const records = trails.reduce((sum, trail) => sum + trail.records.length, 0);
  const times = trails.flatMap((trail) => trail.records.slice(0, proven.get(trail.file) ?? 0).map(({ time }) => time));
  return {
    intact: faults.length === 0,
    faults,
    files: trails.length,
    records,
    since: trails[0]?.records[0]?.time ?? null,
    provenUntil: times.reduce<string | null>((latest, time) => (latest === null || time > latest ? time : latest), null),
    unproven: records - times.length,
    anchors: anchors.filter(({ file, hash }) => byName.get(file)?.records.some((record) => record.hash === hash) === true).length,
  };
}

/** A file begins with the last hashes of those before it. An empty one belonged to a file without a whole line. */
function headsNamedBy({ file, records }: AuditFile): AuditAnchor[] {
  return Object.entries(records[0]?.heads ?? {}).flatMap(([other, hash]) => (hash === '' ? [] : [{ file: other, hash, by: file }]));
}
