import { describe, expect, test } from 'vitest';

import type { DashSection, Inference, InferredPermission } from '../../../format/index.ts';
import { checkAuthority } from '../../../registry/publish/checks/authority.ts';

const WHERE = { path: 'index.ts', line: 7 };

function used(permission: string, more: Partial<InferredPermission> & { dependency?: string } = {}): InferredPermission {
  const { dependency, ...rest } = more;
  return { permission, evidence: [{ what: 'fetch', where: WHERE, ...(dependency !== undefined && { dependency }) }], places: 1, ...rest };
}

function codes(declared: readonly string[], inference: Partial<Inference>, kind: DashSection['kind'] = 'dash'): string[] {
  const section: DashSection = {
    kind,
    extensions: ['index.ts'],
    skills: [],
    prompts: [],
    themes: [],
    conventional: [],
    permissions: declared.map((permission) => ({ permission })),
    optionalPermissions: [],
  };
  return checkAuthority(section, { permissions: [], computed: [], ...inference }).map(({ severity, code }) => `${severity} ${code}`);
}

describe('what is used and not declared', () => {
  test.for([
    ['a host', used('net:a.example.com'), ['error PERMISSION_UNDECLARED']],
    ['a host in a dependency', used('net:a.example.com', { dependency: 'dep@1.0.0' }), ['warning PERMISSION_UNDECLARED']],
    ['a path that is computed', used('fs:read', { atMost: true }), ['warning PERMISSION_UNDECLARED']],
    ['a variable a library looks at', used('env:DEBUG', { dependency: 'dep@1.0.0' }), []],
    ['a key a library looks at', used('env:API_TOKEN', { dependency: 'dep@1.0.0' }), ['warning PERMISSION_UNDECLARED']],
  ] as const)('%s', ([, permission, expected]) => {
    expect(codes([], { permissions: [permission] })).toEqual(expected);
  });

  test('is said with the place and what to add', () => {
    const [diagnostic] = checkAuthority(
      { kind: 'dash', extensions: [], skills: [], prompts: [], themes: [], conventional: [], permissions: [], optionalPermissions: [] },
      { permissions: [used('net:a.example.com', { places: 3 })], computed: [] },
    );
    expect(diagnostic).toEqual({
      severity: 'error',
      code: 'PERMISSION_UNDECLARED',
      message:
        '`fetch` needs `net:a.example.com`, and in 2 more places, which is not declared; add it to `permissions`, or to `optionalPermissions` if it can do without',
      where: WHERE,
    });
  });

  test('is asked of users of a package that was made for another host, so only told', () => {
    expect(codes([], { permissions: [used('net:a.example.com')] }, 'pi')).toEqual(['info PERMISSIONS_INFERRED']);
    expect(codes([], {}, 'pi')).toEqual([]);
  });
});

describe('what is declared', () => {
  test.for([
    ['net:a.example.com', 'net:a.example.com'],
    ['net:GET:a.example.com/v1', 'net:a.example.com'],
    ['net:*.example.com', 'net:a.example.com'],
    ['exec:git', 'exec:git status'],
    ['exec:git status', 'exec:git'],
    ['fs:read:./docs/a.md', 'fs:read:./docs'],
    ['env:API_TOKEN', 'secret:API_TOKEN@a.example.com'],
    ['secret:API_TOKEN@a.example.com', 'env:API_TOKEN'],
    ['model:anthropic/claude', 'model'],
  ] as const)('%s is meant by what uses %s', ([declared, permission]) => {
    expect(codes([declared], { permissions: [used(permission)] })).toEqual([]);
  });

  test.for([
    ['and used by nothing', 'net:a.example.com', {}, ['info PERMISSION_UNUSED']],
    ['and another host is used', 'net:a.example.com', { permissions: [used('net:b.example.com')] }, ['error PERMISSION_UNDECLARED', 'info PERMISSION_UNUSED']],
    ['and a host is computed', 'net:a.example.com', { computed: [{ what: 'fetch', where: WHERE, subject: 'host', known: '' }] }, []],
    ['and a path is computed', 'fs:read:./docs', { permissions: [used('fs:read', { atMost: true })] }, []],
    ['and the code was not read', 'net:a.example.com', { incomplete: 'too large' }, ['info CODE_NOT_READ']],
    ['and cannot be seen', 'background', {}, []],
  ] as const)('%s', ([, declared, inference, expected]) => {
    expect(codes([declared], inference)).toEqual(expected);
  });
});

test('a computed host is told where no host is declared', () => {
  const computed = [
    { what: 'fetch', where: WHERE, subject: 'host', known: '' } as const,
    { what: 'fetch', where: { ...WHERE, line: 9 }, subject: 'host', known: '' } as const,
    { what: 'fetch', where: WHERE, subject: 'command', known: '', dependency: 'dep@1.0.0' } as const,
  ];
  expect(codes([], { computed })).toEqual(['warning PERMISSION_COMPUTED']);
});
