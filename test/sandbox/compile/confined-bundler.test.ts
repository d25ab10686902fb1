import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ConfinedBundler } from '../../../sandbox/compile/confined-bundler.ts';
import { compilePackage, prepareCompile } from '../../../sandbox/index.ts';
import { temporaryDirectory } from '../../support/sandbox-fixture.ts';

const run = promisify(execFile);

async function packageIn(root: string, name: string, source: string) {
  const dir = join(root, name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'index.ts'), source);
  return { graph: { root: name, nodes: { [name]: { name, version: '1.0.0', dir, dependencies: {} } } }, entries: ['index.ts'] };
}

const FACTORY = 'export default (pi: object) => { pi.registerCommand("c", { handler() {} }); };';

test('one process bundles several packages, side by side and one after the other', async () => {
  await using root = await temporaryDirectory();
  const packages = await Promise.all(['a', 'b', 'c'].map((name) => packageIn(root.path, name, `${FACTORY}\n// ${name}`)));
  using bundler = new ConfinedBundler([`${root.path}/*`]);
  const replies = await Promise.all(packages.map((request) => bundler.bundle(request)));
  expect(replies.flat().map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok']);
  expect(await bundler.bundle(packages[0] ?? { graph: { root: '', nodes: {} }, entries: [] })).toEqual(replies[0]);
});

test('what it was not started for it cannot read', async () => {
  await using root = await temporaryDirectory();
  const inside = await packageIn(join(root.path, 'store'), 'inside', FACTORY);
  const outside = await packageIn(root.path, 'outside', FACTORY);
  using bundler = new ConfinedBundler([`${root.path}/store/*`]);
  const [denied] = await bundler.bundle(outside);
  expect(denied).toMatchObject({ kind: 'failed', message: expect.stringMatching(/access|permission|resolve/i) });
  expect(await bundler.bundle(inside)).toMatchObject([{ kind: 'ok' }]);
});

test('a `*` in a path is refused: it would open what lies beside it', async () => {
  await using root = await temporaryDirectory();
  const starred = await packageIn(root.path, 'a*', FACTORY);
  const store = { directory: join(root.path, 'bundles'), packages: join(root.path, 'store') };
  prepareCompile(store, join(root.path, 'a*'));
  await expect(compilePackage(starred, store)).rejects.toMatchObject({ code: 'COMPILE_FAILED', hint: 'rename that directory' });
  // the arm of control: how Node itself reads it
  await packageIn(root.path, 'about', FACTORY);
  const beside = `require('node:fs').readFileSync(${JSON.stringify(join(root.path, 'about/index.ts'))}, 'utf8')`;
  const { stdout } = await run(process.execPath, ['--permission', `--allow-fs-read=${join(root.path, 'a*')}/*`, '-p', beside]);
  expect(stdout).toContain(FACTORY);
});

test('an aborted package ends the process; one that waited with it is compiled all the same', async () => {
  await using root = await temporaryDirectory();
  const store = { directory: join(root.path, 'bundles'), packages: join(root.path, 'store') };
  const [one, two] = await Promise.all(['one', 'two'].map((name) => packageIn(store.packages, name, FACTORY)));
  if (one === undefined || two === undefined) throw new Error('two packages');
  const interrupt = new AbortController();
  const aborted = compilePackage(one, store, interrupt.signal);
  const other = compilePackage(two, store);
  interrupt.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await expect(other).resolves.toMatchObject({ failures: [], entries: [{ entry: 'index.ts' }] });
  // and the next package finds a new one
  await expect(compilePackage(one, store)).resolves.toMatchObject({ failures: [] });
});

test('a package is compiled the same in a process of its own and in one that is shared', async () => {
  await using root = await temporaryDirectory();
  const packages = join(root.path, 'store');
  const request = await packageIn(packages, 'same', FACTORY);
  const own = await compilePackage(request, { directory: join(root.path, 'one') });
  expect(await compilePackage(request, { directory: join(root.path, 'two'), packages })).toEqual(own);
});
