import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Diagnostic } from '../../format/index.ts';
import type { SkillFiles, SkillFolder } from './skill-files.ts';
import { foldersOf, type SkillPlaces } from './skill-places.ts';
import { isShown } from '../visible-text.ts';

/** What lies in a folder as one file each. */
export type TextKind = 'prompts' | 'themes';

/** Where prompts or themes of a person and of a project lie: ours, pi's, and the commands of another client. */
const FOLDERS = {
  prompts: { suffix: '.md', user: ['.pi/agent/prompts', '.claude/commands'], project: ['.dash/prompts', '.pi/prompts', '.claude/commands'] },
  themes: { suffix: '.json', user: ['.pi/agent/themes'], project: ['.dash/themes', '.pi/themes'] },
} as const;

/** Lists the places, most specific first. The project's are read only when it is trusted. */
export function textPlaces(kind: TextKind, places: { readonly dashHome: string; readonly home: string; readonly cwd: string }): SkillPlaces {
  const { user, project } = FOLDERS[kind];
  return foldersOf(places, { user: [join(places.dashHome, kind), ...user.map((folder) => join(places.home, folder))], project });
}

/** Finds the prompts or themes in folders. A link that leaves the project is not followed: it could lead to a key. */
export async function textFilesIn(kind: TextKind, folders: readonly SkillFolder[]): Promise<SkillFiles> {
  const files: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { directory, confinedTo } of folders) {
    const names = await readdir(directory).catch(() => []);
    const border = confinedTo === undefined ? undefined : await realpath(confinedTo);
    for (const name of names.filter((one) => one.endsWith(FOLDERS[kind].suffix) && !/^readme\.md$/i.test(one) && isShown(one)).sort()) {
      const path = join(directory, name);
      const real = await realpath(path).catch(() => undefined);
      const found = real === undefined ? undefined : await stat(real).catch(() => undefined);
      if (real === undefined || found?.isFile() !== true) continue;
      if (border === undefined || real.startsWith(border + sep)) files.push(path);
      else diagnostics.push({ severity: 'warning', code: 'SKILL_LINK_OUTSIDE', message: 'a link that leaves the project is not followed', where: { path } });
    }
  }
  return { files, diagnostics };
}
