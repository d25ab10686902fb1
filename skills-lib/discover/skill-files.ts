import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import type { Diagnostic } from '../../format/index.ts';
import { IGNORE_FILES, type IgnoreRules, isIgnored, parseIgnoreFile } from './ignore-file.ts';
import { isShown } from '../visible-text.ts';

/** A directory that holds skills. */
export interface SkillFolder {
  readonly directory: string;
  /** Links are followed only to places below it; `undefined` follows all. */
  readonly confinedTo?: string;
}

export interface SkillFiles {
  readonly files: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_DEPTH = 8;
const MAX_DIRECTORIES = 20_000;
const MAX_IGNORE_BYTES = 64 * 1024;

/**
 * Finds the skills below a directory: a directory with a SKILL.md is one skill and is not searched further; a lone .md
 * at the top is one too. A directory that does not exist holds none. Directories are visited once, whatever links lead
 * to them, so a cycle ends.
 */
export async function skillFilesIn({ directory, confinedTo }: SkillFolder): Promise<SkillFiles> {
  const files: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const visited = new Set<string>();
  const border = confinedTo === undefined ? undefined : await realOf(confinedTo);

  const isOutside = (real: string): boolean => border !== undefined && real !== border && !real.startsWith(border + sep);

  const visit = async (path: string, relative: string, depth: number, inherited: IgnoreRules): Promise<void> => {
    const real = await realOf(path);
    if (real === undefined || visited.has(real)) return;
    if (isOutside(real)) {
      diagnostics.push(outside(path));
      return;
    }
    if (depth > MAX_DEPTH || visited.size >= MAX_DIRECTORIES) {
      // one for all that is left
      if (!diagnostics.some(({ code }) => code === 'SKILLS_TOO_DEEP'))
        diagnostics.push({ severity: 'warning', code: 'SKILLS_TOO_DEEP', message: 'skills are not searched further down', where: { path } });
      return;
    }
    visited.add(real);
    const entries = await entriesOf(path).catch((error: unknown) => {
      // a mount that is gone, or a directory of somebody else's, keeps nobody from the other skills
      if (!isOfFileSystem(error)) throw error;
      diagnostics.push({ severity: 'warning', code: 'SKILLS_UNREADABLE', message: `skills are not looked for here: ${error.message}`, where: { path } });
      return [];
    });
    const rules = [...inherited, ...(await rulesOf(path, relative, entries))];
    const own = skillFileAmong(entries);
    if (own !== undefined) {
      const file = join(path, own);
      const target = await realOf(file);
      if (target === undefined) return;
      if (isOutside(target)) diagnostics.push(outside(file));
      else files.push(file);
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const child = join(path, entry.name);
      if (!isShown(entry.name)) {
        diagnostics.push({
          severity: 'warning',
          code: 'SKILL_NAME_UNSEEN',
          message: 'a file whose name cannot be shown as it is is not read',
          where: { path: child },
        });
        continue;
      }
      const childRelative = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const isDirectory = entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectoryAt(child)));
      if (isIgnored(rules, childRelative, isDirectory)) continue;
      if (isDirectory) await visit(child, childRelative, depth + 1, rules);
      else if (depth === 0 && entry.isFile() && entry.name.endsWith('.md') && !/^readme\.md$/i.test(entry.name)) files.push(child);
    }
  };
  await visit(directory, '', 0, []);
  return { files, diagnostics };
}

function outside(path: string): Diagnostic {
  return { severity: 'warning', code: 'SKILL_LINK_OUTSIDE', message: 'a link that leaves the project is not followed', where: { path } };
}

/** `SKILL.md` before `skill.md` before any other case. */
function skillFileAmong(entries: readonly Dirent[]): string | undefined {
  const names = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name);
  return names.find((name) => name === 'SKILL.md') ?? names.find((name) => name === 'skill.md') ?? names.find((name) => /^skill\.md$/i.test(name));
}

async function rulesOf(directory: string, relative: string, entries: readonly Dirent[]): Promise<IgnoreRules> {
  const rules: IgnoreRules[] = [];
  for (const name of IGNORE_FILES) {
    if (!entries.some((entry) => entry.name === name && entry.isFile())) continue;
    const text = await ignoreText(join(directory, name));
    if (text !== undefined) rules.push(parseIgnoreFile(text, relative));
  }
  return rules.flat();
}

/** One that cannot be read, or is too long to be one, leaves nothing out. */
async function ignoreText(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).size <= MAX_IGNORE_BYTES ? await readFile(path, 'utf8') : undefined;
  } catch (error) {
    if (isOfFileSystem(error)) return undefined;
    throw error;
  }
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (basename(a.name) < basename(b.name) ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function realOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isOfFileSystem(error)) return undefined;
    throw error;
  }
}

async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isOfFileSystem(error)) return false;
    throw error;
  }
}

/** What is not there, or is a link to itself, holds no skills. */
function isMissing(error: unknown): boolean {
  return isOfFileSystem(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code);
}

function isOfFileSystem(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
