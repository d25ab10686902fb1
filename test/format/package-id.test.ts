import { expect, it } from 'vitest';
import { formatPackageId, isDashError, parsePackageId, type PackageId } from '../../format/index.ts';

const ids: readonly (readonly [PackageId, string])[] = [
  [{ kind: 'npm', name: '@scope/name' }, 'npm:@scope/name'],
  [{ kind: 'git', repository: 'github.com/owner/repo' }, 'git:github.com/owner/repo'],
  [{ kind: 'git', repository: 'github.com/owner/repo', subdir: 'packages/a' }, 'git:github.com/owner/repo#path:packages/a'],
  [{ kind: 'url', url: 'https://example.com/a.tgz' }, 'url:https://example.com/a.tgz'],
  [{ kind: 'stdin', integrity: 'sha512-AA==' }, 'stdin:sha512-AA=='],
  [{ kind: 'path', path: '/home/u/my package' }, 'path:/home/u/my package'],
];

it.each(ids)('writes and reads %j as %s', (id, text) => {
  expect(formatPackageId(id)).toBe(text);
  expect(parsePackageId(text)).toEqual(id);
});

it.each(['', 'npm:', 'left-pad', 'ftp:x'])('refuses %j', (text) => {
  expect(() => parsePackageId(text)).toThrow(expect.objectContaining({ code: 'INVALID_SPEC' }));
  expect(isDashError(new Error('x'))).toBe(false);
});
