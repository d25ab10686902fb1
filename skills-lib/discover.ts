import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Diagnostic, isDashError } from '../format/index.ts';
import { MAX_FILE_BYTES } from './front-matter.ts';
import { parseSkill, type Skill } from './skill.ts';

/** Who brought a skill; the order of sources is the order of precedence. */
export interface SkillSource {
  /** `user`, `project`, or the name of a package. */
  readonly origin: string;
  /** The SKILL.md files. */
  readonly files: readonly string[];
}

export interface FoundSkill extends Skill {
  readonly origin: string;
}

export interface Discovery {
  readonly skills: readonly FoundSkill[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the skills of all sources. Where two have one name, the earlier source keeps it and a diagnostic says who lost. */
export async function discoverSkills(sources: readonly SkillSource[]): Promise<Discovery> {
  const byName = new Map<string, FoundSkill>();
  const diagnostics: Diagnostic[] = [];
  for (const { origin, files } of sources) {
    for (const path of files) {
      const { skill, diagnostics: found } = await readSkill(path);
      diagnostics.push(...found);
      if (skill === undefined) continue;
      const winner = byName.get(skill.name);
      if (winner === undefined) byName.set(skill.name, { ...skill, origin });
      else
        diagnostics.push({
          severity: 'warning',
          code: 'SKILL_COLLISION',
          message: `the skill \`${skill.name}\` of ${origin} is hidden by the one of ${winner.origin}`,
          where: { path },
        });
    }
  }
  return { skills: [...byName.values()], diagnostics };
}

/** The SKILL.md files below a directory of skills, one level deep; a directory that does not exist holds none. */
export async function skillFilesIn(directory: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(directory)) {
    if (!entry.isDirectory()) continue;
    const names = (await entriesOf(join(directory, entry.name))).filter((file) => file.isFile()).map(({ name }) => name);
    const name = names.find((candidate) => candidate === 'SKILL.md') ?? names.find((candidate) => candidate === 'skill.md');
    if (name !== undefined) files.push(join(directory, entry.name, name));
  }
  return files.sort();
}

async function readSkill(path: string): Promise<{ readonly skill: Skill | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES)
      return {
        skill: undefined,
        diagnostics: [{ severity: 'error', code: 'too-large', message: `the skill is larger than ${MAX_FILE_BYTES} bytes`, where: { path } }],
      };
    return parseSkill(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (isDashError(error, 'INVALID_SKILL'))
      return { skill: undefined, diagnostics: [{ severity: 'error', code: error.code, message: error.message, where: error.where ?? { path } }] };
    if (error instanceof Error && 'code' in error)
      return { skill: undefined, diagnostics: [{ severity: 'error', code: 'SKILL_UNREADABLE', message: error.message, where: { path } }] };
    throw error;
  }
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
