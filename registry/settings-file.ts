import { DashError } from '../format/index.ts';
import { readIfPresent } from './store/durable-file.ts';

/** What an administrator says for everybody on this machine: the same form as the user's settings. */
export const MACHINE_SETTINGS = '/etc/dash/settings.json';

/** Reads a settings file as far as that: an object, empty where there is none. @throws {DashError} SETTINGS_INVALID */
export async function readSettingsFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readIfPresent(path);
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DashError('SETTINGS_INVALID', `\`${path}\` is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { where: { path }, cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not an object`, { where: { path } });
}
