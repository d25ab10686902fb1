import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AuditTrail, verifyAudit } from '../../sandbox/index.ts';
import { temporaryDirectory } from '../support/sandbox-fixture.ts';

interface Written {
  readonly directory: string;
  /** Paths, oldest first. */
  readonly files: readonly string[];
  readonly heads: readonly string[];
}

/** Three runs of an agent, one after the other, with three decisions each. */
async function threeRuns(): Promise<Written> {
  const root = await temporaryDirectory();
  onTestFinished(() => root[Symbol.asyncDispose]());
  const directory = join(root.path, 'audit');
  const [files, heads]: [string[], string[]] = [[], []];
  for (const run of [0, 1, 2]) {
    using trail = new AuditTrail(directory, () => new Date(1_700_000_000_000 + run * 60_000));
    for (const target of ['/a', '/b', '/c'])
      trail.append({ 'event.name': 'decision', 'dash.package': 'p', capability: 'fs.readFile', target: `${target}${run}`, decision: 'allow', rule: 'fs:read' });
    files.push(trail.file);
    heads.push(trail.head);
  }
  return { directory, files, heads };
}

const edit = async (file: string, change: (lines: string[]) => string[]): Promise<void> => {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  await writeFile(file, `${change(lines).join('\n')}\n`);
};

test('says since when nothing was changed, and what cannot be proven', async () => {
  const { directory } = await threeRuns();
  expect(verifyAudit(directory)).toEqual({
    intact: true,
    faults: [],
    files: 3,
    records: 12,
    since: '2023-11-14T22:13:20.000Z',
    provenUntil: expect.any(String),
    // of the newest file nobody names a line
    unproven: 4,
    anchors: 0,
  });
});

test('an anchor in a session proves the newest file as well', async () => {
  const { directory, files, heads } = await threeRuns();
  const anchor = { file: basename(files[2] ?? ''), hash: heads[2] ?? '', by: 'session.jsonl' };
  expect(verifyAudit(directory, [anchor])).toMatchObject({ intact: true, unproven: 0, anchors: 1 });
});

describe('shows', () => {
  test.for<[string, (written: Written) => Promise<void>, object]>([
    ['an edited line', ({ files: [first = ''] }) => edit(first, (lines) => lines.map((line) => line.replace('/b0', '/x0'))), { kind: 'changed', line: 3 }],
    [
      'a line that was taken out',
      ({ files: [first = ''] }) => edit(first, (lines) => lines.filter((line) => !line.includes('/b0'))),
      { kind: 'changed', line: 3 },
    ],
    ['lines that were cut off', ({ files: [, second = ''] }) => edit(second, (lines) => lines.slice(0, 2)), { kind: 'shortened', line: 3 }],
    ['a file that is gone', ({ files: [first = ''] }) => rm(first), { kind: 'missing' }],
    ['a file that was emptied', ({ files: [, second = ''] }) => writeFile(second, ''), { kind: 'shortened', line: 1 }],
  ])('%s', async ([, tamper, fault]) => {
    const written = await threeRuns();
    await tamper(written);
    const { intact, faults } = verifyAudit(written.directory);
    expect(intact).toBe(false);
    expect(faults).toEqual([expect.objectContaining(fault)]);
  });

  test('the end of the newest file cut off, where a session names it', async () => {
    const { directory, files, heads } = await threeRuns();
    const newest = files[2] ?? '';
    await edit(newest, (lines) => lines.slice(0, 2));
    expect(verifyAudit(directory)).toMatchObject({ intact: true });
    const anchor = { file: basename(newest), hash: heads[2] ?? '', by: 'session.jsonl' };
    expect(verifyAudit(directory, [anchor])).toMatchObject({ intact: false, faults: [{ file: basename(newest), kind: 'shortened', by: 'session.jsonl' }] });
  });

  test('a trail that was written anew from the same records', async () => {
    const { directory, files } = await threeRuns();
    const forged = await threeRuns();
    // whole and consistent, but not what the later file saw
    await writeFile(files[0] ?? '', await readFile(forged.files[1] ?? '', 'utf8'));
    expect(verifyAudit(directory)).toMatchObject({ intact: false, faults: [{ file: basename(files[0] ?? ''), kind: 'shortened' }] });
  });
});

test('without a trail there is nothing to doubt', async () => {
  await using root = await temporaryDirectory();
  expect(verifyAudit(join(root.path, 'audit'))).toMatchObject({ intact: true, files: 0, since: null, provenUntil: null });
});
