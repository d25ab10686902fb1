import { dirname, join } from 'node:path';

import { DashError, isDashError, type Diagnostic } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import { revokeGrants } from './grants.ts';
import { type InstalledPackage, installedFrom } from './installed.ts';
import { type PackageView, viewPackage } from './list.ts';
import { assertLockFollowed } from './lock/assert-followed.ts';
import { idOf, readPackageSettings } from './package-settings.ts';
import { formatSpec, parseSpec } from './package-spec.ts';
import { commit } from './store/commit.ts';
import type { Generation } from './store/generation.ts';
import { storePaths } from './store/store-paths.ts';
import { beginTransaction, readState, type State, type TransactionOptions } from './transaction.ts';

export interface RemoveContext extends TransactionOptions {
  /** Also takes back what it was granted. */
  readonly purge?: boolean;
  /** Only says what would be. */
  readonly dryRun?: boolean;
  /** The working directory: paths in specs are relative to it, and its grants are shown. */
  readonly workspace: string;
  readonly now?: Date;
}

export interface RemoveReport {
  readonly removed: readonly PackageView[];
  /** Settings that name what was removed: the next `dash install` brings it again. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Removes packages by name or by the spec they were installed with: all of them or none.
 *
 * @throws {DashError} NOT_INSTALLED, LOCK_CHANGED, LOCKED, DISK_ERROR
 */
export async function remove(names: readonly string[], context: RemoveContext): Promise<RemoveReport> {
  assertNotDelegated();
  const { dashHome, workspace, dryRun = false, now = new Date(), onProgress = () => undefined } = context;
  const store = storePaths(dashHome);
  await using transaction = dryRun ? undefined : await beginTransaction(context);
  const state = transaction ?? (await readState(context));
  const { base } = state;
  const found = [...new Set(names.map((name) => findName(name, base, workspace)))];
  if (base === undefined || found.length === 0) throw new DashError('USAGE', 'nothing to remove', { hint: 'name a package; `dash list` shows them' });
  await assertLockFollowed(state.scope.lockfile, base.lock, { names: new Set(found) });
  const packages = found.map((name) => installedFrom(base, name, { dashHome, scope: state.exactScope }));
  const removed = await Promise.all(packages.map((pkg) => viewPackage(pkg, dashHome, workspace)));
  const report = { removed, diagnostics: await stillNamed(packages, state) };
  if (dryRun) return report;

  await commit({ add: [], remove: found }, { store, state, progress: onProgress, now });
  if (context.purge === true) for (const { grantKey } of packages) await revokeGrants(dashHome, grantKey);
  return report;
}

/** Settings that cannot be read are not in the way of a removal; an install says what is wrong with them. */
async function stillNamed(packages: readonly InstalledPackage[], { scope, exactScope }: State): Promise<Diagnostic[]> {
  const dir = dirname(scope.lockfile);
  const path = join(dir, 'settings.json');
  const settings = await readPackageSettings(path, exactScope.kind === 'user' ? dir : exactScope.dir).catch(() => []);
  const named = packages.filter(({ id }) => settings.some(({ spec }) => idOf(spec) === id));
  return named.map(({ name }) => ({
    severity: 'warning',
    code: 'STILL_NAMED',
    message: `\`${path}\` still names \`${name}\`: \`dash install\` brings it again unless you take it out there`,
  }));
}

function findName(name: string, base: Generation | undefined, cwd: string): string {
  const records = Object.values(base?.packages ?? {});
  const found =
    records.find((record) => record.name === name) ??
    records.find((record) => record.spec === canonical(name, cwd)) ??
    records.find((record) => `npm:${record.name}` === name && record.source.kind === 'npm');
  if (found !== undefined) return found.name;
  throw new DashError('NOT_INSTALLED', `\`${name}\` is not installed`, { hint: '`dash list` shows what is' });
}

function canonical(text: string, cwd: string): string | undefined {
  try {
    return formatSpec(parseSpec(text, { cwd }));
  } catch (error) {
    if (isDashError(error)) return undefined;
    throw error;
  }
}
