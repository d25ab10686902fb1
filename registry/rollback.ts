import { DashError, isDashError } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import { installedFrom } from './installed.ts';
import { type PackageView, viewPackage } from './list.ts';
import { assertLockFollowed, assertLockText } from './lock/assert-followed.ts';
import { formatLockfile } from './lock/format-lockfile.ts';
import { readIfPresent, writeDurably } from './store/durable-file.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import { asDiskError, COMMITTED } from './store/file-errors.ts';
import { type Generation, generationNumbers, readGeneration } from './store/generation.ts';
import { lockDigest, rollForward, writeJournal } from './store/journal.ts';
import { storePaths } from './store/store-paths.ts';
import { beginTransaction, type Transaction, type TransactionOptions } from './transaction.ts';

export interface RollbackContext extends TransactionOptions {
  /** The generation to go to. Default: the one before the one in force. */
  readonly number?: number;
  /** Whose grants are shown. */
  readonly workspace: string;
  /** Finds the generation, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface RollbackReport {
  /** `undefined` when what was in force was damaged. */
  readonly from: number | undefined;
  readonly to: number;
  readonly packages: readonly PackageView[];
}

/**
 * Makes an older generation the state, or a newer one again. Grants stay as they are.
 *
 * @throws {DashError} USAGE when there is no such generation; LOCK_CHANGED when that would lose what was pulled; STORE_CORRUPT when it is no longer whole; LOCKED, DISK_ERROR
 */
export async function rollback(context: RollbackContext): Promise<RollbackReport> {
  assertNotDelegated();
  const { dashHome, workspace, dryRun = false } = context;
  await using transaction = await beginTransaction({ ...context, mend: true });
  const { scope, base, exactScope, lockText } = transaction;
  const { generation, pointer } = await findTarget(context.number, transaction);
  await assertWhole(generation, transaction, dashHome);
  // of a state that cannot be read nobody knows whether the lock follows it
  if (base !== undefined && lockText !== formatLockfile(generation.lock)) await assertLockFollowed(scope.lockfile, base.lock);
  if (!dryRun) {
    try {
      await assertLockText(scope.lockfile, lockText);
      await writeJournal(scope, { version: 1, pointer, grants: {}, replaces: lockDigest(lockText) });
      await writeDurably(scope.current, pointer);
      context.onProgress?.({ kind: 'commit', step: 'current' });
      await rollForward(dashHome, scope, context.onProgress);
    } catch (error) {
      const isInForce = (await readIfPresent(scope.current).catch(() => pointer)) === pointer;
      throw asDiskError(error, `writing to \`${scope.state}\``, isInForce ? COMMITTED : undefined);
    }
  }
  const names = Object.keys(generation.packages).sort();
  const packages = names.map((name) => viewPackage(installedFrom(generation, name, { dashHome, scope: exactScope }), dashHome, workspace));
  return { from: base?.number, to: generation.number, packages: await Promise.all(packages) };
}

async function findTarget(number: number | undefined, { scope, base }: Transaction): Promise<{ readonly generation: Generation; readonly pointer: string }> {
  const numbers = await generationNumbers(scope);
  if (number !== undefined && !numbers.includes(number)) {
    throw new DashError('USAGE', `there is no generation ${number}`, {
      hint: numbers.length === 0 ? 'nothing was ever installed' : `these are kept: ${numbers.join(', ')}`,
    });
  }
  if (number !== undefined && number === base?.number) throw new DashError('USAGE', `generation ${number} is in force`, { hint: 'name another one, or none' });
  if (number !== undefined) return readGeneration(scope, number);
  const older = numbers.filter((one) => base === undefined || one < base.number).reverse();
  for (const one of older) {
    try {
      return await readGeneration(scope, one);
    } catch (error) {
      // what is in force is damaged: the newest one that is not takes its place
      if (base !== undefined || !isDashError(error)) throw error;
    }
  }
  throw new DashError('USAGE', 'there is no generation to go back to', { hint: '`dash remove` takes packages away' });
}

async function assertWhole(generation: Generation, { scope }: Transaction, dashHome: string): Promise<void> {
  const [name] = await damagedPackages(generation, scope, storePaths(dashHome));
  if (name === undefined) return;
  throw new DashError('STORE_CORRUPT', `\`${name}\` of generation ${generation.number} is no longer whole; nothing was changed`, {
    hint: `go to another generation, or install \`${generation.lock.roots[name]?.spec ?? name}\` again`,
  });
}
