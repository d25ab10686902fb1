import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DirectoryDigests, digestDirectory } from '../../../registry/index.ts';
import { temporaryDirectory } from '../../support/sandbox-fixture.ts';

/** What may happen to a directory between two looks; the paths and texts are few, so that edits meet. */
const PATHS = ['a', 'b', 'sub/a', 'sub/deep/a', 'node_modules/x'] as const;
const EDIT = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), path: fc.constantFrom(...PATHS), text: fc.constantFrom('', 'x', 'y', 'longer') }),
  // a tool that restores the times of what it writes
  fc.record({ kind: fc.constant('write, with an old time' as const), path: fc.constantFrom(...PATHS), text: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('remove' as const), path: fc.constantFrom(...PATHS, 'sub') }),
  fc.record({ kind: fc.constant('rename' as const), path: fc.constantFrom(...PATHS), to: fc.constantFrom('c', 'sub/c') }),
  fc.record({ kind: fc.constant('link' as const), path: fc.constantFrom('l', 'sub/l'), to: fc.constantFrom('a', '../b') }),
  fc.record({ kind: fc.constant('mode' as const), path: fc.constantFrom(...PATHS) }),
  fc.record({ kind: fc.constant('nothing' as const) }),
);

test('says at every moment what reading all of it says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(EDIT, { maxLength: 12 }), async (edits) => {
      await using root = await temporaryDirectory();
      for (const folder of ['sub/deep', 'node_modules']) await mkdir(join(root.path, folder), { recursive: true });
      const digests = new DirectoryDigests();
      for (const edit of edits) {
        await apply(root.path, edit).catch(() => undefined); // what is not there cannot be moved
        expect(await digests.of(root.path)).toBe((await digestDirectory(root.path)).contentHash);
      }
    }),
    { numRuns: 60 },
  );
});

test('what has long been the same is not read again, and what is of another size or name is seen', async () => {
  await using root = await temporaryDirectory();
  let read = 0;
  // as if it looked a minute after whatever happens
  const digests = new DirectoryDigests({
    now: () => Date.now() + 60_000,
    digest: (dir) => {
      read += 1;
      return digestDirectory(dir);
    },
  });
  const reads = async (): Promise<number> => {
    const before = read;
    expect(await digests.of(root.path)).toBe((await digestDirectory(root.path)).contentHash);
    return read - before;
  };
  await writeFile(join(root.path, 'a'), 'x');
  expect([await reads(), await reads(), await reads()]).toEqual([1, 0, 0]);
  await writeFile(join(root.path, 'a'), 'longer');
  expect([await reads(), await reads()]).toEqual([1, 0]);
  await rename(join(root.path, 'a'), join(root.path, 'b'));
  expect([await reads(), await reads()]).toEqual([1, 0]);
  await mkdir(join(root.path, 'node_modules'));
  expect(await reads()).toBe(0);
});

test('many files are read, and a directory that is gone is said', async () => {
  await using root = await temporaryDirectory();
  const digests = new DirectoryDigests();
  for (let index = 0; index < 320; index += 1) await writeFile(join(root.path, `f${index}`), '1');
  expect(await digests.of(root.path)).toBe((await digestDirectory(root.path)).contentHash);
  await writeFile(join(root.path, 'f319'), '2');
  expect(await digests.of(root.path)).toBe((await digestDirectory(root.path)).contentHash);
  await rm(root.path, { recursive: true });
  await expect(digests.of(root.path)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
});

async function apply(root: string, edit: typeof EDIT extends fc.Arbitrary<infer Edit> ? Edit : never): Promise<void> {
  switch (edit.kind) {
    case 'write':
      return writeFile(join(root, edit.path), edit.text);
    case 'write, with an old time':
      await writeFile(join(root, edit.path), edit.text);
      return utimes(join(root, edit.path), 1, 1);
    case 'remove':
      return rm(join(root, edit.path), { recursive: true });
    case 'rename':
      return rename(join(root, edit.path), join(root, edit.to));
    case 'link':
      return symlink(edit.to, join(root, edit.path));
    case 'mode':
      return chmod(join(root, edit.path), 0o600);
    case 'nothing':
      return;
  }
}
