import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SkillFolder } from './skill-files.ts';

/** Where the skills of a person and of a project lie. */
export interface SkillPlaces {
  readonly user: readonly SkillFolder[];
  /** From the working directory up to the root of the repository. Read only when the project is trusted. */
  readonly project: readonly SkillFolder[];
}

/** Folders in a project: ours, the one agents share, and those that other clients leave. */
const PROJECT_FOLDERS = ['.dash/skills', '.agents/skills', '.claude/skills', '.pi/skills'];

/** Lists the places, most specific first. */
export function skillPlaces(places: { readonly dashHome: string; readonly home: string; readonly cwd: string }): SkillPlaces {
  const { dashHome, home } = places;
  const user = [join(dashHome, 'skills'), ...['.agents/skills', '.claude/skills', '.pi/agent/skills', '.pi/skills'].map((folder) => join(home, folder))];
  return foldersOf(places, { user, project: PROJECT_FOLDERS });
}

/** Gives the user's folders, and those of these names in the project, from the working directory outwards. */
export function foldersOf(
  { home, cwd }: { readonly home: string; readonly cwd: string },
  { user, project: names }: { readonly user: readonly string[]; readonly project: readonly string[] },
): SkillPlaces {
  const root = repositoryRoot(cwd, home) ?? cwd;
  const project = directoriesUpTo(cwd, root).flatMap((directory) => names.map((folder) => join(directory, folder)));
  return {
    user: [...new Set(user)].map((directory) => ({ directory })),
    // someone whose project is their home has those skills already
    project: project.filter((directory) => !user.includes(directory)).map((directory) => ({ directory, confinedTo: root })),
  };
}

/** Names of the project's folders that hold skills, relative to the working directory; for the one who asks for trust. */
export function projectSkillFolders(places: SkillPlaces): readonly string[] {
  return places.project.map(({ directory }) => directory).filter((directory) => existsSync(directory));
}

/**
 * The root of the project that `cwd` is in, and the directories that speak for it, from `cwd` outwards: up to the root of
 * the repository, or to the home directory where there is none.
 */
export function projectDirectories({ cwd, home }: { readonly cwd: string; readonly home: string }): {
  readonly root: string;
  readonly directories: readonly string[];
} {
  const root = repositoryRoot(cwd, home);
  const outwards = directoriesUpTo(cwd, root ?? home);
  return { root: root ?? cwd, directories: root !== undefined || outwards.at(-1) === home ? outwards : [cwd] };
}

function repositoryRoot(cwd: string, home: string): string | undefined {
  for (const directory of directoriesUpTo(cwd, '/')) {
    if (directory === home) return undefined;
    if (existsSync(join(directory, '.git'))) return directory;
  }
  return undefined;
}

function directoriesUpTo(from: string, top: string): readonly string[] {
  const directories = [from];
  for (let directory = from; directory !== top && dirname(directory) !== directory;) {
    directory = dirname(directory);
    directories.push(directory);
  }
  return directories;
}
