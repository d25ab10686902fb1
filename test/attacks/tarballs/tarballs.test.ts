import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { makeSite } from '../../registry/install-fixture.ts';
import { pax, tar, tarEntry, END, packTarball } from '../../support/tar.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { HOSTILE_ARCHIVES } from './hostile-archives.ts';
import { naiveExtract } from './naive-extract.ts';

/** The field of the prefix as tar writers wrote it that kept the times of access and change in its end. */
function withTimes(prefix: string): Buffer {
  const field = Buffer.alloc(155);
  field.write(prefix);
  field.write('15270440050\x0015270440050\0', 131, 'latin1');
  return field;
}

describe('a hostile archive', () => {
  it.each(HOSTILE_ARCHIVES)('with $what is refused as $reason, where a naive unpacker goes on', async ({ reason, tarball }) => {
    const site = await makeSite();
    await writeFile(join(site.workspace, 'evil.tgz'), tarball);
    await expect(site.install('./evil.tgz', { grant: ['summary'] })).rejects.toMatchObject({
      code: 'HOSTILE_PACKAGE',
      message: expect.stringMatching(new RegExp(`^${reason}: `)),
    });
    expect(await site.installed()).toEqual({});
    expect(await readdir(site.workspace)).toEqual(['evil.tgz']);
    expect(await readdir(join(site.dashHome, 'store', 'v1'))).toEqual(['tmp']);
    expect(await readdir(join(site.dashHome, 'store', 'v1', 'tmp'))).toEqual([]);
  });

  it.each(HOSTILE_ARCHIVES.filter(({ reason }) => reason !== 'TOO_MANY_FILES' && reason !== 'TOO_LARGE'))(
    'control: with $what is unpacked by a naive program',
    async ({ tarball }) => {
      const target = join(await temporaryDirectory(), 'a', 'b', 'c');
      await mkdir(target, { recursive: true });
      expect(naiveExtract(tarball, target)).not.toEqual([]);
    },
  );

  it('control: a naive program writes above its target', async () => {
    const root = await temporaryDirectory();
    const escaping = HOSTILE_ARCHIVES.filter(
      ({ what }) => what.startsWith('a file above') || what.startsWith('dots in') || what.startsWith('a link to a directory'),
    );
    for (const [index, { tarball, what }] of escaping.entries()) {
      const target = join(root, String(index), 'a', 'b', 'c');
      await mkdir(target, { recursive: true });
      naiveExtract(tarball, target);
      const places = ['.', 'a', 'a/b'].map((dir) => join(root, String(index), dir, 'escaped'));
      expect(
        places.some((place) => existsSync(place)),
        what,
      ).toBe(true);
    }
  });

  it('control: a naive program makes the links', async () => {
    const target = await temporaryDirectory();
    for (const { tarball } of HOSTILE_ARCHIVES.filter(({ what }) => what === 'a symbolic link')) naiveExtract(tarball, target);
    expect(lstatSync(join(target, 'package', 'link')).isSymbolicLink()).toBe(true);
  });
});

describe('an honest archive', () => {
  const manifest = JSON.stringify({ name: 'honest', version: '1.0.0', dash: { skills: ['SKILL.md'] } });
  const skill = '---\nname: honest\ndescription: x\n---\n';

  it.each([
    ['of npm', packTarball({ 'package.json': manifest, 'SKILL.md': skill })],
    [
      'with another root directory',
      gzipSync(
        tar([
          { path: 'repo-1a2b3c/package.json', data: manifest },
          { path: 'repo-1a2b3c/SKILL.md', data: skill },
        ]),
      ),
    ],
    [
      'with directories',
      gzipSync(
        tar([
          { path: 'package/', type: '5' },
          { path: 'package/package.json', data: manifest },
          { path: 'package/SKILL.md', data: skill },
        ]),
      ),
    ],
    [
      'of `git archive`, with a comment in a global header',
      gzipSync(
        Buffer.concat([
          pax({ comment: 'abc' }, 'g'),
          tar([
            { path: 'r/package.json', data: manifest },
            { path: 'r/SKILL.md', data: skill },
          ]),
        ]),
      ),
    ],
    [
      'of before POSIX',
      gzipSync(
        tar([
          { path: 'package/', magic: '\0', type: '\0' },
          { path: 'package/package.json', data: manifest, magic: '\0', type: '\0' },
          { path: 'package/SKILL.md', data: skill, magic: '\0' },
        ]),
      ),
    ],
    [
      'with the times of older packers behind the prefix',
      gzipSync(
        tar([
          { path: 'package.json', prefix: withTimes('package'), data: manifest },
          { path: 'package/SKILL.md', prefix: withTimes(''), data: skill },
        ]),
      ),
    ],
    [
      'padded to a record of twenty blocks',
      gzipSync(
        Buffer.concat([
          tar([
            { path: 'package/package.json', data: manifest },
            { path: 'package/SKILL.md', data: skill },
          ]),
          Buffer.alloc(8192),
        ]),
      ),
    ],
    [
      'with a long name in pax',
      gzipSync(
        Buffer.concat([
          tarEntry({ path: 'package/package.json', data: manifest }),
          tarEntry({ path: 'package/SKILL.md', data: skill }),
          pax({ path: `package/${'long/'.repeat(25)}é.md` }),
          tarEntry({ path: 'package/short', data: 'x' }),
          END,
        ]),
      ),
    ],
    ['with a file named like a prototype', packTarball({ 'package.json': manifest, 'SKILL.md': skill, '__proto__/constructor': 'data' })],
  ])('%s is installed, read-only', async (_, tarball) => {
    const site = await makeSite();
    await writeFile(join(site.workspace, 'honest.tgz'), tarball);
    const report = await site.install('./honest.tgz');
    const { treeSha256 } = report.installed[0]?.source ?? { treeSha256: '' };
    const tree = join(site.dashHome, 'store', 'v1', treeSha256.slice(0, 2), treeSha256, 'tree');
    expect(await readFile(join(tree, 'SKILL.md'), 'utf8')).toBe(skill);
    expect(lstatSync(join(tree, 'SKILL.md')).mode & 0o777).toBe(0o444);
  });
});
