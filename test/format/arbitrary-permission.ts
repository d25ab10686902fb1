import fc from 'fast-check';
import { parsePermission, parsePermissionSet, type Effect, type Permission, type PermissionSet, type Places } from '../../format/index.ts';

/** Small alphabets, so that permissions and effects meet often. */
const name = fc.constantFrom('a', 'b', 'ab', '.env', '.git', 'SKILL.md', 'config');
const pattern = fc.constantFrom('a', 'b', 'ab', '.env', '.git', 'SKILL.md', 'config', '*', 'a*', '*b', '**');
const root = fc.constantFrom('./', '~/', '/', 'data:/', 'tmp:/', '/home/', '/home/u/', '~/w/', './a/');

const scope = fc.tuple(root, fc.array(pattern, { maxLength: 3 })).map(([prefix, segments]) => prefix + segments.join('/'));
const fs = fc.tuple(fc.constantFrom('fs:read', 'fs:write'), scope).map(([area, path]) => `${area}:${path}`);

const hostText = fc.constantFrom(
  'example.com',
  'api.example.com',
  'x.api.example.com',
  '*.example.com',
  '*.api.example.com',
  'localhost',
  '127.0.0.1',
  '10.1.2.3',
  '8.8.8.8',
  '[::1]',
  '[2606:4700::1]',
);
const methods = fc.constantFrom('', 'GET:', 'POST:', 'GET,POST:');
const port = fc.constantFrom('', ':80', ':8080');
const urlPath = fc.constantFrom('', '/a', '/a/b', '/*/b', '/**/b', '/b');
const net = fc.oneof(
  fc.tuple(methods, hostText, port, urlPath).map(([method, host, at, path]) => `net:${method}${host}${at}${path}`),
  fc
    .tuple(fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '8.0.0.0/7', '127.0.0.0/8', '::/0', 'fc00::/7'), port)
    .map(([range, at]) => `net:cidr:${range}${at}`),
);

const others = fc.constantFrom(
  'exec:git',
  'exec:git status',
  'exec:git status --porcelain',
  'exec:/usr/bin/git',
  'env:HOME',
  'env:TOKEN',
  'secret:T@example.com',
  'secret:T@example.com header x-api-key',
  'secret:T@example.com header private-token',
  'model',
  'model:openai/gpt',
  'provider:example.com',
  'provider:*.example.com',
  'tool:@s/p/t',
  'tool:host/bash',
  'tools:override:read',
  'listen:0',
  'listen:8080',
  'session:read',
  'ui:notify',
  'background',
  'node',
);

/** A permission as an author would write it. */
export const permissionText: fc.Arbitrary<string> = fc.oneof({ weight: 4, arbitrary: fs }, { weight: 4, arbitrary: net }, { weight: 2, arbitrary: others });

/** A permission or its denial. */
export const anyText: fc.Arbitrary<string> = fc.tuple(fc.boolean(), permissionText).map(([deny, text]) => (deny ? `!${text}` : text));

export const anyPermission = anyText.map(parsePermission);

export const permissionTexts: fc.Arbitrary<string[]> = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 3 }), permissionText).map(([chance, text]) => (chance === 0 ? `!${text}` : text)),
  { maxLength: 5 },
);

export const anySet: fc.Arbitrary<PermissionSet> = permissionTexts.map(parsePermissionSet);

/** Ordinary and odd arrangements of the roots. */
export const anyPlaces: fc.Arbitrary<Places> = fc.constantFrom(
  { workspace: '/home/u/w', home: '/home/u', data: '/home/u/.dash/data/p', tmp: '/tmp/dash-p' },
  { workspace: '/home', home: '/home/u', data: '/home/u/.dash/data/p', tmp: '/tmp/dash-p' },
  { workspace: '/home/u/.git/w', home: '/home/u', data: '/home/u/.dash/data/p', tmp: '/tmp/dash-p', dashHome: '/srv/dash' },
  { workspace: '/home/u/.ssh/w', home: '/home/u', data: '/data', tmp: '/tmp/p', dashHome: '/home/u/a' },
  { workspace: '/', home: '/a', data: '/data', tmp: '/tmp/p' },
);

/** A permission and one that lies inside it by its text, a protected name among them now and then. */
export const nested: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.tuple(fs, pattern).map(([outer, segment]): [string, string] => [outer, outer.endsWith('/') ? outer + segment : `${outer}/${segment}`]),
  fc
    .tuple(net, methods, urlPath)
    .filter(([outer]) => !/cidr|[A-Z]:|[^:]\/./.test(outer))
    .map(([outer, method, inner]): [string, string] => [outer, outer.replace('net:', `net:${method}`) + inner]),
);

/** Gives effects that a permission speaks of, with wildcards filled in. */
export function effectsOf(permission: Permission, places: Places): Effect[] {
  switch (permission.area) {
    case 'fs:read':
    case 'fs:write': {
      const base = { workspace: places.workspace, home: places.home, data: places.data, tmp: places.tmp, absolute: '' }[permission.scope.root];
      return ['a', '.env', 'SKILL.md'].map((filler) => {
        const segments = permission.scope.segments.map((segment) => (segment === '**' ? `${filler}/b` : segment.replaceAll('*', filler)));
        const path = `${base === '/' ? '' : base}/${segments.join('/')}`.replace(/(?<=.)\/$/, '');
        return { kind: 'fs', access: permission.area === 'fs:read' ? 'read' : 'write', path };
      });
    }
    case 'net': {
      const { host } = permission;
      const name =
        host.kind === 'name' ? host.name : host.kind === 'suffix' ? `x.${host.suffix}` : host.address.includes(':') ? `[${host.address}]` : host.address;
      const path = `/${permission.path.join('/').replaceAll('**', 'a/b').replaceAll('*', 'a')}`;
      return [
        { kind: 'net', method: permission.methods[0] ?? 'GET', protocol: permission.port === 80 ? 'http:' : 'https:', host: name, port: permission.port, path },
      ];
    }
    default:
      return [];
  }
}

const path = fc
  .tuple(
    fc.constantFrom('/', '/home/', '/home/u/', '/home/u/w/', '/home/u/.git/w/', '/home/u/.ssh/w/', '/home/u/.dash/data/p/', '/tmp/dash-p/', '/a/', '/data/'),
    fc.array(name, { maxLength: 3 }),
  )
  .map(([prefix, segments]) => (prefix + segments.join('/')).replace(/(?<=.)\/$/, ''));

const requestHost = fc.constantFrom(
  'example.com',
  'api.example.com',
  'x.api.example.com',
  'notexample.com',
  'localhost',
  '127.0.0.1',
  '10.1.2.3',
  '8.8.8.8',
  '[::1]',
  '[2606:4700::1]',
  '[fc00::1]',
);

export const anyEffect: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fs' as const), access: fc.constantFrom('read' as const, 'write' as const), path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('net' as const),
      method: fc.constantFrom('GET', 'POST', 'DELETE'),
      protocol: fc.constantFrom('https:' as const, 'http:' as const),
      host: requestHost,
      port: fc.constantFrom(443, 80, 8080),
      path: fc.constantFrom('/', '/a', '/a/b', '/a//b/', '/a%2fb', '/%61', '/b?x=/a', '/a/..%2fb', '/%E0%A4%A'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Effect>(
      { kind: 'exec', argv: ['git'] },
      { kind: 'exec', argv: ['git', 'status'] },
      { kind: 'exec', argv: ['/usr/bin/git', 'status', '--porcelain'] },
      { kind: 'env', name: 'HOME' },
      { kind: 'secret', name: 'T', host: 'example.com', header: 'Authorization' },
      { kind: 'secret', name: 'T', host: 'example.com', header: 'Private-Token' },
      { kind: 'model' },
      { kind: 'model', model: 'openai/gpt' },
      { kind: 'provider', host: 'api.example.com' },
      { kind: 'tool', package: '@s/p', name: 't' },
      { kind: 'override', tool: 'read' },
      { kind: 'listen', port: 8080 },
      { kind: 'area', area: 'session:read' },
      { kind: 'area', area: 'node' },
    ),
  },
);
