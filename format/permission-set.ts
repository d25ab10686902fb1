import { formatHost, hostContains, hostMatches, hostOf, hostsOverlap, rangeHolds } from './host-pattern.ts';
import { patternContains, patternMatches, patternsOverlap, isLiteral } from './path-pattern.ts';
import { formatPathScope, scopeContains, scopeMatches, scopeNames, scopeOf, scopesOverlap } from './path-scope.ts';
import { formatPermission, parsePermission, type FsArea, type Permission, type PermissionOf, type PlainArea } from './permission.ts';
import { protection, spellsProtected } from './protected-paths.ts';
import type { Places } from './places.ts';

/** Permissions and denials, sorted by their text and without repeats. Order never has a meaning. */
export interface PermissionSet {
  readonly permissions: readonly Permission[];
}

/** One thing a package is about to do. Paths are absolute and real, hosts normalised by WHATWG rules. */
export type Effect =
  | { readonly kind: 'fs'; readonly access: 'read' | 'write'; readonly path: string }
  | {
      readonly kind: 'net';
      readonly method: string;
      readonly protocol: 'https:' | 'http:';
      readonly host: string;
      readonly port: number;
      readonly path: string;
    }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'secret'; readonly name: string; readonly host: string; readonly header: string }
  | { readonly kind: 'model'; readonly model?: string }
  | { readonly kind: 'tool'; readonly package: string; readonly name: string }
  | { readonly kind: 'override'; readonly tool: string }
  | { readonly kind: 'provider'; readonly host: string }
  | { readonly kind: 'listen'; readonly port: number }
  | { readonly kind: 'area'; readonly area: PlainArea };

/**
 * The answer to an effect. `rule` is what decided: the permission that allows it, the `!…` that denies it,
 * `no grant`, `protected path` (only a grant that names it opens it) or `closed path` (no grant opens it).
 * `permission` is what would allow it, in canonical form.
 */
export type Decision = { readonly allowed: true; readonly rule: string } | { readonly allowed: false; readonly rule: string; readonly permission: string };

export const emptyPermissionSet: PermissionSet = { permissions: [] };

/** Every package may use its own directory; a denial of it still wins. */
const IMPLICIT: readonly Permission[] = [parsePermission('fs:read:data:/'), parsePermission('fs:write:data:/')];
const DEFAULT_SECRET_HEADERS = ['authorization', 'x-api-key'];

/** @throws {DashError} INVALID_PERMISSION at the first text that is not a permission */
export function parsePermissionSet(texts: readonly string[]): PermissionSet {
  return permissionSet(texts.map(parsePermission));
}

/** Gives the canonical texts, sorted. */
export function formatPermissionSet(set: PermissionSet): string[] {
  return set.permissions.map(formatPermission);
}

export function union(a: PermissionSet, b: PermissionSet): PermissionSet {
  return permissionSet([...a.permissions, ...b.permissions]);
}

/**
 * Gives a set that allows nothing that one of the two does not allow. Errs on the side of less: of two permissions that
 * only overlap, nothing is left.
 */
export function intersection(a: PermissionSet, b: PermissionSet): PermissionSet {
  const within = (inner: PermissionSet, outer: PermissionSet): Permission[] =>
    allowsOf(inner).filter((permission) => allowsOf(outer).some((held) => contains(held, permission)));
  return permissionSet([...within(a, b), ...within(b, a), ...denialsOf(a), ...denialsOf(b)]);
}

/** Makes a set of permissions that are already parsed. */
export function permissionSet(permissions: readonly Permission[]): PermissionSet {
  const byText = new Map(permissions.map((permission) => [formatPermission(permission), permission]));
  return { permissions: [...byText.keys()].sort().map((text) => byText.get(text) as Permission) };
}

/**
 * Decides whether the set allows an effect: some permission matches, no denial does, and a protected path is named
 * exactly. Deny is the default.
 */
export function allows(set: PermissionSet, effect: Effect, places: Places): Decision {
  const matching = [...set.permissions, ...IMPLICIT].filter((permission) => matches(permission, effect, places));
  const denial = matching.find((permission) => permission.deny);
  if (denial !== undefined) return refuse(formatPermission(denial), effect, places);
  const [allow] = matching;
  if (allow === undefined) return refuse('no grant', effect, places);
  if (effect.kind !== 'fs') return { allowed: true, rule: formatPermission(allow) };
  switch (protection(`fs:${effect.access}`, effect.path, places)) {
    case 'open':
      return { allowed: true, rule: formatPermission(allow) };
    case 'by-name': {
      const named = matching.find((permission) => isFs(permission) && scopeNames(permission.scope, effect.path, places));
      return named === undefined ? refuse('protected path', effect, places) : { allowed: true, rule: formatPermission(named) };
    }
    case 'closed':
      return refuse('closed path', effect, places);
  }
}

/** Tells whether `a` allows everything that `b` allows, wherever the places lie. Errs on the side of no. */
export function covers(a: PermissionSet, b: PermissionSet): boolean {
  return widening(a, b).length === 0;
}

/**
 * Gives what `next` allows beyond `old`: permissions that no old one holds, and old denials (with `deny: true`) that
 * are gone although they speak of something `next` allows.
 */
export function widening(old: PermissionSet, next: PermissionSet): Permission[] {
  const oldAllows = [...allowsOf(old), ...IMPLICIT];
  const nextAllows = [...allowsOf(next), ...IMPLICIT];
  const added = nextAllows.filter((wanted) => !oldAllows.some((held) => contains(held, wanted)));
  const lifted = denialsOf(old).filter(
    (denial) => nextAllows.some((allow) => overlap(denial, allow)) && !denialsOf(next).some((kept) => contains(kept, denial)),
  );
  return [...added, ...lifted];
}

/** Gives the narrowest permission that a person would recognise for an effect. */
export function permissionFor(effect: Effect, places: Places): Permission {
  switch (effect.kind) {
    case 'fs':
      return { deny: false, area: `fs:${effect.access}`, scope: scopeOf(effect.path, places) };
    case 'net': {
      const asNamed = effect.port === 443 && effect.protocol === 'http:' ? 80 : effect.port;
      return { deny: false, area: 'net', methods: [], host: hostOf(effect.host), port: asNamed, path: [] };
    }
    case 'exec':
      return { deny: false, area: 'exec', argv: effect.argv.slice(0, 1) };
    case 'env':
      return { deny: false, area: 'env', name: effect.name };
    case 'secret': {
      const header = effect.header.toLowerCase();
      const named = DEFAULT_SECRET_HEADERS.includes(header) ? {} : { header };
      return { deny: false, area: 'secret', name: effect.name, host: hostOf(effect.host), ...named };
    }
    case 'model':
      return effect.model === undefined ? { deny: false, area: 'model' } : { deny: false, area: 'model', model: effect.model };
    case 'tool':
      return { deny: false, area: 'tool', package: effect.package, name: effect.name };
    case 'override':
      return { deny: false, area: 'tools:override', name: effect.tool };
    case 'provider':
      return { deny: false, area: 'provider', host: hostOf(effect.host) };
    case 'listen':
      return { deny: false, area: 'listen', port: effect.port };
    case 'area':
      return { deny: false, area: effect.area };
  }
}

function refuse(rule: string, effect: Effect, places: Places): Decision {
  return { allowed: false, rule, permission: formatPermission(permissionFor(effect, places)) };
}

function allowsOf(set: PermissionSet): readonly Permission[] {
  return set.permissions.filter((permission) => !permission.deny);
}

function denialsOf(set: PermissionSet): readonly Permission[] {
  return set.permissions.filter((permission) => permission.deny);
}

/** Tells whether the permission, be it granted or denied, speaks of the effect. A denial is read as widely as it can be. */
function matches(permission: Permission, effect: Effect, places: Places): boolean {
  switch (effect.kind) {
    case 'fs':
      return permission.area === `fs:${effect.access}` && isFs(permission) && scopeMatches(permission.scope, effect.path, places);
    case 'net':
      return permission.area === 'net' && netMatches(permission, effect);
    case 'exec':
      return permission.area === 'exec' && commandMatches(permission, effect.argv);
    case 'env':
      return permission.area === 'env' && permission.name === effect.name;
    case 'secret':
      return (
        permission.area === 'secret' &&
        permission.name === effect.name &&
        hostMatches(permission.host, effect.host) &&
        headersOf(permission).includes(effect.header.toLowerCase())
      );
    case 'model':
      return permission.area === 'model' && (permission.model === undefined || permission.model === effect.model);
    case 'tool':
      return permission.area === 'tool' && permission.package === effect.package && permission.name === effect.name;
    case 'override':
      return permission.area === 'tools:override' && permission.name === effect.tool;
    case 'provider':
      return permission.area === 'provider' && hostMatches(permission.host, effect.host);
    case 'listen':
      return permission.area === 'listen' && permission.port === effect.port;
    case 'area':
      return permission.area === effect.area;
  }
}

function netMatches(permission: PermissionOf<'net'>, effect: Extract<Effect, { kind: 'net' }>): boolean {
  if (permission.port !== effect.port || !protocolsOf(permission.port).includes(effect.protocol)) return false;
  if (permission.methods.length > 0 && !permission.methods.includes(effect.method)) return false;
  if (!(permission.deny ? rangeHolds(permission.host, effect.host) : hostMatches(permission.host, effect.host))) return false;
  if (permission.path.length === 0) return true;
  const path = decodePath(effect.path);
  // a path that a server may read in two ways is inside every denial and outside every permission
  return path === undefined ? permission.deny : patternMatches(permission.path, path);
}

function protocolsOf(port: number): readonly string[] {
  if (port === 443) return ['https:'];
  return port === 80 ? ['http:'] : ['https:', 'http:'];
}

function decodePath(path: string): string[] | undefined {
  const [pathname = ''] = path.split(/[?#]/, 1);
  const segments: string[] = [];
  for (const encoded of pathname.split('/')) {
    if (encoded === '') continue;
    let segment: string;
    try {
      segment = decodeURIComponent(encoded);
    } catch {
      return undefined;
    }
    if (/[/\\%\p{Cc}]/u.test(segment) || segment === '.' || segment === '..') return undefined;
    segments.push(segment);
  }
  return segments;
}

function commandMatches(permission: PermissionOf<'exec'>, argv: readonly string[]): boolean {
  const [program = '', ...given] = argv;
  const [named = '', ...words] = permission.argv;
  const isProgram = program === named || (permission.deny && isSameProgram(named, program));
  return isProgram && words.every((word, index) => given[index] === word);
}

/** A denial of a bare name is meant for the program wherever it lies. */
function isSameProgram(a: string, b: string): boolean {
  const baseName = (program: string): string => program.slice(program.lastIndexOf('/') + 1);
  return a === b || ((!a.includes('/') || !b.includes('/')) && baseName(a) === baseName(b));
}

function headersOf(permission: PermissionOf<'secret'>): readonly string[] {
  return permission.header === undefined ? DEFAULT_SECRET_HEADERS : [permission.header];
}

/** Tells whether `outer`, read without its `!`, holds everything that `inner` holds. */
function contains(outer: Permission, inner: Permission): boolean {
  if (isFs(outer) && isFs(inner)) {
    if (outer.area !== inner.area) return false;
    // a path that may be protected is open only to the grant that spells it
    const mustName = !inner.deny && isLiteral(inner.scope.segments) && spellsProtected(inner.area, inner.scope);
    return mustName ? formatPathScope(outer.scope) === formatPathScope(inner.scope) : scopeContains(outer.scope, inner.scope);
  }
  if (outer.area === 'net' && inner.area === 'net') {
    return (
      outer.port === inner.port &&
      hostContains(outer.host, inner.host) &&
      (outer.methods.length === 0 || (inner.methods.length > 0 && inner.methods.every((method) => outer.methods.includes(method)))) &&
      (outer.path.length === 0 || (inner.path.length > 0 && patternContains(outer.path, inner.path)))
    );
  }
  if (outer.area === 'exec' && inner.area === 'exec') return outer.argv.every((word, index) => inner.argv[index] === word);
  if (outer.area === 'model' && inner.area === 'model') return outer.model === undefined || outer.model === inner.model;
  if (outer.area === 'provider' && inner.area === 'provider') return hostContains(outer.host, inner.host);
  if (outer.area === 'secret' && inner.area === 'secret') {
    return (
      outer.name === inner.name && formatHost(outer.host) === formatHost(inner.host) && headersOf(inner).every((header) => headersOf(outer).includes(header))
    );
  }
  return formatPermission({ ...outer, deny: false }) === formatPermission({ ...inner, deny: false });
}

/** Tells whether a denial and a permission may speak of one and the same effect. Errs on the side of yes. */
function overlap(denial: Permission, allow: Permission): boolean {
  if (isFs(denial) && isFs(allow)) return denial.area === allow.area && scopesOverlap(denial.scope, allow.scope);
  if (denial.area === 'net' && allow.area === 'net') {
    return (
      denial.port === allow.port &&
      hostsOverlap(denial.host, allow.host) &&
      (denial.methods.length === 0 || allow.methods.length === 0 || denial.methods.some((method) => allow.methods.includes(method))) &&
      (denial.path.length === 0 || allow.path.length === 0 || patternsOverlap(denial.path, allow.path))
    );
  }
  if (denial.area === 'exec' && allow.area === 'exec') {
    const [[denied = '', ...words], [allowed = '', ...others]] = [denial.argv, allow.argv];
    return isSameProgram(denied, allowed) && words.every((word, index) => others[index] === undefined || others[index] === word);
  }
  if (denial.area === 'model' && allow.area === 'model') return denial.model === undefined || allow.model === undefined || denial.model === allow.model;
  if (denial.area === 'provider' && allow.area === 'provider') return hostsOverlap(denial.host, allow.host);
  if (denial.area === 'secret' && allow.area === 'secret') {
    return denial.name === allow.name && hostsOverlap(denial.host, allow.host) && headersOf(denial).some((header) => headersOf(allow).includes(header));
  }
  return contains(denial, allow);
}

function isFs(permission: Permission): permission is PermissionOf<FsArea> {
  return permission.area === 'fs:read' || permission.area === 'fs:write';
}
