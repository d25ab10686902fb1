import fc from 'fast-check';
import { expect, test } from 'vitest';
import { usedOfPackument } from '../../../registry/resolve/used-of-packument.ts';

const dist = { tarball: 'https://registry.test/a.tgz', integrity: 'sha512-x' };

test('what is read stays as it is, what is for people goes', () => {
  const version = { name: 'a', version: '1.0.0', dependencies: { b: '^1' }, deprecated: 'no', engines: { node: '>=20' }, dist };
  const packument = { name: 'a', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version }, time: { '1.0.0': '2026-01-01' } };
  const forPeople = { description: 'long', maintainers: [{ name: 'm' }] };
  const whole = {
    ...packument,
    ...forPeople,
    readme: 'longer',
    versions: { '1.0.0': { ...version, ...forPeople, dist: { ...dist, fileCount: 3, signatures: [] }, scripts: { test: 'x', postinstall: 'y' } } },
  };
  expect(usedOfPackument(whole)).toEqual({ ...packument, versions: { '1.0.0': { ...version, scripts: { postinstall: 'y' } } } });
});

test('nothing is added, nothing is renamed, and doing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (value, versions) => {
      for (const reply of [value, { name: value, versions }, { versions: { '1.0.0': { dist: value, scripts: value } } }]) {
        const used = usedOfPackument(reply);
        expect(usedOfPackument(used)).toEqual(used);
        expect(reply).toMatchObject(used as object);
      }
    }),
  );
});

test('a version with a hostile name is a version like any other', () => {
  const used = usedOfPackument(JSON.parse('{"name":"a","versions":{"__proto__":{"name":"a"},"constructor":{"name":"a"}}}')) as { versions: object };
  expect(Object.keys(used.versions)).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(used.versions)).toBe(Object.prototype);
});
