import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseManifest } from '../../format/index.ts';
import type { InstalledPackage } from '../installed.ts';
import { ignoreMissing } from '../store/file-errors.ts';

/**
 * Gives the JSON Schema of a package's settings as it is now: a linked directory may have another one than when it was
 * installed. @throws {DashError} INVALID_MANIFEST
 */
export async function settingsSchemaOf({ linked, dir, settings }: InstalledPackage): Promise<InstalledPackage['settings']> {
  if (!linked) return settings;
  const path = join(dir, 'package.json');
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  return text === undefined ? undefined : parseManifest(text, path).dash.settings;
}
