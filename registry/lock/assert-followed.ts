import { DashError } from '../../format/index.ts';
import { readIfPresent } from '../store/durable-file.ts';
import { closureText } from './closure-text.ts';
import { formatLockfile, LOCK_VERSION } from './format-lockfile.ts';
import type { Lockfile } from './lockfile.ts';

const EMPTY: Lockfile = { version: LOCK_VERSION, roots: {}, packages: {} };

/** What is pinned anew or removed: what the lock says of it is to be replaced. */
export interface InHand {
  readonly names?: ReadonlySet<string>;
  /** Packages whose names are not known yet. */
  readonly unnamed?: number;
}

/**
 * Refuses to write over a lock that says something else than what is installed: it was pulled or edited, and what it says
 * of other packages than those in hand would be lost.
 *
 * @throws {DashError} LOCK_CHANGED, LOCK_INVALID, LOCK_VERSION, DISK_ERROR
 */
export async function assertLockFollowed(path: string, inForce: Lockfile = EMPTY, { names = new Set(), unnamed = 0 }: InHand = {}): Promise<void> {
  // nothing can be lost of a lock that is gone
  const text = await readIfPresent(path).catch(() => 'said better below');
  if (text === undefined || text === formatLockfile(inForce)) return;
  // rarely needed, and it loads what checks a document
  const { readLockfile } = await import('./read-lockfile.ts');
  const claimed = await readLockfile(path);
  if (claimed === undefined) return;
  const { lock } = claimed;
  const others = new Set([...Object.keys(lock.roots), ...Object.keys(inForce.roots)].filter((name) => !names.has(name)));
  const differing = [...others].sort().filter((name) => closureText(name, lock) !== closureText(name, inForce));
  const [other] = differing.slice(unnamed);
  if (other === undefined) return;
  throw new DashError('LOCK_CHANGED', `\`${path}\` was changed since the last install, and what it says of \`${other}\` would be lost`, {
    hint: 'run `dash install` first: it brings what the lock says',
    where: { path },
  });
}

/**
 * Refuses to write over a lock that is no longer the one the command began with.
 *
 * @throws {DashError} LOCK_CHANGED
 */
export async function assertLockText(path: string, expected: string | undefined): Promise<void> {
  const found = await readIfPresent(path);
  if (found === undefined || found === expected) return;
  throw new DashError('LOCK_CHANGED', `\`${path}\` was changed by somebody else meanwhile; nothing was changed`, {
    hint: 'run `dash install`: it brings what the lock says now',
    where: { path },
  });
}
