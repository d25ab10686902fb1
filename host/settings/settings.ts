import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kind, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic, isDashError, parseJson, type Where } from '../../format/index.ts';
import { mayRead, ownFile, type ProjectFiles } from '../prompt/project-files.ts';
import { checkRules } from './permission-rules.ts';
import { PROJECT_KEYS, Settings } from './settings-schema.ts';

export type { Settings } from './settings-schema.ts';

export interface SettingsReading {
  readonly settings: Settings;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the user's settings; without a file everything has its default. @throws {DashError} SETTINGS_INVALID */
export async function readSettings(dashHome: string): Promise<SettingsReading> {
  const path = join(dashHome, 'settings.json');
  const { value, where } = await readDocument(path);
  const { settings, diagnostics } = checkRules(checked(value, path), where);
  return { settings, diagnostics: [...unknownIn(value, path), ...diagnostics] };
}

/** `registry/` reads it, with rules of its own. */
const ELSEWHERE = ['packages', 'packageSettings'];

/** The user's settings, with those of a trusted project over them. What is wrong in the project's file costs that file. */
export async function readAllSettings(dashHome: string, project: Pick<ProjectFiles, 'configured' | 'root' | 'places'> | undefined): Promise<SettingsReading> {
  const user = await readSettings(dashHome);
  const diagnostics = [...user.diagnostics];
  let { settings } = user;
  for (const directory of project?.configured ?? []) {
    const path = ownFile(directory, 'settings.json');
    // what is wrong with it was said where it was found
    if (project === undefined || !(await mayRead(path, project))) continue;
    try {
      const value = await readSettingsObject(path);
      const ignored = Object.keys(value).filter((key) => !PROJECT_KEYS.some((allowed) => allowed === key) && !ELSEWHERE.includes(key));
      diagnostics.push(...ignored.map((key) => warning('PROJECT_SETTING_IGNORED', `a project has no say in \`${key}\``, path)));
      const counting = Object.fromEntries(Object.entries(value).filter(([key]) => PROJECT_KEYS.some((allowed) => allowed === key)));
      settings = over(settings, checked(counting, path));
      diagnostics.push(...unknownIn(counting, path));
    } catch (error) {
      if (!isDashError(error)) throw error;
      diagnostics.push(warning(error.code, error.message, path));
    }
  }
  return { settings, diagnostics };
}

/** A project's word within a group leaves the rest of the group; what the user keeps from models stays kept. */
function over(user: Settings, project: Settings): Settings {
  const within = Object.entries(project).map(([key, value]) => {
    const before = Object.entries(user).find(([name]) => name === key)?.[1];
    return [key, isRecord(value) && isRecord(before) ? { ...before, ...value } : value];
  });
  const merged: Settings = { ...user, ...Object.fromEntries(within) };
  return user.images?.block === true ? { ...merged, images: { ...merged.images, block: true } } : merged;
}

/** Reads a file of settings, or of anything else that is one object; an absent one is empty. @throws {DashError} SETTINGS_INVALID */
export async function readSettingsObject(path: string): Promise<Record<string, unknown>> {
  return (await readDocument(path)).value;
}

interface Document {
  readonly value: Record<string, unknown>;
  /** The place of a part of it, found when it is asked for. */
  where(pointer: string): Where;
}

async function readDocument(path: string): Promise<Document> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { value: {}, where: () => ({ path }) };
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DashError('SETTINGS_INVALID', `\`${path}\` is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, where: { path } });
  }
  if (isRecord(value)) return { value, where: (pointer) => locate(text, path, pointer) };
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not an object`, { where: { path } });
}

/** A key that stands twice is no error here; then it is the file that is named. */
function locate(text: string, path: string, pointer: string): Where {
  try {
    return parseJson(text, path, 'SETTINGS_INVALID').where(pointer);
  } catch (error) {
    if (isDashError(error, 'SETTINGS_INVALID')) return { path };
    throw error;
  }
}

/** Keys that mean nothing, on their own and within a group: misspelt, or another program's. */
function unknownIn(value: Record<string, unknown>, path: string): Diagnostic[] {
  const properties: Readonly<Record<string, TSchema>> = Settings.properties;
  const names = Object.entries(value).flatMap(([key, inner]) => {
    const schema = properties[key];
    if (schema === undefined) return [key];
    if (schema[Kind] !== 'Object' || !isRecord(inner)) return [];
    return Object.keys(inner).flatMap((name) => (Object.hasOwn(schema['properties'], name) ? [] : [`${key}.${name}`]));
  });
  return names.map((name) => warning('UNKNOWN_SETTING', `\`${name}\` is not a setting of ours`, path));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return Value.Check(Type.Record(Type.String(), Type.Unknown()), value);
}

function checked(value: Record<string, unknown>, path: string): Settings {
  if (Value.Check(Settings, value)) return value;
  const first = Value.Errors(Settings, value).First();
  throw new DashError('SETTINGS_INVALID', `\`${path}\`: \`${first?.path.slice(1).replaceAll('/', '.') ?? ''}\` ${first?.message ?? ''}`, { where: { path } });
}

function warning(code: string, message: string, path: string): Diagnostic {
  return { severity: 'warning', code, message, where: { path } };
}
