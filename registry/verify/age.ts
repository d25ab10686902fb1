import { DashError, sortedJson } from '../../format/index.ts';
import { readIfPresent, writeDurably } from '../store/durable-file.ts';
import { ignoreDisk } from '../store/file-errors.ts';

export const DEFAULT_MIN_AGE_MS = 3 * 24 * 60 * 60 * 1000;

/** How long a release must have been public: most attacks are found within days. */
export interface AgePolicy {
  readonly minAgeMs: number;
  /** Names that need not wait, with `*` for any part. */
  readonly exclude: readonly string[];
  readonly now: Date;
}

/** Tells whether releases of this package have to be of a certain age. */
export function appliesTo({ minAgeMs, exclude }: AgePolicy, name: string): boolean {
  return minAgeMs > 0 && !exclude.some((pattern) => isNamedBy(pattern, name));
}

function isNamedBy(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  const last = rest.pop() ?? '';
  let at = first.length;
  if (!name.startsWith(first)) return false;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length >= at + last.length && name.endsWith(last);
}

/** The latest moment at which a release may have been published. */
export function matureBefore({ minAgeMs, now }: AgePolicy): Date {
  return new Date(now.getTime() - minAgeMs);
}

/** When versions were first seen here, for registries that give no date, or one in the future. */
export interface FirstSeen {
  /** Gives the first sighting, which is now if there was none. `key` holds the hash: bytes that were replaced are new. */
  sighting(key: string, now: Date): string;
  /** Writes down what was seen for the first time. */
  save(): Promise<void>;
}

export async function openFirstSeen(path: string): Promise<FirstSeen> {
  const seen = new Map<string, string>(parse(await readIfPresent(path)));
  let isNew = false;
  return {
    sighting(key, now) {
      const before = seen.get(key);
      if (before !== undefined && Date.parse(before) <= now.getTime()) return before;
      isNew = true;
      seen.set(key, now.toISOString());
      return now.toISOString();
    },
    async save() {
      // what is not kept was never seen, and waits longer: nothing that was done depends on it
      if (isNew) await writeDurably(path, sortedJson(Object.fromEntries(seen))).catch(ignoreDisk);
    },
  };
}

/** Gives a moment for every version: the registry's, or our first sighting where that is missing or cannot be true. */
export function releaseTimes(
  packument: { readonly name: string; readonly versions: Readonly<Record<string, object>>; readonly time?: Readonly<Record<string, unknown>> },
  firstSeen: FirstSeen,
  now: Date,
): Record<string, string> {
  const said = packument.time ?? {};
  return Object.fromEntries(
    Object.entries(packument.versions).map(([version, manifest]) => {
      const time = Object.hasOwn(said, version) ? said[version] : undefined;
      const isCredible = typeof time === 'string' && Date.parse(time) <= now.getTime();
      return [version, isCredible ? time : firstSeen.sighting(`${packument.name}@${version} ${claimedIntegrity(manifest)}`, now)];
    }),
  );
}

function claimedIntegrity(manifest: object): string {
  const dist: unknown = 'dist' in manifest ? manifest.dist : undefined;
  return typeof dist === 'object' && dist !== null && 'integrity' in dist && typeof dist.integrity === 'string' ? dist.integrity : '';
}

export function releaseTooYoung(what: string, publishedAt: string | undefined, { minAgeMs, now }: AgePolicy): DashError {
  const published = publishedAt === undefined ? 'too short a time' : inWords(now.getTime() - Date.parse(publishedAt));
  return new DashError('RELEASE_TOO_YOUNG', `\`${what}\` has been public for ${published}, less than ${inWords(minAgeMs)}`, {
    hint: 'wait, name an older version, or take the risk with `--min-age 0`',
  });
}

export function inWords(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const;
  for (const [unit, length] of units) {
    const count = Math.floor(ms / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}

/** Sightings are a cache: damaged, they begin anew, and everything without a date waits again. */
function parse(text: string | undefined): [string, string][] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : [];
  } catch {
    return [];
  }
}
