import type { Diagnostic } from './diagnostic.ts';
import { isDashError } from './dash-error.ts';
import { parseManifest, type DashSection, type PackageManifest } from './manifest.ts';
import { globMatches, isGlob } from './resource-glob.ts';
import { isEmptyResources, RESOURCE_KINDS, type ResourceKind, type Resources } from './resource.ts';

export interface ResolvedResources {
  readonly resources: Resources;
  readonly diagnostics: readonly Diagnostic[];
}

/** Gives the text of a file of the package; needed for folders of extensions that have a package.json of their own. */
export type ReadText = (path: string) => string | undefined;

/**
 * Turns what a manifest says into files. Pure: `files` are all paths of the package, relative and with `/`.
 * Paths that leave the package and entries that are missing become diagnostics.
 */
export function resolveResources(manifest: PackageManifest, files: readonly string[], readText: ReadText = () => undefined): ResolvedResources {
  const tree: Tree = { files: new Set(files), sorted: files.toSorted(), directories: directoriesOf(files), readText };
  const diagnostics: Diagnostic[] = [];
  const resources = mapKinds((kind) =>
    manifest.dash.conventional.includes(kind) ? collectFolder(kind, kind, tree) : resolveEntries(kind, manifest.dash[kind], tree, diagnostics),
  );
  if (manifest.dash.kind !== 'conventional' || !isEmptyResources(resources)) return { resources, diagnostics };
  const skills = collectSkills('', tree).filter(isSkillFile);
  // with a package.json it is a library like any other; without, it is a folder that somebody put extensions into
  const extensions = skills.length === 0 && !tree.files.has('package.json') ? collectExtensions('', tree) : [];
  return { resources: { ...resources, skills, extensions }, diagnostics };
}

/** What the user's settings leave of a package: an absent kind all of it, `[]` nothing, else the patterns decide. */
export type ResourceFilter = Partial<Readonly<Record<ResourceKind, readonly string[]>>>;

/** Narrows the resources of a package by globs, `!glob`, `+path` and `-path`; never adds one. */
export function narrowResources(resources: Resources, filter: ResourceFilter): Resources {
  return mapKinds((kind) => {
    const patterns = filter[kind];
    if (patterns === undefined) return [...resources[kind]];
    return patterns.length === 0 ? [] : applyPatterns(resources[kind], patterns);
  });
}

interface Tree {
  readonly files: ReadonlySet<string>;
  readonly sorted: readonly string[];
  readonly directories: ReadonlySet<string>;
  readonly readText: ReadText;
}

const FILE_NAMES: Readonly<Record<Exclude<ResourceKind, 'skills'>, RegExp>> = {
  extensions: /(?<!\.d|\.test|\.spec)\.(ts|js)$/,
  prompts: /\.md$/,
  themes: /\.json$/,
};
const INDEX_NAMES = ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs', 'tsx', 'jsx'].map((extension) => `index.${extension}`);

function resolveEntries(kind: ResourceKind, entries: readonly string[], tree: Tree, diagnostics: Diagnostic[]): string[] {
  const isOverride = (entry: string): boolean => /^[!+-]/.test(entry);
  const found = new Set<string>();
  for (const entry of entries.filter((candidate) => !isOverride(candidate))) {
    const path = normalise(entry);
    if (path === undefined) {
      diagnostics.push({
        severity: 'error',
        code: 'ENTRY_OUTSIDE_PACKAGE',
        message: `\`${kind}\` names \`${entry}\`, which is outside the package`,
        where: { path: 'package.json' },
      });
      continue;
    }
    const matches = isGlob(path) ? expand(path, tree) : [path];
    const collected = matches.flatMap((match) => collect(kind, match, tree));
    if (collected.length === 0) diagnostics.push(missing(kind, entry, path, tree));
    for (const file of collected) found.add(file);
  }
  return applyPatterns([...found], entries.filter(isOverride));
}

function missing(kind: ResourceKind, entry: string, path: string, tree: Tree): Diagnostic {
  const where = { path: 'package.json' };
  if (isGlob(path)) return { severity: 'warning', code: 'ENTRY_NOT_FOUND', message: `\`${kind}\` names \`${entry}\`, which matches nothing`, where };
  if (tree.directories.has(path))
    return { severity: 'warning', code: 'ENTRY_NOT_FOUND', message: `\`${kind}\` names \`${entry}\`, a folder without ${kind}`, where };
  const built = /(^|\/)(dist|build|lib|out)\//.test(path) ? '; it may have to be built before it is published' : '';
  return { severity: 'error', code: 'ENTRY_NOT_FOUND', message: `\`${kind}\` names \`${entry}\`, which does not exist${built}`, where };
}

function expand(glob: string, tree: Tree): string[] {
  const reachable = (path: string): boolean => glob.includes('node_modules') || !path.split('/').includes('node_modules');
  return [...tree.directories, ...tree.sorted].filter((path) => path !== '' && reachable(path) && globMatches(glob, path)).sort();
}

function collect(kind: ResourceKind, path: string, tree: Tree): string[] {
  if (tree.files.has(path)) return [path];
  return tree.directories.has(path) ? collectFolder(kind, path, tree) : [];
}

function collectFolder(kind: ResourceKind, folder: string, tree: Tree): string[] {
  switch (kind) {
    case 'extensions':
      return collectExtensions(folder, tree);
    case 'skills':
      return collectSkills(folder, tree);
    case 'prompts':
    case 'themes':
      return tree.sorted.filter((path) => {
        const inner = inside(folder, path);
        return inner !== undefined && isVisible(inner) && FILE_NAMES[kind].test(path) && !isReadme(path);
      });
  }
}

/** A folder is one extension (by its own manifest or its index), or every file and every such folder in it is one. */
function collectExtensions(folder: string, tree: Tree): string[] {
  const own = ownEntries(folder, tree);
  if (own !== undefined) return own;
  return childrenOf(folder, tree).flatMap(({ path, isFile }) => {
    if (!isFile) return ownEntries(path, tree) ?? [];
    return FILE_NAMES.extensions.test(path) ? [path] : [];
  });
}

function ownEntries(folder: string, tree: Tree): string[] | undefined {
  const at = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
  // the package's own package.json has been read already
  const section = folder === '' ? undefined : readNested(at('package.json'), tree);
  const listed = (section?.extensions ?? []).flatMap((entry) => {
    const path = normalise(at(entry));
    return path !== undefined && tree.files.has(path) ? [path] : [];
  });
  if (listed.length > 0) return listed;
  const index = INDEX_NAMES.map(at).find((path) => tree.files.has(path));
  return index === undefined ? undefined : [index];
}

function readNested(path: string, tree: Tree): DashSection | undefined {
  const text = tree.files.has(path) ? tree.readText(path) : undefined;
  if (text === undefined) return undefined;
  try {
    return parseManifest(text, path, { name: 'nested' }).dash;
  } catch (error) {
    // a folder with a broken manifest is still a folder
    if (isDashError(error, 'INVALID_MANIFEST', 'INVALID_PERMISSION')) return undefined;
    throw error;
  }
}

/** A folder with SKILL.md is one skill and is not searched further; lone .md files count in the first folder only. */
function collectSkills(folder: string, tree: Tree, isFirst = true): string[] {
  const children = childrenOf(folder, tree);
  const own = children.find(({ path, isFile }) => isFile && path.endsWith('SKILL.md')) ?? children.find(({ path, isFile }) => isFile && isSkillFile(path));
  if (own !== undefined) return [own.path];
  return children.flatMap(({ path, isFile }) => {
    if (!isFile) return collectSkills(path, tree, false);
    return isFirst && path.endsWith('.md') && !isReadme(path) ? [path] : [];
  });
}

function isSkillFile(path: string): boolean {
  return /(^|\/)skill\.md$/i.test(path);
}

function isReadme(path: string): boolean {
  return /(^|\/)readme\.md$/i.test(path);
}

function childrenOf(folder: string, tree: Tree): { path: string; isFile: boolean }[] {
  const isChild = (path: string): boolean => {
    const inner = inside(folder, path);
    return inner !== undefined && !inner.includes('/') && isVisible(inner);
  };
  const files = tree.sorted.filter(isChild).map((path) => ({ path, isFile: true }));
  const folders = [...tree.directories].filter(isChild).map((path) => ({ path, isFile: false }));
  return [...files, ...folders].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function inside(folder: string, path: string): string | undefined {
  if (folder === '') return path === '' ? undefined : path;
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}

function isVisible(path: string): boolean {
  return path.split('/').every((segment) => !segment.startsWith('.') && segment !== 'node_modules');
}

/** Plain patterns choose, `!` takes away, `+` brings an exact path back, `-` takes an exact path away for good. */
function applyPatterns(paths: readonly string[], patterns: readonly string[]): string[] {
  const plain = patterns.filter((pattern) => !/^[!+-]/.test(pattern));
  const marked = (mark: string): string[] => patterns.filter((pattern) => pattern.startsWith(mark)).map((pattern) => pattern.slice(1));
  return paths.filter((path) => {
    if (marked('-').some((exact) => isExactly(path, exact))) return false;
    if (marked('+').some((exact) => isExactly(path, exact))) return true;
    if (marked('!').some((pattern) => isMatched(path, pattern))) return false;
    return plain.length === 0 || plain.some((pattern) => isMatched(path, pattern));
  });
}

function isMatched(path: string, pattern: string): boolean {
  const glob = pattern.replaceAll('\\', '/').replace(/^\.\//, '').replace(/\/$/, '');
  return namesOf(path).some((name) => globMatches(glob, name) || globMatches(glob, name.slice(name.lastIndexOf('/') + 1)));
}

function isExactly(path: string, exact: string): boolean {
  const wanted = normalise(exact);
  return namesOf(path).some((name) => name === wanted);
}

/** A skill is meant by its file and by its folder. */
function namesOf(path: string): string[] {
  return isSkillFile(path) && path.includes('/') ? [path, path.slice(0, path.lastIndexOf('/'))] : [path];
}

/** Gives a path inside the package without `.` and `..`, or `undefined` when it leads out of it. */
function normalise(entry: string): string | undefined {
  const text = entry.replaceAll('\\', '/');
  if (text.startsWith('/') || text.startsWith('~') || /^[A-Za-z]:/.test(text) || text.includes('\0')) return undefined;
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..' && segments.pop() === undefined) return undefined;
    if (segment !== '' && segment !== '.' && segment !== '..') segments.push(segment);
  }
  return segments.join('/');
}

function directoriesOf(files: readonly string[]): ReadonlySet<string> {
  const directories = new Set(['']);
  for (const file of files) {
    for (let slash = file.indexOf('/'); slash >= 0; slash = file.indexOf('/', slash + 1)) directories.add(file.slice(0, slash));
  }
  return directories;
}

function mapKinds(give: (kind: ResourceKind) => readonly string[]): Resources {
  const [extensions = [], skills = [], prompts = [], themes = []] = RESOURCE_KINDS.map(give);
  return { extensions, skills, prompts, themes };
}
