import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { plainText } from '../../format/index.ts';
import { isErrno } from '../store/file-errors.ts';

/** What an author says changed between two versions. Every line is made safe to be shown, and no line is to be believed. */
export interface Changelog {
  /** Inside the package. */
  readonly path: string;
  /** The newest first, as in the file. */
  readonly lines: readonly string[];
  /** How many lines there are besides. */
  readonly left: number;
}

/** One of the two versions. */
export interface Version {
  readonly version: string;
  /** Where its files lie. */
  readonly dir: string;
  /** Paths of its files, as they were listed when they were verified. */
  readonly files: Iterable<string>;
  /** Where the manifest says that its changelog is. */
  readonly changelog: string | undefined;
}

const NAMES = ['changelog', 'changes', 'history', 'releases', 'news'];
const MAX_BYTES = 512 * 1024;
const MAX_LINES = 200;
const MAX_LINE_CHARACTERS = 300;

/** Reads what the newer version says of itself, since the older one; `undefined` where it says nothing. */
export async function readChangelog(old: Pick<Version, 'version' | 'dir'>, next: Version): Promise<Changelog | undefined> {
  const path = findChangelog(next);
  const text = path === undefined ? undefined : await beginningOf(join(next.dir, path));
  if (path === undefined || text === undefined) return undefined;
  const { default: semver } = await import('semver');
  const isNew = (version: string): boolean | undefined =>
    semver.valid(version) === null || semver.valid(old.version) === null || semver.valid(next.version) === null
      ? undefined
      : semver.gt(version, old.version) && semver.lte(version, next.version);
  const since = sectionsSince(text, isNew) ?? linesSince(text, (await beginningOf(join(old.dir, path))) ?? '');
  const lines = withoutEmptyEnds(since.map(safeLine));
  return lines.length === 0 ? undefined : { path, lines: lines.slice(0, MAX_LINES), left: Math.max(0, lines.length - MAX_LINES) };
}

/** The file that the manifest names, where it is one of the package; else the one that is usually called so. */
function findChangelog({ files, changelog }: Version): string | undefined {
  const all = [...files];
  const named = changelog?.replace(/^\.\//, '');
  if (named !== undefined && all.includes(named)) return named;
  const usual = (path: string) => NAMES.indexOf(path.replace(/\.(md|markdown|txt)$/i, '').toLowerCase());
  return all.filter((path) => usual(path) >= 0).toSorted((a, b) => usual(a) - usual(b))[0];
}

/**
 * The sections under headings of versions that are new; `undefined` where no heading names a version that can be compared.
 * What stands under "Unreleased" was not released.
 */
export function sectionsSince(text: string, isNew: (version: string) => boolean | undefined): readonly string[] | undefined {
  const lines = text.split(/\r?\n/);
  let isIn = false;
  let isKnown = false;
  const taken: string[] = [];
  for (const [index, line] of lines.entries()) {
    const heading = headingAt(line, lines[index + 1]);
    const version = heading === undefined ? undefined : VERSION.exec(heading)?.[1];
    const decided = version === undefined ? undefined : isNew(version);
    if (decided !== undefined) [isIn, isKnown] = [decided, true];
    else if (heading !== undefined && /\bunreleased\b/i.test(heading)) isIn = false;
    if (isIn) taken.push(line);
  }
  return isKnown ? taken : undefined;
}

/** At the beginning, or behind one word: `## [1.2.0]`, `# Release v1.2.0`, `## name@1.2.0`, but not `### Coming from 1.2.0`. */
const VERSION = /^(?:#{1,4} +)?(?:[\w@/.-]{1,100}[@ ])?[[(]?v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[\w.-]{1,60})?)(?=$|[\s\]),:(+])/i;

/** `## 1.2.0 – today`, a line that is underlined, or a version that stands alone at the beginning of a line. */
function headingAt(line: string, next: string | undefined): string | undefined {
  if (/^#{1,4}\s/.test(line)) return line.slice(0, 200);
  if (line.trim() !== '' && next !== undefined && /^(=+|-{3,})\s*$/.test(next)) return line.slice(0, 200);
  return /^\[?v?\d+\.\d+\.\d+\S{0,60}(\s+[([]?\d{4}-\d\d-\d\d[)\]]?)?:?\s*$/i.test(line) ? line : undefined;
}

/** Without versions to go by: the lines that the older file has not. */
function linesSince(text: string, before: string): readonly string[] {
  const known = new Set(before.split(/\r?\n/));
  return text.split(/\r?\n/).filter((line) => !known.has(line));
}

/** A line as it may be shown: nothing invisible, no more than a screen takes, and as far to the right as it was. */
function safeLine(line: string): string {
  const indent = /^ {0,8}/.exec(line)?.[0] ?? '';
  const text = plainText(line, MAX_LINE_CHARACTERS);
  return text === '' ? '' : `${indent}${text}`;
}

function withoutEmptyEnds(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line !== '');
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1);
}

/** Changelogs grow for years, and the newest stands above. */
async function beginningOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
}
