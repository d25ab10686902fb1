import { describe, expect, it } from 'vitest';
import { parsePermission, type Places } from '../../format/index.ts';
import { type AuditRecord, usesOf } from '../../sandbox/index.ts';

const PLACES: Places = { workspace: '/work', home: '/home/ada', data: '/home/ada/.dash/data/p', tmp: '/tmp/p' };

function allowed(rule: string, target: string, more: Partial<AuditRecord> = {}): AuditRecord {
  return { time: '2026-11-20T10:00:00.000Z', 'event.name': 'decision', 'dash.package': 'p', decision: 'allow', rule, target, ...more };
}

function narrower(granted: string, ...targets: readonly string[]): readonly string[] | undefined {
  const [use] = usesOf(
    [parsePermission(granted)],
    targets.map((target) => allowed(granted, target)),
    PLACES,
  );
  return use?.narrower;
}

describe('what would have been enough', () => {
  it.for([
    ['fs:read', ['/work/docs/a.md', '/work/docs/b.md'], ['fs:read:./docs/a.md', 'fs:read:./docs/b.md']],
    ['fs:read', [1, 2, 3, 4, 5].map((index) => `/work/docs/${index}.md`), ['fs:read:./docs']],
    ['fs:write:~/notes', ['/home/ada/notes/n.txt'], ['fs:write:~/notes/n.txt']],
    ['fs:read', ['/work'], undefined],
    ['fs:read', ['a', 'b', 'c', 'd', 'e'].map((name) => `/work/${name}/x`), undefined],
    // another workspace's: nothing can be said here
    ['fs:read', ['/other/x'], undefined],
    ['net:*.example.com', ['GET https://api.example.com/x', 'POST https://api.example.com/y'], ['net:api.example.com']],
    ['net:api.example.com', ['GET https://api.example.com/x'], undefined],
    ['fs:write', ['/work/.ralph', '/work/.ralph/tidy.md'], ['fs:write:./.ralph']],
    // the trail keeps no arguments of programs
    ['exec:git', ['git sha256:0123456789abcdef'], undefined],
    ['session:read', ['entries'], undefined],
    ['env:EDITOR', [], []],
  ] as const)('%s, used for %j: %j', ([granted, targets, expected]) => {
    expect(narrower(granted, ...targets)).toEqual(expected);
  });

  it('counts what was repeated, and says when it was last', () => {
    const records = [allowed('fs:read', '/work/a'), allowed('fs:read', '/work/a', { repeated: 30, time: '2026-11-21T10:00:00.000Z' })];
    expect(usesOf([parsePermission('fs:read'), parsePermission('!fs:read:./b')], records, PLACES)).toEqual([
      { permission: 'fs:read', uses: 31, last: '2026-11-21T10:00:00.000Z', narrower: ['fs:read:./a'] },
    ]);
  });
});
