import { existsSync, readdirSync } from 'node:fs';
import { chmod, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { assertLoads, stateOf } from './invariant.ts';
import { done, makeSite, type Site, siteAt, startFixtureRegistry } from './site.ts';

const GRANT = ['--grant', 'summary'];

async function installed(): Promise<{ readonly site: Site; readonly state: Awaited<ReturnType<typeof stateOf>> }> {
  const registry = await startFixtureRegistry();
  const site = await makeSite(registry.url);
  await done(site, 'install', 'npm:words', 'npm:tool@1.0.0', ...GRANT);
  return { site, state: await stateOf(site) };
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length >> 1;
  bytes.writeUInt8((bytes[at] ?? 0) ^ 4, at);
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

describe('a flipped bit', () => {
  it('in any file of the store is found by `dash verify` and mended by `dash install`', async () => {
    const { site, state } = await installed();
    const files = filesBelow(join(site.dashHome, 'store/v1')).filter((path) => !path.includes('/unpacked/'));
    expect(files.length).toBeGreaterThan(6);
    for (const path of files) {
      const whole = await readFile(path);
      await flipBit(path);
      const { stdout } = await site.dash('verify');
      expect(JSON.parse(stdout), path).toMatchObject({ error: { code: 'STORE_CORRUPT', hint: expect.stringContaining('dash install') } });
      await done(site, 'install', ...GRANT);
      expect(await readFile(path)).toEqual(whole);
      await done(site, 'verify');
      expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
    }
  });

  it('in a note or an answer that was kept costs a download and nothing else', async () => {
    const { site, state } = await installed();
    for (const path of [...filesBelow(join(site.dashHome, 'store/v1/unpacked')), ...filesBelow(join(site.dashHome, 'meta'))]) await flipBit(path);
    await rm(join(site.dashHome, 'store/v1/packs'), { recursive: true });
    await done(site, 'install', ...GRANT);
    expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
    await assertLoads(site);
  });

  it.each(['state/current', 'state/generations/1.json'])('in %s is named, and the next install makes the state again from the lock', async (file) => {
    const { site, state } = await installed();
    await flipBit(join(site.dashHome, file));
    const { stdout } = await site.dash('list');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: expect.stringMatching(/STORE_CORRUPT|LOCK_VERSION/), hint: expect.any(String) } });
    await done(site, 'install', ...GRANT);
    expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
    await done(site, 'verify');
  });
});

it('a journal that cannot be read is forgotten', async () => {
  const { site, state } = await installed();
  await writeFile(join(site.dashHome, 'state/journal'), '{"version":1,"poin');
  await done(site, 'install', ...GRANT);
  expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
  expect(existsSync(join(site.dashHome, 'state/journal'))).toBe(false);
  await done(site, 'verify');
});

describe('a store deleted under a live state', () => {
  it.each(['store', 'store/v1/packs', 'store/v1/unpacked', 'bundles', 'meta', 'state', 'dash.lock'])('%s is made again by the next install', async (dir) => {
    const { site, state } = await installed();
    await rm(join(site.dashHome, dir), { recursive: true });
    await done(site, 'install', ...GRANT);
    expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
    await assertLoads(site);
    await done(site, 'verify');
  });

  it('says what is missing when there is nowhere to take it from', async () => {
    const { site, state } = await installed();
    await rm(join(site.dashHome, 'store'), { recursive: true });
    const { stdout } = await site.dash('install', '--offline');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'OFFLINE', hint: expect.any(String) } });
    expect((await stateOf(site)).pointer).toBe(state.pointer);
  });
});

describe('a lock', () => {
  it.each<[string, (text: string) => string, string]>([
    ['with the markers of a merge', (text) => text.replace('"roots"', '<<<<<<< HEAD\n"roots"'), 'LOCK_INVALID'],
    ['that is cut off', (text) => text.slice(0, text.length >> 1), 'LOCK_INVALID'],
    ['of a newer version', (text) => text.replace(/"lockfileVersion": \d+|"version": 1\b/, (found) => found.replace(/\d+/, '99')), 'LOCK_VERSION'],
    ['with another hash', (text) => text.replaceAll(/sha512-..../g, 'sha512-AAAA'), 'LOCK_TAMPERED'],
    ['with another tree', (text) => text.replaceAll(/"treeSha256": "..../g, '"treeSha256": "0000'), 'LOCK_TAMPERED'],
  ])('%s changes nothing, is not written over, and is taken again when it is right', async (_, edit, code) => {
    const { site, state } = await installed();
    const path = join(site.dashHome, 'dash.lock');
    const edited = edit(await readFile(path, 'utf8'));
    expect(edited).not.toBe(state.lock);
    await writeFile(path, edited);
    const { exitCode, stdout } = await site.dash('install', ...GRANT);
    expect(exitCode).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code, hint: expect.any(String), where: { path } } });
    expect(await readFile(path, 'utf8')).toBe(edited);
    expect((await stateOf(site)).pointer).toBe(state.pointer);
    await writeFile(path, state.lock ?? '');
    await done(site, 'install', ...GRANT);
    expect(await stateOf(site)).toEqual(state);
  });
});

describe('a clock that was wrong', () => {
  it('when a state was written hides no damage done afterwards', async () => {
    const { site, state } = await installed();
    const generation = join(site.dashHome, 'state/generations/1.json');
    const nextYear = new Date(Date.now() + 365 * 86_400_000);
    await utimes(generation, nextYear, nextYear);
    const [file = ''] = filesBelow(join(site.dashHome, 'store/v1')).filter((path) => path.endsWith('SKILL.md'));
    const whole = await readFile(file);
    await flipBit(file);
    await done(site, 'install', ...GRANT);
    expect(await readFile(file)).toEqual(whole);
    expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
  });

  it.each([
    ['a year ahead', 365],
    ['a year behind', -365],
  ])('by %s, and was set right, leaves a home that works', async (_, days) => {
    const registry = await startFixtureRegistry();
    const site = await makeSite(registry.url);
    const clock = join(site.root, 'clock.mjs');
    await writeFile(
      clock,
      `const Real = Date;
globalThis.Date = class extends Real {
  static now() { return Real.now() + ${days * 86_400_000}; }
  constructor(...given) { super(...(given.length === 0 ? [Date.now()] : given)); }
};`,
    );
    const wrong = siteAt(site.root, { env: { NODE_OPTIONS: `--import=${clock}` } });
    await done(wrong, 'install', 'npm:words', 'npm:tool@1.0.0', '--min-age', '0', ...GRANT);
    const state = await stateOf(site);
    expect(existsSync(join(site.dashHome, 'dash.lock'))).toBe(true);
    await done(site, 'install', ...GRANT);
    await done(site, 'verify');
    await done(site, 'update');
    await done(site, 'remove', 'tool');
    await done(site, 'rollback');
    await done(site, 'gc');
    expect(await stateOf(site)).toMatchObject({ packages: state.packages, lock: state.lock });
    await assertLoads(site);
  });
});
