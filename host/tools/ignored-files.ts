import { matchesGlob } from 'node:path';

/** One line of a `.gitignore`. */
interface Pattern {
  readonly glob: string;
  readonly onlyDirectories: boolean;
  /** `!…`: not ignored after all. */
  readonly kept: boolean;
}

/** What a `.gitignore` says, for the directory it lies in; see gitignore(5). */
export interface IgnoreList {
  /** Of its directory, with `/` at the end, relative to where the search began; empty for that itself. */
  readonly base: string;
  readonly patterns: readonly Pattern[];
}

/** Reads the text of a `.gitignore`. */
export function parseIgnoreList(text: string, base: string): IgnoreList {
  const patterns = text.split(/\r?\n/).flatMap((line): readonly Pattern[] => {
    const trimmed = line.replace(/(?<!\\)[ \t]+$/, '');
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const kept = trimmed.startsWith('!');
    const written = kept ? trimmed.slice(1) : trimmed;
    const onlyDirectories = written.endsWith('/');
    const path = onlyDirectories ? written.slice(0, -1) : written;
    // With a slash before its end a pattern means one place, without one any depth.
    const glob = path.includes('/') ? path.replace(/^\//, '') : `**/${path}`;
    return [{ glob: glob.replaceAll(/\\([ #!])/g, '$1'), onlyDirectories, kept }];
  });
  return { base, patterns };
}

/** Tells whether git leaves a path out; the last pattern that fits decides, and lists further down go before. */
export function isIgnored(path: string, isDirectory: boolean, lists: readonly IgnoreList[]): boolean {
  for (const { base, patterns } of lists.toReversed()) {
    if (!path.startsWith(base)) continue;
    const own = path.slice(base.length);
    const last = patterns.findLast(({ glob, onlyDirectories }) => (isDirectory || !onlyDirectories) && matchesGlob(own, glob));
    if (last !== undefined) return !last.kept;
  }
  return false;
}
