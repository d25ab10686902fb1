import { describe, expect, test } from 'vitest';

import { asUserError, errorDocument, formatError } from '../../cli/output/error.ts';
import { exitCodeOf } from '../../cli/output/exit-code.ts';
import { formatTable } from '../../cli/output/table.ts';
import { createTerminal, manyLines, oneLine, PLAIN } from '../../cli/output/terminal.ts';
import { DashError } from '../../format/index.ts';

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
  const colour = (isTTY: boolean, env: Readonly<Record<string, string>>) => createTerminal({ isTTY, write: () => true }, env).style.bad('x') !== 'x';

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
