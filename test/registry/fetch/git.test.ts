import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { readInstalled } from '../../../registry/index.ts';
import { makeGitRepository } from '../../support/git-repository.ts';
import { startNpmRegistry } from '../../support/npm-registry.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { makeSite } from '../install-fixture.ts';

const skill = (name: string) => `---\nname: ${name}\ndescription: does ${name}\n---\n`;

describe('install from git', () => {
  it('brings a repository of skills without package.json, pinned to its commit', async () => {
    const repository = await makeGitRepository({ 'pdf/SKILL.md': skill('pdf'), 'README.md': 'x' });
    const commit = repository.git('rev-parse', 'HEAD');
    const site = await makeSite();
    const report = await site.install(`git:${repository.dir}`);
    expect(report.installed).toMatchObject([
      {
        id: `git:${repository.dir}`,
        name: 'repository',
        version: '0.0.0',
        source: { kind: 'git', commit, url: `file://${repository.dir}` },
        resources: { skills: ['pdf/SKILL.md'] },
      },
    ]);
    expect(report.diagnostics).toContainEqual(expect.objectContaining({ code: 'AGE_UNKNOWN' }));
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(await readFile(join(pkg?.dir ?? '', 'README.md'), 'utf8')).toBe('x');
    expect(existsSync(join(pkg?.dir ?? '', '.git'))).toBe(false);
  });

  it.each([
    ['a branch', () => 'next', 'two'],
    ['a tag', () => 'v1', 'one'],
    ['an annotated tag', () => 'v2', 'two'],
    ['a commit', (first: string) => first, 'one'],
    ['nothing', () => undefined, 'two'],
  ])('follows %s', async (_, ref, text) => {
    const repository = await makeGitRepository({ 'SKILL.md': skill('x'), file: 'one' });
    const first = repository.git('rev-parse', 'HEAD');
    repository.git('tag', 'v1');
    repository.commit({ file: 'two' });
    repository.git('branch', 'next');
    repository.git('tag', '--annotate', '--message', 'two', 'v2');
    const site = await makeSite();
    const named = ref(first);
    await site.install(`git:${repository.dir}${named === undefined ? '' : `#${named}`}`);
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(await readFile(join(pkg?.dir ?? '', 'file'), 'utf8')).toBe(text);
  });

  it('takes a sub-directory, with its dependencies from npm, from a path with a space', async () => {
    const registry = await startNpmRegistry({ name: 'dep', files: { 'index.js': '' } });
    const dir = join(await temporaryDirectory(), 'my repository');
    await makeGitRepository(
      {
        'packages/tools/package.json': '{"name":"tools","version":"2.0.0","dependencies":{"dep":"1"},"dash":{"extensions":["index.ts"]}}',
        'packages/tools/index.ts': `import 'dep'; import x from 'dep';`,
        'other/evil': 'x',
      },
      dir,
    );
    const site = await makeSite({ registry: registry.url });
    const report = await site.install(`git:${dir}#path:packages/tools`);
    expect(report.installed).toMatchObject([{ id: `git:${dir}#path:packages/tools`, name: 'tools', version: '2.0.0' }]);
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(pkg?.lockEntry.files).toBe(2);
    expect(Object.keys(pkg?.graph.nodes ?? {})).toEqual(['.', 'dep@1.0.0']);
  });

  it('installs the bytes of the commit, whatever attributes say about exporting and checking out', async () => {
    const repository = await makeGitRepository({
      'SKILL.md': skill('x'),
      '.gitattributes': 'hidden export-ignore\n* export-subst eol=crlf filter=evil\n',
      hidden: 'here',
      id: '$Format:%H$\n',
    });
    const site = await makeSite();
    await site.install(`git:${repository.dir}`);
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(await readFile(join(pkg?.dir ?? '', 'hidden'), 'utf8')).toBe('here');
    expect(await readFile(join(pkg?.dir ?? '', 'id'), 'utf8')).toBe('$Format:%H$\n');
  });

  it('runs nothing that the user or the machine has set up for git', async () => {
    const repository = await makeGitRepository({ 'SKILL.md': skill('x') });
    const home = await temporaryDirectory();
    const canary = join(home, 'canary');
    const program = join(home, 'program');
    await writeFile(program, `#!/bin/sh\ntouch '${canary}'\nexit 1\n`);
    await chmod(program, 0o755);
    await mkdir(join(home, 'template', 'hooks'), { recursive: true });
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) await symlink(program, join(home, 'template', 'hooks', hook));
    await writeFile(
      join(home, '.gitconfig'),
      `[core]\n\thooksPath = ${home}/template/hooks\n\tfsmonitor = ${program}\n[init]\n\ttemplateDir = ${home}/template\n[url "ext::${program} "]\n\tinsteadOf = file://\n[protocol "ext"]\n\tallow = always\n`,
    );
    vi.stubEnv('HOME', home);
    vi.stubEnv('GIT_EXTERNAL_DIFF', program);
    vi.stubEnv('GIT_ASKPASS', program);
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', 'core.fsmonitor');
    vi.stubEnv('GIT_CONFIG_VALUE_0', program);
    try {
      const site = await makeSite();
      await site.install(`git:${repository.dir}`);
      expect(existsSync(canary)).toBe(false);
      // control: git as the user has set it up runs the program
      const plain = await temporaryDirectory();
      await import('node:child_process').then(({ spawnSync }) =>
        spawnSync('git', ['clone', '--quiet', `file://${repository.dir}`, join(plain, 'clone')], { env: { ...process.env } }),
      );
      expect(existsSync(canary)).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('pays no heed to replaced objects', async () => {
    const repository = await makeGitRepository({ 'SKILL.md': skill('x'), file: 'honest' });
    const honest = repository.git('rev-parse', 'HEAD:file');
    const evil = repository.pipe('evil', 'hash-object', '-w', '--stdin');
    repository.git('replace', honest, evil);
    const site = await makeSite();
    await site.install(`git:${repository.dir}`);
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(await readFile(join(pkg?.dir ?? '', 'file'), 'utf8')).toBe('honest');
  });

  describe('refuses', () => {
    it.each([
      ['a branch that is not there', '#nowhere', 'GIT_REF_NOT_FOUND'],
      ['a commit that is not there', `#${'0'.repeat(39)}1`, 'GIT_REF_NOT_FOUND'],
      ['a short commit', '#abcdef12', 'GIT_REF_NOT_FOUND'],
      ['a directory that is not there', '#path:nowhere', 'GIT_REF_NOT_FOUND'],
    ])('%s', async (_, fragment, code) => {
      const repository = await makeGitRepository({ 'SKILL.md': skill('x') });
      const site = await makeSite();
      await expect(site.install(`git:${repository.dir}${fragment}`)).rejects.toMatchObject({ code });
      expect(await site.installed()).toEqual({});
    });

    it('a directory in a repository, and says how that is written', async () => {
      const repository = await makeGitRepository({ 'packages/kit/SKILL.md': skill('kit') });
      const site = await makeSite();
      const hint = `write \`git:${repository.dir}#path:packages/kit\``;
      await expect(site.install(`git:${repository.dir}/packages/kit`)).rejects.toMatchObject({ code: 'GIT_FAILED', hint });
      await expect(site.install(`git:${repository.dir}/nowhere`)).rejects.toMatchObject({
        code: 'GIT_FAILED',
        message: expect.stringContaining('there is no'),
      });
      expect(await site.install(hint.replaceAll(/^write `|`$/g, ''))).toMatchObject({ installed: [{ resources: { skills: ['SKILL.md'] } }] });
    });

    it('a directory without a repository', async () => {
      const site = await makeSite();
      await expect(site.install(`git:${await temporaryDirectory()}`)).rejects.toMatchObject({ code: 'GIT_FAILED', hint: expect.any(String) });
    });

    it('a symbolic link', async () => {
      const repository = await makeGitRepository({ 'SKILL.md': skill('x') });
      await symlink('/etc/passwd', join(repository.dir, 'link'));
      repository.commit({});
      const site = await makeSite();
      await expect(site.install(`git:${repository.dir}`)).rejects.toMatchObject({
        code: 'HOSTILE_PACKAGE',
        message: expect.stringMatching(/^GIT_SYMLINK: /),
        where: { path: 'link' },
      });
    });

    it('a submodule', async () => {
      const repository = await makeGitRepository({ 'SKILL.md': skill('x') });
      repository.git('update-index', '--add', '--cacheinfo', `160000,${repository.git('rev-parse', 'HEAD')},module`);
      repository.git('commit', '--quiet', '--message', 'module');
      const site = await makeSite();
      await expect(site.install(`git:${repository.dir}`)).rejects.toMatchObject({
        code: 'HOSTILE_PACKAGE',
        message: expect.stringMatching(/^GIT_SUBMODULE: /),
      });
    });

    it.each([
      ['a name in two cases', ['README', 'readme'], 'TWIN_PATHS'],
      ['a device name', ['nul.txt'], 'PATH_RESERVED_NAME'],
      ['an invisible character', ['a\u202Eb'], 'PATH_INVISIBLE'],
      ['a backslash', ['a\\b'], 'PATH_BACKSLASH'],
      ['an .npmrc', ['.npmrc'], 'PATH_FORBIDDEN_NAME'],
    ])('%s', async (_, names, reason) => {
      const repository = await makeGitRepository(Object.fromEntries([['SKILL.md', skill('x')], ...names.map((name) => [name, 'x'])]));
      const site = await makeSite();
      await expect(site.install(`git:${repository.dir}`)).rejects.toMatchObject({
        code: 'HOSTILE_PACKAGE',
        message: expect.stringMatching(new RegExp(`^${reason}: `)),
      });
    });

    it('a tree that git itself would never write', async () => {
      const repository = await makeGitRepository({ 'SKILL.md': skill('x') });
      const blob = Buffer.from(repository.git('rev-parse', 'HEAD:SKILL.md'), 'hex');
      const tree = (name: string, mode: string, object: Buffer) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), object]);
      const inner = Buffer.from(repository.pipe(tree('escaped', '100644', blob), 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin'), 'hex');
      const outer = repository.pipe(tree('..', '40000', inner), 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin');
      repository.git('update-ref', 'refs/heads/evil', repository.git('commit-tree', outer, '-m', 'evil'));
      const site = await makeSite();
      await expect(site.install(`git:${repository.dir}#evil`)).rejects.toMatchObject({
        code: 'HOSTILE_PACKAGE',
        message: expect.stringMatching(/^PATH_TRAVERSAL: /),
      });
    });
  });
});
