import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import {
  conventionalManifest,
  DashError,
  isEmptyResources,
  type PackageManifest,
  parseManifest,
  type ResolvedResources,
  resolveResources,
} from '../../format/index.ts';
import { isNpmName } from '../package-spec.ts';
import type { Resolution } from '../resolve/resolution.ts';
import type { Tree } from '../store/staging.ts';

/**
 * Reads what a package says of itself. From git or a directory it may do without package.json, and then be a plain
 * collection of skills, or a folder of extensions, with the name of its folder.
 *
 * @throws {DashError} MANIFEST_NOT_FOUND, INVALID_MANIFEST, INVALID_PERMISSION
 */
export async function readManifest(tree: Tree, resolution: Resolution): Promise<PackageManifest> {
  const defaults = { name: folderName(resolution), version: '0.0.0' };
  if (!tree.files.includes('package.json')) {
    if (resolution.kind === 'git' || resolution.kind === 'directory') return conventionalManifest(defaults.name, defaults.version);
    throw new DashError('MANIFEST_NOT_FOUND', 'the archive has no package.json', { hint: 'an archive is made with `npm pack` or `dash pack`' });
  }
  const path = join(tree.dir, 'package.json');
  const manifest = parseManifest(await readFile(path, 'utf8'), resolution.kind === 'directory' ? path : 'package.json', defaults);
  // names become directories and keys: what npm would not take is no name
  if (!isNpmName(manifest.name))
    throw new DashError('INVALID_MANIFEST', `\`${manifest.name}\` is not the name of a package`, {
      hint: 'use lower-case letters, digits and `-`',
      where: { path },
    });
  return manifest;
}

/** Finds the resources of a package among its files. */
export function findResources(manifest: PackageManifest, tree: Tree): ResolvedResources {
  const found = resolveResources(manifest, tree.files, (path) => readFileSync(join(tree.dir, path), 'utf8'));
  // pi leaves out what is not there without a word, so its authors never learned of it: the rest is worth having
  if (manifest.dash.kind !== 'pi' || isEmptyResources(found.resources)) return found;
  return { ...found, diagnostics: found.diagnostics.map((one) => (one.severity === 'error' ? { ...one, severity: 'warning' } : one)) };
}

function folderName(resolution: Resolution): string {
  const written =
    resolution.kind === 'git'
      ? basename(resolution.spec.subdir ?? resolution.spec.repository)
      : resolution.kind === 'directory'
        ? directoryName(resolution.path)
        : 'package';
  const name = written
    .replace(/\.git$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9~-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'package' : name;
}

/** Of `.dash/extensions` there is one in every project, and one of the user's: it goes by whose it is. */
function directoryName(path: string): string {
  const above = dirname(path);
  return basename(path) === 'extensions' && basename(above).startsWith('.') ? `${basename(dirname(above))}-extensions` : basename(path);
}
