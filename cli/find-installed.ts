import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { DashError, nearest } from '../format/index.ts';
import { type InstalledPackage, readInstalled } from '../registry/index.ts';
import type { Invocation } from './command.ts';

/**
 * Finds the installed package that `name` means: its name, its id, or the spec it was installed by.
 *
 * @throws {DashError} NOT_INSTALLED
 */
export async function findInstalled(name: string, { home, cwd }: Pick<Invocation, 'home' | 'cwd'>): Promise<InstalledPackage> {
  const installed = await readInstalled({ dashHome: home, projectDir: cwd });
  const found = installed.find((one) => one.name === name || one.id === name || one.spec === name || `npm:${one.name}` === name);
  if (found) return found;
  const meant = nearest(
    name,
    installed.map((one) => one.name),
  );
  throw new DashError('NOT_INSTALLED', `\`${name}\` is not installed`, { hint: meant ? `did you mean \`${meant}\`?` : '`dash list` shows what is' });
}

/** What `--package` means: a directory where the text looks like one, else an installed package. @throws {DashError} NOT_INSTALLED */
export async function findTarget(
  text: string,
  invocation: Pick<Invocation, 'home' | 'cwd'>,
): Promise<{ readonly installed: InstalledPackage | undefined; readonly dir: string }> {
  const dir = resolve(invocation.cwd, text);
  const isPath = /^(\.{1,2}|~)?\//.test(text) || text === '.' || text === '..';
  if (isPath && statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true) return { installed: undefined, dir };
  const installed = await findInstalled(text, invocation);
  return { installed, dir: installed.dir };
}
