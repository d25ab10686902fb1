import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { emptyLockfile, formatLockfile, type Lockfile, parseLockfile } from '../../../registry/lock/lockfile.ts';

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
