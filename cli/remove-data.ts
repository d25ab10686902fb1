import { rm } from 'node:fs/promises';

import { emptyShelf } from '../host/index.ts';
import { forgetSettings } from '../registry/configure/index.ts';
import { type InstalledPackage, readInstalled } from '../registry/index.ts';
import { dataDirectory } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';

/** Removes what packages kept for themselves under `data:/`, what was set for them and what was kept for their providers, unless one from the same source is still installed. */
export async function removeData(removed: readonly InstalledPackage[], { home, cwd }: Pick<Invocation, 'home' | 'cwd'>): Promise<void> {
  const left = new Set((await readInstalled({ dashHome: home, projectDir: cwd })).map(({ grantKey }) => grantKey));
  const gone = removed.filter(({ grantKey }) => !left.has(grantKey));
  for (const pkg of gone) await forgetSettings(pkg, home);
  await Promise.all(
    gone.flatMap(({ name, grantKey }) => [rm(dataDirectory(home, { name, source: grantKey }), { recursive: true, force: true }), emptyShelf(home, grantKey)]),
  );
}
