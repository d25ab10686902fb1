import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, makeDirectory } from '../../format/index.ts';

const Token = Type.Object({
  access: Type.String({ minLength: 1 }),
  refresh: Type.Optional(Type.String({ minLength: 1 })),
  /** Milliseconds since 1970; without it the token does not end. */
  expires: Type.Optional(Type.Number()),
});
/** What a login through a browser brought. */
export type Token = Static<typeof Token>;

const Credentials = Type.Object({
  version: Type.Literal(1),
  keys: Type.Record(Type.String(), Type.String({ minLength: 1 })),
  tokens: Type.Optional(Type.Record(Type.String(), Token)),
});
type Credentials = Static<typeof Credentials>;

/** What `dash login` keeps, by provider. @throws {DashError} SETTINGS_INVALID */
export async function readCredentials(dashHome: string): Promise<Credentials & { readonly tokens: Readonly<Record<string, Token>> }> {
  const path = pathIn(dashHome);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { version: 1, keys: {}, tokens: {} };
    // without its cause: what is wrong with a line of keys would show the key
    throw new DashError('SETTINGS_INVALID', `\`${path}\` cannot be read`, { where: { path } });
  }
  if (Value.Check(Credentials, value)) return { ...value, tokens: value.tokens ?? {} };
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not what \`dash login\` writes`, { hint: 'remove it, and log in again', where: { path } });
}

/** What is kept of one provider: a key, a token, or nothing. */
export type Kept = { readonly key: string } | { readonly token: Token } | undefined;

/**
 * Changes what is kept of a provider; nobody else changes it meanwhile. `change` sees what is there now, which may be
 * newer than what its caller read. @throws {DashError} SETTINGS_INVALID, LOCKED
 */
export async function changeCredentials(dashHome: string, provider: string, change: (now: Kept) => Promise<Kept>): Promise<Kept> {
  // loaded here: hardly a start changes anything
  const { takeProcessLock } = await import('../../registry/index.ts');
  makeDirectory(dashHome, 0o700);
  await using _ = await takeProcessLock(join(dashHome, 'state', 'credentials.lock'));
  const { keys, tokens } = await readCredentials(dashHome);
  const { [provider]: key, ...otherKeys } = keys;
  const { [provider]: token, ...otherTokens } = tokens;
  const kept = await change(token === undefined ? (key === undefined ? undefined : { key }) : { token });
  await write(dashHome, {
    version: 1,
    keys: kept !== undefined && 'key' in kept ? { ...otherKeys, [provider]: kept.key } : otherKeys,
    tokens: kept !== undefined && 'token' in kept ? { ...otherTokens, [provider]: kept.token } : otherTokens,
  });
  return kept;
}

async function write(dashHome: string, credentials: Credentials): Promise<void> {
  const temporary = `${pathIn(dashHome)}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, pathIn(dashHome));
}

function pathIn(dashHome: string): string {
  return join(dashHome, 'credentials.json');
}
