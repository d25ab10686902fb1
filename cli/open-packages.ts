import { type Diagnostic, formatPermissionSet, NO_SETTING_VALUES, type PermissionSet, plainText, type SettingValues } from '../format/index.ts';
import type { LoadedPackage, OpenPackage, ReadPackages } from '../host/index.ts';
import { openValueBook, toSettingValues, type ValueBook } from '../registry/configure/index.ts';
import { findChangedFile, type InstalledPackage, openGrantBook, readProfile } from '../registry/index.ts';
import { type AuditRecord, openPackage, SpareProcess } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { asInstalled, type Build, LinkedBuilds, type Now } from './linked-builds.ts';
import { lazyTrail, openOptions } from './open-options.ts';
import { authorityOf } from './package-authority.ts';
import { readBuilt } from './read-built.ts';

/** The installed packages as the host asks for them, again at every reload. */
export interface PackageLoader extends AsyncDisposable {
  readonly read: ReadPackages;
  readonly open: OpenPackage;
  /** Writes a line of the host's own into the audit trail. */
  audit(record: Omit<AuditRecord, 'time'>): void;
  /** The newest line of the audit trail, once a package was opened. */
  auditHead(): { readonly file: string; readonly hash: string } | undefined;
}

/**
 * Reads and opens what is installed. A linked directory is digested at every reading and compiled again when its
 * bytes changed; what does not build is an error of its own, and the host keeps the last good build.
 */
export async function openPackages(
  invocation: Invocation,
  { none = false, onRecord }: { readonly none?: boolean; readonly onRecord?: (record: Omit<AuditRecord, 'time'>) => void } = {},
): Promise<PackageLoader> {
  const { home, cwd } = invocation;
  /** A build lives as long as somebody may open the reading it belongs to: by its hash, every reload would leave one behind. */
  const builds = new WeakMap<LoadedPackage, () => Promise<Build>>();
  const loaded = new Map<string, InstalledPackage>();
  const linked = new LinkedBuilds(invocation);
  const values = new Map<string, SettingValues>();
  const trail = lazyTrail(home, onRecord);
  const spare = new SpareProcess();
  const [book, { profile }] = await Promise.all([openGrantBook(home, cwd), readProfile(home)]);

  const read: ReadPackages = async ({ projects }) => {
    if (none) return [];
    const installed = await readBuilt(invocation);
    const settings = await openValueBook({ dashHome: home, projects });
    return Promise.all(installed.filter(({ enabled }) => enabled).map((one) => load(one, settings)));
  };

  async function load(installed: InstalledPackage, set: ValueBook): Promise<LoadedPackage> {
    const granted = book.of(installed.grantKey).granted();
    const { contentHash, build, resources, settings, asks, diagnostics } = installed.linked ? await linked.current(installed) : await whole(installed);
    loaded.set(installed.id, installed);
    const configured = set.of({ ...installed, settings });
    // a package that runs on reads them from now on
    values.set(installed.id, toSettingValues(configured));
    const { id, name, version, dir } = installed;
    const captured = await build().then(
      (one) => one.captured !== undefined,
      () => true, // it says what is wrong when it is opened
    );
    const pkg = {
      id,
      name,
      version,
      dir,
      linked: installed.linked,
      contentHash,
      resources,
      granted,
      captured,
      diagnostics: [...diagnostics, ...newRequests(installed, asks, granted), ...configured.diagnostics],
    };
    builds.set(pkg, build);
    return pkg;
  }

  /** A model must not read what somebody wrote into the store; code is checked when it is run. */
  async function whole(installed: InstalledPackage): Promise<Now> {
    const now = asInstalled(installed);
    const path = await findChangedFile(installed, home);
    if (path === undefined) return now;
    const message = `${installed.name} is not what was installed: \`${path}\` has changed; its skills, prompts and themes are left out`;
    const resources = { ...now.resources, skills: [], prompts: [], themes: [] };
    return { ...now, resources, diagnostics: [...now.diagnostics, { severity: 'error', code: 'STORE_CORRUPT', message, where: { path } }] };
  }

  const open: OpenPackage = async (pkg, ports) => {
    const { id, name, version, contentHash, granted } = pkg;
    const build = builds.get(pkg);
    const installed = loaded.get(id);
    if (build === undefined || installed === undefined) throw new Error(`${name} was not read`);
    const { graph, compiled, captured } = await build();
    const { grantKey: source } = installed;
    spare.keep();
    return openPackage(
      { name, version, source, contentHash, graph, compiled, granted, captured, authority: authorityOf(book.of(source), installed, profile) },
      { ...openOptions(invocation, ports, trail.open(), [...loaded.values()]), spare, settings: () => values.get(id) ?? NO_SETTING_VALUES },
    );
  };

  return {
    read,
    open,
    audit: (record) => trail.open().append(record),
    auditHead: () => trail.head(),
    [Symbol.asyncDispose]: () => {
      linked[Symbol.dispose]();
      spare[Symbol.dispose]();
      trail.close();
      return Promise.resolve();
    },
  };
}

/** What a linked package has come to declare since its installation was consented to: it is denied, and nobody would know why. */
function newRequests({ name, dir, permissions, optionalPermissions }: InstalledPackage, asks: Now['asks'], granted: PermissionSet): readonly Diagnostic[] {
  const known = new Set([...permissions, ...optionalPermissions].map(({ permission }) => permission).concat(formatPermissionSet(granted)));
  const added = asks.map(({ permission }) => permission).filter((permission) => !known.has(permission));
  if (added.length === 0) return [];
  const message = `${name} asks for ${added.map((one) => `\`${plainText(one, 200)}\``).join(', ')} since it was installed, and is denied it; \`dash install ${plainText(dir, 300)}\` asks you`;
  return [{ severity: 'warning', code: 'CONSENT_REQUIRED', message }];
}
