import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import packlist from 'npm-packlist';

import { conventionalManifest, DashError, type PackageManifest, parseManifest } from '../../format/index.ts';
import type { TarballFile } from './tarball.ts';

/** The keyword by which `dash search` finds a package. */
export const PACKAGE_KEYWORD = 'dash-package';

/** An author's package as it would be published. */
export interface PackageFiles {
  readonly dir: string;
  readonly manifest: PackageManifest;
  /** The packed `package.json`; `undefined` for a plain folder of skills, which git distributes and npm cannot. */
  readonly packageJson: Readonly<Record<string, unknown>> | undefined;
  /** Relative paths with `/`, sorted. */
  readonly files: readonly TarballFile[];
}

/**
 * Reads the files npm would take from `dir`; of a folder without `package.json` all of them. The
 * packed `package.json` has the keyword. No script of the package runs.
 *
 * @throws {DashError} INVALID_MANIFEST, INVALID_PERMISSION, MANIFEST_NOT_FOUND when `dir` is no directory
 */
export async function readPackageFiles(dir: string): Promise<PackageFiles> {
  const path = join(dir, 'package.json');
  const source = await readFile(path, 'utf8').catch(ignoreMissing);
  if (source === undefined) {
    const paths = await listFolder(dir);
    return { dir, manifest: conventionalManifest('skills', '0.0.0'), packageJson: undefined, files: await readAll(dir, paths) };
  }
  const manifest = parseManifest(source, path);
  const text = withKeyword(source);
  const packageJson: Readonly<Record<string, unknown>> = JSON.parse(text);
  const paths = await packlist({ path: dir, package: packageJson, isProjectRoot: true, edgesOut: new Map() });
  const others = [...new Set(paths)].filter((packed) => packed !== 'package.json');
  const files = [{ path: 'package.json', bytes: Buffer.from(text), executable: false }, ...(await readAll(dir, others))];
  return { dir, manifest, packageJson, files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** Adds the keyword and keeps the author's indentation; a manifest that has it is not touched. */
function withKeyword(source: string): string {
  const value: Readonly<Record<string, unknown>> & { readonly keywords?: string | readonly string[] } = JSON.parse(source);
  const keywords = typeof value.keywords === 'string' ? value.keywords.split(/[\s,]+/) : (value.keywords ?? []);
  if (keywords.includes(PACKAGE_KEYWORD)) return source;
  const indent = /^[ \t]+/m.exec(source)?.[0] ?? '  ';
  return `${JSON.stringify({ ...value, keywords: [...keywords, PACKAGE_KEYWORD] }, null, indent)}\n`;
}

async function listFolder(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new DashError('MANIFEST_NOT_FOUND', `\`${dir}\` is not a directory`, { where: { path: dir }, cause });
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !/(^|\/)(\.git|node_modules)\//.test(path));
}

async function readAll(dir: string, paths: readonly string[]): Promise<TarballFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      const [bytes, { mode }] = await Promise.all([readFile(join(dir, path)), stat(join(dir, path))]);
      return { path, bytes, executable: (mode & 0o111) !== 0 };
    }),
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
