import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** When each permission of one package last let something pass, by day: `2026-11-21`. */
export type LastUsed = ReadonlyMap<string, string>;

/** Reads what was noted. What cannot be read says nothing: then the day of the grant counts. */
export function readLastUsed(dashHome: string, key: string): LastUsed {
  try {
    const value: unknown = JSON.parse(readFileSync(pathOf(dashHome, key), 'utf8'));
    if (typeof value !== 'object' || value === null) return new Map();
    return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

/**
 * Notes that a permission was used, at most once a day. Two agents may lose a note of each other's: at worst somebody is
 * asked again, so nothing is locked for it, and a full disk stops nobody.
 */
export function noteUse(dashHome: string, key: string, permission: string, now: Date): void {
  const day = now.toISOString().slice(0, 10);
  const path = pathOf(dashHome, key);
  const noted = readLastUsed(dashHome, key);
  if ((noted.get(permission) ?? '') >= day) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(new Map(noted).set(permission, day))), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // It was used all the same.
  }
}

function pathOf(dashHome: string, key: string): string {
  return join(dashHome, 'state', 'used', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
}
