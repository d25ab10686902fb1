import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { pack } from '../../../registry/publish/index.ts';
import { GOOD, GOOD_FILES, makePackage } from './package-fixture.ts';

async function unpack(tarball: Buffer): Promise<string> {
  const dir = await makePackage(undefined);
  await writeFile(join(dir, 'a.tgz'), tarball);
  await mkdir(join(dir, 'out'));
  execFileSync('tar', ['-xzf', join(dir, 'a.tgz'), '-C', join(dir, 'out')]);
  return join(dir, 'out');
}

test('equal files give equal bytes, whatever their dates and wherever they lie', async () => {
  const one = await makePackage(GOOD, GOOD_FILES);
  const two = await makePackage(GOOD, GOOD_FILES);
  await utimes(join(two, 'README.md'), 0, 0);

  const first = await pack(one);
  const second = await pack(two);
  expect(first.tarball.equals(second.tarball)).toBe(true);
  expect(first.integrity).toBe(second.integrity);
});

test('tar reads what was packed, long and foreign names, modes and dates included', async () => {
  const long = `prompts/${'deep/'.repeat(40)}${'x'.repeat(120)}.md`;
  const halves = `prompts/${'h'.repeat(90)}/${'t'.repeat(80)}.md`;
  const foreign = 'prompts/größe-日本.md';
  const dir = await makePackage(GOOD, { ...GOOD_FILES, [long]: 'long', [halves]: 'halves', [foreign]: 'foreign', 'prompts/run.sh': '#!/bin/sh\n' });
  await chmod(join(dir, 'prompts/run.sh'), 0o700);

  const { tarball, files } = await pack(dir);
  const out = await unpack(tarball);
  expect(await readFile(join(out, 'package', long), 'utf8')).toBe('long');
  expect(await readFile(join(out, 'package', halves), 'utf8')).toBe('halves');
  expect(await readFile(join(out, 'package', foreign), 'utf8')).toBe('foreign');
  const listing = execFileSync('tar', ['-tvzf', '-'], { input: tarball, env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' }, encoding: 'utf8' });
  expect(listing).toMatch(/^-rwxr-xr-x 0\/0 +10 1985-10-26 08:15 package\/prompts\/run\.sh$/m);
  expect(listing).toMatch(/^-rw-r--r-- 0\/0 +15 1985-10-26 08:15 package\/README\.md$/m);
  expect(listing.trim().split('\n')).toHaveLength(files.length);
});

test('npm can install what was packed', async () => {
  const { tarball, filename } = await pack(await makePackage(GOOD, GOOD_FILES));
  const dir = await makePackage({ name: 'user', version: '1.0.0' });
  await writeFile(join(dir, filename), tarball);
  execFileSync('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', `./${filename}`], { cwd: dir, stdio: 'pipe' });
  expect(await readFile(join(dir, 'node_modules/good-prompts/README.md'), 'utf8')).toBe('# good-prompts\n');
});

test('the keyword is added to the packed manifest and nowhere else', async () => {
  const manifest = { ...GOOD, keywords: ['prompts'] };
  const dir = await makePackage(manifest, GOOD_FILES);
  const { tarball, packageJson } = await pack(dir);

  expect(packageJson['keywords']).toEqual(['prompts', 'dash-package']);
  expect(JSON.parse(await readFile(join(await unpack(tarball), 'package/package.json'), 'utf8'))).toEqual({ ...GOOD, keywords: ['prompts', 'dash-package'] });
  expect(JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))).toEqual(manifest);
});

test('a manifest that has the keyword is packed byte for byte', async () => {
  const text = `{"name":"good-prompts",\n\t"version":"1.0.0","keywords":["dash-package"],"dash":{"prompts":["./prompts"]}}`;
  const { tarball } = await pack(await makePackage(undefined, { ...GOOD_FILES, 'package.json': text }));
  expect(await readFile(join(await unpack(tarball), 'package/package.json'), 'utf8')).toBe(text);
});

test('no script of the package runs', async () => {
  const dir = await makePackage({ ...GOOD, scripts: { prepack: 'touch ran', prepare: 'touch ran', postpack: 'touch ran' } }, GOOD_FILES);
  const { files } = await pack(dir);
  expect(files.map(({ path }) => path)).toEqual(['README.md', 'package.json', 'prompts/review.md']);
});

test('links, secrets of npm and what `files` leaves out stay at home', async () => {
  const dir = await makePackage(
    { ...GOOD, files: ['prompts'] },
    { ...GOOD_FILES, 'notes.txt': 'private', '.npmrc': '//x/:_authToken=y', 'prompts/.npmrc': 'z' },
  );
  await symlink('/etc/hostname', join(dir, 'prompts', 'host.md'));
  expect((await pack(dir)).files.map(({ path }) => path)).toEqual(['README.md', 'package.json', 'prompts/review.md']);
});

test('a scoped package is named as npm names it', async () => {
  const dir = await makePackage({ ...GOOD, name: '@acme/good' }, GOOD_FILES);
  expect((await pack(dir)).filename).toBe('acme-good-1.0.0.tgz');
});

test('a folder without package.json is refused with a way on', async () => {
  await expect(pack(await makePackage(undefined, { 'SKILL.md': 'x' }))).rejects.toMatchObject({
    code: 'MANIFEST_NOT_FOUND',
    hint: expect.stringContaining('dash install git:'),
  });
});
