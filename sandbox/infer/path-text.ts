import { HOLE, PLACES, type PlaceName } from './value.ts';

/** `path.join`. */
export function joinPaths(parts: readonly string[]): string {
  return normalise(parts.filter((part) => part !== '').join('/'));
}

/** `path.resolve`: the last part that begins anew wins. One that is not known is taken for a relative one. */
export function resolvePaths(parts: readonly string[]): string {
  const start = parts.findLastIndex((part) => part.startsWith('/') || placeOf(part) !== undefined);
  return joinPaths(start === -1 ? [PLACES.workspace, ...parts] : parts.slice(start));
}

export function parentOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut > 0 ? path.slice(0, cut) : path.startsWith('/') ? '/' : HOLE;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The place a path begins with. */
export function placeOf(path: string): PlaceName | undefined {
  return (Object.keys(PLACES) as PlaceName[]).find((name) => path.startsWith(PLACES[name]));
}

/** What a path says: the argument of an `fs:` permission, nothing (its own files), or that it cannot be told. */
export type PathNeed =
  | { readonly kind: 'path'; readonly path: string; /** It is the directory in which a computed path lies. */ readonly isCut: boolean }
  | { readonly kind: 'own' }
  | { readonly kind: 'computed'; readonly known: string };

/** What can be granted of a path. Beyond the first part that is not known, the directory before it is meant. */
export function pathNeed(text: string): PathNeed {
  if (text.startsWith('file://')) return pathNeed(text.slice(7));
  const path = normalise(text);
  const place = placeOf(path);
  if (place === 'data') return { kind: 'own' };
  if (place === 'package') return { kind: 'own' };
  if (place === 'tmp') return { kind: 'path', path: 'tmp:/', isCut: false };
  const isAbsolute = path.startsWith('/');
  if (place === undefined && (path.startsWith(HOLE) || path === '' || /^(~|[A-Za-z]:\\|[\w+.-]+:\/\/)/.test(path))) return { kind: 'computed', known: path };
  const written = place === undefined ? path : path.slice(1);
  const all = written.split('/').filter((segment) => segment !== '' && segment !== '.');
  const unknown = all.findIndex((segment) => segment.includes(HOLE) || /[*?[\]{}\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(segment));
  const segments = unknown === -1 ? all : all.slice(0, unknown);
  if (segments.includes('..')) return { kind: 'computed', known: path };
  // the whole disk or the whole home is nothing anybody means
  if (segments.length === 0 && (isAbsolute || place === 'home')) return { kind: 'computed', known: path };
  return { kind: 'path', path: `${place === 'home' ? '~/' : isAbsolute ? '/' : './'}${segments.join('/')}`, isCut: unknown !== -1 };
}

function normalise(path: string): string {
  const begins = path.startsWith('/') ? '/' : '';
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    const last = kept.at(-1);
    if (segment === '..' && last !== undefined && last !== '..' && !last.includes(HOLE) && placeOf(last) === undefined) kept.pop();
    else kept.push(segment);
  }
  return begins + kept.join('/');
}
