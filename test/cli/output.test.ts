import { describe, expect, test } from 'vitest';

import { asUserError, errorDocument, formatError } from '../../cli/output/error.ts';
import { exitCodeOf } from '../../cli/output/exit-code.ts';
import { showProgress } from '../../cli/output/progress.ts';
import { addProgress, describeProgress, emptyTally } from '../../cli/output/progress-tally.ts';
import { formatTable } from '../../cli/output/table.ts';
import { createTerminal, manyLines, oneLine, PLAIN } from '../../cli/output/terminal.ts';
import { DashError } from '../../format/index.ts';
import type { Progress } from '../../registry/index.ts';

const notAborted = new AbortController().signal;

test('an error shows code, message, place and hint', () => {
  const error = new DashError('INVALID_MANIFEST', '`package.json` is not JSON', {
    hint: 'look at line 2',
    where: { path: 'package.json', line: 2, column: 9 },
  });
  expect(formatError(error, PLAIN)).toBe('INVALID_MANIFEST: `package.json` is not JSON\n  at package.json:2:9\nhint: look at line 2\n');
  expect(errorDocument(error)).toEqual({
    error: { code: 'INVALID_MANIFEST', message: '`package.json` is not JSON', hint: 'look at line 2', where: { path: 'package.json', line: 2, column: 9 } },
  });
});

test('a bug of ours is told from a mistake of the user', () => {
  expect(errorDocument(new TypeError('x is undefined')).error).toMatchObject({ code: 'INTERNAL', hint: expect.stringContaining('bug') });
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

test.for([
  ['USAGE', 2],
  ['RELEASE_TOO_YOUNG', 3],
  ['CONSENT_REQUIRED', 4],
  ['INTEGRITY_MISMATCH', 5],
  ['CHECK_FAILED', 6],
  ['PACKAGE_NOT_FOUND', 7],
  ['MEMORY_LIMIT', 8],
  ['DISK_FULL', 9],
  ['LOCKED', 10],
  ['OFFLINE', 11],
  ['INTERRUPTED', 130],
] as const)('%s ends with %i', ([code, exitCode]) => {
  expect(exitCodeOf(new DashError(code, 'x'))).toBe(exitCode);
});

test.for([
  ['ENOSPC', 'DISK_FULL'],
  ['EACCES', 'DISK_ERROR'],
  ['EROFS', 'DISK_ERROR'],
] as const)('%s of the operating system is %s', ([code, expected]) => {
  expect(asUserError(Object.assign(new Error('no'), { code }), notAborted)).toMatchObject({ code: expected });
});

test('whatever an abort makes fail is an interruption', () => {
  expect(asUserError(new Error('aborted'), AbortSignal.abort())).toMatchObject({ code: 'INTERRUPTED' });
  expect(asUserError(new Error('something else'), notAborted)).not.toBeInstanceOf(DashError);
});

describe('colour', () => {
  const colour = (isTTY: boolean, env: Readonly<Record<string, string>>) => createTerminal({ isTTY, write: () => undefined }, env).style.bad('x') !== 'x';

  test.for([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ] as const)('terminal %s with %j: %s', ([isTTY, env, expected]) => {
    expect(colour(isTTY, env)).toBe(expected);
  });
});

test('text of a package cannot move the cursor, hide or turn around', () => {
  expect(oneLine('a\u001b[2Jb\r\nc\u202Ed\u200Be')).toBe('a\u{fffd}[2Jb c\u{fffd}d\u{fffd}e');
  expect(manyLines('a\u001b]0;x\u0007\nb')).toBe('a\u{fffd}]0;x\u{fffd}\nb');
});

test('a table is as wide as its text, whatever its colour', () => {
  expect(
    formatTable([
      ['a', 'bb', 'c'],
      ['\u001b[1mlong\u001b[22m', '', 'd'],
    ]),
  ).toBe('a     bb  c\n\u001b[1mlong\u001b[22m      d\n');
});

describe('progress', () => {
  const written = (isTTY: boolean, globals: object, events: readonly Progress[]): string => {
    let text = '';
    const stderr = createTerminal({ isTTY, columns: 70, write: (more) => void (text += more) }, {});
    using progress = showProgress({ stderr, globals: { input: true, ...globals } });
    for (const event of events) progress.listener(event);
    progress[Symbol.dispose]();
    return text;
  };
  const one = { name: 'kit', version: '1.0.0' };
  const two = { name: 'dep\u001B[2J', version: '2.0.0' };
  const events: readonly Progress[] = [
    { kind: 'resolving', spec: 'npm:kit' },
    { kind: 'downloading', ...one },
    { kind: 'received', ...one, bytes: 500_000, total: 1_000_000 },
    { kind: 'downloading', ...two },
    { kind: 'downloaded', ...one, bytes: 1_000_000 },
    { kind: 'downloaded', ...two, bytes: 250_000 },
    { kind: 'compiling', ...one },
  ];

  test('is one line on a terminal, with a bar, packages and bytes, and goes away', () => {
    const text = written(true, {}, events);
    const lines = text.split('\r').map((line) => line.replace('\u001B[K', ''));
    expect(lines).toContain('resolving npm:kit');
    expect(lines).toContain('░░░░░░░░░░░░░░░░░░░░ 0 of 1 packages, 0 kB  kit 1.0.0');
    expect(lines).toContain('██████████░░░░░░░░░░ 1 of 2 packages, 1.0 MB  kit 1.0.0');
    expect(lines).toContain('compiling kit 1.0.0  fetched 2 packages, 1.3 MB');
    expect(text).not.toContain('\n');
    expect(text).not.toContain('\u001B[2J'); // a name cannot move the cursor
    expect(text.endsWith('\r\u001B[K')).toBe(true);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThan(70);
  });

  test('says what is still waited for when one of several is done', () => {
    const tally = emptyTally();
    const done: Progress = { kind: 'inspected', ...one };
    for (const event of [{ kind: 'compiling', ...one }, { kind: 'compiling', name: 'slow', version: '3.0.0' }, done] as const) addProgress(tally, event);
    expect(describeProgress(done, tally, 79)).toBe('compiling slow 3.0.0');
  });

  test('says how much is to come once every answer has begun', () => {
    const tally = emptyTally();
    for (const event of events.slice(0, 3)) addProgress(tally, event);
    const line = describeProgress({ kind: 'received', ...one, bytes: 500_000, total: 1_000_000 }, tally, 79);
    expect(line).toBe('██████████░░░░░░░░░░ 0 of 1 packages, 500 kB of 1.0 MB  kit 1.0.0');
  });

  test.for([
    ['where nobody watches', false, {}, 'fetched 2 packages, 1.3 MB\n'],
    ['under `--no-progress`', true, { progress: false }, 'fetched 2 packages, 1.3 MB\n'],
    ['under `--quiet`', true, { quiet: true }, ''],
    ['under `--json`', false, { json: true }, ''],
  ] as const)('is plain %s', ([, isTTY, globals, expected]) => {
    expect(written(isTTY, globals, events)).toBe(expected);
  });
});
