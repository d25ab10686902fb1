import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { readInstalled, update } from '../../../registry/index.ts';
import { startGitServer } from '../../support/git-https-server.ts';
import { makeGitRepository } from '../../support/git-repository.ts';
import { startNpmRegistry } from '../../support/npm-registry.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { makeSite, type Site } from '../install-fixture.ts';

const skill = (name: string) => `---\nname: ${name}\ndescription: does ${name}\n---\n`;
const AT_ONCE = { minAgeMs: 0 };

/** A repository of two packages and some skills, with two tags and a branch. */
async function makeMonorepo(root: string) {
  const tool = (version: string) => JSON.stringify({ name: 'tool', version, dependencies: { dep: '1' }, dash: { extensions: ['index.ts'] } });
  const repository = await makeGitRepository(
    {
      'packages/tool/package.json': tool('1.0.0'),
      'packages/tool/index.ts': `import 'dep'; import x from 'dep'; // tool:hello\n`,
      'packages/other/package.json': '{"name":"other","version":"1.0.0","dash":{"prompts":["*.md"]}}',
      'packages/other/ask.md': 'Ask.\n',
      'skills/pdf/SKILL.md': skill('pdf'),
    },
    join(root, 'owner', 'mono'),
  );
  const first = repository.git('rev-parse', 'HEAD');
  repository.git('tag', 'v1');
  repository.git('branch', 'stable');
  const second = repository.commit({ 'packages/tool/package.json': tool('2.0.0') });
  repository.git('tag', '--annotate', '--message', 'two', 'v2');
  return { repository, first, second };
}

const versions = async (site: Site) => (await readInstalled({ dashHome: site.dashHome })).map(({ name, version }) => `${name}@${version}`);

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('git over https', () => {
  async function serve() {
    const root = await temporaryDirectory();
    const made = await makeMonorepo(root);
    const server = await startGitServer(root);
    vi.stubEnv('GIT_SSL_CAINFO', server.certificate);
    const npm = await startNpmRegistry({ name: 'dep', files: { 'index.js': '' } });
    return { ...made, server, site: await makeSite({ registry: npm.url }) };
  }

  it.each<[string, (host: string, commits: { first: string; second: string }) => string, string]>([
    ['a sub-directory', (host) => `git:${host}/owner/mono/packages/tool`, 'tool@2.0.0'],
    ['a sub-directory at a tag', (host) => `git:${host}/owner/mono/packages/tool#v1`, 'tool@1.0.0'],
    ['a sub-directory at an annotated tag', (host) => `https://${host}/owner/mono#v2::path:packages/tool`, 'tool@2.0.0'],
    ['a sub-directory at a branch', (host) => `git+https://${host}/owner/mono#stable::path:packages/tool`, 'tool@1.0.0'],
    ['a sub-directory at a commit', (host, { first }) => `git:${host}/owner/mono/packages/tool#${first}`, 'tool@1.0.0'],
    ['the page of a tree in a browser', (host) => `https://${host}/owner/mono/tree/stable/packages/tool`, 'tool@1.0.0'],
    ['another package of the same repository', (host) => `git:${host}/owner/mono.git/packages/other`, 'other@1.0.0'],
    ['a directory of skills', (host) => `git:${host}/owner/mono/skills`, 'skills@0.0.0'],
  ])('brings %s', async (_, specOf, expected) => {
    const { server, site, first, second } = await serve();
    await site.install(specOf(server.host, { first, second }));
    expect(await versions(site)).toEqual([expected]);
    // from the lock alone, and then from the store alone
    server.requests.length = 0;
    expect(await site.restore({ frozen: true })).toMatchObject({ unchanged: [{}] });
    expect(server.requests).toEqual([]);
  });

  it('brings two packages of one repository in one transaction, and updates what follows a branch', async () => {
    const { server, site, repository } = await serve();
    await site.install([`git:${server.host}/owner/mono/packages/tool#stable`, `git:${server.host}/owner/mono/packages/other`]);
    expect(await versions(site)).toEqual(['other@1.0.0', 'tool@1.0.0']);
    repository.git('branch', '--force', 'stable', 'v2');
    await update([], { ...(await site.context(AT_ONCE)) });
    expect(await versions(site)).toEqual(['other@1.0.0', 'tool@2.0.0']);
  });

  it('refuses a server whose certificate nobody vouches for, and says how to vouch', async () => {
    const { server, site } = await serve();
    vi.stubEnv('GIT_SSL_CAINFO', undefined);
    await expect(site.install(`git:${server.host}/owner/mono/skills`)).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringContaining('GIT_SSL_CAINFO'),
    });
  });

  it('does not follow to plain http', async () => {
    const { server, site } = await serve();
    let hits = 0;
    const plain = createServer((_request, response) => {
      hits++;
      response.end();
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    onTestFinished(() => void plain.close());
    const address = plain.address();
    server.redirect('/owner/mono', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    await expect(site.install(`git:${server.host}/owner/mono/skills`)).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(hits).toBe(0);
  });

  it('asks for no password, and says what to do about a private repository', async () => {
    const { server, site } = await serve();
    server.lock('/owner/private');
    await expect(site.install(`git:${server.host}/owner/private`)).rejects.toMatchObject({ code: 'GIT_FAILED', hint: expect.stringContaining('git+ssh://') });
    await expect(site.install(`git:${server.host}/owner/nowhere`)).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('not found') });
    expect(await site.installed()).toEqual({});
  });
});

/**
 * In the place of ssh stands a program that notes its arguments and runs the command here, as in git's own tests: the
 * transport is git's, and a server of its own would add nothing that is ours.
 */
describe('git over ssh', () => {
  async function withSsh() {
    const root = await temporaryDirectory();
    const made = await makeMonorepo(root);
    const bin = join(root, 'bin');
    await mkdir(bin);
    const log = join(root, 'log');
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nprintf '%s\\n' "$*" >>'${log}'\nfor command; do :; done\ncd '${root}' && exec sh -c "$command"\n`);
    await chmod(join(bin, 'ssh'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    const npm = await startNpmRegistry({ name: 'dep', files: { 'index.js': '' } });
    return { ...made, root, site: await makeSite({ registry: npm.url }), said: async () => (await readFile(log, 'utf8')).trim().split('\n') };
  }

  it.each<[string, (root: string) => string]>([
    ['an address', (root) => `git+ssh://git@git.example.com${root}/owner/mono#v1::path:packages/tool`],
    ['an address without `git+`', (root) => `ssh://git@git.example.com:2222${root}/owner/mono#v1::path:packages/tool`],
  ])('brings a sub-directory at a tag from %s', async (_, specOf) => {
    const { root, site, said } = await withSsh();
    await site.install(specOf(root));
    expect(await versions(site)).toEqual(['tool@1.0.0']);
    for (const line of await said()) expect(line).toMatch(/^-o BatchMode=yes .*git@git\.example\.com git-upload-pack '/); // nothing is asked in the middle of an install
  });

  it('brings what is written the way of scp', async () => {
    const { site, root, said } = await withSsh();
    // ssh gives paths without a leading slash to the home directory; here that is the root of the repositories
    await site.install(`git:git@git.example.com:${root.slice(1)}/owner/mono#path:packages/tool`);
    expect(await versions(site)).toEqual(['tool@2.0.0']);
    expect((await said())[0]).toContain('git@git.example.com');
  });

  it('gives ssh nothing that it could take for an option', async () => {
    const { site } = await withSsh();
    for (const spec of ['git+ssh://-oProxyCommand=touch%20x/owner/mono', 'git:-oProxyCommand=x@host:owner/mono', 'git+ssh://git@host/--upload-pack=x']) {
      await expect(site.install(spec)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
    }
  });

  it('says what a refusal means', async () => {
    const { site, root } = await withSsh();
    const refuse = async (words: string) => {
      await writeFile(join(root, 'bin', 'ssh'), `#!/bin/sh\necho '${words}' >&2\nexit 255\n`);
      return site.install('git+ssh://git@git.example.com/owner/mono');
    };
    await expect(refuse('git@git.example.com: Permission denied (publickey).')).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringContaining('ssh-add'),
    });
    await expect(refuse('Host key verification failed.')).rejects.toMatchObject({ code: 'GIT_FAILED', hint: expect.stringContaining('known_hosts') });
  });
});
