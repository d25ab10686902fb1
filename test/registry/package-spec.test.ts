import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatSpec, type PackageSpec, parseSpec } from '../../registry/index.ts';

const cwd = '/home/ada/project';
const parse = (text: string) => parseSpec(text, { cwd });
const github = (rest: object = {}): PackageSpec => ({ kind: 'git', url: 'https://github.com/owner/repo', repository: 'github.com/owner/repo', ...rest });

describe('parseSpec', () => {
  it.each<[string, PackageSpec]>([
    ['left-pad', { kind: 'npm', name: 'left-pad', wanted: '' }],
    ['npm:left-pad', { kind: 'npm', name: 'left-pad', wanted: '' }],
    ['npm:left-pad@1.3.0', { kind: 'npm', name: 'left-pad', wanted: '1.3.0' }],
    ['left-pad@^1 || 2.x', { kind: 'npm', name: 'left-pad', wanted: '^1 || 2.x' }],
    ['npm:@scope/name@next', { kind: 'npm', name: '@scope/name', wanted: 'next' }],
    ['@scope/name', { kind: 'npm', name: '@scope/name', wanted: '' }],
    ['git:github.com/owner/repo', github()],
    ['git:GitHub.com/owner/repo', github()],
    ['git:github.com/owner/repo.git', github({ url: 'https://github.com/owner/repo.git' })],
    ['git:github.com/owner/repo#v1.0', github({ ref: 'v1.0' })],
    ['git:github.com/owner/repo/skills/pdf', github({ subdir: 'skills/pdf' })],
    ['git:github.com/owner/repo/skills/pdf#main', github({ subdir: 'skills/pdf', ref: 'main' })],
    ['git:github.com/owner/repo#main::path:skills/pdf', github({ subdir: 'skills/pdf', ref: 'main' })],
    ['git:github.com/owner/repo#path:skills', github({ subdir: 'skills' })],
    ['git:https://github.com/owner/repo', github()],
    ['https://github.com/owner/repo', github()],
    ['https://github.com/owner/repo/tree/main/skills/pdf', github({ ref: 'main', subdir: 'skills/pdf' })],
    [
      'git:gitlab.com/group/sub/repo.git/dir',
      { kind: 'git', url: 'https://gitlab.com/group/sub/repo.git', repository: 'gitlab.com/group/sub/repo', subdir: 'dir' },
    ],
    ['git+https://gitlab.com/group/sub/repo', { kind: 'git', url: 'https://gitlab.com/group/sub/repo', repository: 'gitlab.com/group/sub/repo' }],
    ['git+ssh://git@github.com/owner/repo.git#v1', { kind: 'git', url: 'ssh://git@github.com/owner/repo.git', repository: 'github.com/owner/repo', ref: 'v1' }],
    ['git:git@github.com:owner/repo.git', { kind: 'git', url: 'ssh://git@github.com/owner/repo.git', repository: 'github.com/owner/repo' }],
    ['git:/srv/repo#v1', { kind: 'git', url: 'file:///srv/repo', repository: '/srv/repo', ref: 'v1' }],
    ['git:./repo', { kind: 'git', url: 'file:///home/ada/project/repo', repository: '/home/ada/project/repo' }],
    ['git:file:///srv/my%20repo', { kind: 'git', url: 'file:///srv/my%20repo', repository: '/srv/my repo' }],
    ['https://example.com/a/b.tgz', { kind: 'tarball-url', url: 'https://example.com/a/b.tgz' }],
    ['https://example.com/b.tar.gz?x=1', { kind: 'tarball-url', url: 'https://example.com/b.tar.gz?x=1' }],
    ['http://127.0.0.1:4873/b.tgz', { kind: 'tarball-url', url: 'http://127.0.0.1:4873/b.tgz' }],
    ['./dir', { kind: 'directory', path: '/home/ada/project/dir' }],
    ['../dir', { kind: 'directory', path: '/home/ada/dir' }],
    ['.', { kind: 'directory', path: '/home/ada/project' }],
    ['/abs/dir/', { kind: 'directory', path: '/abs/dir' }],
    ['file:./dir', { kind: 'directory', path: '/home/ada/project/dir' }],
    ['file:///abs', { kind: 'directory', path: '/abs' }],
    [`stdin:sha512-${'A'.repeat(86)}==`, { kind: 'stdin', integrity: `sha512-${'A'.repeat(86)}==` }],
    ['pkg-1.0.0.tgz', { kind: 'tarball-file', path: '/home/ada/project/pkg-1.0.0.tgz' }],
    ['./a/pkg.TGZ', { kind: 'tarball-file', path: '/home/ada/project/a/pkg.TGZ' }],
  ])('reads `%s`', (text, spec) => {
    expect(parse(text)).toEqual(spec);
  });

  it.each([
    ['', 'empty'],
    ['--upload-pack=x', 'begins with `-`'],
    ['git:-oProxyCommand=x/owner/repo', 'URL'],
    ['git+ssh://-oProxyCommand=x/owner/repo', 'URL'],
    ['git:github.com/-x/repo', 'begin with `-`'],
    ['git:github.com/owner/repo#--output=x', 'not the name of a branch'],
    ['git:github.com/owner/repo#a..b', 'not the name of a branch'],
    ['git:github.com/owner/repo#a::b', 'one branch'],
    ['git:github.com/owner/repo/../../x', 'host/owner/repo'],
    ['git:github.com/owner/repo#path:../x', 'not a path inside'],
    ['git:github.com', 'host/owner/repo'],
    ['git:ext::sh -c id', 'not a URL'],
    ['git+ext::sh -c id', 'not a URL'],
    ['git+http://github.com/owner/repo', 'not allowed'],
    ['git+git://github.com/owner/repo', 'not allowed'],
    ['http://github.com/owner/repo', 'not allowed'],
    ['http://example.com/x.tgz', 'over `https://` only'],
    ['https://user:secret@example.com/x.tgz', 'credentials'],
    ['git+https://user:secret@github.com/owner/repo', 'password'],
    ['npm:foo@', 'nothing follows'],
    ['npm:foo@git+https://x', 'not a version'],
    ['npm:foo@npm:bar', 'not a version'],
    ['npm:../x', 'not an npm name'],
    ['npm:__proto__', 'not an npm name'],
    ['owner/repo', 'not an npm name'],
    ['svn:foo', 'not a kind of source'],
    ['foo\u200B', 'invisible'],
    ['foo\nbar', 'control'],
  ])('refuses `%s`', (text, why) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INVALID_SPEC', message: expect.stringContaining(why), hint: expect.any(String) }));
  });

  it('never puts a password into a message', () => {
    for (const text of [
      'https://user:hunter2@example.com/x.tgz',
      'git+https://user:hunter2@github.com/o/r',
      'git+ssh://git:hunter2@github.com/o/r',
      'https://user:hunter2@exa mple.com/x.tgz',
    ]) {
      expect(() => parse(text)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
    }
  });

  it('reads back what it writes, of every kind and with any name', () => {
    const segment = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
    // whatever a file system allows, but not what is refused: control and invisible characters
    const odd = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((name) => !/[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name) && name.isWellFormed() && name !== '.' && name !== '..');
    const ref = fc.stringMatching(/^[a-z0-9_][a-z0-9_+@=-]{0,8}$/).filter((name) => !name.includes('@{'));
    const text = fc.oneof(
      fc.tuple(segment, fc.constantFrom('', '@1.0.0', '@^2', '@beta')).map(([name, wanted]) => `npm:${name}${wanted}`),
      fc
        .tuple(fc.constantFrom('git:', 'git:https://', 'https://'), segment, segment, fc.option(segment), fc.option(segment))
        .map(
          ([prefix, owner, repo, subdir, ref]) =>
            `${prefix}host.example/${owner}/${repo}${subdir === null ? '' : `/${subdir}`}${ref === null ? '' : `#${ref}`}`,
        ),
      fc
        .tuple(fc.constantFrom('git+ssh://git@', 'git+https://', 'git:git@'), segment, segment, fc.option(ref), fc.option(odd))
        .filter(([, , , , subdir]) => subdir === null || !/[:#]/.test(subdir))
        .map(([prefix, owner, repo, branch, subdir]) => {
          const fragment = [...(branch === null ? [] : [branch]), ...(subdir === null ? [] : [`path:${subdir}`])].join('::');
          return `${prefix}host.example${prefix === 'git:git@' ? ':' : '/'}${owner}/${repo}.git${fragment === '' ? '' : `#${fragment}`}`;
        }),
      fc
        .tuple(
          odd.filter((name) => !name.includes('#')),
          fc.option(ref),
        )
        .map(([name, branch]) => `git:/srv/${name}${branch === null ? '' : `#${branch}`}`),
      odd.map((name) => `./${name}`),
      odd.map((name) => `file:/srv/${name}`),
      odd.map((name) => `/srv/${name}.tgz`),
      fc.tuple(segment, fc.constantFrom('', '?a=b', '#frag')).map(([name, tail]) => `https://host.example/${name}.tar.gz${tail}`),
      segment.map((name) => `${name}.tgz`),
    );
    fc.assert(
      fc.property(text, (typed) => {
        expect(parse(formatSpec(parse(typed)))).toEqual(parse(typed));
      }),
    );
  });
});
