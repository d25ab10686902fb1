import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Diagnostic, isDashError } from '../format/index.ts';
import {
  DEFAULT_OFFERING,
  discoverSkills,
  type OfferedSkills,
  offerSkills,
  type FoundSkill,
  parsePrompt,
  parseTheme,
  type Prompt,
  skillFilesIn,
  type SkillFiles,
  type SkillFolder,
  skillPlaces,
  textFilesIn,
  type TextKind,
  textPlaces,
  type Theme,
} from '../skills-lib/index.ts';
import type { LoadedPackage } from './load-packages.ts';
import type { Settings } from './settings.ts';

export interface OwnedPrompt extends Prompt {
  readonly origin: string;
}

/** The skills, prompts and themes of the user and of all packages. */
export interface ResourceCatalog {
  readonly skills: readonly FoundSkill[];
  readonly offered: OfferedSkills;
  readonly prompts: readonly OwnedPrompt[];
  readonly themes: readonly Theme[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What of a package holds its resources. */
type ResourcePackage = Pick<LoadedPackage, 'name' | 'dir' | 'resources'>;

/** Where resources that no package brings are looked for. */
export interface LooseResources {
  readonly dashHome: string;
  readonly home: string;
  readonly cwd: string;
  readonly trusted: boolean;
  readonly skills?: NonNullable<Settings['skills']>;
  /** The directory of the skills that come with Dash; everybody else's go before them. */
  readonly bundledSkills?: string | undefined;
}

/** Reads all resources. The user's come first and keep their names, then those of a trusted project, then packages'. */
export async function readResources(loose: LooseResources, packages: readonly ResourcePackage[]): Promise<ResourceCatalog> {
  const files = (kind: 'skills' | 'prompts' | 'themes', { dir, resources }: ResourcePackage): string[] => resources[kind].map((path) => join(dir, path));
  const places = skillPlaces(loose);
  const [users, projects, bundled] = await Promise.all([
    filesOfAll(places.user),
    filesOfAll(loose.trusted ? places.project : []),
    filesOfAll(loose.bundledSkills === undefined ? [] : [{ directory: loose.bundledSkills }]),
  ]);
  const found = await discoverSkills(
    [
      { origin: 'user', files: users.files },
      { origin: 'project', files: projects.files },
      ...packages.map((pkg) => ({ origin: pkg.name, files: files('skills', pkg) })),
      { origin: 'dash', files: bundled.files },
    ],
    loose.skills?.prefer,
  );
  const diagnostics: Diagnostic[] = [...users.diagnostics, ...projects.diagnostics, ...found.diagnostics];

  const prompts = new Map<string, OwnedPrompt>();
  const promptSources = [...(await looseTexts('prompts', loose, diagnostics)), ...packages.map((pkg) => ({ origin: pkg.name, paths: files('prompts', pkg) }))];
  for (const { origin, paths } of promptSources) {
    for (const path of paths) {
      const prompt = await read(path, parsePrompt, diagnostics);
      if (prompt === undefined) continue;
      const winner = prompts.get(prompt.name);
      if (winner === undefined) prompts.set(prompt.name, { ...prompt, origin });
      else
        diagnostics.push({
          severity: 'warning',
          code: 'PROMPT_COLLISION',
          message: `the prompt \`/${prompt.name}\` of ${origin} is hidden by the one of ${winner.origin}`,
          where: { path },
        });
    }
  }

  const themes: Theme[] = [];
  const looseThemes = await looseTexts('themes', loose, diagnostics);
  for (const path of [...looseThemes.flatMap(({ paths }) => paths), ...packages.flatMap((pkg) => files('themes', pkg))]) {
    const theme = await read(path, parseTheme, diagnostics);
    if (theme !== undefined) themes.push(theme);
  }
  return {
    skills: found.skills,
    offered: offerSkills(found.skills, { ...DEFAULT_OFFERING, ...loose.skills }),
    prompts: [...prompts.values()],
    themes,
    diagnostics,
  };
}

/** The user's before those of a trusted project. */
async function looseTexts(kind: TextKind, loose: LooseResources, diagnostics: Diagnostic[]): Promise<{ origin: string; paths: readonly string[] }[]> {
  const { user, project } = textPlaces(kind, loose);
  const [own, theirs] = await Promise.all([textFilesIn(kind, user), textFilesIn(kind, loose.trusted ? project : [])]);
  diagnostics.push(...own.diagnostics, ...theirs.diagnostics);
  return [
    { origin: 'user', paths: own.files },
    { origin: 'project', paths: theirs.files },
  ];
}

async function filesOfAll(folders: readonly SkillFolder[]): Promise<SkillFiles> {
  const all = await Promise.all(folders.map(skillFilesIn));
  return { files: all.flatMap(({ files }) => files), diagnostics: all.flatMap(({ diagnostics }) => diagnostics) };
}

async function read<Resource>(path: string, parse: (text: string, path: string) => Resource, diagnostics: Diagnostic[]): Promise<Resource | undefined> {
  try {
    return parse(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (!(error instanceof Error) || (!isDashError(error) && !('code' in error))) throw error;
    diagnostics.push({ severity: 'error', code: isDashError(error) ? error.code : 'RESOURCE_UNREADABLE', message: error.message, where: { path } });
    return undefined;
  }
}
