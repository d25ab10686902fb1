import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DashError, isDashError } from '../../format/index.ts';
import type { Source } from '../lock/lock-entry.ts';
import type { GitResolution, Release, Resolution, TarballResolution } from '../resolve/resolution.ts';
import { defaultRegistry } from '../resolve/registry-of.ts';
import type { StdinSpec } from '../package-spec.ts';
import { gitFor } from '../resolve/resolve.ts';
import { eachLimited } from '../store/each-limited.ts';
import { asDiskError, isErrno } from '../store/file-errors.ts';
import type { Pack } from '../store/pack.ts';
import type { Tree } from '../store/staging.ts';
import { findPacked, findUnpacked, pinOfSource } from '../store/unpacked-index.ts';
import { integrityOf } from '../verify/integrity.ts';
import type { PackageFile } from '../verify/tree-safety.ts';
import type { Workshop } from '../workshop.ts';
import { fetchGit } from './git.ts';
import { digestDirectory } from './local.ts';
import { fetchTarball } from './npm.ts';
import { readTarball } from './read-tar.ts';

/** A package on disk that nobody has looked at. */
export interface StagedPackage {
  readonly resolution: Resolution;
  readonly source: Source;
  /** In staging, in the store already, or the linked directory itself; then `treeSha256` is its digest of the moment. */
  readonly tree: Tree;
}

/**
 * Brings the bytes of a package here. Nothing of it runs.
 *
 * @throws {DashError} HOSTILE_PACKAGE, INTEGRITY_MISMATCH, GIT_FAILED, REGISTRY_ERROR, DISK_FULL …
 */
export async function stage(resolution: Resolution, workshop: Workshop): Promise<StagedPackage> {
  switch (resolution.kind) {
    case 'npm': {
      const { release } = resolution;
      return { resolution, source: npmSource(release), tree: await stageRelease(release, workshop) };
    }
    case 'git': {
      const { spec, commit } = resolution;
      const source: Source = { kind: 'git', url: spec.url, commit, ...(spec.subdir !== undefined && { subdir: spec.subdir }) };
      return { resolution, source, tree: (await findStored(source, workshop)) ?? (await stageCommit(resolution, workshop)) };
    }
    case 'tarball': {
      const { spec } = resolution;
      if (spec.kind === 'stdin') return stagePiped(resolution, spec, workshop);
      const bytes = spec.kind === 'tarball-url' ? await fetchTarball({ url: spec.url, what: spec.url }, workshop) : await readArchive(spec.path);
      const origin = spec.kind === 'tarball-url' ? { url: spec.url } : { path: spec.path };
      const source: Source = { kind: 'tarball', ...origin, integrity: integrityOf(bytes) };
      return { resolution, source, tree: (await findStored(source, workshop)) ?? (await workshop.staging.write(await readTarball(bytes, workshop.limits))) };
    }
    case 'directory': {
      const { dir, contentHash, files } = await digestDirectory(resolution.path, workshop.limits);
      return { resolution, source: { kind: 'directory', path: dir }, tree: { treeSha256: contentHash, dir, files } };
    }
  }
}

/** Finds the tree of something pinned that was unpacked before. */
export async function findStored(source: Source, { paths }: Workshop): Promise<Tree | undefined> {
  const pin = pinOfSource(source);
  return pin === undefined ? undefined : findUnpacked(pin, paths);
}

/** Nobody can be asked for it again: it is in the pipe, or in the store. */
async function stagePiped(resolution: TarballResolution, { integrity }: StdinSpec, workshop: Workshop): Promise<StagedPackage> {
  const source: Source = { kind: 'tarball', integrity };
  const stored = await findStored(source, workshop);
  if (stored !== undefined) return { resolution, source, tree: stored };
  if (workshop.piped === undefined || integrityOf(workshop.piped) !== integrity) {
    throw new DashError('PIPED_ARCHIVE_GONE', `the archive \`${integrity.slice(0, 19)}…\` was piped in once and is not in the store`, {
      hint: 'pipe it in again: `dash install - <file.tgz`',
    });
  }
  return { resolution, source, tree: await workshop.staging.write(await readTarball(workshop.piped, workshop.limits)) };
}

async function stageCommit(resolution: GitResolution, workshop: Workshop): Promise<Tree> {
  if (workshop.offline) throw new DashError('OFFLINE', `\`${resolution.spec.repository}\` is not in the store`, { hint: 'try again without `--offline`' });
  return workshop.staging.write(await fetchGit(resolution, await gitFor(resolution.spec.repository, workshop), workshop.limits));
}

/** Gives the tree of one release, from the store when its tarball has been unpacked before. */
export async function stageRelease(release: Release, workshop: Workshop): Promise<Tree> {
  const { paths, staging } = workshop;
  const stored = await findUnpacked(release.integrity, paths);
  if (stored !== undefined) return stored;
  return staging.write((await findPacked(release.integrity, paths))?.files ?? (await fetchFiles(release, workshop)));
}

/** The same as a pack, for a dependency. */
export async function stagePack(release: Release, workshop: Workshop): Promise<Pack> {
  const { paths, staging } = workshop;
  const stored = await findPacked(release.integrity, paths);
  if (stored !== undefined) return stored.pack;
  const tree = await findUnpacked(release.integrity, paths);
  return staging.pack(tree === undefined ? await fetchFiles(release, workshop) : await readTree(tree));
}

async function fetchFiles({ name, version, tarball, integrity, registry }: Release, workshop: Workshop): Promise<readonly PackageFile[]> {
  workshop.progress({ kind: 'downloading', name, version });
  const onReceived = (bytes: number, total: number | undefined) => workshop.progress({ kind: 'received', name, version, bytes, total });
  const bytes = await fetchTarball(
    { url: tarball, what: `${name}@${version}`, integrity, registry: registry ?? (await defaultRegistry()), onReceived },
    workshop,
  ).catch(async (error: unknown) => {
    // whichever of the two the registry mends, the next try hears of it
    if (isDashError(error, 'INTEGRITY_MISMATCH')) await workshop.resolver.packuments.forget(name);
    throw error;
  });
  workshop.progress({ kind: 'downloaded', name, version, bytes: bytes.length });
  try {
    return await readTarball(bytes, workshop.limits);
  } catch (error) {
    if (!isDashError(error, 'HOSTILE_PACKAGE')) throw error;
    throw new DashError('HOSTILE_PACKAGE', `${error.message} (in \`${name}@${version}\`)`, { hint: error.hint, where: error.where, cause: error });
  }
}

/** A root of somebody is a dependency of somebody else. */
function readTree({ dir, files }: Tree): Promise<PackageFile[]> {
  return eachLimited(files, 16, async (path) => ({ path, data: await readFile(join(dir, path)) }));
}

/** How the lock names a release. */
export function npmSource({ name, version, tarball, integrity, registry }: Release): Source {
  const usual = `/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
  const isUsual = URL.parse(tarball)?.pathname.endsWith(usual) === true && (registry === undefined || tarball === `${registry}${usual.slice(1)}`);
  return { kind: 'npm', integrity, ...(registry !== undefined && { registry }), ...(!isUsual && { tarball }) };
}

async function readArchive(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EISDIR')) throw new DashError('INVALID_SPEC', `\`${path}\` is not a file`, { hint: 'check the path', cause: error });
    throw asDiskError(error, `reading \`${path}\``);
  }
}
