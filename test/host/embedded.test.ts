import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHost, type EmbeddedExtension, type Host } from '../../host/index.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { ask } from '../support/in-test-host.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const extension = (answer: string): string => `
import { readFile } from 'node:fs/promises';
export default function (dash) {
  dash.registerTool({ name: 'look', description: 'looks', parameters: { type: 'object' }, async execute() {
    const text = await readFile('secret.txt', 'utf8').catch((error) => error.message);
    return { content: [{ type: 'text', text: ${JSON.stringify(answer)} + text }] };
  } });
}
`;

async function start(extensions: (root: string) => readonly EmbeddedExtension[]): Promise<{ readonly host: Host; readonly root: string } & AsyncDisposable> {
  const root = await temporaryDirectory();
  const cwd = join(root, 'workspace');
  await mkdir(cwd);
  await writeFile(join(cwd, 'secret.txt'), 'the secret');
  await writeFile(join(root, 'look.ts'), extension('one: '));
  const models = createScriptedModel({ turns: [{ toolCalls: [{ name: 'look' }] }, { text: 'done' }], repeat: true });
  const host = await createHost({ cwd, dashHome: join(root, 'home'), env: {}, models, extensions: extensions(root) });
  return { host, root, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

function lastResult({ conversation }: Host): string {
  return JSON.stringify(conversation.messages.findLast(({ role }) => role === 'toolResult'));
}

describe('a host that somebody embeds', () => {
  it('runs a file as an extension, with the permissions it was given and no others', async () => {
    await using without = await start((root) => [{ path: join(root, 'look.ts') }]);
    await ask(without.host, 'go');
    expect(lastResult(without.host)).toContain('one: ');
    expect(lastResult(without.host)).not.toContain('the secret');
    await using allowed = await start((root) => [{ path: join(root, 'look.ts'), permissions: ['fs:read:./secret.txt'] }]);
    await ask(allowed.host, 'go');
    expect(lastResult(allowed.host)).toContain('one: the secret');
  });

  it('hands an extension its settings: what the embedder says, over the defaults of its manifest', async () => {
    await using world = await start((root) => [{ path: join(root, 'package'), settings: { units: 'si', key: 'sk-0123456789' } }]);
    const at = (name: string): string => join(world.root, 'package', name);
    await mkdir(at(''));
    const properties = { units: { default: 'metric' }, days: { default: 3 }, key: { sensitive: true } };
    await writeFile(at('package.json'), JSON.stringify({ name: 'looker', version: '1.2.3', dash: { extensions: ['./index.ts'], settings: { properties } } }));
    const tell = `JSON.stringify([dash.getSettings(), dash.getSetting('key').length])`;
    await writeFile(
      at('index.ts'),
      `export default (dash) => dash.registerTool({ name: 'look', description: 'looks', parameters: { type: 'object' }, execute: async () => ({ content: [{ type: 'text', text: ${tell} }] }) });`,
    );
    await world.host.reload();
    await ask(world.host, 'go');
    expect(lastResult(world.host).replaceAll('\\', '')).toContain('[{"units":"si","days":3,"key":"[setting key]"},13]');
  });

  it('reads a directory with a manifest, and keeps the last good build over a broken one', async () => {
    await using world = await start((root) => [{ path: join(root, 'package') }]);
    const at = (name: string): string => join(world.root, 'package', name);
    expect(world.host.diagnostics).toMatchObject([{ severity: 'error', code: 'USAGE' }]);
    await mkdir(at(''));
    await writeFile(at('package.json'), JSON.stringify({ name: 'looker', version: '1.2.3', dash: { extensions: ['./index.ts'] } }));
    await writeFile(at('index.ts'), extension('two: '));
    expect(await world.host.reload()).toMatchObject({ diagnostics: [] });
    await ask(world.host, 'go');
    expect(lastResult(world.host)).toContain('two: ');
    await writeFile(at('index.ts'), 'export default (');
    const { diagnostics, changed } = await world.host.reload();
    expect(changed).toEqual([]);
    expect(diagnostics).toMatchObject([{ severity: 'error', message: expect.stringContaining('keeps running its last good build') }]);
    await ask(world.host, 'go');
    expect(lastResult(world.host)).toContain('two: ');
    await writeFile(at('index.ts'), extension('three: '));
    expect((await world.host.reload()).changed).toEqual(['looker']);
    await ask(world.host, 'go');
    expect(lastResult(world.host)).toContain('three: ');
  });

  it('takes the index of a directory without a manifest, with what stands beside it, and says why one does not load', async () => {
    await using world = await start((root) => [{ path: join(root, 'bare') }]);
    const at = (name: string): string => join(world.root, 'bare', name);
    await mkdir(at(''));
    await writeFile(at('README.md'), 'no manifest');
    await writeFile(at('answer.ts'), `export const answer = 'beside: ';`);
    await writeFile(at('index.ts'), `import { answer } from './answer.ts';\n${extension('')}`.replace('text: ""', 'text: answer'));
    expect(await world.host.reload()).toMatchObject({ diagnostics: [], changed: ['bare'] });
    await ask(world.host, 'go');
    expect(lastResult(world.host)).toContain('beside: ');
    await writeFile(at('index.ts'), `export default () => { throw new Error('not today'); };`);
    expect((await world.host.reload()).diagnostics).toMatchObject([{ severity: 'error', message: expect.stringContaining('not today') }]);
  });
});
