import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allows,
  covers,
  emptyPermissionSet,
  formatPermission,
  formatPermissionSet,
  intersection,
  parsePermissionSet,
  permissionFor,
  permissionSet,
  union,
  widening,
  type Effect,
  type Places,
} from '../../format/index.ts';
import { anyEffect, anyPermission, anyPlaces, anySet, anyText, effectsOf, nested, permissionTexts } from './arbitrary-permission.ts';

const places: Places = { workspace: '/home/u/work', home: '/home/u', data: '/home/u/.dash/data/p', tmp: '/tmp/dash-p' };
const read = (path: string): Effect => ({ kind: 'fs', access: 'read', path });
const write = (path: string): Effect => ({ kind: 'fs', access: 'write', path });
const get = (url: string, method = 'GET'): Effect => {
  const { protocol, hostname, port, pathname } = new URL(url);
  const secure = protocol === 'https:';
  return { kind: 'net', method, protocol: secure ? 'https:' : 'http:', host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port), path: pathname };
};

/** Grants, effect, and the rule that decides: a grant, `no grant`, a denial or the kind of path. */
const decisions: readonly (readonly [string[], Effect, string])[] = [
  [['fs:read'], read('/home/u/work'), 'fs:read'],
  [['fs:read'], read('/home/u/work/src/a.ts'), 'fs:read'],
  [['fs:read'], read('/home/u/work2/a.ts'), 'no grant'],
  [['fs:read'], write('/home/u/work/a.ts'), 'no grant'],
  [['fs:write'], read('/home/u/work/a.ts'), 'no grant'],
  [['fs:read:./src'], read('/home/u/work/src/deep/a.ts'), 'fs:read:./src'],
  [['fs:read:./src'], read('/home/u/work/srcs/a.ts'), 'no grant'],
  [['fs:read:./src/*.ts'], read('/home/u/work/src/a.ts'), 'fs:read:./src/*.ts'],
  [['fs:read:./src/*.ts'], read('/home/u/work/src/deep/a.ts'), 'no grant'],
  [['fs:read:./**/*.ts'], read('/home/u/work/src/deep/a.ts'), 'fs:read:./**/*.ts'],
  [['fs:read:~/notes'], read('/home/u/notes/a.md'), 'fs:read:~/notes'],
  [['fs:read:~/'], read('/home/u/work/a'), 'fs:read:~/'],
  [['fs:read:/etc'], read('/etc/hosts'), 'fs:read:/etc'],
  [['fs:read:./weird'], read('/home/u/work/weird/*'), 'fs:read:./weird'],
  // its own directories are worlds of their own
  [[], read('/home/u/.dash/data/p/x'), 'fs:read:data:/'],
  [[], write('/home/u/.dash/data/p/.env'), 'fs:write:data:/'],
  [['!fs:write:data:/'], write('/home/u/.dash/data/p/x'), '!fs:write:data:/'],
  [['!fs:read:/'], read('/home/u/.dash/data/p/x'), 'fs:read:data:/'],
  [[], read('/tmp/dash-p/x'), 'no grant'],
  [['fs:read:/'], read('/tmp/dash-p/x'), 'no grant'],
  [['fs:read:tmp:/'], read('/tmp/dash-p/x'), 'fs:read:tmp:/'],
  // protected paths
  [['fs:read'], read('/home/u/work/.env'), 'protected path'],
  [['fs:read'], read('/home/u/work/.ENV.local'), 'protected path'],
  [['fs:read:./.env'], read('/home/u/work/.env'), 'fs:read:./.env'],
  [['fs:read:~/work/.env'], read('/home/u/work/.env'), 'fs:read:~/work/.env'],
  [['fs:read:./.env*'], read('/home/u/work/.env'), 'protected path'],
  [['fs:read:./**/.env'], read('/home/u/work/.env'), 'protected path'],
  [['fs:read:~/.ssh'], read('/home/u/.ssh/id_ed25519'), 'protected path'],
  [['fs:read:~/.ssh/known_hosts'], read('/home/u/.ssh/known_hosts'), 'fs:read:~/.ssh/known_hosts'],
  [['fs:read:~/.ssh/known_hosts', '!fs:read:~/.ssh'], read('/home/u/.ssh/known_hosts'), '!fs:read:~/.ssh'],
  [['fs:read'], read('/home/u/work/AGENTS.md'), 'fs:read'],
  [['fs:write'], write('/home/u/work/AGENTS.md'), 'protected path'],
  [['fs:write'], write('/home/u/work/.git/config'), 'protected path'],
  [['fs:write:./package.json'], write('/home/u/work/package.json'), 'fs:write:./package.json'],
  [['fs:write'], write('/home/u/work/vite.config.ts'), 'protected path'],
  [['fs:write'], write('/home/u/work/src/a.ts'), 'fs:write'],
  [['fs:read:~/.dash/grants.json'], read('/home/u/.dash/grants.json'), 'closed path'],
  // denials
  [['fs:read', '!fs:read:./secret'], read('/home/u/work/secret/a'), '!fs:read:./secret'],
  [['!fs:read:./secret', 'fs:read:./secret/a'], read('/home/u/work/secret/a'), '!fs:read:./secret'],
  [['fs:read', '!fs:read:~/work/secret'], read('/home/u/work/secret/a'), '!fs:read:~/work/secret'],
  // net
  [['net:api.github.com'], get('https://api.github.com/repos'), 'net:api.github.com'],
  [['net:api.github.com'], get('http://api.github.com/'), 'no grant'],
  [['net:api.github.com'], get('https://api.github.com:8443/'), 'no grant'],
  [['net:api.github.com:80'], get('http://api.github.com/'), 'net:api.github.com:80'],
  [['net:api.github.com:8443'], get('https://api.github.com:8443/'), 'net:api.github.com:8443'],
  [['net:localhost:3000'], get('http://localhost:3000/'), 'net:localhost:3000'],
  [['net:github.com'], get('https://api.github.com/'), 'no grant'],
  [['net:*.github.com'], get('https://api.github.com/'), 'net:*.github.com'],
  [['net:*.github.com'], get('https://a.b.github.com/'), 'net:*.github.com'],
  [['net:*.github.com'], get('https://github.com/'), 'no grant'],
  [['net:*.github.com'], get('https://evilgithub.com/'), 'no grant'],
  [['net:GET:a.com'], get('https://a.com/', 'POST'), 'no grant'],
  [['net:GET:a.com'], get('https://a.com/', 'HEAD'), 'no grant'],
  [['net:a.com/public'], get('https://a.com/public/x?y=1'), 'net:a.com/public'],
  [['net:a.com/public'], get('https://a.com/publicity'), 'no grant'],
  [['net:a.com/public'], get('https://a.com/public/..%2fprivate'), 'no grant'],
  [['net:a.com/public'], get('https://a.com/public/%252e%252e/private'), 'no grant'],
  [['net:a.com', '!net:a.com/private'], get('https://a.com/%70rivate'), '!net:a.com/private'],
  [['net:a.com', '!net:a.com/private'], get('https://a.com//private'), '!net:a.com/private'],
  [['net:a.com', '!net:a.com/private'], get('https://a.com/x%2f..%2fprivate'), '!net:a.com/private'],
  [['net:a.com', '!net:a.com/private'], get('https://a.com/open'), 'net:a.com'],
  [['net:127.0.0.1:9000'], get('http://127.0.0.1:9000/'), 'net:127.0.0.1:9000'],
  [['net:[::1]:9000'], get('http://[::1]:9000/'), 'net:[::1]:9000'],
  [['net:cidr:10.0.0.0/8'], get('https://10.9.8.7/'), 'net:cidr:10.0.0.0/8'],
  [['net:cidr:10.0.0.0/8'], get('https://11.0.0.1/'), 'no grant'],
  [['net:cidr:0.0.0.0/0'], get('https://8.8.8.8/'), 'net:cidr:0.0.0.0/0'],
  [['net:cidr:0.0.0.0/0'], get('https://127.0.0.1/'), 'no grant'],
  [['net:cidr:0.0.0.0/0'], get('https://169.254.169.254/'), 'no grant'],
  [['net:cidr:::/0'], get('https://[::ffff:10.0.0.1]/'), 'no grant'],
  [['net:10.0.0.1', '!net:cidr:0.0.0.0/0'], get('https://10.0.0.1/'), '!net:cidr:0.0.0.0/0'],
  // the rest
  [['exec:git'], { kind: 'exec', argv: ['git', 'push'] }, 'exec:git'],
  [['exec:git status'], { kind: 'exec', argv: ['git', 'push'] }, 'no grant'],
  [['exec:git'], { kind: 'exec', argv: ['/tmp/git'] }, 'no grant'],
  [['exec:/usr/bin/git', '!exec:git'], { kind: 'exec', argv: ['/usr/bin/git'] }, '!exec:git'],
  [['exec:git'], { kind: 'exec', argv: [] }, 'no grant'],
  [['env:HOME'], { kind: 'env', name: 'HOME' }, 'env:HOME'],
  [['env:HOME'], { kind: 'env', name: 'home' }, 'no grant'],
  [['secret:T@a.com'], { kind: 'secret', name: 'T', host: 'a.com', header: 'Authorization' }, 'secret:T@a.com'],
  [['secret:T@a.com'], { kind: 'secret', name: 'T', host: 'a.com', header: 'X-Other' }, 'no grant'],
  [['secret:T@a.com header x-other'], { kind: 'secret', name: 'T', host: 'a.com', header: 'X-Other' }, 'secret:T@a.com header x-other'],
  [['secret:T@a.com'], { kind: 'secret', name: 'T', host: 'b.com', header: 'Authorization' }, 'no grant'],
  [['model'], { kind: 'model', model: 'a/b' }, 'model'],
  [['model:a/b'], { kind: 'model' }, 'no grant'],
  [['model:a/b'], { kind: 'area', area: 'model:credentials' }, 'no grant'],
  [['tool:host/read'], { kind: 'tool', package: 'host', name: 'bash' }, 'no grant'],
  [['tools:override:read'], { kind: 'override', tool: 'read' }, 'tools:override:read'],
  [['provider:a.com'], { kind: 'provider', host: 'a.com' }, 'provider:a.com'],
  [['listen:0'], { kind: 'listen', port: 8080 }, 'no grant'],
  [['session:read'], { kind: 'area', area: 'session:write' }, 'no grant'],
  [['ui:notify'], { kind: 'area', area: 'ui:notify' }, 'ui:notify'],
];

describe('allows', () => {
  it.each(decisions)('with %j decides %j by %j', (texts, effect, rule) => {
    expect(allows(parsePermissionSet(texts), effect, places).rule).toBe(rule);
  });

  it('names what would allow a denied effect', () => {
    const cases: readonly (readonly [Effect, string])[] = [
      [read('/home/u/work/src/a.ts'), 'fs:read:./src/a.ts'],
      [read('/home/u/x'), 'fs:read:~/x'],
      [write('/etc/x'), 'fs:write:/etc/x'],
      [read('/home/u/work/odd/{a}.ts'), 'fs:read:./odd'],
      [get('https://api.github.com/repos'), 'net:api.github.com'],
      [get('http://10.0.0.1:8080/'), 'net:10.0.0.1:8080'],
      [get('http://[::1]/'), 'net:[::1]:80'],
      [{ kind: 'exec', argv: ['git', 'push'] }, 'exec:git'],
      [{ kind: 'secret', name: 'T', host: 'a.com', header: 'X-Other' }, 'secret:T@a.com header x-other'],
    ];
    for (const [effect, permission] of cases) {
      expect(allows(emptyPermissionSet, effect, places)).toEqual({ allowed: false, rule: 'no grant', permission });
      expect(allows(parsePermissionSet([permission]), effect, places).allowed).toBe(true);
    }
  });

  it('is allowed by the permission it names, but where a path is closed or a denial stands', () => {
    fc.assert(
      fc.property(anyEffect, anyPlaces, (effect, anywhere) => {
        fc.pre(effect.kind !== 'net' || (effect.protocol === 'https:') !== (effect.port === 80));
        const decision = allows(permissionSet([permissionFor(effect, anywhere)]), effect, anywhere);
        expect(decision.allowed || decision.rule === 'closed path').toBe(true);
      }),
    );
  });

  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(permissionTexts, fc.array(fc.nat()), anyEffect, anyPlaces, (texts, seed, effect, anywhere) => {
        const shuffled = texts
          .map((text, index) => ({ text, at: seed[index] ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ text }) => text);
        const set = parsePermissionSet([...shuffled, ...shuffled]);
        expect(set).toEqual(parsePermissionSet(texts));
        expect(allows(set, effect, anywhere)).toEqual(allows(parsePermissionSet(texts), effect, anywhere));
      }),
    );
  });

  it('lets a denial win over everything', () => {
    fc.assert(
      fc.property(anySet, anyEffect, anyPlaces, (set, effect, anywhere) => {
        const denial = { ...permissionFor(effect, anywhere), deny: true };
        fc.pre(effect.kind !== 'net' || (effect.protocol === 'https:') !== (effect.port === 80));
        expect(allows(union(set, permissionSet([denial])), effect, anywhere).allowed).toBe(false);
      }),
    );
  });
});

describe('covers', () => {
  const table: readonly (readonly [string[], string[], boolean])[] = [
    [['fs:read'], ['fs:read:./src'], true],
    [['fs:read:./src'], ['fs:read'], false],
    [['fs:read:/'], ['fs:read:~/x', 'fs:read'], true],
    [['fs:read:/'], ['fs:read:tmp:/'], false],
    [['fs:read:~/'], ['fs:read'], false],
    [[], ['fs:read:data:/', 'fs:write:data:/cache'], true],
    [['!fs:read:data:/'], [], false],
    [['fs:read'], ['fs:read:./.env'], false],
    [['fs:read:./.env'], ['fs:read:./.env'], true],
    [['fs:read'], ['fs:read:./.env*'], true],
    [['fs:write'], ['fs:write:./package.json'], false],
    [['fs:read:./**/*.ts'], ['fs:read:./src/*.ts'], true],
    [['fs:read:./*/a'], ['fs:read:./**/a'], false],
    [['fs:read:./a*'], ['fs:read:./ab*c'], true],
    [['net:*.a.com'], ['net:b.a.com', 'net:*.b.a.com'], true],
    [['net:*.a.com'], ['net:a.com'], false],
    [['net:a.com'], ['net:GET:a.com/x'], true],
    [['net:GET:a.com'], ['net:a.com'], false],
    [['net:a.com'], ['net:a.com:80'], false],
    [['net:cidr:0.0.0.0/0'], ['net:8.8.8.8'], true],
    [['net:cidr:0.0.0.0/0'], ['net:10.0.0.1'], false],
    [['net:cidr:10.0.0.0/8'], ['net:cidr:10.1.0.0/16', 'net:10.2.3.4'], true],
    [['exec:git'], ['exec:git status'], true],
    [['exec:git status'], ['exec:git'], false],
    [['model'], ['model:a/b'], true],
    [['model'], ['model:credentials'], false],
    [['fs:read', '!fs:read:./x'], ['fs:read'], false],
    [['fs:read', '!fs:read:./x'], ['fs:read:./y'], true],
    [['fs:read:/', '!fs:read:~/x'], ['fs:read'], false],
    [['fs:read:/', '!fs:read:tmp:/'], ['fs:read'], true],
    [['fs:read', '!fs:read:./x'], ['fs:read', '!fs:read:./x'], true],
    [['fs:read', '!fs:read:./x/y'], ['fs:read', '!fs:read:./x'], true],
    [['net:a.com', '!net:POST:a.com'], ['net:GET:a.com'], true],
    [['net:a.com', '!net:POST:a.com'], ['net:a.com'], false],
  ];

  it.each(table)('of %j and %j is %j', (a, b, expected) => {
    expect(covers(parsePermissionSet(a), parsePermissionSet(b))).toBe(expected);
  });

  it('is reflexive', () => {
    fc.assert(fc.property(anySet, (set) => void expect(covers(set, set)).toBe(true)));
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(anySet, anySet, anySet, (a, b, c) => {
        // sets that are each a part of the next meet the premise often
        const [big, middle, small] = [union(a, union(b, c)), union(b, c), c].map((set) =>
          permissionSet(set.permissions.filter((permission) => !permission.deny)),
        );
        for (const [x, y, z] of [
          [a, b, c],
          [big, middle, small],
          [union(a, b), b, c],
        ]) {
          if (x && y && z && covers(x, y) && covers(y, z)) expect(covers(x, z)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('means that what the covered set allows is allowed, wherever the roots lie', () => {
    fc.assert(
      fc.property(anySet, anySet, fc.array(anyEffect, { minLength: 10, maxLength: 20 }), anyPlaces, (a, b, effects, anywhere) => {
        for (const [outer, inner] of [
          [a, b],
          [union(a, b), b],
          [a, union(a, b)],
        ]) {
          if (!outer || !inner || !covers(outer, inner)) continue;
          for (const effect of effects) {
            if (allows(inner, effect, anywhere).allowed) expect(allows(outer, effect, anywhere).allowed, JSON.stringify(effect)).toBe(true);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('means that a single permission that covers another allows what it allows', () => {
    fc.assert(
      fc.property(anyPermission, anyPermission, fc.array(anyEffect, { minLength: 20, maxLength: 30 }), anyPlaces, (a, b, effects, anywhere) => {
        const [outer, inner] = [permissionSet([{ ...a, deny: false }]), permissionSet([{ ...b, deny: false }])];
        if (!covers(outer, inner)) return;
        for (const effect of effects) {
          if (allows(inner, effect, anywhere).allowed) expect(allows(outer, effect, anywhere).allowed, JSON.stringify(effect)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('covers, on permissions that lie in each other', () => {
  it('means that every effect of the inner one is allowed by the outer one', () => {
    fc.assert(
      fc.property(nested, fc.option(anyText, { nil: undefined }), anyPlaces, ([outer, inner], denial, anywhere) => {
        const a = parsePermissionSet(denial === undefined ? [outer] : [outer, `!${denial.replace('!', '')}`]);
        const b = parsePermissionSet([inner]);
        if (!covers(a, b)) return;
        for (const effect of b.permissions.flatMap((permission) => effectsOf(permission, anywhere))) {
          if (allows(b, effect, anywhere).allowed) expect(allows(a, effect, anywhere).allowed, JSON.stringify(effect)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('holds unless a protected name is spelt', () => {
    fc.assert(
      fc.property(nested, ([outer, inner]) => {
        fc.pre(!/\.env|\.git|SKILL/.test(inner));
        expect(covers(parsePermissionSet([outer]), parsePermissionSet([inner]))).toBe(true);
      }),
    );
  });
});

describe('widening', () => {
  const texts = (old: string[], next: string[]): string[] => widening(parsePermissionSet(old), parsePermissionSet(next)).map(formatPermission);

  it('names what is new', () => {
    expect(texts(['fs:read'], ['fs:read', 'net:a.com'])).toEqual(['net:a.com']);
    expect(texts(['fs:read'], ['fs:read:./src'])).toEqual([]);
  });

  it('counts a removed denial', () => {
    expect(texts(['fs:read', '!fs:read:./x'], ['fs:read'])).toEqual(['!fs:read:./x']);
    expect(texts(['fs:read', '!fs:read:./x'], ['fs:read', '!fs:read:./x/y'])).toEqual(['!fs:read:./x']);
  });

  it('does not count a removed denial of what is not allowed anyway', () => {
    expect(texts(['fs:read', '!net:a.com'], ['fs:read'])).toEqual([]);
  });

  it('counts a protected path that is newly named', () => {
    expect(texts(['fs:read'], ['fs:read', 'fs:read:./.env'])).toEqual(['fs:read:./.env']);
  });

  it('finds every effect that only the next set allows', () => {
    fc.assert(
      fc.property(anySet, anySet, anyEffect, anyPlaces, (old, next, effect, anywhere) => {
        if (allows(next, effect, anywhere).allowed && !allows(old, effect, anywhere).allowed) expect(widening(old, next)).not.toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('intersection', () => {
  it('allows nothing that one of the two does not', () => {
    fc.assert(
      fc.property(anySet, anySet, fc.array(anyEffect, { minLength: 10, maxLength: 20 }), anyPlaces, (a, b, effects, anywhere) => {
        const both = intersection(a, b);
        for (const effect of effects) {
          if (!allows(both, effect, anywhere).allowed) continue;
          expect(allows(a, effect, anywhere).allowed && allows(b, effect, anywhere).allowed).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps what both hold, the narrower of two, and every denial', () => {
    const of = (a: string[], b: string[]): string[] => formatPermissionSet(intersection(parsePermissionSet(a), parsePermissionSet(b)));
    expect(of(['fs:read', 'net:a.com'], ['fs:read:./src', 'net:a.com', 'net:b.com'])).toEqual(['fs:read:./src', 'net:a.com']);
    expect(of(['exec:git'], ['exec:git status', '!exec:git push'])).toEqual(['!exec:git push', 'exec:git status']);
    expect(of(['fs:read'], [])).toEqual([]);
  });
});

describe('a set', () => {
  it('is sorted and without repeats', () => {
    expect(formatPermissionSet(parsePermissionSet(['net:a.com', 'fs:read:./', '!fs:write', 'fs:read']))).toEqual(['!fs:write', 'fs:read', 'net:a.com']);
  });

  it('survives formatting', () => {
    fc.assert(fc.property(anySet, (set) => void expect(parsePermissionSet(formatPermissionSet(set))).toEqual(set)));
  });
});
