import { realpath, stat } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import type { Diagnostic, Resources } from '../../format/index.ts';
import { PACKAGE_ROOT } from '../../sandbox/index.ts';
import { skillFilesIn, textFilesIn } from '../../skills-lib/index.ts';
import type { DiscoveredPaths } from '../bus/event-answers.ts';
import type { LoadedPackage } from './load-packages.ts';

/** Resources that a package named when it was asked, beside those of its manifest; paths below its directory. */
export interface DiscoveredResources {
  readonly package: string;
  readonly dir: string;
  readonly resources: Omit<Resources, 'extensions'>;
  readonly diagnostics: readonly Diagnostic[];
}

type Kind = keyof DiscoveredResources['resources'];
const KINDS = { skills: 'skillPaths', prompts: 'promptPaths', themes: 'themePaths' } as const satisfies Readonly<Record<Kind, keyof DiscoveredPaths>>;

/**
 * Reads what a package named as its resources: files, or directories to look through. Only what lies in the package
 * itself counts, links followed, for nothing else was inspected when it was installed.
 */
export async function discoverResources({ name, dir }: Pick<LoadedPackage, 'name' | 'dir'>, named: DiscoveredPaths): Promise<DiscoveredResources> {
  const diagnostics: Diagnostic[] = [];
  const border = await realpath(dir);
  const refuse = (path: string, why: string): readonly string[] => {
    diagnostics.push({ severity: 'warning', code: 'RESOURCE_NOT_LOADED', message: `\`${name}\` names \`${path}\` as a resource, ${why}` });
    return [];
  };
  const filesOf = async (kind: Kind, path: string): Promise<readonly string[]> => {
    const inside = pathInside(path);
    if (inside === undefined) return refuse(path, 'which is outside of the package');
    const real = await realpath(join(border, inside)).catch(() => undefined);
    if (real === undefined) return refuse(path, 'which is not there');
    if (real !== border && !real.startsWith(border + sep)) return refuse(path, 'which links to a place outside of the package');
    if ((await stat(real)).isFile()) return [relative(border, real)];
    const folder = { directory: real, confinedTo: border };
    const found = await (kind === 'skills' ? skillFilesIn(folder) : textFilesIn(kind, [folder]));
    diagnostics.push(...found.diagnostics);
    return found.files.map((file) => relative(border, file));
  };
  const allOf = async (kind: Kind): Promise<readonly string[]> => (await Promise.all((named[KINDS[kind]] ?? []).map((path) => filesOf(kind, path)))).flat();
  const [skills, prompts, themes] = await Promise.all([allOf('skills'), allOf('prompts'), allOf('themes')]);
  return { package: name, dir, resources: { skills, prompts, themes }, diagnostics };
}

/** A package with what it named itself; a manifest that names the same file does not bring it twice. */
export function withDiscovered<Pack extends Pick<LoadedPackage, 'name' | 'dir' | 'resources'>>(pkg: Pack, discovered: readonly DiscoveredResources[]): Pack {
  const found = discovered.find((one) => one.package === pkg.name && one.dir === pkg.dir)?.resources;
  if (found === undefined) return pkg;
  const { resources } = pkg;
  const joined = (kind: Kind): readonly string[] => [...new Set([...resources[kind], ...found[kind]].map((path) => posix.normalize(path)))];
  return { ...pkg, resources: { ...resources, skills: joined('skills'), prompts: joined('prompts'), themes: joined('themes') } };
}

/** Where a path of the guest's lies in its package; `undefined` for one that is elsewhere. Relative ones begin at its root. */
function pathInside(path: string): string | undefined {
  const normal = posix.normalize(path);
  const inside = posix.isAbsolute(normal) ? posix.relative(PACKAGE_ROOT, normal) : normal;
  return inside === '..' || inside.startsWith('../') ? undefined : inside;
}
