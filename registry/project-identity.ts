import { lstat, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { ignoreMissing } from './store/file-errors.ts';

/** Which project a grant is for. A directory that was replaced by another of the same name is another project. */
export interface ProjectIdentity {
  /** Real. */
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** Its repository, where it is the root of one: another clone in the same directory is another project. */
  readonly repository?: RepositoryIdentity;
}

/**
 * Of `.git`. Its inode and birth say whether it is the same clone, as the root commit would; but that takes a walk
 * through the whole history, which a shallow clone does not have, by a program that reads the repository's configuration.
 */
interface RepositoryIdentity {
  readonly inode: number;
  /** Nanoseconds; missing where the file system does not keep it. */
  readonly born?: string;
}

/** Says which project a directory is now. `undefined` for the root of the disk: it is nobody's. */
export async function identifyProject(dir: string): Promise<ProjectIdentity | undefined> {
  const path = await realpath(dir).catch(ignoreMissing);
  if (path === undefined || dirname(path) === path) return undefined;
  const [{ dev, ino }, repository] = await Promise.all([lstat(path), identifyRepository(join(path, '.git'))]);
  return { path, device: dev, inode: ino, ...(repository !== undefined && { repository }) };
}

/** Tells whether the project that was written down is the one that is here now. */
export function isSameProject(written: ProjectIdentity, now: ProjectIdentity | undefined): boolean {
  if (now === undefined || written.path !== now.path || written.device !== now.device || written.inode !== now.inode) return false;
  if (written.repository === undefined) return true;
  const { inode, born } = written.repository;
  return inode === now.repository?.inode && (born === undefined || born === now.repository.born);
}

async function identifyRepository(path: string): Promise<RepositoryIdentity | undefined> {
  const stat = await lstat(path, { bigint: true }).catch(ignoreMissing);
  if (stat === undefined) return undefined;
  // Where the birth is not kept, the time of the last change stands for it, and that comes with every commit.
  const isKept = stat.birthtimeNs > 0n && stat.birthtimeNs < stat.ctimeNs;
  return { inode: Number(stat.ino), ...(isKept && { born: String(stat.birthtimeNs) }) };
}
