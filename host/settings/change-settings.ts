import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kind, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, makeDirectory } from '../../format/index.ts';
import { readSettingsObject } from './settings.ts';
import { Settings } from './settings-schema.ts';

export type SettingValue = string | number | boolean;

/** One setting as a person changes it. */
export interface SettingRow {
  /** Its key, with that of its group before it. */
  readonly path: readonly string[];
  readonly description: string;
  /** What it is in the user's file; `undefined` where it is not in it. */
  readonly value: SettingValue | undefined;
  readonly fallback: SettingValue | undefined;
  /** What it can be, where that is a short list; otherwise it is typed. */
  readonly choices: readonly (string | boolean)[] | undefined;
  /** How what is typed is read. */
  readonly typed: 'text' | 'number';
}

/** The user's settings that are one value each: lists and rules are written in the file. @throws {DashError} SETTINGS_INVALID */
export async function settingRows(dashHome: string): Promise<readonly SettingRow[]> {
  const now = await readSettingsObject(pathIn(dashHome));
  return rowsIn(Settings, [], now);
}

/**
 * Writes one setting of the user's, or takes it out; the rest of the file stays as it is.
 *
 * @throws {DashError} SETTINGS_INVALID when it cannot be that, LOCKED
 */
export async function changeSetting(dashHome: string, path: readonly string[], value: SettingValue | readonly string[] | undefined): Promise<void> {
  const { takeProcessLock } = await import('../../registry/index.ts');
  makeDirectory(dashHome, 0o700);
  await using _ = await takeProcessLock(join(dashHome, 'state', 'settings.lock'));
  const changed = withValue(await readSettingsObject(pathIn(dashHome)), path, value);
  const [wrong] = Value.Errors(Settings, changed);
  if (wrong !== undefined) throw new DashError('SETTINGS_INVALID', `\`${path.join('.')}\` cannot be that: ${wrong.message.toLowerCase()}`);
  const temporary = `${pathIn(dashHome)}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify(changed, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, pathIn(dashHome));
}

function pathIn(dashHome: string): string {
  return join(dashHome, 'settings.json');
}

function rowsIn(schema: TSchema, path: readonly string[], value: unknown): SettingRow[] {
  if (schema[Kind] === 'Object') {
    const properties: Readonly<Record<string, TSchema>> = schema['properties'];
    return Object.entries(properties).flatMap(([name, inner]) => rowsIn(inner, [...path, name], isRecord(value) ? value[name] : undefined));
  }
  const { description, default: fallback } = schema;
  const row = { path, description: description ?? '', value: plain(value), fallback: plain(fallback) };
  switch (schema[Kind]) {
    case 'Boolean':
      return [{ ...row, choices: [true, false], typed: 'text' }];
    case 'Union': {
      const literals: readonly TSchema[] = schema['anyOf'];
      return [{ ...row, choices: literals.map((literal) => String(literal['const'])), typed: 'text' }];
    }
    case 'Integer':
    case 'Number':
      return [{ ...row, choices: undefined, typed: 'number' }];
    case 'String':
      return [{ ...row, choices: undefined, typed: 'text' }];
    default:
      return [];
  }
}

function withValue(object: Readonly<Record<string, unknown>>, [key = '', ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const inner = object[key];
  const next = rest.length === 0 ? value : withValue(isRecord(inner) ? inner : {}, rest, value);
  const { [key]: _, ...others } = object;
  // A group in which nothing is set is no group.
  return next === undefined || (isRecord(next) && Object.keys(next).length === 0) ? others : { ...object, [key]: next };
}

/** What is of another form in the file is wrong there, and shown as not set. */
function plain(value: unknown): SettingValue | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
