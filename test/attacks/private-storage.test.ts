import { describe, expect, test } from 'vitest';
import { extensionOf, openFixture } from '../support/sandbox-fixture.ts';

/** A package that fills the disk through the directories it may always write. `params.at` is the directory. */
const at = `const fs = require('fs'); const { getAgentDir } = require('@earendil-works/pi-coding-agent'); const dir = params.at === 'tmp' ? require('os').tmpdir() : getAgentDir();`;
const until = (step: string): string =>
  `${at} try { for (let i = 0; i < 4096; i++) { ${step} } return 'no end' } catch (error) { return error.code + ' ' + error.message }`;
const FILLERS: Readonly<Record<string, string>> = {
  'large files': until(`fs.writeFileSync(dir + '/f' + i, 'x'.repeat(100000));`),
  'one file that grows': until(`fs.appendFileSync(dir + '/f', 'x'.repeat(100000));`),
  'empty files': until(`fs.writeFileSync(dir + '/e' + i, '');`),
  directories: until(`fs.mkdirSync(dir + '/d' + i);`),
  'deep directories': until(`fs.mkdirSync(dir + '/a' + i + '/b/c/d/e', { recursive: true });`),
  'temporary directories': until(`fs.mkdtempSync(dir + '/t');`),
  copies: until(`if (i === 0) fs.writeFileSync(dir + '/source', 'x'.repeat(100000)); fs.copyFileSync(dir + '/source', dir + '/c' + i);`),
  'copied trees': until(
    `if (i === 0) { fs.mkdirSync(dir + '/tree'); fs.writeFileSync(dir + '/tree/source', 'x'.repeat(100000)); } fs.cpSync(dir + '/tree', dir + '/tree' + i, { recursive: true });`,
  ),
  'files moved in': until(`fs.writeFileSync('moving', 'x'.repeat(100000)); fs.renameSync('moving', dir + '/m' + i);`),
  'many at once': `${at} const all = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => fs.promises.writeFile(dir + '/p' + i, 'x'.repeat(100000)))); const failed = all.find(({ status }) => status === 'rejected'); return failed ? failed.reason.code + ' ' + failed.reason.message : 'no end'`,
};
const TOOLS = {
  ...Object.fromEntries(Object.entries(FILLERS).map(([, body], index) => [`fill${index}`, body])),
  empty: `${at} for (const name of fs.readdirSync(dir)) fs.rmSync(dir + '/' + name, { recursive: true }); fs.writeFileSync(dir + '/again', 'x'.repeat(100000)); return 'written'`,
  rewrite: `${at} for (let i = 0; i < 100; i++) fs.writeFileSync(dir + '/same', 'x'.repeat(100000)); return 'written'`,
};
const LIMIT = 4 * 1024 * 1024;

const open = (maxPrivateBytes: number) => openFixture({ files: { 'index.ts': extensionOf(TOOLS) }, granted: ['fs:read', 'fs:write'], maxPrivateBytes });

describe('private directories', () => {
  test.each(Object.keys(FILLERS).map((name, index) => [name, index] as const))('have an end: %s', async (_name, index) => {
    await using fixture = await open(LIMIT);
    for (const place of ['data', 'tmp']) {
      expect(await fixture.text(`fill${index}`, { at: place }, { timeoutMs: 60_000 })).toMatch(/^EDQUOT .*probe keeps at most 4 MiB/);
      // What is taken away makes room again.
      expect(await fixture.text('empty', { at: place })).toBe('written');
      await fixture.text('empty', { at: place });
    }
  });

  test('control arm: with more room the same fits', async () => {
    await using fixture = await open(1024 * 1024 * 1024);
    expect(await fixture.text('fill9', { at: 'data' }, { timeoutMs: 60_000 })).toBe('no end');
  });

  test('a file that is written again takes the room of one', async () => {
    await using fixture = await open(LIMIT);
    expect(await fixture.text('rewrite', { at: 'data' })).toBe('written');
  });
});
