import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WarmBundlers } from '../../../sandbox/compile/warm-bundlers.ts';
import { temporaryDirectory } from '../../support/sandbox-fixture.ts';

async function linkedIn(root: string, name: string) {
  const dir = join(root, name);
  await mkdir(dir, { recursive: true });
  const write = (text: string) => writeFile(join(dir, 'index.ts'), `export default () => { globalThis.said = ${JSON.stringify(text)}; };`);
  await write(name);
  return { dir, write, request: { graph: { root: name, nodes: { [name]: { name, version: '1.0.0', dir, dependencies: {} } } }, entries: ['index.ts'] } };
}

test('a directory that is compiled again finds its process, and the process finds what is there now', async () => {
  await using root = await temporaryDirectory();
  const bundlers = new WarmBundlers();
  const { dir, write, request } = await linkedIn(root.path, 'a');
  using first = bundlers.take(join(root.path, 'store'), [dir]);
  expect(await first.bundle(request)).toMatchObject([{ kind: 'ok', code: expect.stringContaining('"a"') }]);
  await write('changed');
  using again = bundlers.take(join(root.path, 'store'), [dir]);
  expect(again).toBe(first);
  expect(await again.bundle(request)).toMatchObject([{ kind: 'ok', code: expect.stringContaining('"changed"') }]);
});

test('the process of one directory cannot read another', async () => {
  await using root = await temporaryDirectory();
  const bundlers = new WarmBundlers();
  const [one, other] = await Promise.all([linkedIn(root.path, 'one'), linkedIn(root.path, 'other')]);
  using bundler = bundlers.take(join(root.path, 'store'), [one.dir]);
  expect(await bundler.bundle(other.request)).toMatchObject([{ kind: 'failed', message: expect.stringMatching(/access|permission|resolve/i) }]);
  using others = bundlers.take(join(root.path, 'store'), [other.dir]);
  expect(await others.bundle(other.request)).toMatchObject([{ kind: 'ok' }]);
});

test('two directories keep theirs; who is busy is left alone, and one that ended is replaced', async () => {
  await using root = await temporaryDirectory();
  const bundlers = new WarmBundlers();
  const linked = await Promise.all(['a', 'b', 'c'].map((name) => linkedIn(root.path, name)));
  const take = (index: number) => bundlers.take(join(root.path, 'store'), [linked[index]?.dir ?? '']);
  const busy = linked.map(({ request }, index) => take(index).bundle(request));
  expect((await Promise.all(busy)).flat().map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok']);
  using third = take(2);
  using second = take(1);
  using first = take(0);
  expect([first, second, third].map(({ hasEnded }) => hasEnded)).toEqual([false, false, true]);
  using anew = take(2);
  expect(anew).not.toBe(third);
  expect(anew.hasEnded).toBe(false);
});
