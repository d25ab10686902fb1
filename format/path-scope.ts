import { below, segmentsOf, type Places } from './places.ts';
import { isLiteral, patternContains, patternMatches, patternsOverlap, type PathPattern } from './path-pattern.ts';
import type { Refuse } from './permission-syntax.ts';

export type PathRoot = 'workspace' | 'data' | 'tmp' | 'home' | 'absolute';

/** The paths a permission speaks of: a root and a pattern below it. */
export interface PathScope {
  readonly root: PathRoot;
  readonly segments: PathPattern;
}

const PREFIXES: Readonly<Record<PathRoot, string>> = {
  workspace: './',
  data: 'data:/',
  tmp: 'tmp:/',
  home: '~/',
  absolute: '/',
};
const ROOTS: readonly PathRoot[] = ['workspace', 'data', 'tmp', 'home', 'absolute'];

/** Reads `./rel`, `data:/…`, `tmp:/…`, `~/x` or `/abs`; `at` is the offset of `text` inside the permission. */
export function parsePathScope(text: string, at: number, refuse: Refuse): PathScope {
  const root = ROOTS.find((candidate) => text.startsWith(PREFIXES[candidate]));
  if (root === undefined) {
    return refuse(at, `a path begins with \`./\`, \`~/\`, \`/\`, \`data:/\` or \`tmp:/\``, `write \`./${text}\` for a path in the workspace`);
  }
  const start = PREFIXES[root].length;
  return { root, segments: parsePattern(text.slice(start), at + start, refuse) };
}

/** Reads the segments after a root; shared with the path part of `net`. */
export function parsePattern(text: string, at: number, refuse: Refuse): string[] {
  if (text === '') return [];
  const segments: string[] = [];
  let offset = at;
  const parts = (text.endsWith('/') ? text.slice(0, -1) : text).split('/');
  for (const segment of parts) {
    if (segment === '') refuse(offset, 'an empty path segment');
    if (segment === '..') refuse(offset, '`..` is not allowed', 'name the directory itself');
    if (segment === '.') refuse(offset, '`.` is not allowed inside a path');
    const odd = segment.search(/[?[\]{}\\]/);
    if (odd >= 0) refuse(offset + odd, `\`${segment[odd]}\` has no meaning here`, 'only `*` and `**` are wildcards; a directory means everything in it');
    if (segment !== '**' && segment.includes('**')) refuse(offset + segment.indexOf('**'), '`**` must be a segment of its own');
    if (!(segment === '**' && segments.at(-1) === '**')) segments.push(segment);
    offset += segment.length + 1;
  }
  return segments;
}

export function formatPathScope(scope: PathScope): string {
  return PREFIXES[scope.root] + scope.segments.join('/');
}

/** Tells whether the path, absolute and real, lies in the scope. */
export function scopeMatches(scope: PathScope, path: string, places: Places): boolean {
  const segments = segmentsUnder(scope.root, path, places);
  return segments !== undefined && patternMatches(scope.segments, segments);
}

/** Tells whether the scope names this very path, without a wildcard and not by a parent directory. */
export function scopeNames(scope: PathScope, path: string, places: Places): boolean {
  const segments = segmentsUnder(scope.root, path, places);
  return segments !== undefined && isLiteral(scope.segments) && segments.join('/') === scope.segments.join('/');
}

/** Tells whether `outer` holds every path of `inner`, wherever the roots lie. */
export function scopeContains(outer: PathScope, inner: PathScope): boolean {
  if (outer.root === inner.root) return patternContains(outer.segments, inner.segments);
  // `/` holds the workspace and the home directory, wherever they are; nothing more can be said without knowing them
  return outer.root === 'absolute' && outer.segments.length === 0 && !isPrivate(inner.root);
}

/** Tells whether a path may lie in both; two roots of which nothing is known may overlap. */
export function scopesOverlap(a: PathScope, b: PathScope): boolean {
  if (a.root === b.root) return patternsOverlap(a.segments, b.segments);
  return !isPrivate(a.root) && !isPrivate(b.root);
}

/**
 * Gives the shortest literal scope for a path: relative to the private directories, the workspace or the home
 * directory where it lies in one. A name that the grammar cannot spell stands for the directory around it.
 */
export function scopeOf(path: string, places: Places): PathScope {
  const [root, segments] = locate(path, places);
  const unspeakable = segments.findIndex((segment) => /[*?[\]{}\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(segment));
  return { root, segments: unspeakable < 0 ? segments : segments.slice(0, unspeakable) };
}

function locate(path: string, places: Places): [PathRoot, string[]] {
  for (const root of ROOTS) {
    const segments = segmentsUnder(root, path, places);
    if (segments !== undefined) return [root, segments];
  }
  return ['absolute', segmentsOf(path)];
}

/**
 * The private directories are worlds of their own: only `data:/` and `tmp:/` speak of what is in them, so a wide grant
 * or a wide denial of the disk changes nothing there.
 */
function segmentsUnder(root: PathRoot, path: string, places: Places): string[] | undefined {
  const inData = below(places.data, path);
  const inTmp = inData === undefined ? below(places.tmp, path) : undefined;
  switch (root) {
    case 'data':
      return inData;
    case 'tmp':
      return inTmp;
    case 'workspace':
      return (inData ?? inTmp) ? undefined : below(places.workspace, path);
    case 'home':
      return (inData ?? inTmp) ? undefined : below(places.home, path);
    case 'absolute':
      return (inData ?? inTmp) ? undefined : segmentsOf(path);
  }
}

function isPrivate(root: PathRoot): boolean {
  return root === 'data' || root === 'tmp';
}
