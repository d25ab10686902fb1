import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of our own package.json: above `cli/` in the repository, above `dist/cli/` when installed. */
export function packageRoot(): string {
  let dir = dirname(import.meta.dirname);
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return dir;
}

/** Of Dash itself. */
export function version(): string {
  const manifest: { readonly version: string } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return manifest.version;
}
