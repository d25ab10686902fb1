import { randomUUID } from 'node:crypto';
import { readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { isDashError, makeDirectory } from '../format/index.ts';
import { decideTrust } from '../host/index.ts';
import { digestDirectory, install, isDelegated, readInstalled } from '../registry/index.ts';
import type { Invocation } from './command.ts';
import { inspectPorts } from './compose.ts';
import { consentPrompt } from './consent-prompt.ts';
import { npmConfigFor } from './npm-config.ts';
import { oneLine } from './output/terminal.ts';

/** A folder of extensions that nobody installed: nothing of it runs. */
export interface LooseExtensions {
  /** Its real path. */
  readonly dir: string;
  readonly scope: 'user' | 'project';
  /** Files and folders in it. */
  readonly names: readonly string[];
}

/** Finds `extensions/` in the home of Dash, and in `.dash` of the working directory where the project is trusted. */
export async function findLooseExtensions({ home, cwd, env, globals }: Place): Promise<readonly LooseExtensions[]> {
  const folders = await Promise.all([folderAt(join(home, 'extensions'), 'user'), folderAt(join(cwd, '.dash', 'extensions'), 'project')]);
  // whoever works in their own home has the two in one: it is the user's
  const there = folders.flat().filter(({ dir, names, scope }) => names.length > 0 && (scope === 'user' || dir !== folders[0]?.[0]?.dir));
  if (there.length === 0) return [];
  const installed = await readInstalled({ dashHome: home, projectDir: cwd });
  const loose = there.filter(({ dir }) => !installed.some((pkg) => pkg.linked && pkg.dir === dir));
  const isSilent = loose.some(({ scope }) => scope === 'project') && globals.trustProject !== true;
  if (!isSilent || (await decideTrust({ dashHome: home, cwd, home: env['HOME'] ?? cwd }, false)).trusted) return loose;
  return loose.filter(({ scope }) => scope === 'user');
}

type Place = Pick<Invocation, 'home' | 'cwd' | 'env' | 'globals'>;

/**
 * Says which extensions lie there and are not loaded. Where `ask` asks, the user's own are installed after a yes: linked,
 * in the sandbox, with the question of every install. A no is remembered until something in the folder changes.
 */
export async function offerLooseExtensions(invocation: Invocation, ask: ((folder: LooseExtensions) => Promise<boolean>) | undefined): Promise<void> {
  const { env, globals, stderr } = invocation;
  for (const folder of await findLooseExtensions(invocation)) {
    if (await isDeclined(folder, invocation)) continue;
    if (folder.scope === 'user' && ask !== undefined && !isDelegated(env)) {
      const why = await installWhereAgreed(folder, ask, invocation);
      // the agent starts without them
      if (why !== undefined) stderr.write(`warning: ${wordsFor(folder).what} not loaded: ${why}\n`);
    } else if (globals.quiet !== true) {
      const { what, them } = wordsFor(folder);
      stderr.write(`${what} not loaded: \`${commandFor(folder)}\` asks you about ${them}\n`);
    }
  }
}

function wordsFor({ dir, names }: LooseExtensions): { readonly what: string; readonly them: string } {
  return names.length === 1
    ? { what: `the extension ${oneLine(names.join())} in ${oneLine(dir)} is`, them: 'it' }
    : { what: `${names.length} extensions in ${oneLine(dir)} are`, them: 'them' };
}

function commandFor({ dir, scope }: LooseExtensions): string {
  return scope === 'user' ? `dash install ${oneLine(dir)}` : 'dash install --local ./.dash/extensions';
}

/** @returns why it could not be done */
async function installWhereAgreed(
  folder: LooseExtensions,
  ask: (folder: LooseExtensions) => Promise<boolean>,
  invocation: Invocation,
): Promise<string | undefined> {
  const { home, cwd, signal, stderr } = invocation;
  const { dir } = folder;
  try {
    if (!(await ask(folder)) || !(await isInstalled())) await decline(folder, home);
    return undefined;
  } catch (error) {
    if (!isDashError(error) || error.code === 'INTERRUPTED') throw error;
    return error.message;
  }

  async function isInstalled(): Promise<boolean> {
    const context = {
      dashHome: home,
      scope: { kind: 'user' },
      workspace: cwd,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      signal,
    } as const;
    try {
      await install([{ kind: 'directory', path: dir }], { ...context, consentPort: consentPrompt(stderr) });
      return true;
    } catch (error) {
      if (isDashError(error, 'CONSENT_REQUIRED')) return false;
      throw error;
    }
  }
}

/** Asks by one key on the terminal. Enter, Escape and Ctrl-C are a no. */
export async function askAboutLoose({ dir, names }: LooseExtensions, { stderr }: Pick<Invocation, 'stderr'>): Promise<boolean> {
  const [{ selectKey }, { settledKeys }] = await Promise.all([import('@clack/prompts'), import('../host/index.ts')]);
  stderr.write(`${stderr.style.strong(oneLine(dir))} holds what was never installed\n${names.map((name) => `  ${oneLine(name)}\n`).join('')}`);
  using input = settledKeys(process.stdin);
  const answer = await selectKey({
    message: 'load these extensions?',
    options: [
      // the first one is what Enter stands for
      { value: 'n', label: 'no', hint: 'it asks again when something changes there' },
      { value: 'y', label: 'yes', hint: 'sandboxed; what they need is asked next' },
    ],
    input: input.keys,
    output: process.stderr,
  });
  return answer === 'y';
}

async function folderAt(path: string, scope: LooseExtensions['scope']): Promise<readonly LooseExtensions[]> {
  try {
    const dir = await realpath(path);
    const entries = await readdir(dir, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || /(?<!\.d|\.test|\.spec)\.(ts|js)$/.test(entry.name)));
    return [{ dir, scope, names: names.map(({ name }) => name).sort() }];
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}

/** What a folder held when somebody said no, by its path. */
const Declined = Type.Record(Type.String(), Type.String());

async function isDeclined({ dir }: LooseExtensions, { home }: Invocation): Promise<boolean> {
  const before = (await readDeclined(home))[dir];
  return before !== undefined && before === (await digestOf(dir));
}

async function decline({ dir }: LooseExtensions, home: string): Promise<void> {
  const digest = await digestOf(dir);
  if (digest === undefined) return;
  makeDirectory(join(home, 'state'), 0o700);
  const temporary = `${declinedIn(home)}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ ...(await readDeclined(home)), [dir]: digest }, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, declinedIn(home));
}

/** `undefined`: it is no folder that could be installed. */
async function digestOf(dir: string): Promise<string | undefined> {
  try {
    return (await digestDirectory(dir)).contentHash;
  } catch (error) {
    if (isDashError(error)) return undefined;
    throw error;
  }
}

async function readDeclined(home: string): Promise<Static<typeof Declined>> {
  try {
    const value: unknown = JSON.parse(await readFile(declinedIn(home), 'utf8'));
    return Value.Check(Declined, value) ? value : {};
  } catch {
    // what cannot be read was not declined: it is asked again
    return {};
  }
}

function declinedIn(home: string): string {
  return join(home, 'state', 'declined-extensions.json');
}
