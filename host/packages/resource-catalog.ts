import { join } from 'node:path';
import { type Diagnostic, isDashError } from '../../format/index.ts';
import {
  DEFAULT_OFFERING,
  discoverSkills,
  type OfferedSkills,
  MAX_PROMPT_BYTES,
  MAX_THEME_BYTES,
  offerSkills,
  type FoundSkill,
  parsePrompt,
  parseTheme,
  type Prompt,
  readTextFile,
  skillFilesIn,
  type SkillFiles,
  type SkillFolder,
  skillPlaces,
  textFilesIn,
  type TextKind,
  textPlaces,
  type Theme,
} from '../../skills-lib/index.ts';
import type { LoadedPackage } from './load-packages.ts';
import type { Settings } from '../settings/settings.ts';

export interface OwnedPrompt extends Prompt {
  readonly origin: string;
}

export interface OwnedTheme extends Theme {
  readonly origin: string;
  /** The file that it was read from, for {@link followTheme}. */
  readonly path: string;
}

/** The skills, prompts and themes of the user and of all packages. */
export interface ResourceCatalog {
  readonly skills: readonly FoundSkill[];
  readonly offered: OfferedSkills;
  readonly prompts: readonly OwnedPrompt[];
  readonly themes: readonly OwnedTheme[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What of a package holds its resources. */
type ResourcePackage = Pick<LoadedPackage, 'name' | 'dir' | 'resources'>;

/** Origins that are no packages. */
const NO_PACKAGES = new Set(['user', 'project', 'dash', 'host']);

/** What a package's resources are marked with: its name, and never one that says that they are the user's own. */
export function packageOrigin(name: string): string {
  return NO_PACKAGES.has(name.toLowerCase()) ? `package:${name}` : name;
}

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
      { origin: 'project', files: projects.files, confinedTo: places.project[0]?.confinedTo },
      ...packages.map((pkg) => ({ origin: packageOrigin(pkg.name), files: files('skills', pkg), confinedTo: pkg.dir })),
      { origin: 'dash', files: bundled.files },
    ],
    loose.skills?.prefer,
  );
  const diagnostics: Diagnostic[] = [...users.diagnostics, ...projects.diagnostics, ...found.diagnostics];

  const sourcesOf = async (kind: TextKind): Promise<readonly TextSource[]> => [
    ...(await looseTexts(kind, loose, diagnostics)),
    ...packages.map((pkg) => ({ origin: packageOrigin(pkg.name), paths: files(kind, pkg), confinedTo: pkg.dir })),
  ];
  const prompts = readOwned(await sourcesOf('prompts'), {
    parse: parsePrompt,
    maxBytes: MAX_PROMPT_BYTES,
    called: (name) => `prompt \`/${name}\``,
    diagnostics,
  });
  const themes = readOwned(await sourcesOf('themes'), {
    parse: (text, path) => ({ ...parseTheme(text, path), path }),
    maxBytes: MAX_THEME_BYTES,
    called: (name) => `theme \`${name}\``,
    diagnostics,
  });
  return {
    skills: found.skills,
    offered: offerSkills(found.skills, { ...DEFAULT_OFFERING, ...loose.skills }),
    prompts,
    themes,
    diagnostics,
  };
}

/** The files of one origin; a later one's names give way to an earlier one's. */
interface TextSource {
  readonly origin: string;
  readonly paths: readonly string[];
  readonly confinedTo?: string | undefined;
}

interface ReadOwned<Resource> {
  readonly parse: (text: string, path: string) => Resource;
  readonly maxBytes: number;
  /** What it is, with its name, for diagnostics. */
  readonly called: (name: string) => string;
  readonly diagnostics: Diagnostic[];
}

/** Reads what has a name; of several with one name the first keeps it. */
function readOwned<Resource extends { readonly name: string }>(
  sources: readonly TextSource[],
  { parse, maxBytes, called, diagnostics }: ReadOwned<Resource>,
): (Resource & { readonly origin: string })[] {
  const byName = new Map<string, Resource & { readonly origin: string }>();
  for (const { origin, paths, confinedTo } of sources) {
    for (const path of paths) {
      const resource = read(() => parse(readTextFile(path, { maxBytes, confinedTo }), path), path, diagnostics);
      if (resource === undefined) continue;
      const winner = byName.get(resource.name);
      if (winner === undefined) byName.set(resource.name, { ...resource, origin });
      else diagnostics.push(collision(`${called(resource.name)} of ${origin}`, winner.origin, path));
    }
  }
  return [...byName.values()];
}

function collision(what: string, winner: string, path: string): Diagnostic {
  const code = what.startsWith('theme') ? 'THEME_COLLISION' : 'PROMPT_COLLISION';
  return { severity: 'warning', code, message: `the ${what} is hidden by the one of ${winner}`, where: { path } };
}

/** The user's before those of a trusted project. */
async function looseTexts(kind: TextKind, loose: LooseResources, diagnostics: Diagnostic[]): Promise<TextSource[]> {
  const { user, project } = textPlaces(kind, loose);
  const [own, theirs] = await Promise.all([textFilesIn(kind, user), textFilesIn(kind, loose.trusted ? project : [])]);
  diagnostics.push(...own.diagnostics, ...theirs.diagnostics);
  return [
    { origin: 'user', paths: own.files },
    { origin: 'project', paths: theirs.files, confinedTo: project[0]?.confinedTo },
  ];
}

async function filesOfAll(folders: readonly SkillFolder[]): Promise<SkillFiles> {
  const all = await Promise.all(folders.map(skillFilesIn));
  return { files: all.flatMap(({ files }) => files), diagnostics: all.flatMap(({ diagnostics }) => diagnostics) };
}

function read<Resource>(parse: () => Resource, path: string, diagnostics: Diagnostic[]): Resource | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof Error) || (!isDashError(error) && !('code' in error))) throw error;
    diagnostics.push({ severity: 'error', code: isDashError(error) ? error.code : 'RESOURCE_UNREADABLE', message: error.message, where: { path } });
    return undefined;
  }
}
