import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import {
  type CompiledPackage,
  DashError,
  isDashError,
  mergeCaptured,
  type ModuleGraph,
  NO_SETTING_VALUES,
  parsePermissionSet,
  readDeclaredSettings,
  type Registrations,
  type Resources,
  type SettingValues,
} from '../../format/index.ts';
import { inspectSpec, readNpmConfig } from '../../registry/index.ts';
import { AuditTrail, type BundleStore, capturePackage, compilePackage, openPackage, SpareProcess } from '../../sandbox/index.ts';
import type { LoadedPackage, OpenPackage, ReadPackages } from './load-packages.ts';
import type { AuditHead } from '../session/audit-anchor.ts';

/** An extension that an embedder brings. It runs in the sandbox like any other, with the permissions that are named here. */
export interface EmbeddedExtension {
  /** A file, or a directory whose `package.json` names its extensions under `dash` or `pi`. */
  readonly path: string;
  /** In the words of PACKAGE_FORMAT.md. Default: none. */
  readonly permissions?: readonly string[];
  /** Values of its settings (`dash.getSetting`), over the defaults of its manifest. Default: none. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface ExtensionLoader extends AsyncDisposable {
  readonly read: ReadPackages;
  readonly open: OpenPackage;
  auditHead(): AuditHead | undefined;
}

export interface ExtensionPlaces {
  readonly dashHome: string;
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a build is made of. */
interface Build {
  readonly name: string;
  readonly version: string;
  readonly dir: string;
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  readonly compiled: CompiledPackage;
  readonly captured: Registrations | undefined;
  readonly resources: Resources;
  readonly settings: Readonly<Record<string, unknown>> | undefined;
}

/** Compiles extensions in a confined process, again at every reload, and opens each in a sandbox of its own. */
export function openExtensions(extensions: readonly EmbeddedExtension[], { dashHome, cwd, home, env }: ExtensionPlaces): ExtensionLoader {
  const bundles: BundleStore = { directory: join(dashHome, 'bundles') };
  /** A build lives as long as somebody may open the reading it belongs to: by its hash, every reload would leave one behind. */
  const builds = new WeakMap<LoadedPackage, Build | DashError>();
  const named = new Map<string, string>();
  const values = new Map<string, SettingValues>();
  const spare = new SpareProcess();
  let trail: AuditTrail | undefined;

  const load = async ({ path, permissions = [], settings = {} }: EmbeddedExtension): Promise<LoadedPackage> => {
    const dir = resolve(cwd, path);
    const id = `dir:${dir}`;
    const same = { id, linked: true, granted: parsePermissionSet(permissions), diagnostics: [] };
    try {
      const file = await fileOf(dir);
      const build = file === undefined ? await buildDirectory(dir, dashHome, bundles, env) : await buildFile(file, bundles, nameOf(dir));
      const { name, version, contentHash, resources } = build;
      named.set(id, name);
      values.set(id, valuesOf(build.settings, settings));
      const pkg = { ...same, name, version, dir: build.dir, contentHash, resources, captured: build.captured !== undefined };
      builds.set(pkg, build);
      return pkg;
    } catch (error) {
      // said when it is opened: until it builds again, the build before goes on
      if (!isDashError(error)) throw error;
      const contentHash = `failed: ${error.message}`;
      const before = named.get(id);
      const pkg = { ...same, name: before ?? nameOf(dir), version: '0.0.0', dir, contentHash, resources: only(basename(dir)), captured: true };
      builds.set(pkg, error);
      return pkg;
    }
  };

  return {
    read: () => Promise.all(extensions.map(load)),
    async open(pkg, ports) {
      const { id, granted } = pkg;
      const build = builds.get(pkg);
      if (build instanceof DashError) throw build;
      if (build === undefined) throw new Error(`${id} was not read`);
      spare.keep();
      trail ??= new AuditTrail(join(dashHome, 'audit'));
      return openPackage(
        { ...build, source: id, granted },
        { ports, audit: trail, bundles, workspace: cwd, home, dashHome, environment: env, spare, settings: () => values.get(id) ?? NO_SETTING_VALUES },
      );
    },
    auditHead: () => (trail === undefined ? undefined : { file: basename(trail.file), hash: trail.head }),
    async [Symbol.asyncDispose]() {
      spare[Symbol.dispose]();
      trail?.[Symbol.dispose]();
    },
  };
}

/** What the embedder says goes before the defaults; an embedder knows its values, so they are held against no schema. */
function valuesOf(schema: Build['settings'], given: Readonly<Record<string, unknown>>): SettingValues {
  const { settings } = readDeclaredSettings(schema);
  const defaults = settings.flatMap((setting) => (setting.default === undefined ? [] : [[setting.name, setting.default] as const]));
  return {
    values: new Map([...defaults, ...Object.entries(given)]),
    sensitive: new Set(settings.flatMap(({ name, sensitive }) => (sensitive ? [name] : []))),
  };
}

function only(extension: string): Resources {
  return { extensions: [extension], skills: [], prompts: [], themes: [] };
}

function nameOf(path: string): string {
  return basename(path, extname(path));
}

/** The file that is the whole extension: the path itself, or as in pi the `index.ts` of a directory without a manifest. */
async function fileOf(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return path;
  } catch (cause) {
    throw new DashError('USAGE', `there is no extension at \`${path}\``, { cause, where: { path } });
  }
  const names = await readdir(path);
  const index = ['index.ts', 'index.js'].find((name) => names.includes(name));
  return index === undefined || names.includes('package.json') ? undefined : join(path, index);
}

/** A file alone is a package without a manifest: its name is the file's, and it has no dependencies. */
async function buildFile(path: string, bundles: BundleStore, name: string): Promise<Build> {
  const [dir, entry] = [dirname(path), basename(path)];
  const graph: ModuleGraph = { root: name, nodes: { [name]: { name, version: '0.0.0', dir, dependencies: {} } } };
  const compiled = await compilePackage({ graph, entries: [entry] }, bundles);
  return capture({ name, version: '0.0.0', dir, graph, compiled, resources: only(entry), settings: undefined }, bundles);
}

async function buildDirectory(dir: string, dashHome: string, bundles: BundleStore, env: ExtensionPlaces['env']): Promise<Build> {
  await using inspection = await inspectSpec(
    { kind: 'directory', path: dir },
    {
      dashHome,
      npm: await readNpmConfig({ env }),
      ports: {
        compile: (request, signal) => compilePackage(request, bundles, signal),
        // captured below, in the same way for files
        capture: async ({ compiled }) => ({ compiled, captureOutcomes: [] }),
        prepareBuild: () => undefined,
        toolchain: async () => '',
        isCompiled: async () => false,
        readSkills: async () => [],
      },
    },
  );
  const { manifest, resources, graph, compiled } = inspection.package;
  // awaited here: it reads the files that go away with the inspection
  return await capture({ name: manifest.name, version: manifest.version, dir, graph, compiled, resources, settings: manifest.dash.settings }, bundles);
}

async function capture(built: Omit<Build, 'captured' | 'contentHash'>, bundles: BundleStore): Promise<Build> {
  const [failure] = built.compiled.failures;
  if (failure !== undefined)
    throw new DashError('COMPILE_FAILED', failure.error.message, failure.error.where === undefined ? {} : { where: failure.error.where });
  const contentHash = createHash('sha256')
    .update(built.compiled.entries.map(({ entry, code }) => `${entry}\0${code}\n`).join(''))
    .digest('hex');
  const { compiled, captureOutcomes } = await capturePackage({ ...built, contentHash }, bundles);
  const failed = captureOutcomes.filter((outcome) => outcome.kind === 'failed');
  // one of several that fails takes nothing from the others; none that loads is no extension
  if (failed[0] !== undefined && failed.length === captureOutcomes.length)
    throw new DashError('FACTORY_FAILED', failed[0].error.message, failed[0].error.where === undefined ? {} : { where: failed[0].error.where });
  return { ...built, compiled, contentHash, captured: mergeCaptured(captureOutcomes) };
}
