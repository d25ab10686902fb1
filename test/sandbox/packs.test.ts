import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { compilePackage } from '../../sandbox/index.ts';
import { filesOf } from '../support/module-files.ts';
import { extensionOf, openFixture, temporaryDirectory, textOf, writeFiles } from '../support/sandbox-fixture.ts';

const LIBRARY = {
  'package.json': JSON.stringify({ name: 'library', version: '1.0.0', type: 'module', exports: { '.': { import: './esm/index.js' }, './*': './more/*.cjs' } }),
  'esm/index.js': "import { part } from './part.js';\nexport default part + '!';\n",
  'esm/part.js': "export const part = 'packed';\n",
  'more/thing.cjs': "exports.thing = 'common';\n",
  'data/table.txt': 'one two three',
};
const USES = `import greeting from 'library';\nimport { thing } from 'library/thing';\n${extensionOf({
  greet: 'return greeting + thing;',
  read: `return require('node:fs').readFileSync(params.path, 'utf8');`,
  list: `return require('node:fs').readdirSync(params.path).join(' ');`,
  size: `return String(require('node:fs').statSync(params.path).size);`,
})}`;

describe('a dependency in a pack', () => {
  it('is bundled as it would be from a directory, byte for byte', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': USES }, packs: { library: LIBRARY } });
    expect(await fixture.text('greet')).toBe('packed!common');
    await using elsewhere = await temporaryDirectory();
    const dir = join(elsewhere.path, 'library');
    await writeFiles(dir, LIBRARY);
    const { graph } = fixture;
    const unpacked = { ...graph, nodes: { ...graph.nodes, library: { name: 'library', version: '1.0.0', dir, dependencies: {} } } };
    const compiled = await compilePackage({ graph: unpacked, entries: ['index.ts'] }, { directory: join(elsewhere.path, 'bundles') });
    const hashes = (of: typeof compiled) => of.entries.map(({ code, map }) => [code, map]);
    expect(hashes(compiled)).toEqual(hashes(fixture.compiled));
  });

  it('has files that its package reads while it runs', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': USES }, packs: { library: LIBRARY } });
    expect(await fixture.text('read', { path: '/package/node_modules/library/data/table.txt' })).toBe('one two three');
    expect((await fixture.text('list', { path: '/package/node_modules/library' })).split(' ').toSorted()).toEqual(['data', 'esm', 'more', 'package.json']);
    expect(await fixture.text('size', { path: '/package/node_modules/library/data/table.txt' })).toBe('13');
    for (const path of ['/package/node_modules/library/none', '/package/node_modules/other/x', '/package/node_modules/library/../../../etc/hostname'])
      expect(await fixture.call('read', { path })).toMatchObject({ isError: true });
  });

  it('is not read when it is not what its name says', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': USES }, packs: { library: LIBRARY } });
    const pack = fixture.graph.nodes['library']?.pack ?? '';
    await chmod(pack, 0o644);
    await writeFile(pack, (await readFile(pack, 'utf8')).replace('one two', 'two one'));
    const outcome = await fixture.call('read', { path: '/package/node_modules/library/data/table.txt' });
    expect(outcome.isError).toBe(true);
    expect(textOf(outcome)).not.toContain('two one');
  });

  it('that is cut off does not compile, and says so', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': USES }, packs: { library: LIBRARY } });
    const node = fixture.graph.nodes['library'];
    expect(node && Object.keys(filesOf(node))).toContain('data/table.txt');
    await writeFile(node?.pack ?? '', 'dash-pack 1 2000               \nshort');
    await expect(compilePackage({ graph: fixture.graph, entries: ['index.ts'] }, fixture.bundles)).resolves.toMatchObject({
      entries: [],
      failures: [{ error: { code: expect.any(String), message: expect.stringContaining('pack') } }],
    });
  });
});
