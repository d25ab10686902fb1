import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DashError, sortedJson } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import { takeProcessLock } from './lock/process-lock.ts';
import { writeDurably } from './store/durable-file.ts';
import { asDiskError } from './store/file-errors.ts';

/** A secret as it may be shown: never its value. */
export interface StoredSecret {
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
}

/** A provider's key is shorter than this; a file that was piped in by mistake is not. */
const MAX_SECRET_CHARACTERS = 16_384;

/**
 * Keeps a secret for packages that use it without seeing it, readable by the user alone.
 *
 * @throws {DashError} USAGE when it cannot stand in a header or the name is no name of a variable; DELEGATED_CONSENT, DISK_ERROR
 */
export async function setSecret(dashHome: string, name: string, value: string, now = new Date()): Promise<void> {
  assertNotDelegated();
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
    throw new DashError('USAGE', `\`${name}\` cannot be the name of a secret`, { hint: 'use letters, digits and `_`' });
  // the line end is the terminal's, or `echo`'s
  const text = value.replace(/\r?\n$/, '');
  if (text === '') throw new DashError('USAGE', 'the secret is empty', { hint: `take it away with \`dash secret remove ${name}\`` });
  if (text.length > MAX_SECRET_CHARACTERS || /[\p{Cc}]/u.test(text)) {
    throw new DashError('USAGE', 'a secret is one line of text that can stand in a header', { hint: 'pipe the key alone, not the file around it' });
  }
  await change(dashHome, (secrets) => new Map(secrets).set(name, { value: text, at: now.toISOString() }));
}

/** Forgets a secret. @returns whether there was one @throws {DashError} DELEGATED_CONSENT, DISK_ERROR */
export async function removeSecret(dashHome: string, name: string): Promise<boolean> {
  assertNotDelegated();
  let was = false;
  await change(dashHome, (secrets) => {
    const left = new Map(secrets);
    was = left.delete(name);
    return left;
  });
  return was;
}

/** Names every secret that is kept. @throws {DashError} STORE_CORRUPT */
export function listSecrets(dashHome: string): readonly StoredSecret[] {
  return [...readSecrets(dashHome)].map(([name, { at }]) => ({ name, at }));
}

/** Gives the value, for the broker alone. @throws {DashError} STORE_CORRUPT */
export function readSecret(dashHome: string, name: string): string | undefined {
  return readSecrets(dashHome).get(name)?.value;
}

type Secrets = ReadonlyMap<string, { readonly value: string; readonly at: string }>;

async function change(dashHome: string, next: (secrets: Secrets) => Secrets): Promise<void> {
  await using _ = await takeProcessLock(join(dashHome, 'state', 'secrets-lock'));
  const secrets = next(readSecrets(dashHome));
  try {
    await writeDurably(pathOf(dashHome), sortedJson({ version: 1, secrets: Object.fromEntries(secrets) }), { mode: 0o600 });
  } catch (error) {
    throw asDiskError(error, 'writing the secrets');
  }
}

function readSecrets(dashHome: string): Secrets {
  const path = pathOf(dashHome);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw asDiskError(error, 'reading the secrets');
  }
  // an error of the parser quotes what it could not read: it must not be shown
  const corrupt = (): DashError =>
    new DashError('STORE_CORRUPT', `\`${path}\` is damaged`, { hint: 'move it away and set the secrets again', where: { path } });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw corrupt();
  }
  if (!isRecord(value) || value['version'] !== 1 || !isRecord(value['secrets'])) throw corrupt();
  return new Map(
    Object.entries(value['secrets']).map(([name, secret]) => {
      if (!isRecord(secret) || typeof secret['value'] !== 'string' || typeof secret['at'] !== 'string') throw corrupt();
      return [name, { value: secret['value'], at: secret['at'] }];
    }),
  );
}

function pathOf(dashHome: string): string {
  return join(dashHome, 'secrets.json');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
