import { access, chmod, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

import { isDashError, resolveResources } from '../format/index.ts';

/** What was mended of one skill, or would be. */
export interface FixedSkill {
  /** As it was called before, relative to what was checked. */
  readonly path: string;
  readonly done: readonly string[];
  /** What its directory is called now. */
  readonly renamed?: string;
  /** Why its directory keeps another name than the skill. */
  readonly left?: string;
}

/**
 * Mends the skills of a package, or one SKILL.md, on disk; nothing is written on a dry run. `target` is where that
 * package or skill lies afterwards.
 */
export async function fixSkills(target: string, isDryRun: boolean): Promise<{ readonly target: string; readonly skills: readonly FixedSkill[] }> {
  const isFile = await stat(target).then(
    (found) => found.isFile(),
    () => false,
  );
  const { root, paths, manifest } = isFile ? { root: dirname(target), paths: [basename(target)], manifest: '' } : await skillsOf(target);
  const skills: FixedSkill[] = [];
  let moved = target;
  for (const path of paths) {
    const fixed = await fixOne(root, path, manifest, isDryRun);
    if (fixed === undefined) continue;
    skills.push(fixed);
    // only a skill that is all of its package, or was named itself, lies at the top
    if (fixed.renamed !== undefined && !isDryRun && dirname(path) === '.')
      moved = isFile ? join(dirname(root), fixed.renamed, path) : join(dirname(root), fixed.renamed);
  }
  return { target: moved, skills };
}

/** A package that cannot be read has no skills to mend; its check says why. */
async function skillsOf(dir: string): Promise<{ readonly root: string; readonly paths: readonly string[]; readonly manifest: string }> {
  const { readPackageFiles } = await import('../registry/publish/index.ts');
  try {
    const { manifest, packageJson, files } = await readPackageFiles(dir);
    const texts = new Map(files.map(({ path, bytes }) => [path, bytes]));
    const { resources } = resolveResources(manifest, [...texts.keys()], (path) => texts.get(path)?.toString('utf8'));
    return { root: dir, paths: resources.skills, manifest: JSON.stringify(packageJson ?? '') };
  } catch (error) {
    if (!isDashError(error)) throw error;
    return { root: dir, paths: [], manifest: '' };
  }
}

async function fixOne(root: string, path: string, manifest: string, isDryRun: boolean): Promise<FixedSkill | undefined> {
  const { fixSkill } = await import('../skills-lib/index.ts');
  const file = join(root, path);
  const before = await readFile(file, 'utf8');
  const { text, directory, done } = fixSkill(before, file);
  if (text === before && directory === undefined) return undefined;
  if (text !== before && !isDryRun) await replaceText(file, text);
  if (directory === undefined) return { path, done };
  const left = await whyNot(root, path, directory, manifest);
  if (left !== undefined) return { path, done, left };
  if (!isDryRun) await rename(dirname(file), join(dirname(dirname(file)), directory));
  return { path, done, renamed: directory };
}

async function whyNot(root: string, path: string, name: string, manifest: string): Promise<string | undefined> {
  const directory = dirname(join(root, path));
  const beside = (other: string) => exists(join(directory, other));
  if (await exists(join(dirname(directory), name))) return `\`${name}\` lies beside it already`;
  if ((await beside('.git')) || (await beside('package.json'))) return `\`${basename(directory)}\` is a whole repository or package; rename it yourself`;
  const shown = relative(root, directory);
  if (shown !== '' && manifest.includes(shown)) return `package.json names \`${shown}\`; rename both`;
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The author's text is there whole at any moment, and stays a link if it was one. */
async function replaceText(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  const temporary = `${real}.${process.pid}.tmp`;
  await writeFile(temporary, text, { flag: 'wx' });
  await chmod(temporary, (await stat(real)).mode);
  await rename(temporary, real);
}
