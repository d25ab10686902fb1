import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { collectGarbage, readInstalled, verifyStore } from '../../registry/index.ts';
import { filesOf } from '../support/module-files.ts';
import type { Site } from './site.ts';

/** A state as far as two runs that did the same agree on it. */
export interface State {
  /** What `current` says, for a state that nothing wrote again. */
  readonly pointer: string | undefined;
  readonly packages: Readonly<Record<string, unknown>>;
  readonly lock: string | undefined;
}

export async function stateOf({ dashHome }: Site): Promise<State> {
  const installed = await readInstalled({ dashHome });
  return {
    pointer: textOf(join(dashHome, 'state/current')),
    packages: Object.fromEntries(
      installed.map(({ name, spec, contentHash, graph, compiled }) => [
        name,
        { spec, contentHash, nodes: Object.keys(graph.nodes), code: compiled.entries.map(({ code }) => code) },
      ]),
    ),
    lock: textOf(join(dashHome, 'dash.lock')),
  };
}

export interface Aftermath {
  readonly before: State;
  /** As the action leaves it when nothing is in its way. */
  readonly after: State;
  /** Everything outside DASH_HOME as it was, by {@link surroundingsOf}. */
  readonly surroundings: readonly string[];
  /** What the process ended with; `null` when it was killed. */
  readonly exitCode: number | null;
  readonly output: string;
  /** The action itself, for doing it again. */
  readonly args: readonly string[];
}

/**
 * What holds after any fault at any moment: `current` is exactly the old or exactly the new state, and what it names
 * loads; `dash verify` is clean; nothing was written outside the roots; the exit code says whether the work is done; and
 * the next `dash install`, and then the same command, reach what they reach without a fault, with nothing left lying about.
 */
export async function assertInvariant(site: Site, { before, after, surroundings, exitCode, output, args }: Aftermath): Promise<void> {
  const { dashHome } = site;
  const found = await stateOf(site);
  const isOld = found.pointer === before.pointer;
  expect(found.packages, 'current names neither the old nor the new state').toEqual(isOld ? before.packages : after.packages);
  if (exitCode === 0) expect(found.packages, 'it said that the work was done').toEqual(after.packages);
  if (output.includes('nothing was changed')) expect(found.pointer, 'it said that nothing was changed').toBe(before.pointer);
  if (exitCode !== 0 && exitCode !== null) expect(output).toMatch(/"code": ?"(?!INTERNAL)[A-Z_]+"/);
  await assertLoads(site);
  // a lock and nothing installed: `dash install` begins with that, and it is no clean state
  const isLockAlone = isOld && before.pointer === undefined && before.lock !== undefined;
  if (!isLockAlone) await verifyStore({ dashHome, scope: { kind: 'user' } });
  // what is killed leaves what it had in TMPDIR for a moment, as any program does
  const isLeft = (line: string) => exitCode === null && line.startsWith('/tmp/');
  expect(surroundingsOf(site).filter((line) => !isLeft(line))).toEqual(surroundings);

  const next = await site.dash('install');
  expect(next, 'the next `dash install`').toMatchObject({ exitCode: 0 });
  expect(await stateOf(site)).toMatchObject(
    isOld && !isLockAlone ? { packages: before.packages, lock: before.lock } : { packages: after.packages, lock: after.lock },
  );
  await assertLoads(site);
  await assertTidy(site);
  if (!isOld) return;
  const again = await site.dash(...args);
  expect(again, 'the same command again').toMatchObject({ exitCode: 0 });
  expect(await stateOf(site)).toMatchObject({ packages: after.packages, lock: after.lock });
  await assertLoads(site);
  await verifyStore({ dashHome, scope: { kind: 'user' } });
}

/** Every file that the state names can be read, and every compiled extension is the bytes that were inspected. */
export async function assertLoads({ dashHome }: Site): Promise<void> {
  for (const { graph, compiled } of await readInstalled({ dashHome })) {
    for (const node of Object.values(graph.nodes)) expect(filesOf(node)).toHaveProperty(['package.json']);
    for (const { code } of compiled.entries) {
      const path = bundlesOf(dashHome).find((file) => file.endsWith(`${code}.js`));
      if (path === undefined) throw new Error(`the code of an extension is missing: ${code}`);
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(code);
    }
  }
}

/** Paths and sizes of all that a command must not touch. */
export function surroundingsOf({ root, dashHome }: Site): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => path !== dashHome && !path.startsWith(`${dashHome}/`))
    .map(({ entry, path }) => `${path.slice(root.length)}${entry.isFile() ? ` ${readFileSync(path).length}` : ''}`)
    .sort();
}

/** No half of anything is left where the next command looks, and `dash gc` finds what nobody names. */
async function assertTidy({ dashHome, workspace }: Site): Promise<void> {
  // SQLite's own: whoever takes that lock next clears it away, and a restore that finds nothing to do takes none
  const isOfLock = (path: string) => /^state\/[a-z-]*lock-journal$/.test(path);
  const halves = () =>
    [dashHome, workspace]
      .flatMap((dir) => readdirSync(dir, { recursive: true, encoding: 'utf8' }))
      .filter((path) => /\.tmp$|\.damaged$|journal$/.test(path) && !isOfLock(path));
  const isCache = (path: string) => /^(store|meta|bundles)\//.test(path);
  expect(halves().filter((path) => !isCache(path))).toEqual([]);
  expect(existsSync(join(dashHome, 'store/v1/tmp')) ? readdirSync(join(dashHome, 'store/v1/tmp')) : []).toEqual([]);
  // compiled code is kept for an hour: a running host may be about to load it
  const later = new Date(Date.now() + 2 * 60 * 60 * 1000);
  await collectGarbage({ dashHome, now: later });
  expect(halves()).toEqual([]);
  expect(await collectGarbage({ dashHome, now: later })).toMatchObject({ removed: { generations: 0, archives: 0, bundles: 0 } });
}

function bundlesOf(dashHome: string): string[] {
  const dir = join(dashHome, 'bundles');
  return existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name)) : [];
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
