import { chmod } from 'node:fs/promises';
import { existsSync } from 'node:fs';

import { DashError } from '../format/index.ts';
import { realDirectory } from './fetch/local.ts';
import { formatLockfile } from './lock/format-lockfile.ts';
import { lockTampered, readLockfile } from './lock/read-lockfile.ts';
import { asDiskError } from './store/file-errors.ts';
import { findDamagedFile } from './store/compiled-files.ts';
import { type Generation, type PackageRecord, readCurrent } from './store/generation.ts';
import { type Scope, type ScopePaths, scopePaths, type StorePaths, storePaths } from './store/store-paths.ts';
import { doubtPath, findDamage, objectsOf, type StoredObject } from './store/stored-object.ts';
import { beginTransaction } from './transaction.ts';

export interface VerifyOptions {
  readonly dashHome: string;
  readonly scope: Scope;
}

export interface VerifyReport {
  /** The generation in force; `undefined` when nothing was ever installed. */
  readonly generation: number | undefined;
  readonly packages: number;
  /** Trees and packs in the store. */
  readonly archives: number;
  /** Extensions in their compiled form. */
  readonly compiled: number;
}

/**
 * Hashes everything in the store that is installed and everything that was compiled of it, and compares it with the lock
 * and the generation. What is damaged is made again by the next `dash install`.
 *
 * @throws {DashError} STORE_CORRUPT naming the file; LOCK_TAMPERED when the lock is not the one in force; LOCK_INVALID …
 */
export async function verifyStore({ dashHome, scope }: VerifyOptions): Promise<VerifyReport> {
  const paths = storePaths(dashHome);
  const exact: Scope = scope.kind === 'user' ? scope : { kind: 'project', dir: await realDirectory(scope.dir) };
  const state = scopePaths(dashHome, exact);
  if (existsSync(state.journal)) await (await beginTransaction({ dashHome, scope }))[Symbol.asyncDispose]();
  try {
    const generation = await readCurrent(state);
    await assertLockInForce(generation, state);
    const records = Object.values(generation?.packages ?? {});
    const objects = objectsOf(records);
    await assertWhole(objects, paths);
    await assertCompiled(records, paths);
    const compiled = records.reduce((sum, record) => sum + record.compiled.entries.length, 0);
    return { generation: generation?.number, packages: records.length, archives: objects.length, compiled };
  } catch (error) {
    throw asDiskError(error, `reading \`${dashHome}\``);
  }
}

async function assertWhole(objects: readonly StoredObject[], paths: StorePaths): Promise<void> {
  const damaged: string[] = [];
  for (const object of objects) {
    const path = await findDamage(object, paths);
    if (path === undefined) continue;
    damaged.push(path);
    // a new time on it: whatever damaged the bytes, the next install looks at them
    await chmod(doubtPath(object, paths), 0o444).catch(() => undefined);
  }
  const [first, ...others] = damaged;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : `, and ${others.length} other package${others.length === 1 ? '' : 's'} in the store`;
  throw new DashError('STORE_CORRUPT', `\`${first}\` is missing or not what was installed${more}`, {
    hint: '`dash install` fetches it again',
    where: { path: first },
  });
}

async function assertCompiled(records: readonly PackageRecord[], paths: StorePaths): Promise<void> {
  for (const { name, compiled } of records) {
    const damaged = await findDamagedFile(compiled, paths);
    if (damaged === undefined) continue;
    await chmod(damaged.bundle, 0o600).catch(() => undefined);
    throw new DashError('STORE_CORRUPT', `\`${damaged.path}\`, compiled from \`${name}\`, is missing or not what was inspected`, {
      hint: '`dash install` compiles it again',
      where: { path: damaged.path },
    });
  }
}

async function assertLockInForce(generation: Generation | undefined, { lockfile }: ScopePaths): Promise<void> {
  const claimed = await readLockfile(lockfile);
  const installed = generation === undefined ? undefined : formatLockfile(generation.lock);
  if ((claimed === undefined ? undefined : formatLockfile(claimed.lock)) === installed) return;
  if (claimed === undefined) throw new DashError('LOCK_MISSING', `there is no \`${lockfile}\``, { hint: '`dash install` writes it again' });
  throw lockTampered(claimed, [], `\`${lockfile}\` says something else than what is installed; \`dash install\` makes them equal`);
}
