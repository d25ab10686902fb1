import { DashError, type Diagnostic, nearest, RESOURCE_KINDS } from '../format/index.ts';
import type { Choice } from './choice.ts';
import { assertNotDelegated } from './delegation.ts';
import { type InstalledPackage, readInstalled } from './installed.ts';
import { type PackageView, viewPackage } from './list.ts';
import { assertLockFollowed } from './lock/assert-followed.ts';
import { commit } from './store/commit.ts';
import { storePaths } from './store/store-paths.ts';
import { beginTransaction, type TransactionOptions } from './transaction.ts';

export interface ChooseContext extends TransactionOptions {
  /** Whose workspace grants are shown. */
  readonly workspace: string;
  /** Only says what would be. */
  readonly dryRun?: boolean;
  readonly now?: Date;
}

export interface ChooseReport {
  readonly packages: readonly PackageView[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What is to be changed of one package. */
export interface ChoiceChange {
  readonly name: string;
  /** Gives what is left out from now on. */
  readonly choose: (pkg: InstalledPackage) => Choice;
}

/**
 * Leaves packages or resources of them out, or takes them in again: all changes in one generation, which `rollback`
 * undoes.
 *
 * @throws {DashError} NOT_INSTALLED, USAGE, LOCK_CHANGED, LOCKED, DISK_ERROR
 */
export async function choose(changes: readonly ChoiceChange[], context: ChooseContext): Promise<ChooseReport> {
  // a package that was switched off on purpose must not be switched on by what the model reads
  assertNotDelegated();
  const { dashHome, workspace, dryRun = false, onProgress = () => undefined, now = new Date() } = context;
  await using transaction = await beginTransaction(context);
  const installed = await readScope(context);
  const choices = new Map<string, Choice>();
  for (const { name, choose: decide } of changes) {
    const pkg = find(name, installed);
    choices.set(pkg.name, decide({ ...pkg, choice: choices.get(pkg.name) ?? pkg.choice }));
  }
  const isChanged = [...choices].some(([name, choice]) => !isSame(choice, find(name, installed).choice));
  if (isChanged) await assertLockFollowed(transaction.scope.lockfile, transaction.base?.lock);
  if (isChanged && !dryRun) {
    const store = storePaths(dashHome);
    await commit({ add: [], remove: [], choices: Object.fromEntries(choices) }, { store, state: transaction, progress: onProgress, now });
  }
  const after = dryRun ? installed : await readScope(context);
  const touched = after.filter(({ name }) => choices.has(name));
  return {
    packages: await Promise.all(touched.map((pkg) => viewPackage(pkg, dashHome, workspace))),
    diagnostics: dryRun ? [] : touched.flatMap(heldOffBySettings),
  };
}

async function readScope({ dashHome, scope }: ChooseContext): Promise<InstalledPackage[]> {
  const all = await readInstalled({ dashHome, ...(scope.kind === 'project' && { projectDir: scope.dir }) });
  return all.filter((pkg) => pkg.scope === scope.kind);
}

function find(name: string, installed: readonly InstalledPackage[]): InstalledPackage {
  const found = installed.find((pkg) => pkg.name === name || pkg.id === name || pkg.spec === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    installed.map((pkg) => pkg.name),
  );
  throw new DashError('NOT_INSTALLED', `\`${name}\` is not installed`, {
    hint: near === undefined ? '`dash list` shows what is' : `did you mean \`${near}\`?`,
  });
}

/** What is on here and off in a settings file stays off: said, since it is not what was asked for. */
function heldOffBySettings({ name, brought, resources, choice }: InstalledPackage): Diagnostic[] {
  if (choice.disabled === true) return [];
  const off = RESOURCE_KINDS.flatMap((kind) =>
    brought[kind].filter((path) => !resources[kind].includes(path) && !(choice.filter?.[kind] ?? []).includes(`-${path}`)),
  );
  if (off.length === 0) return [];
  return [
    {
      severity: 'info',
      code: 'OFF_IN_SETTINGS',
      message: `settings keep ${off.length === 1 ? 'a resource' : `${off.length} resources`} of \`${name}\` off: ${off.map((path) => `\`${path}\``).join(', ')}`,
    },
  ];
}

function isSame(a: Choice, b: Choice): boolean {
  const plain = ({ disabled = false, filter = {} }: Choice) => JSON.stringify([disabled, RESOURCE_KINDS.map((kind) => filter[kind] ?? null)]);
  return plain(a) === plain(b);
}
