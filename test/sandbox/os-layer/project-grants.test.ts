import { linkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet, type Places } from '../../../format/index.ts';
import { projectGrants } from '../../../sandbox/os-layer/project-grants.ts';
import { temporaryDirectory, writeFiles } from '../../support/sandbox-fixture.ts';

async function project(granted: readonly string[], files: Readonly<Record<string, string>>, prepare?: (at: (name: string) => string) => void) {
  await using root = await temporaryDirectory();
  const at = (name: string): string => join(root.path, name);
  await writeFiles(root.path, { 'w/.keep': '', 'h/.keep': '', 'h/.dash/x': '', 'd/.keep': '', 't/.keep': '', ...files });
  prepare?.(at);
  const places: Places = { workspace: at('w'), home: at('h'), data: at('d'), tmp: at('t'), dashHome: at('h/.dash') };
  const mounts = await projectGrants(parsePermissionSet(granted), places, AbortSignal.timeout(10_000));
  return Object.fromEntries(mounts.map(({ path, kind }) => [path.slice(root.path.length + 1), kind]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

describe('the file permissions of a package as mounts', () => {
  test('nothing granted, nothing mounted', async () => {
    expect(await project([], { 'w/a.txt': '' })).toEqual({});
  });

  test('secrets are covered, at any depth', async () => {
    expect(await project(['fs:read'], { 'w/a.txt': '', 'w/.env': '', 'w/x/y/.env.local': '', 'w/x/key.pem': '', 'w/.ssh/id': '' })).toEqual({
      w: 'read',
      'w/.env': 'hidden-file',
      'w/.ssh': 'hidden-directory',
      'w/x/key.pem': 'hidden-file',
      'w/x/y/.env.local': 'hidden-file',
    });
  });

  test('writing needs reading, too', async () => {
    expect(await project(['fs:write:./out'], { 'w/out/a': '' })).toEqual({});
    expect(await project(['fs:read', 'fs:write:./out'], { 'w/out/a': '' })).toEqual({ w: 'read', 'w/out': 'write' });
    expect(await project(['fs:read:./out', 'fs:write:./out'], { 'w/out/a': '' })).toEqual({ 'w/out': 'write' });
  });

  test('what runs later is read-only, and the directories around it are pinned', async () => {
    expect(await project(['fs:read', 'fs:write'], { 'w/.git/config': '', 'w/a/b/.husky/x': '', 'w/a/c/plain': '' })).toEqual({
      w: 'write',
      'w/.git': 'read',
      'w/a': 'write',
      'w/a/b': 'write',
      'w/a/b/.husky': 'read',
    });
  });

  test('a protected file that is granted by its name is as open as that', async () => {
    expect(await project(['fs:read', 'fs:read:./.env'], { 'w/.env': '' })).toEqual({ w: 'read' });
    expect(await project(['fs:read:./.env'], { 'w/.env': '', 'w/a': '' })).toEqual({ 'w/.env': 'read' });
    expect(await project(['fs:read', 'fs:write', 'fs:write:./package.json'], { 'w/package.json': '', 'w/Makefile': '' })).toEqual({
      w: 'write',
      'w/Makefile': 'read',
    });
  });

  test('denials and patterns hold for every name', async () => {
    expect(await project(['fs:read', '!fs:read:./private'], { 'w/private/a': '', 'w/b': '' })).toEqual({ w: 'read', 'w/private': 'hidden-directory' });
    expect(await project(['fs:read', '!fs:read:./**/*.sqlite'], { 'w/x/a.sqlite': '', 'w/x/b': '' })).toEqual({ w: 'read', 'w/x/a.sqlite': 'hidden-file' });
    expect(await project(['fs:read:./docs/**/*.md'], { 'w/docs/a.md': '', 'w/docs/x/b.md': '', 'w/docs/c.txt': '', 'w/d.md': '' })).toEqual({
      'w/docs/a.md': 'read',
      'w/docs/x/b.md': 'read',
    });
    expect(await project(['fs:read:./docs/**'], { 'w/docs/a.md': '', 'w/b': '' })).toEqual({ 'w/docs': 'read' });
  });

  test('other names of a covered file are covered', async () => {
    const link = (at: (name: string) => string): void => {
      linkSync(at('w/.env'), at('w/deep/innocent.txt'));
      linkSync(at('w/package.json'), at('w/deep/other.json'));
      linkSync(at('h/.aws/credentials'), at('w/harmless'));
    };
    const files = { 'w/.env': '', 'w/package.json': '', 'w/deep/a': '', 'h/.aws/credentials': '' };
    expect(await project(['fs:read', 'fs:write'], files, link)).toEqual({
      w: 'write',
      'w/.env': 'hidden-file',
      'w/deep': 'write',
      'w/deep/innocent.txt': 'hidden-file',
      'w/deep/other.json': 'read',
      'w/harmless': 'hidden-file',
      'w/package.json': 'read',
    });
  });

  test('a granted directory that is a link leads nowhere', async () => {
    expect(await project(['fs:read:./sub'], { 'h/secret/a': '' }, (at) => symlinkSync(at('h/secret'), at('w/sub')))).toEqual({});
  });

  test('no grant opens the home of Dash', async () => {
    expect(await project(['fs:read:~/.dash'], {})).toEqual({});
    expect(await project(['fs:read:~/'], {})).toEqual({ h: 'read', 'h/.dash': 'hidden-directory' });
  });
});
