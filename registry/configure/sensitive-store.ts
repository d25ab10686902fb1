import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DashError, sortedJson } from '../../format/index.ts';
import { takeProcessLock } from '../lock/process-lock.ts';
import { writeDurably } from '../store/durable-file.ts';
import { asDiskError } from '../store/file-errors.ts';

/** Values of one package's `sensitive` settings, by their names. */
export type SensitiveValues = ReadonlyMap<string, unknown>;

/**
 * Reads the sensitive values that were kept for the package with this grant key: another one of the same name, from
 * elsewhere, finds nothing. @throws {DashError} STORE_CORRUPT; no message holds anything of the file
 */
export function readSensitive(dashHome: string, grantKey: string): SensitiveValues {
  return readStore(dashHome).get(grantKey) ?? new Map();
}

/**
 * Changes what is kept for one package; the file is readable by the user alone.
 *
 * @returns whether that was a change
 * @throws {DashError} STORE_CORRUPT, DISK_ERROR, DISK_FULL, LOCKED
 */
export async function changeSensitive(dashHome: string, grantKey: string, next: (values: SensitiveValues) => SensitiveValues): Promise<boolean> {
  await using _ = await takeProcessLock(join(dashHome, 'state', 'sensitive-settings.lock'));
  const packages = readStore(dashHome);
  const before = packages.get(grantKey) ?? new Map();
  const after = next(before);
  const changed = new Map(packages).set(grantKey, after);
  if (after.size === 0) changed.delete(grantKey);
  const text = formatStore(changed);
  if (text === formatStore(packages)) return false;
  try {
    await writeDurably(pathOf(dashHome), text, { mode: 0o600 });
  } catch (error) {
    throw asDiskError(error, 'writing the sensitive settings');
  }
  return true;
}

type Store = ReadonlyMap<string, SensitiveValues>;

function pathOf(dashHome: string): string {
  return join(dashHome, 'sensitive-settings.json');
}

function formatStore(store: Store): string {
  const packages = [...store].map(([key, values]) => [key, Object.fromEntries(values)]);
  return sortedJson({ version: 1, packages: Object.fromEntries(packages) });
}

function readStore(dashHome: string): Store {
  const path = pathOf(dashHome);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return new Map();
  const refuse = (why: string, hint: string): DashError => new DashError('STORE_CORRUPT', `\`${path}\` ${why}`, { hint, where: { path } });
  // as ssh treats a key: what others could read, or could have put there, is no secret
  if (!stats.isFile()) throw refuse('is not a plain file', 'move it away and set the settings again');
  const user = process.getuid?.();
  if (user !== undefined && stats.uid !== user) throw refuse('belongs to somebody else', 'move it away and set the settings again');
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    throw refuse('can be read by others', `\`chmod 600 ${path}\`, and think of what they may have read`);
  const damaged = (): DashError => refuse('is damaged', 'move it away and set the settings again');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // what the parser says of it quotes it
    throw damaged();
  }
  if (!isRecord(value) || value['version'] !== 1 || !isRecord(value['packages'])) throw damaged();
  return new Map(
    Object.entries(value['packages']).map(([key, values]) => {
      if (!isRecord(values)) throw damaged();
      return [key, new Map(Object.entries(values))];
    }),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
