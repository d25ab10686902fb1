import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { walk } from '../../scripts/walk/walk.ts';
import { startGitServer } from '../support/git-https-server.ts';
import { makeGitRepository } from '../support/git-repository.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { packTarball } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TOKEN = 'npm_token';
const skill = (name: string) => `---\nname: ${name}\ndescription: Does ${name}. Use it when somebody asks for ${name}.\n---\nDo it.\n`;
const extension = (tool: string, imported = '') => `${imported}
export default (dash) => {
  dash.registerTool({ name: '${tool}', description: 'says ${tool}', parameters: { type: 'object', properties: {} },
    execute: async () => ({ content: [{ type: 'text', text: '${tool}' }] }) });
};`;

/** A package of every kind of source, as a new user would install them; `node scripts/walk.ts` does it with real ones. */
test('a new user installs from npm, a private scope, a monorepo, a tarball, a directory and a repository of skills', async () => {
  const root = await temporaryDirectory();
  const everyone = await startNpmRegistry(
    { name: 'leaf', files: { 'index.js': 'export default 1;' }, manifest: { type: 'module' } },
    { name: 'middle', manifest: { type: 'module', dependencies: { leaf: '^1.0.0' } }, files: { 'index.js': `export { default } from 'leaf';` } },
    {
      name: 'from-npm',
      manifest: { dash: { extensions: ['index.ts'], permissions: ['ui:notify'] }, dependencies: { middle: '^1.0.0' } },
      files: { 'index.ts': extension('npm', `import one from 'middle'; globalThis.one = one;`) },
    },
  );
  const acme = await startNpmRegistry({ name: '@acme/private', manifest: { dash: { skills: ['skills'] } }, files: { 'skills/acme/SKILL.md': skill('acme') } });
  acme.demand(TOKEN);
  await makeGitRepository(
    {
      'package.json': '{"name":"mono","private":true}',
      'packages/tool/package.json': '{"name":"from-mono","version":"2.0.0","dash":{"extensions":["index.ts"]},"dependencies":{"leaf":"1"}}',
      'packages/tool/index.ts': extension('mono', `import one from 'leaf'; globalThis.one = one;`),
    },
    join(root, 'repositories', 'owner', 'mono'),
  );
  const skills = await makeGitRepository({ 'wave/SKILL.md': skill('wave'), 'nod/SKILL.md': skill('nod') }, join(root, 'greetings'));
  const server = await startGitServer(join(root, 'repositories'));
  const archive = join(root, 'archive.tgz');
  await writeFile(
    archive,
    packTarball({ 'package.json': '{"name":"from-tarball","version":"1.0.0","dash":{"prompts":["*.md"]}}', 'ask.md': 'Ask the user.\n' }),
  );
  const linked = join(root, 'linked');
  await mkdir(linked);
  await writeFile(join(linked, 'package.json'), '{"name":"linked","version":"0.0.1","dash":{"extensions":["index.ts"]}}');
  await writeFile(join(linked, 'index.ts'), extension('linked'));
  const npmrc = join(root, 'npmrc');
  await writeFile(npmrc, `registry=${everyone.url}\n@acme:registry=${acme.url}\n//${new URL(acme.url).host}/:_authToken=${TOKEN}\n`);

  const names = await walk({
    root: join(root, 'walk'),
    specs: ['npm:from-npm@^1.0.0', '@acme/private', `git:${server.host}/owner/mono/packages/tool`, `git:${skills.dir}`, archive, linked],
    variables: { npm_config_userconfig: npmrc, GIT_SSL_CAINFO: server.certificate },
    say: () => undefined,
  });
  expect(names).toEqual(['@acme/private', 'from-mono', 'from-npm', 'from-tarball', 'greetings', 'linked']);
  const lock = await readFile(join(root, 'walk', 'first', '.dash', 'dash.lock'), 'utf8');
  expect(lock).not.toContain(TOKEN);
  expect(JSON.parse(lock).packages['@acme/private@1.0.0'].source.registry).toBe(acme.url);
});
