import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError, parseJson } from '../../format/index.ts';
import { LOCK_VERSION } from './format-lockfile.ts';
import { LockEntry, LockRoot } from './lock-entry.ts';

/** `dash.lock`: pins and compares; it never grants. */
export type Lockfile = Static<typeof Lockfile>;
export const Lockfile = Type.Object({
  version: Type.Literal(LOCK_VERSION),
  roots: Type.Record(Type.String(), LockRoot),
  packages: Type.Record(Type.String(), LockEntry),
});

export const emptyLockfile: Lockfile = { version: LOCK_VERSION, roots: {}, packages: {} };

/**
 * Reads a `dash.lock`. It may come from anybody's pull request: a claim, to be compared with bytes.
 *
 * @throws {DashError} LOCK_VERSION when a newer Dash wrote it
 * @throws {DashError} LOCK_INVALID when it is not a lockfile, or holds merge-conflict markers
 */
export function parseLockfile(text: string, path: string): Lockfile {
  const conflict = text.split('\n').findIndex((line) => /^(<{7}|={7}|>{7})( |$)/.test(line));
  if (conflict >= 0) {
    throw new DashError('LOCK_INVALID', `\`${path}\` holds a merge conflict`, {
      hint: 'resolve it, or take one side and run `dash install`',
      where: { path, line: conflict + 1 },
    });
  }
  const { value, where } = parseJson(text, path, 'LOCK_INVALID');
  const version: unknown = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (typeof version === 'number' && version > LOCK_VERSION) {
    throw new DashError('LOCK_VERSION', `\`${path}\` has version ${version}, this Dash reads ${LOCK_VERSION}`, {
      hint: 'update Dash; the file was not touched',
      where: where('/version'),
    });
  }
  if (Value.Check(Lockfile, value)) return value;
  const error = Value.Errors(Lockfile, value).First();
  throw new DashError('LOCK_INVALID', `\`${path}\` is damaged: \`${error?.path ?? '/'}\` ${(error?.message ?? 'has the wrong form').toLowerCase()}`, {
    hint: 'take the last good version from git',
    where: where(error?.path ?? ''),
  });
}
