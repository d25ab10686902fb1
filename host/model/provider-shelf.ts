import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, makeDirectory, type ProviderModelRegistration } from '../../format/index.ts';
import { ProviderLogin } from '../../sandbox/index.ts';

const Kept = Type.Object({
  login: Type.Optional(ProviderLogin),
  /** What it looked up last. */
  models: Type.Optional(Type.Array(Type.Unsafe<ProviderModelRegistration>(Type.Object({ id: Type.String() })))),
  /** When it did, in milliseconds since 1970. */
  checkedAt: Type.Optional(Type.Number()),
});
/** What is kept for one provider of a package. */
export type Kept = Static<typeof Kept>;

const File = Type.Object({ version: Type.Literal(1), source: Type.String(), providers: Type.Record(Type.String(), Kept) });

/** What is kept for the providers of one package, by their names. */
export type Shelf = ReadonlyMap<string, Kept>;

/**
 * What is kept for the providers of a package. Each package has a file of its own, called after where it comes from: none
 * can come upon the token of another by calling a provider, or itself, like it, and none keeps another waiting.
 * @throws {DashError} SETTINGS_INVALID
 */
export async function readShelf(dashHome: string, source: string): Promise<Shelf> {
  const path = shelfPath(dashHome, source);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    // without its cause: what is wrong with it would show a token
    throw unreadable(path);
  }
  if (!Value.Check(File, value) || value.source !== source) throw unreadable(path);
  return new Map(Object.entries(value.providers));
}

/**
 * Changes what is kept for one provider; nobody else changes it meanwhile. `change` sees what is there now, which may be
 * newer than what its caller read; `undefined` leaves nothing. @throws {DashError} SETTINGS_INVALID, LOCKED
 */
export async function changeShelf(dashHome: string, source: string, provider: string, change: (now: Kept) => Promise<Kept | undefined>): Promise<Kept> {
  // loaded here: hardly a start changes anything
  const { takeProcessLock } = await import('../../registry/index.ts');
  const path = shelfPath(dashHome, source);
  makeDirectory(join(dashHome, 'providers'), 0o700);
  await using _ = await takeProcessLock(join(dashHome, 'state', `provider-${nameOf(source)}.lock`));
  const shelf = new Map(await readShelf(dashHome, source));
  const kept = await change(shelf.get(provider) ?? {});
  if (kept === undefined) shelf.delete(provider);
  else shelf.set(provider, kept);
  if (shelf.size === 0) await rm(path, { force: true });
  else await write(path, { version: 1, source, providers: Object.fromEntries(shelf) });
  return kept ?? {};
}

/** Forgets all that is kept for the providers of a package. */
export async function emptyShelf(dashHome: string, source: string): Promise<void> {
  await rm(shelfPath(dashHome, source), { force: true });
}

async function write(path: string, value: Static<typeof File>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
}

function shelfPath(dashHome: string, source: string): string {
  return join(dashHome, 'providers', `${nameOf(source)}.json`);
}

function nameOf(source: string): string {
  return createHash('sha256').update(source).digest('hex').slice(0, 32);
}

function unreadable(path: string): DashError {
  return new DashError('SETTINGS_INVALID', `\`${path}\` cannot be read`, { hint: 'remove it, and log in again', where: { path } });
}
