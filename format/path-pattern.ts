import { covers, overlaps } from './wildcard.ts';

/**
 * Segments of a path pattern. `*` stands for any characters of one segment (a leading dot too), `**` for any number of
 * segments. What a pattern matches, it matches with its whole subtree.
 */
export type PathPattern = readonly string[];

/** Tells whether `pattern` matches a path, given as its literal segments, or one of its ancestors. */
export function patternMatches(pattern: PathPattern, path: readonly string[]): boolean {
  return covers(withSubtree(pattern), path, isRecursive, segmentCovers);
}

/** Tells whether every path that `inner` matches is matched by `outer`. Errs on the side of no. */
export function patternContains(outer: PathPattern, inner: PathPattern): boolean {
  return covers(withSubtree(outer), withSubtree(inner), isRecursive, (a, b) => !isRecursive(b) && segmentCovers(a, b));
}

/** Tells whether some path is matched by both. */
export function patternsOverlap(a: PathPattern, b: PathPattern): boolean {
  return overlaps(withSubtree(a), withSubtree(b), isRecursive, segmentsOverlap);
}

/** Tells whether the pattern names one path and nothing else by its text. */
export function isLiteral(pattern: PathPattern): boolean {
  return pattern.every((segment) => !segment.includes('*'));
}

/** Tells whether `pattern`, a single segment with `*`, takes every name that `name` stands for. */
export function segmentCovers(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  return covers(Array.from(pattern), Array.from(name), isStar, Object.is);
}

/** Tells whether two single segments have a name in common. */
export function segmentsOverlap(a: string, b: string): boolean {
  if (!a.includes('*') && !b.includes('*')) return a === b;
  return overlaps(Array.from(a), Array.from(b), isStar, Object.is);
}

function withSubtree(pattern: PathPattern): PathPattern {
  return pattern.at(-1) === '**' ? pattern : [...pattern, '**'];
}

function isRecursive(segment: string): boolean {
  return segment === '**';
}

function isStar(character: string): boolean {
  return character === '*';
}
