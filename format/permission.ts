import { formatHost, parseCidr, parseHost, type HostPattern } from './host-pattern.ts';
import { formatPathScope, parsePathScope, parsePattern, type PathScope } from './path-scope.ts';
import type { PathPattern } from './path-pattern.ts';
import { INVISIBLE, refuser, type Refuse } from './permission-syntax.ts';

/** Areas that take no argument. */
export const PLAIN_AREAS = [
  'model:credentials',
  'session:read',
  'session:write',
  'session:control',
  'prompt:modify',
  'agent:spawn',
  'background',
  'tools:intercept',
  'tools:dynamic',
  'ui:notify',
  'ui:prompt',
  'ui:panel',
  'ui:keys',
  'clipboard:read',
  'clipboard:write',
  'wasm',
  'node',
] as const;

export type PlainArea = (typeof PLAIN_AREAS)[number];
export type FsArea = 'fs:read' | 'fs:write';

/** One permission, or with `deny` its denial. The text form is in PACKAGE_FORMAT.md. */
export type Permission = { readonly deny: boolean } & (
  | { readonly area: FsArea; readonly scope: PathScope }
  | {
      readonly area: 'net';
      /** Upper case, sorted; empty means every method. */
      readonly methods: readonly string[];
      readonly host: HostPattern;
      /** 443 is https, 80 is http, every other port is both. */
      readonly port: number;
      /** Segments of the URL's path; empty means every path. */
      readonly path: PathPattern;
    }
  | { readonly area: 'listen'; readonly port: number }
  /** The program and its first arguments; more arguments may follow. */
  | { readonly area: 'exec'; readonly argv: readonly string[] }
  | { readonly area: 'env'; readonly name: string }
  | { readonly area: 'secret'; readonly name: string; readonly host: HostPattern; readonly header?: string }
  /** Without `model` any of the user's models. */
  | { readonly area: 'model'; readonly model?: string }
  | { readonly area: 'provider'; readonly host: HostPattern }
  | { readonly area: 'tool'; readonly package: string; readonly name: string }
  | { readonly area: 'tools:override'; readonly name: string }
  | { readonly area: PlainArea }
);

/** The permission of one area. */
export type PermissionOf<A extends Permission['area']> = Extract<Permission, { readonly area: A }>;

const MAX_LENGTH = 1024;
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const PACKAGE = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;
const FORBIDDEN_HEADERS = /^(host|cookie|set-cookie|proxy-.*|content-length|transfer-encoding|connection|upgrade|te|trailer)$/;

type Parse = (argument: string | undefined, at: number, refuse: Refuse) => WithoutDeny;
type WithoutDeny = Permission extends infer P ? (P extends Permission ? Omit<P, 'deny'> : never) : never;

/** Areas with an argument, the longer names first: `model:credentials` is found before `model`. */
const PARSERS: readonly (readonly [string, Parse])[] = [
  ...PLAIN_AREAS.map((area): [string, Parse] => [
    area,
    (argument, at, refuse) => (argument === undefined ? { area } : refuse(at, `\`${area}\` takes no argument`)),
  ]),
  ['fs:read', (argument, at, refuse) => ({ area: 'fs:read', scope: parseScope(argument, at, refuse) })],
  ['fs:write', (argument, at, refuse) => ({ area: 'fs:write', scope: parseScope(argument, at, refuse) })],
  ['tools:override', (argument, at, refuse) => ({ area: 'tools:override', name: matching(NAME, argument, at, refuse, 'the name of a tool is missing') })],
  ['net', parseNet],
  ['listen', (argument, at, refuse) => ({ area: 'listen', port: parsePort(argument ?? '', at, refuse, 0) })],
  ['exec', (argument, at, refuse) => ({ area: 'exec', argv: parseArgv(argument ?? '', at, refuse) })],
  ['env', (argument, at, refuse) => ({ area: 'env', name: parseVariable(argument, at, refuse) })],
  ['secret', parseSecret],
  [
    'model',
    (argument, at, refuse) =>
      argument === undefined
        ? { area: 'model' }
        : { area: 'model', model: matching(/^[^\s/]+\/\S+$/, argument, at, refuse, 'a model is written `PROVIDER/ID`') },
  ],
  ['provider', (argument, at, refuse) => ({ area: 'provider', host: parseHost(argument ?? '', at, refuse) })],
  ['tool', parseTool],
];

/** @throws {DashError} INVALID_PERMISSION with the column in the message */
export function parsePermission(text: string): Permission {
  const refuse = refuser(text);
  if (text.length > MAX_LENGTH) refuse(MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
  const invisible = text.search(INVISIBLE);
  if (invisible >= 0) refuse(invisible, 'an invisible or control character');
  const deny = text.startsWith('!');
  const start = deny ? 1 : 0;
  const rest = text.slice(start);
  for (const [area, parse] of PARSERS) {
    if (rest === area) return { deny, ...parse(undefined, start + area.length, refuse) };
    if (rest.startsWith(`${area}:`)) return { deny, ...parse(rest.slice(area.length + 1), start + area.length + 1, refuse) };
  }
  return refuse(start, rest === '' ? 'a permission is missing' : 'not a permission of this version of Dash', nearestArea(rest));
}

/** Gives the canonical text: `parsePermission` of it is the same permission. */
export function formatPermission(permission: Permission): string {
  return (permission.deny ? '!' : '') + formatAllowed(permission);
}

function formatAllowed(permission: Permission): string {
  switch (permission.area) {
    case 'fs:read':
    case 'fs:write': {
      const isWorkspace = permission.scope.root === 'workspace' && permission.scope.segments.length === 0;
      return isWorkspace ? permission.area : `${permission.area}:${formatPathScope(permission.scope)}`;
    }
    case 'net': {
      const methods = permission.methods.length === 0 ? '' : `${permission.methods.join(',')}:`;
      const port = permission.port === 443 ? '' : `:${permission.port}`;
      const path = permission.path.length === 0 ? '' : `/${permission.path.join('/')}`;
      return `net:${methods}${formatHost(permission.host)}${port}${path}`;
    }
    case 'listen':
      return `listen:${permission.port}`;
    case 'exec':
      return `exec:${permission.argv.join(' ')}`;
    case 'env':
      return `env:${permission.name}`;
    case 'secret':
      return `secret:${permission.name}@${formatHost(permission.host)}${permission.header === undefined ? '' : ` header ${permission.header}`}`;
    case 'model':
      return permission.model === undefined ? 'model' : `model:${permission.model}`;
    case 'provider':
      return `provider:${formatHost(permission.host)}`;
    case 'tool':
      return `tool:${permission.package}/${permission.name}`;
    case 'tools:override':
      return `tools:override:${permission.name}`;
    default:
      return permission.area;
  }
}

function parseScope(argument: string | undefined, at: number, refuse: Refuse): PathScope {
  return argument === undefined ? { root: 'workspace', segments: [] } : parsePathScope(argument, at, refuse);
}

function parseNet(argument: string | undefined, at: number, refuse: Refuse): Omit<PermissionOf<'net'>, 'deny'> {
  if (argument === undefined) return refuse(at, 'a host is missing', 'write `net:api.example.com`');
  if (argument.startsWith('cidr:')) {
    const [, network = '', port] = /^cidr:([^/]*\/[^:]*)(?::(.*))?$/.exec(argument) ?? refuse(at, 'a network is written `cidr:10.0.0.0/8`');
    const host = parseCidr(network, at + 5, refuse);
    return { area: 'net', methods: [], host, port: port === undefined ? 443 : parsePort(port, at + 6 + network.length, refuse, 1), path: [] };
  }
  const [prefix = ''] = /^[A-Z,]+:/.exec(argument) ?? [];
  const methods = prefix === '' ? [] : parseMethods(prefix.slice(0, -1), at, refuse);
  const target = argument.slice(prefix.length);
  const targetAt = at + prefix.length;
  if (target.includes('://')) return refuse(targetAt, 'a permission names a host, not a URL', 'write `net:api.example.com/path`');
  const slash = target.indexOf('/');
  const authority = slash < 0 ? target : target.slice(0, slash);
  const [, host = '', port] =
    /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(authority) ?? refuse(targetAt, `\`${authority}\` is not a host`, 'write an IPv6 address as `[::1]`');
  return {
    area: 'net',
    methods,
    host: parseHost(host, targetAt, refuse),
    port: port === undefined ? 443 : parsePort(port, targetAt + host.length + 1, refuse, 1),
    path: slash < 0 ? [] : parseUrlPath(target.slice(slash + 1), targetAt + slash + 1, refuse),
  };
}

function parseMethods(text: string, at: number, refuse: Refuse): string[] {
  const methods = text.split(',');
  const unknown = methods.find((method) => !METHODS.includes(method));
  if (unknown !== undefined) return refuse(at + text.indexOf(unknown), `\`${unknown}\` is not a method`, `one of ${METHODS.join(', ')}`);
  return METHODS.filter((method) => methods.includes(method));
}

function parseUrlPath(text: string, at: number, refuse: Refuse): string[] {
  const odd = text.search(/[%#\s]/);
  if (odd >= 0) refuse(at + odd, `\`${text[odd]}\` cannot be part of a path here`, 'write the path decoded and without its query');
  return parsePattern(text, at, refuse);
}

function parsePort(text: string, at: number, refuse: Refuse, lowest: 0 | 1): number {
  const port = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : -1;
  return port >= lowest && port <= 65_535 ? port : refuse(at, `\`${text}\` is not a port`);
}

function parseArgv(text: string, at: number, refuse: Refuse): string[] {
  const words = text.split(' ');
  let offset = at;
  for (const word of words) {
    if (word === '') refuse(offset, offset === at ? 'a program is missing' : 'words are separated by one space');
    const odd = word.search(/[^A-Za-z0-9._/:=@%+,^-]/);
    if (odd >= 0) refuse(offset + odd, `\`${word[odd]}\` cannot be part of a command here`, 'words are literal: no quotes, wildcards or shell syntax');
    offset += word.length + 1;
  }
  const [program = ''] = words;
  const isPath = program.includes('/');
  if (program.startsWith('-') || /^\.*$/.test(program)) refuse(at, `\`${program}\` is not a program`);
  if (
    isPath &&
    (!program.startsWith('/') ||
      program
        .split('/')
        .slice(1)
        .some((part) => /^\.{0,2}$/.test(part)))
  ) {
    refuse(at, 'a program is a bare name or an absolute path', 'programs inside the workspace cannot be named: whoever writes there would choose what runs');
  }
  return words;
}

function parseSecret(argument: string | undefined, at: number, refuse: Refuse): Omit<PermissionOf<'secret'>, 'deny'> {
  const [, name, host = '', header] = /^([^@]*)@(.*?)(?: header (.*))?$/.exec(argument ?? '') ?? refuse(at, 'a secret is written `NAME@HOST`');
  const hostAt = at + (name?.length ?? 0) + 1;
  const parsed = parseHost(host, hostAt, refuse);
  if (parsed.kind === 'suffix') refuse(hostAt, 'a secret goes to hosts named in full');
  const checked = { area: 'secret', name: parseVariable(name, at, refuse), host: parsed } as const;
  if (header === undefined) return checked;
  const headerAt = hostAt + host.length + 8;
  const lower = matching(/^[A-Za-z0-9-]{1,64}$/, header, headerAt, refuse, `\`${header}\` is not the name of a header`).toLowerCase();
  return FORBIDDEN_HEADERS.test(lower) ? refuse(headerAt, `\`${header}\` cannot carry a secret`) : { ...checked, header: lower };
}

function parseTool(argument: string | undefined, at: number, refuse: Refuse): Omit<PermissionOf<'tool'>, 'deny'> {
  const text = argument ?? '';
  const slash = text.lastIndexOf('/');
  if (slash < 0) return refuse(at, 'a tool is written `PACKAGE/NAME` or `host/NAME`');
  return {
    area: 'tool',
    package: matching(PACKAGE, text.slice(0, slash), at, refuse, 'not the name of a package'),
    name: matching(NAME, text.slice(slash + 1), at + slash + 1, refuse, 'not the name of a tool'),
  };
}

function parseVariable(argument: string | undefined, at: number, refuse: Refuse): string {
  return matching(/^[A-Za-z_][A-Za-z0-9_]*$/, argument, at, refuse, 'the name of a variable is missing, in letters, digits and `_`');
}

function matching(pattern: RegExp, text: string | undefined, at: number, refuse: Refuse, why: string): string {
  return text !== undefined && pattern.test(text) ? text : refuse(at, why);
}

function nearestArea(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed !== text) return 'remove the spaces around it';
  const [first = ''] = text.split(':');
  const family = PARSERS.map(([area]) => area).filter((area) => area === first || area.startsWith(`${first}:`));
  return family.length === 0 ? undefined : `did you mean ${family.map((area) => `\`${area}\``).join(', ')}?`;
}
