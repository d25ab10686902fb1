import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { DashError, isDashError, nearest } from '../format/index.ts';
import { type InstalledPackage, readInstalled } from '../registry/index.ts';
import type { Invocation } from './command.ts';
import { scopeOf } from './scope.ts';

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

/**
 * Waits for work that looks in one scope, and says where a package is that the work did not find there.
 *
 * @throws {DashError} NOT_INSTALLED, and whatever the work throws
 */
export async function inOtherScope<T>(work: Promise<T>, names: readonly string[], invocation: Invocation): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isDashError(error, 'NOT_INSTALLED')) throw error;
    const { kind } = scopeOf(invocation);
    const { home, cwd } = invocation;
    const installed = await readInstalled(kind === 'project' ? { dashHome: home } : { dashHome: home, projectDir: cwd });
    const elsewhere = installed.find(({ scope, name, spec }) => scope !== kind && [name, spec].some((text) => names.includes(text)));
    if (elsewhere === undefined) throw error;
    const [where, flag] = elsewhere.scope === 'project' ? ['in this project, not for you', '--local'] : ['for you, not in this project', '--user'];
    throw new DashError('NOT_INSTALLED', `\`${elsewhere.name}\` is installed ${where}`, { hint: `\`${flag}\` means it`, cause: error });
  }
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
