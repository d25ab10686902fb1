import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, makeDirectory } from '../../format/index.ts';

const Credentials = Type.Object({ version: Type.Literal(1), keys: Type.Record(Type.String(), Type.String({ minLength: 1 })) });
type Credentials = Static<typeof Credentials>;

/** The keys that `dash login` keeps, by provider. @throws {DashError} SETTINGS_INVALID */
export async function readKeys(dashHome: string): Promise<Readonly<Record<string, string>>> {
  const path = pathIn(dashHome);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    // without its cause: what is wrong with a line of keys would show the key
    throw new DashError('SETTINGS_INVALID', `\`${path}\` cannot be read`, { where: { path } });
  }
  if (Value.Check(Credentials, value)) return value.keys;
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not what \`dash login\` writes`, { hint: 'remove it, and log in again', where: { path } });
}

/** Keeps the key of a provider, or forgets it with `undefined`. Says whether there was one. @throws {DashError} SETTINGS_INVALID */
export async function keepKey(dashHome: string, provider: string, key: string | undefined): Promise<boolean> {
  const { [provider]: before, ...others } = await readKeys(dashHome);
  const credentials: Credentials = { version: 1, keys: key === undefined ? others : { ...others, [provider]: key } };
  makeDirectory(dashHome, 0o700);
  const temporary = `${pathIn(dashHome)}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, pathIn(dashHome));
  return before !== undefined;
}

function pathIn(dashHome: string): string {
  return join(dashHome, 'credentials.json');
}
