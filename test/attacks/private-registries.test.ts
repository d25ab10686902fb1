import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { type FixtureRegistry, startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/**
 * What a token of the user's `.npmrc` can be tricked into. npm is the control: it stands on the same registries with the
 * same files, so what it gives away is really there to be taken, and what it keeps shows that the fixture can keep it.
 */
const TOKEN = 'npm_s3cretOfTheUser';
const VARIABLE = 'hunter2';

interface Files {
  readonly user: string;
  readonly project?: string;
}

async function makeUser({ user, project = '' }: Files) {
  const root = await temporaryDirectory();
  const [home, workspace] = [join(root, 'home'), join(root, 'project')];
  await Promise.all([mkdir(home), mkdir(workspace)]);
  await writeFile(join(home, '.npmrc'), user);
  if (project !== '') await writeFile(join(workspace, '.npmrc'), project);
  await writeFile(join(workspace, 'package.json'), '{"name":"project","version":"1.0.0","private":true}');
  const env = {
    ...environment({ home, dashHome: join(home, '.dash') }),
    SECRET: VARIABLE,
    npm_config_fetch_retries: '0',
    npm_config_globalconfig: join(root, 'no-such-npmrc'),
  };
  return {
    workspace,
    dash: (...args: readonly string[]) => run(process.execPath, [BIN, ...args], { cwd: workspace, env }),
    npm: (...args: readonly string[]) => run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: workspace, env }),
  };
}

const pkg = (name: string, dependencies: Readonly<Record<string, string>> = {}) => ({
  name,
  manifest: { dash: { extensions: ['index.ts'] }, dependencies },
  files: { 'index.ts': 'export default () => {};\n' },
});

const hostOf = ({ url }: FixtureRegistry) => new URL(url).host;
const tokensAt = ({ authorizations }: FixtureRegistry) => [...new Set(authorizations)];

describe('a token of the user', () => {
  test('is shown to the registry of its scope, whose packages may need those of others', async () => {
    const everyone = await startNpmRegistry({ name: 'dep' });
    const [acme, other] = [await startNpmRegistry(pkg('@acme/pkg', { dep: '1', '@other/lib': '1' })), await startNpmRegistry({ name: '@other/lib' })];
    acme.demand(TOKEN);
    other.demand('npm_another');
    const bound = `registry=${everyone.url}\n@acme:registry=${acme.url}\n@other:registry=${other.url}\n`;
    const user = await makeUser({ user: `${bound}//${hostOf(acme)}/:_authToken=${TOKEN}\n//${hostOf(other)}/:_authToken=npm_another\n` });
    const { exitCode, stderr } = await user.dash('install', '@acme/pkg');
    expect(exitCode, stderr).toBe(0);
    expect([tokensAt(everyone), tokensAt(acme), tokensAt(other)]).toEqual([[undefined], [`Bearer ${TOKEN}`], ['Bearer npm_another']]);

    const stranger = await makeUser({ user: `${bound}//${hostOf(acme)}/:_authToken=npm_wrong\n` });
    const refused = await stranger.dash('install', '@acme/pkg');
    expect(refused).toMatchObject({
      exitCode: 7,
      stderr: expect.stringMatching(/REGISTRY_ERROR: the registry refuses `@acme\/pkg` \(401\)\nhint: .*npm login/),
    });
    expect(`${refused.stdout}${refused.stderr}`).not.toContain('npm_wrong');
  });

  test('does not follow a redirect to another port of the host, where npm hands it over', async () => {
    const elsewhere = await startNpmRegistry(pkg('@acme/pkg'));
    const acme = await startNpmRegistry();
    acme.override('/@acme/pkg', { status: 302, headers: { location: `${elsewhere.url}@acme%2fpkg` } });
    const user = await makeUser({ user: `@acme:registry=${acme.url}\n//${hostOf(acme)}/:_authToken=${TOKEN}\n` });

    await user.npm('install', '@acme/pkg');
    expect(tokensAt(elsewhere)).toContain(`Bearer ${TOKEN}`); // the control: npm compares names of hosts only
    elsewhere.authorizations.length = 0;

    expect(await user.dash('install', '@acme/pkg')).toMatchObject({ exitCode: 0 });
    expect(tokensAt(acme)).toContain(`Bearer ${TOKEN}`);
    expect(tokensAt(elsewhere)).toEqual([undefined]);
  });

  test('does not follow the redirect of a search, where npm hands it over', async () => {
    const elsewhere = await startNpmRegistry();
    elsewhere.override('/found', { status: 200, body: '{"total":0,"objects":[]}' });
    const mine = await startNpmRegistry();
    // any query: paths are compared whole
    mine.redirectAll(`${elsewhere.url}found`);
    const user = await makeUser({ user: `registry=${mine.url}\n//${hostOf(mine)}/:_authToken=${TOKEN}\n` });
    await user.npm('search', 'weather');
    expect(tokensAt(elsewhere)).toContain(`Bearer ${TOKEN}`); // the control
    elsewhere.authorizations.length = 0;
    expect(await user.dash('search', 'weather')).toMatchObject({ exitCode: 0 });
    expect(tokensAt(elsewhere)).toEqual([undefined]);
  });

  test('does not follow an archive to another host', async () => {
    const elsewhere = await startNpmRegistry(pkg('@acme/pkg'));
    const acme = await startNpmRegistry({ ...pkg('@acme/pkg'), dist: { tarball: `${elsewhere.url}@acme/pkg/-/pkg-1.0.0.tgz` } });
    const user = await makeUser({ user: `@acme:registry=${acme.url}\n//${hostOf(acme)}/:_authToken=${TOKEN}\n` });
    expect(await user.dash('install', '@acme/pkg')).toMatchObject({ exitCode: 0 });
    expect(elsewhere.requests).toEqual(['GET /@acme/pkg/-/pkg-1.0.0.tgz']);
    expect(tokensAt(elsewhere)).toEqual([undefined]);
  });
});

describe('a package that is published', () => {
  const manifest = {
    name: '@acme/prompts',
    version: '1.0.0',
    description: 'prompts',
    license: 'MIT',
    keywords: ['dash-package'],
    dash: { prompts: ['prompts/*.md'] },
  };

  test.each([307, 308, 302])('does not follow a redirect (%s) to another port of the host, nor does the token, where npm hands both over', async (status) => {
    const elsewhere = await startNpmRegistry();
    const bodies: string[] = [];
    elsewhere.handle('*', (request, response) => {
      request
        .on('data', (chunk: Buffer) => bodies.push(chunk.toString()))
        .on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}'));
    });
    const acme = await startNpmRegistry();
    acme.handle('*', (request, response) =>
      request.method === 'PUT' ? response.writeHead(status, { location: `${elsewhere.url}taken` }).end() : response.writeHead(404).end('{}'),
    );
    const user = await makeUser({ user: `@acme:registry=${acme.url}\n//${hostOf(acme)}/:_authToken=${TOKEN}\n` });
    await writePackage(user.workspace);

    await user.npm('publish');
    expect(tokensAt(elsewhere)).toContain(`Bearer ${TOKEN}`); // the control
    expect(bodies.join('')).toContain('_attachments');
    for (const list of [elsewhere.authorizations, elsewhere.requests, bodies]) list.length = 0;

    const { exitCode, stderr } = await user.dash('publish', '--confirm');
    expect([exitCode, stderr]).toEqual([7, expect.stringMatching(/PUBLISH_FAILED: the registry sends us on to `127\.0\.0\.1:\d+`.*\nhint: /)]);
    expect([elsewhere.requests, bodies]).toEqual([[], []]);
  });

  test('is compared with its last version without showing the token elsewhere, where npm shows it', async () => {
    const elsewhere = await startNpmRegistry();
    const acme = await startNpmRegistry();
    acme.redirectAll(`${elsewhere.url}taken`);
    const user = await makeUser({ user: `@acme:registry=${acme.url}\n//${hostOf(acme)}/:_authToken=${TOKEN}\n` });
    await writePackage(user.workspace);
    await user.npm('view', '@acme/prompts');
    expect(tokensAt(elsewhere)).toContain(`Bearer ${TOKEN}`); // the control
    elsewhere.authorizations.length = 0;
    await user.dash('publish');
    expect(tokensAt(elsewhere)).toEqual([undefined]);
  });

  async function writePackage(dir: string): Promise<void> {
    await mkdir(join(dir, 'prompts'));
    const files = { 'package.json': JSON.stringify(manifest), 'prompts/a.md': '---\ndescription: asks\n---\nAsk.\n', 'README.md': '# prompts\n' };
    for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text);
  }
});

describe('the `.npmrc` of a project', () => {
  test('sends no variable of the environment away, where npm does', async () => {
    const thief = await startNpmRegistry(pkg('@acme/pkg'));
    const project = `@acme:registry=${thief.url}\n//${hostOf(thief)}/:_authToken=\${SECRET}\n`;
    const user = await makeUser({ user: '', project });

    await user.npm('install', '@acme/pkg');
    expect(tokensAt(thief)).toContain(`Bearer ${VARIABLE}`); // the control
    thief.authorizations.length = 0;

    const trusting = await user.dash('install', '@acme/pkg', '--trust-project');
    expect(trusting.exitCode, trusting.stderr).toBe(0);
    expect(trusting.stderr).toMatch(/_authToken` ignored: only registries are taken from a project/);
    expect(tokensAt(thief)).toEqual([undefined]);
  });

  test('puts no variable into an address, where npm does', async () => {
    const thief = await startNpmRegistry();
    const user = await makeUser({ user: '', project: `@acme:registry=${thief.url}\${SECRET}/\n` });
    await user.npm('install', '@acme/pkg');
    expect(thief.requests.join('\n')).toContain(VARIABLE); // the control
    thief.requests.length = 0;
    expect(await user.dash('install', '@acme/pkg', '--trust-project')).toMatchObject({ exitCode: 7 });
    expect(thief.requests).not.toEqual([]);
    expect(thief.requests.join('\n')).not.toContain(VARIABLE);
  });

  test('takes over neither the registry nor the proxy of who does not trust it, where npm obeys', async () => {
    const [mine, thief] = [await startNpmRegistry(pkg('kit')), await startNpmRegistry(pkg('kit'))];
    const project = `registry=${thief.url}\nproxy=${thief.url}\n`;
    const user = await makeUser({ user: `registry=${mine.url}\n`, project });

    await user.npm('install', 'kit');
    expect(thief.requests).not.toEqual([]); // the control
    thief.requests.length = 0;

    const { stderr, exitCode } = await user.dash('install', 'kit');
    expect(exitCode).toBe(0);
    expect(thief.requests).toEqual([]);
    expect(stderr).toMatch(/`registry` not used: `--trust-project`/);
    expect(stderr).toMatch(/`proxy` ignored/);
  });

  test('has its scopes looked up nowhere while it is not trusted: anybody may publish under that name elsewhere', async () => {
    const [everyone, acme] = [await startNpmRegistry(pkg('@acme/pkg')), await startNpmRegistry(pkg('@acme/pkg'))];
    everyone.publish(pkg('kit', { '@acme/pkg': '1' }));
    const user = await makeUser({ user: `registry=${everyone.url}\n`, project: `@acme:registry=${acme.url}\n` });
    const refused = await user.dash('install', '@acme/pkg');
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('SOURCE_UNTRUSTED') });
    expect(await user.dash('install', 'kit')).toMatchObject({ exitCode: 3 }); // nor as a dependency
    expect([...everyone.requests, ...acme.requests].filter((request) => request.includes('@acme'))).toEqual([]);
    expect(await user.dash('install', '@acme/pkg', '--trust-project')).toMatchObject({ exitCode: 0 });
    expect(everyone.requests.filter((request) => request.includes('@acme'))).toEqual([]);
    expect(acme.requests).not.toEqual([]);
  });
});

describe('a scope that is bound to a registry', () => {
  test('is never looked up elsewhere, as a root, as a dependency and by the search for updates', async () => {
    const everyone = await startNpmRegistry(pkg('@acme/pkg'), pkg('@acme/kit'), pkg('kit', { '@acme/pkg': '1' }));
    const acme = await startNpmRegistry(pkg('@acme/kit'));
    const user = await makeUser({ user: `registry=${everyone.url}\n@acme:registry=${acme.url}\n` });
    expect(await user.dash('install', '@acme/pkg')).toMatchObject({ exitCode: 7 });
    expect(await user.dash('install', 'kit')).toMatchObject({ exitCode: 7 });
    expect(await user.dash('install', '@acme/kit')).toMatchObject({ exitCode: 0 });
    await user.dash('outdated');
    await user.dash('update');
    expect(everyone.requests.filter((request) => request.includes('@acme'))).toEqual([]);
  });

  test('is not moved by the lock of a project', async () => {
    const [thief, acme] = [await startNpmRegistry(pkg('@acme/pkg')), await startNpmRegistry(pkg('@acme/pkg'))];
    const author = await makeUser({ user: `@acme:registry=${thief.url}\n` });
    expect(await author.dash('install', '-l', '@acme/pkg')).toMatchObject({ exitCode: 0 });
    thief.requests.length = 0;
    const user = await makeUser({ user: `@acme:registry=${acme.url}\n//${hostOf(acme)}/:_authToken=${TOKEN}\n` });
    await cp(join(author.workspace, '.dash', 'dash.lock'), join(user.workspace, '.dash', 'dash.lock'));
    expect(await user.dash('install', '-l')).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('LOCK_TAMPERED') });
    expect(thief.requests).toEqual([]);
  });
});
