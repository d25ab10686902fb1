import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';

import {
  DashError,
  type Diagnostic,
  isDashError,
  mergeCaptured,
  type ModuleGraph,
  NO_SETTING_VALUES,
  type PermissionSet,
  type Registrations,
  type SettingValues,
} from '../format/index.ts';
import type { LoadedPackage, OpenPackage, ReadPackages } from '../host/index.ts';
import { openValueBook, type PackageSettings, settingsSchemaOf, toSettingValues, type ValueBook } from '../registry/configure/index.ts';
import {
  DirectoryDigests,
  finishBuilds,
  findChangedFile,
  type Inspection,
  inspectSpec,
  type InstalledPackage,
  narrowBuild,
  emptyGrantPage,
  openGrantBook,
  type ProgressListener,
  readInstalled,
  readProfile,
  readSecret,
} from '../registry/index.ts';
import {
  type AuditRecord,
  AuditTrail,
  type Denial,
  type HostPorts,
  openPackage,
  type OpenOptions,
  recoverLeftBehind,
  type SandboxedPackage,
  type SandboxPackage,
  SpareProcess,
} from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { bundleStore, inspectPorts } from './compose.ts';
import { npmConfigFor } from './npm-config.ts';
import { authorityOf, withGrants } from './package-authority.ts';

/** The installed packages as the host asks for them, again at every reload. */
export interface PackageLoader extends AsyncDisposable {
  readonly read: ReadPackages;
  readonly open: OpenPackage;
  /** Writes a line of the host's own into the audit trail. */
  audit(record: Omit<AuditRecord, 'time'>): void;
  /** The newest line of the audit trail, once a package was opened. */
  auditHead(): { readonly file: string; readonly hash: string } | undefined;
}

/** What a package looks like right now: from the generation, or from the linked directory as it stands. */
type Build = Pick<SandboxPackage, 'graph' | 'compiled' | 'captured'>;

const READY_AFTER_MS = 300;

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
  /** Linked directories as they were built since we began: none is built again because another one changed. */
  const inspected = new Map<string, { readonly contentHash: string; readonly pkg: Inspection['package'] }>();
  const digests = new DirectoryDigests();
  let readying: NodeJS.Timeout | undefined;
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

  async function load(installed: InstalledPackage, settings: ValueBook): Promise<LoadedPackage> {
    const granted = book.of(installed.grantKey).granted();
    const { contentHash, build, resources, diagnostics } = installed.linked ? await current(installed) : await whole(installed);
    loaded.set(installed.id, installed);
    const configured = await settingsOf(installed, settings);
    // a package that runs on reads them from now on
    values.set(installed.id, toSettingValues(configured));
    const { id, name, version, dir, linked } = installed;
    const captured = await build().then(
      (one) => one.captured !== undefined,
      () => true, // it says what is wrong when it is opened
    );
    const pkg = { id, name, version, dir, linked, contentHash, resources, granted, captured, diagnostics: [...diagnostics, ...configured.diagnostics] };
    builds.set(pkg, build);
    return pkg;
  }

  /** A model must not read what somebody wrote into the store; code is checked when it is run. */
  async function whole(installed: InstalledPackage): Promise<ReturnType<typeof unchanged>> {
    const now = unchanged(installed);
    const path = await findChangedFile(installed, home);
    if (path === undefined) return now;
    const message = `${installed.name} is not what was installed: \`${path}\` has changed; its skills, prompts and themes are left out`;
    const resources = { ...now.resources, skills: [], prompts: [], themes: [] };
    return { ...now, resources, diagnostics: [...now.diagnostics, { severity: 'error', code: 'STORE_CORRUPT', message, where: { path } }] };
  }

  /** The directory may have changed since it was installed; its dependencies are those it asks for now. */
  async function current(
    installed: InstalledPackage,
  ): Promise<{ contentHash: string; build: () => Promise<Build>; resources: LoadedPackage['resources']; diagnostics: readonly Diagnostic[] }> {
    const contentHash = await digests.of(installed.dir);
    if (contentHash === installed.contentHash) return unchanged(installed);
    try {
      const seen = inspected.get(installed.id);
      const pkg = seen?.contentHash === contentHash ? seen.pkg : await inspectNow(installed.dir);
      // what failed may have failed for want of time
      if (isWhole(pkg)) inspected.set(installed.id, { contentHash, pkg });
      const { resources, ...narrowed } = narrowBuild(pkg, installed.filters);
      const made = await buildOf({ graph: pkg.graph, ...narrowed }).then(
        (build) => () => Promise.resolve(build),
        (error: unknown) => () => Promise.reject(error instanceof Error ? error : new Error(String(error))),
      );
      return { contentHash, build: made, resources, diagnostics: pkg.diagnostics };
    } catch (error) {
      if (!isDashError(error)) throw error;
      return { contentHash, build: () => Promise.reject(error), resources: installed.resources, diagnostics: [] };
    }
  }

  async function inspectNow(dir: string): Promise<Inspection['package']> {
    await using inspection = await inspectDirectory(dir, invocation);
    // its author will change it again: what builds it then is made ready when this build has the processor no more
    clearTimeout(readying);
    readying = setTimeout(() => inspectPorts(home).prepareBuild(dir), READY_AFTER_MS).unref();
    return inspection.package;
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
      clearTimeout(readying);
      spare[Symbol.dispose]();
      trail.close();
      return Promise.resolve();
    },
  };
}

/** What holds for one package now; a manifest that cannot be read is said by whoever builds it. */
async function settingsOf(installed: InstalledPackage, book: ValueBook): Promise<PackageSettings> {
  try {
    return book.of({ ...installed, settings: await settingsSchemaOf(installed) });
  } catch (error) {
    if (!isDashError(error, 'INVALID_MANIFEST', 'INVALID_PERMISSION')) throw error;
    return { settings: [], diagnostics: [] };
  }
}

/**
 * Reads what is installed, and builds first what an install left for later. A home that cannot be written to, or that
 * another `dash` is changing, costs those packages their extensions for now, not the user the agent.
 */
async function readBuilt({ home, cwd, signal, globals, stderr }: Invocation): Promise<InstalledPackage[]> {
  const read = () => readInstalled({ dashHome: home, projectDir: cwd });
  const installed = await read();
  const waiting = installed.filter(({ pending, enabled }) => pending && enabled);
  if (waiting.length === 0) return installed;
  if (globals.quiet !== true) stderr.write(`building ${waiting.length === 1 ? waiting[0]?.name : `${waiting.length} packages`}, once\n`);
  // no line that is drawn: an agent may own the terminal by now
  const onProgress: ProgressListener = ({ kind }) => void (kind === 'waiting' && stderr.write('waiting for another dash\n'));
  for (const kind of new Set(waiting.map(({ scope }) => scope))) {
    try {
      await finishBuilds({ dashHome: home, scope: kind === 'user' ? { kind } : { kind, dir: cwd }, ports: inspectPorts(home), signal, onProgress });
    } catch (error) {
      if (!isDashError(error) || error.code === 'INTERRUPTED') throw error;
      stderr.write(`warning: ${waiting.length === 1 ? 'a package' : 'packages'} could not be built: ${error.message}\n`);
    }
  }
  return read();
}

export interface CallTarget {
  readonly invocation: Invocation;
  /** Besides what an installed package was granted. */
  readonly grants: PermissionSet;
  readonly ports: HostPorts;
  readonly onDenial: (denial: Denial) => void;
  readonly notice: (text: string) => void;
}

/** Opens one package, installed or a directory, for a call without an agent. */
export async function openOne(
  installed: InstalledPackage | undefined,
  dir: string,
  { invocation, grants, ports, onDenial, notice }: CallTarget,
): Promise<SandboxedPackage> {
  const { home, cwd } = invocation;
  const trail = lazyTrail(home);
  const [book, { profile }, undone] = await Promise.all([openGrantBook(home, cwd), readProfile(home), recoverFor(invocation)]);
  if (undone !== '') notice(`the last one here was killed in the middle of a program:\n${undone.trimEnd()}`);
  const settings = await settingsForCall(installed, invocation, notice);
  const options: OpenOptions = {
    settings: () => settings,
    ...openOptions(invocation, ports, trail.open(), await readInstalled({ dashHome: home, projectDir: cwd })),
    onDenial,
    onLog: (level, text) => {
      // the rest of what a package logs of an error is its stack, which means something to its author
      if (invocation.globals.verbose === true) notice(`${level}: ${text}`);
      else if (level === 'warn' || level === 'error') notice(`${level}: ${text.split('\n', 1).join('')}`);
    },
  };
  const closing = { close: () => trail.close() };
  if (installed !== undefined && !installed.linked) {
    const built = installed.pending ? (await readBuilt(invocation)).find(({ id, scope }) => id === installed.id && scope === installed.scope) : installed;
    const { name, version, grantKey: source, contentHash, graph, compiled, captured } = built ?? installed;
    const authority = withGrants(authorityOf(book.of(source), installed, profile), grants);
    return closed(openPackage({ name, version, source, contentHash, graph, compiled, granted: authority.granted(), authority, captured }, options), closing);
  }
  await using inspection = await inspectDirectory(installed?.dir ?? dir, invocation);
  const { name, version } = inspection.package.manifest;
  const { permissions, optionalPermissions } = inspection.package.manifest.dash;
  // A directory that was never installed holds nothing, whatever another package of its source was granted.
  const page = installed === undefined ? emptyGrantPage() : book.of(installed.grantKey);
  const authority = withGrants(authorityOf(page, { version, permissions, optionalPermissions, compiled: inspection.package.compiled }, profile), grants);
  return closed(
    openPackage(
      {
        name,
        version,
        source: inspection.grantKey,
        contentHash: inspection.contentHash,
        granted: authority.granted(),
        authority,
        ...(await buildOf({ ...inspection.package, ...narrowBuild(inspection.package, installed?.filters ?? []) })),
      },
      options,
    ),
    closing,
  );
}

/** A directory that was never installed has no values: those were set for what was consented to. */
async function settingsForCall(
  installed: InstalledPackage | undefined,
  { home, cwd, env, globals }: Invocation,
  notice: (text: string) => void,
): Promise<SettingValues> {
  if (installed === undefined || (await settingsSchemaOf(installed)) === undefined) return NO_SETTING_VALUES;
  const { decideTrust, directoriesWithSettings } = await import('../host/index.ts');
  const { trusted, files } = await decideTrust({ dashHome: home, cwd, home: env['HOME'] ?? cwd }, globals.trustProject ?? false);
  const read = await settingsOf(installed, await openValueBook({ dashHome: home, projects: await directoriesWithSettings(trusted ? files : undefined) }));
  for (const { message } of read.diagnostics) notice(`warning: ${message}`);
  return toSettingValues(read);
}

export async function inspectDirectory(dir: string, invocation: Invocation): Promise<Inspection> {
  const { home, signal, env, globals, cwd } = invocation;
  // said when it was installed: not again at every reload
  const npm = await npmConfigFor({ env, globals, cwd });
  return inspectSpec({ kind: 'directory', path: dir }, { dashHome: home, npm, ports: inspectPorts(home), signal, infers: false });
}

function isWhole({ compiled, captureOutcomes }: Inspection['package']): boolean {
  return compiled.failures.length === 0 && captureOutcomes.every(({ kind }) => kind !== 'failed');
}

/** @throws {DashError} what the author must mend, when no extension builds */
async function buildOf({ graph, compiled, captureOutcomes }: Pick<InstalledPackage, 'graph' | 'compiled' | 'captureOutcomes'>): Promise<Build> {
  const failed = [...compiled.failures, ...captureOutcomes.filter((outcome) => outcome.kind === 'failed')];
  const [first] = failed;
  if (first !== undefined && !captureOutcomes.some(({ kind }) => kind !== 'failed')) throw asDashError(first);
  return { graph, compiled, captured: mergeCaptured(captureOutcomes) };
}

function asDashError({
  entry,
  error: { code, message, where },
}: {
  readonly entry: string;
  readonly error: { readonly code: string; readonly message: string; readonly where?: { readonly path: string } };
}): DashError {
  const known = isKnownCode(code) ? code : 'CAPTURE_FAILED';
  return new DashError(known, message, { where: where ?? { path: entry } });
}

function isKnownCode(
  code: string,
): code is
  | 'COMPILE_FAILED'
  | 'FACTORY_FAILED'
  | 'FACTORY_TIMEOUT'
  | 'CAPTURE_UNSTABLE'
  | 'DEPENDENCY_NOT_FOUND'
  | 'UNSUPPORTED_SYNTAX'
  | 'UNSUPPORTED_MODULE'
  | 'UNSUPPORTED_API'
  | 'UNSUPPORTED_NATIVE_ADDON' {
  return [
    'COMPILE_FAILED',
    'FACTORY_FAILED',
    'FACTORY_TIMEOUT',
    'CAPTURE_UNSTABLE',
    'DEPENDENCY_NOT_FOUND',
    'UNSUPPORTED_SYNTAX',
    'UNSUPPORTED_MODULE',
    'UNSUPPORTED_API',
    'UNSUPPORTED_NATIVE_ADDON',
  ].includes(code);
}

function unchanged({ contentHash, graph, compiled, captured, resources, captureOutcomes }: InstalledPackage): {
  contentHash: string;
  build: () => Promise<{ graph: ModuleGraph; compiled: InstalledPackage['compiled']; captured: Registrations | undefined }>;
  resources: InstalledPackage['resources'];
  diagnostics: readonly Diagnostic[];
} {
  const diagnostics = [...compiled.failures, ...captureOutcomes.filter((outcome) => outcome.kind === 'failed')].map(
    ({ entry, error: { code, message, where } }): Diagnostic => ({ severity: 'warning', code, message, where: where ?? { path: entry } }),
  );
  return { contentHash, build: () => Promise.resolve({ graph, compiled, captured }), resources, diagnostics };
}

async function recoverFor({ home, cwd, env }: Invocation): Promise<string> {
  const [workspace, userHome, dashHome] = await Promise.all([cwd, env['HOME'] ?? cwd, home].map((path) => realpath(path).catch(() => path)));
  return recoverLeftBehind({ workspace: workspace ?? cwd, home: userHome ?? cwd, dashHome: dashHome ?? home, env });
}

function openOptions({ home, cwd, env }: Invocation, ports: HostPorts, audit: AuditTrail, installed: readonly InstalledPackage[]): OpenOptions {
  return {
    ports,
    audit,
    bundles: bundleStore(home),
    workspace: cwd,
    home: env['HOME'] ?? cwd,
    dashHome: home,
    linked: installed.flatMap(({ linked, dir }) => (linked ? [dir] : [])),
    environment: env,
    lookUpSecret: (name) => readSecret(home, name) ?? env[name],
  };
}

/** A run in which no package is opened leaves no trail. */
function lazyTrail(
  home: string,
  onRecord?: (record: Omit<AuditRecord, 'time'>) => void,
): { open(): AuditTrail; head(): { readonly file: string; readonly hash: string } | undefined; close(): void } {
  let trail: AuditTrail | undefined;
  return {
    open: () => (trail ??= new AuditTrail(join(home, 'audit'), undefined, onRecord)),
    head: () => (trail === undefined ? undefined : { file: basename(trail.file), hash: trail.head }),
    close: () => {
      trail?.[Symbol.dispose]();
      trail = undefined;
    },
  };
}

function closed(opened: SandboxedPackage, after: { close(): void }): SandboxedPackage {
  return new Proxy(opened, {
    get(target, member) {
      if (member === Symbol.asyncDispose) {
        return async () => {
          await target[Symbol.asyncDispose]();
          after.close();
        };
      }
      const value: unknown = Reflect.get(target, member, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
