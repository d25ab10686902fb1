import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSettingsObject, type Settings } from './settings.ts';

/** Writes one choice of the user's into their `settings.json`; everything else in it stays. @throws {DashError} SETTINGS_INVALID */
export async function keepSetting<Key extends keyof Settings>(dashHome: string, key: Key, value: Settings[Key]): Promise<void> {
  const path = join(dashHome, 'settings.json');
  const settings = await readSettingsObject(path);
  await mkdir(dashHome, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(temporary, `${JSON.stringify({ ...settings, [key]: value }, undefined, 2)}\n`, { mode: 0o600 });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
