import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { formatLockfile } from '../../../registry/lock/format-lockfile.ts';
import { emptyLockfile, type Lockfile, parseLockfile } from '../../../registry/lock/lockfile.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const sha256 = 'a'.repeat(64);

const lockfile: Lockfile = {
  version: 1,
  roots: {
    pkg: { spec: 'npm:pkg@^1', id: 'pkg@1.0.0', permissions: ['fs:read'], permissionsSha256: sha256, graph: { '.': { dep: 'dep@2.0.0' }, 'dep@2.0.0': {} } },
  },
  packages: {
    'pkg@1.0.0': { name: 'pkg', version: '1.0.0', source: { kind: 'npm', integrity }, treeSha256: sha256, files: 3, publishedAt: '2026-01-01T00:00:00.000Z' },
    'dep@2.0.0': {
      name: 'dep',
      version: '2.0.0',
      source: { kind: 'npm', integrity, registry: 'https://npm.example.com/' },
      treeSha256: sha256,
      files: 1,
      hasInstallScript: true,
    },
  },
};

const names = fc.oneof(fc.stringMatching(/^(@[a-z]{1,4}\/)?[a-z][a-z0-9-]{0,6}$/), fc.constantFrom('__proto__', 'constructor', '1'));
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const sources = fc.oneof(
  fc.record({ kind: fc.constant('npm' as const), integrity: fc.constant(integrity) }),
  fc.record({ kind: fc.constant('npm' as const), integrity: fc.constant(integrity), registry: fc.webUrl(), tarball: fc.webUrl() }),
  fc.record({ kind: fc.constant('git' as const), url: fc.webUrl(), commit: fc.stringMatching(/^[0-9a-f]{40}$/) }),
  fc.record({ kind: fc.constant('tarball' as const), path: fc.string(), integrity: fc.constant(integrity) }),
  fc.record({ kind: fc.constant('directory' as const), path: fc.string() }),
);
const entries = fc.record({ name: names, version: fc.string(), source: sources, treeSha256: hex, files: fc.nat() });
const patterns = fc.array(fc.string(), { maxLength: 3 });
const roots = fc.record(
  {
    spec: fc.string(),
    id: fc.string(),
    permissions: fc.array(fc.string(), { maxLength: 3 }),
    permissionsSha256: hex,
    graph: fc.dictionary(names, fc.dictionary(names, names, { maxKeys: 2 }), { maxKeys: 2 }),
    disabled: fc.boolean(),
    filter: fc.record({ extensions: patterns, skills: patterns, prompts: patterns, themes: patterns }, { requiredKeys: [] }),
  },
  { requiredKeys: ['spec', 'id', 'permissions', 'permissionsSha256', 'graph'] },
);
const arbitraryLock = fc.record({
  version: fc.constant(1 as const),
  roots: fc.dictionary(names, roots, { maxKeys: 4 }),
  packages: fc.dictionary(names, entries, { maxKeys: 4 }),
});

/** A lock of packages that need nothing of each other. */
function lockWith(packages: readonly string[]): Lockfile {
  const root = (name: string) => ({ spec: `npm:${name}`, id: `${name}@1.0.0`, permissions: [], permissionsSha256: sha256, graph: { '.': {} } });
  const entry = (name: string) => ({ name, version: '1.0.0', source: { kind: 'npm' as const, integrity }, treeSha256: sha256, files: 2 });
  return {
    version: 1,
    roots: Object.fromEntries(packages.map((name) => [name, root(name)])),
    packages: Object.fromEntries(packages.map((name) => [`${name}@1.0.0`, entry(name)])),
  };
}

describe('dash.lock', () => {
  it('reads back what it writes, with sorted keys and LF', () => {
    const text = formatLockfile(lockfile);
    expect(parseLockfile(text, 'dash.lock')).toEqual(lockfile);
    expect(text.endsWith('}\n')).toBe(true);
    expect(text).not.toContain('\r');
    expect(text.indexOf('"dep@2.0.0"')).toBeLessThan(text.indexOf('"pkg@1.0.0"'));
    expect(formatLockfile({ ...lockfile, packages: Object.fromEntries(Object.entries(lockfile.packages).toReversed()) })).toBe(text);
  });

  it('takes odd names for data', () => {
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', '1', ''), fc.string());
    fc.assert(
      fc.property(fc.uniqueArray(name), (names) => {
        const odd: Lockfile = {
          ...emptyLockfile,
          roots: Object.fromEntries(names.map((key) => [key, { spec: key, id: key, permissions: [], permissionsSha256: sha256, graph: {} }])),
        };
        expect(Object.keys(parseLockfile(formatLockfile(odd), 'dash.lock').roots).toSorted()).toEqual(names.toSorted());
        expect(Object.prototype).not.toHaveProperty('spec');
      }),
    );
  });

  it('reads back whatever it can hold, and writes equal values as equal bytes', () => {
    fc.assert(
      fc.property(arbitraryLock, (lock) => {
        const text = formatLockfile(lock);
        expect(parseLockfile(text, 'dash.lock')).toEqual(lock);
        expect(formatLockfile(parseLockfile(text, 'dash.lock'))).toBe(text);
        const shuffled = {
          packages: Object.fromEntries(Object.entries(lock.packages).toReversed()),
          version: lock.version,
          roots: Object.fromEntries(Object.entries(lock.roots).toReversed()),
        };
        expect(formatLockfile(shuffled)).toBe(text);
      }),
    );
  });

  it('merges by lines when two branches add different packages, or the conflict is seen', async () => {
    const dir = await temporaryDirectory();
    const paths = { base: join(dir, 'base'), ours: join(dir, 'ours'), theirs: join(dir, 'theirs') };
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 3, maxLength: 9 });
    let clean = 0;
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.constantFrom('base', 'ours', 'theirs')), (all, sides) => {
        const sideOf = new Map(all.map((name) => [name, sides.next().value ?? 'base']));
        const lockOf = (...kept: readonly string[]) => lockWith(all.filter((name) => kept.includes(sideOf.get(name) ?? '')));
        writeFileSync(paths.base, formatLockfile(lockOf('base')));
        writeFileSync(paths.ours, formatLockfile(lockOf('base', 'ours')));
        writeFileSync(paths.theirs, formatLockfile(lockOf('base', 'theirs')));
        const { status, stdout } = spawnSync('git', ['merge-file', '--stdout', paths.ours, paths.base, paths.theirs], { encoding: 'utf8' });
        if (status === 0) {
          clean++;
          expect(parseLockfile(stdout, 'dash.lock')).toEqual(lockOf('base', 'ours', 'theirs'));
        } else {
          expect(() => parseLockfile(stdout, 'dash.lock')).toThrow(
            expect.objectContaining({ code: 'LOCK_INVALID', where: { path: 'dash.lock', line: expect.any(Number) } }),
          );
        }
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(clean).toBeGreaterThan(10);
  });

  it.each([
    [
      'a newer version',
      formatLockfile(lockfile).replace('"version": 1\n', '"version": 2\n'),
      { code: 'LOCK_VERSION', hint: expect.stringContaining('not touched') },
    ],
    ['a merge conflict', `{\n<<<<<<< HEAD\n"version": 1\n=======\n`, { code: 'LOCK_INVALID', where: { path: 'dash.lock', line: 2 } }],
    ['no JSON', 'hello', { code: 'LOCK_INVALID' }],
    ['a key twice', '{"version":1,"version":1,"roots":{},"packages":{}}', { code: 'LOCK_INVALID' }],
    ['a weak hash', formatLockfile(lockfile).replaceAll(integrity, 'sha1-x'), { code: 'LOCK_INVALID' }],
    ['a version that is text', '{"version":"1","roots":{},"packages":{}}', { code: 'LOCK_INVALID' }],
    ['nothing', '', { code: 'LOCK_INVALID' }],
  ])('refuses %s', (_, text, error) => {
    expect(() => parseLockfile(text, 'dash.lock')).toThrow(expect.objectContaining(error));
  });
});
