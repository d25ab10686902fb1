import { globMatches } from '../../format/index.ts';

/** One line of an ignore file. */
interface IgnoreRule {
  readonly pattern: string;
  readonly keeps: boolean;
  readonly directoriesOnly: boolean;
  /** Where the file lies that says it; paths are matched relative to it. */
  readonly base: string;
}

/** What the ignore files met so far leave out. The later rule wins, as in git. */
export type IgnoreRules = readonly IgnoreRule[];

/** Files that are read in every directory of skills, in this order. */
export const IGNORE_FILES = ['.gitignore', '.ignore', '.dashignore'];

const MAX_RULES = 500;
const MAX_PATTERN = 256;

/** Reads an ignore file in git's form; `base` is its directory, relative with `/`, `''` for the top. */
export function parseIgnoreFile(text: string, base: string): IgnoreRules {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && line.length <= MAX_PATTERN)
    .slice(0, MAX_RULES)
    .map((line) => {
      const keeps = line.startsWith('!');
      const written = line.slice(keeps ? 1 : 0).replace(/^\\/, '');
      const bare = written.replace(/\/+$/, '');
      // Without a slash inside, a pattern means that name at any depth.
      const pattern = bare.includes('/') ? bare.replace(/^\//, '') : `**/${bare}`;
      return { pattern, keeps, directoriesOnly: bare !== written, base };
    });
}

/** Tells whether `path`, relative with `/`, is left out. */
export function isIgnored(rules: IgnoreRules, path: string, isDirectory: boolean): boolean {
  const last = rules.findLast(({ pattern, directoriesOnly, base }) => {
    if (directoriesOnly && !isDirectory) return false;
    if (base !== '' && !path.startsWith(`${base}/`)) return false;
    return globMatches(pattern, base === '' ? path : path.slice(base.length + 1));
  });
  return last !== undefined && !last.keeps;
}
