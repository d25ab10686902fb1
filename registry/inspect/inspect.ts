import {
  type CaptureOutcome,
  type CompiledPackage,
  DashError,
  type Diagnostic,
  type ErrorCode,
  ERROR_EXIT_CODES,
  isEmptyResources,
  isInferenceAsked,
  type ModuleGraph,
  type Resources,
  type Where,
} from '../../format/index.ts';
import { resolveDependencies, ROOT } from '../resolve/dependencies.ts';
import { type StagedDependency, stageDependencies } from '../store/dependency-store.ts';
import type { VerifiedPackage } from '../verify/verify.ts';
import type { Workshop } from '../workshop.ts';
import type { Build, InspectedSkill, InspectPorts } from './inspect-ports.ts';
import { type Buildable, buildExtensions, builtBefore } from './build-extensions.ts';
import { findResources } from './read-package.ts';

const inspected: unique symbol = Symbol('inspected');

/** A package somebody has looked at: what it brings, what it registers, what is wrong with it. Only {@link inspect} makes one. */
export interface InspectedPackage extends VerifiedPackage {
  readonly [inspected]: true;
  readonly resources: Resources;
  readonly dependencies: readonly StagedDependency[];
  /** Where the modules lie while it is looked at. */
  readonly graph: ModuleGraph;
  /** Its extensions are still to be built: nothing is known of what they register. */
  readonly pending: boolean;
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
  readonly skills: readonly InspectedSkill[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Finds the resources of a package, brings its dependencies here, compiles its extensions and records what they
 * register. What the author did wrong is in the result; {@link assertInstallable} makes errors of it.
 *
 * @throws {DashError} DEPENDENCY_NOT_FOUND and whatever fetching throws
 */
export async function inspect(
  pkg: VerifiedPackage,
  ports: InspectPorts,
  workshop: Workshop,
  bring: BringDependencies = resolveAndStage,
): Promise<InspectedPackage> {
  const { manifest, tree, resolution } = pkg;
  const { name, version } = manifest;
  const { resources, diagnostics } = findResources(manifest, tree);
  // text needs no modules
  const willBuild = resources.extensions.length > 0 && !(workshop.deferBuilds && isDeclared(manifest));
  // its process starts while dependencies are brought; what a lock names was mostly built before
  if (willBuild && bring === resolveAndStage) ports.prepareBuild(resolution.kind === 'directory' ? tree.dir : undefined);
  const graph = resources.extensions.length === 0 ? NO_DEPENDENCIES : await bring(pkg, workshop);
  const { dependencies } = graph;
  workshop.progress({ kind: 'staged', name, version });

  const modules = toModuleGraph(pkg, graph);
  const buildable: Buildable = {
    name,
    version,
    contentHash: tree.treeSha256,
    graph: modules,
    entries: resources.extensions,
    infer: workshop.infersAlways || !isDeclared(manifest),
    hashes: new Map(dependencies.map(({ key, pack }) => [key, pack.treeSha256])),
  };
  const known = await builtBefore(buildable, ports, workshop);
  const pending = known === undefined && !willBuild && resources.extensions.length > 0;
  const { compiled, captureOutcomes } = known ?? (pending ? NO_BUILD : await buildExtensions(buildable, ports, workshop));
  const skills = await ports.readSkills(tree.dir, resources.skills);
  workshop.progress({ kind: 'inspected', name, version });
  return {
    ...pkg,
    resources,
    dependencies,
    graph: modules,
    pending,
    compiled,
    captureOutcomes,
    skills,
    diagnostics: [
      ...diagnostics,
      ...graph.diagnostics,
      ...skills.flatMap((skill) => skill.diagnostics),
      ...compiled.entries.flatMap(({ unsupported }) =>
        unsupported.map(({ what, why, alternative, where }): Diagnostic => ({
          severity: 'warning',
          code: what.startsWith('native addon') ? 'UNSUPPORTED_NATIVE_ADDON' : 'UNSUPPORTED_MODULE',
          message: `\`${what}\`: ${why}; ${alternative}`,
          ...(where !== undefined && { where }),
        })),
      ),
      ...captureOutcomes.flatMap(deferred),
      ...scriptsIgnored(pkg, dependencies),
      ...(resolution.kind === 'npm' || resolution.kind === 'directory' ? [] : [ageUnknown(name)]),
    ],
    [inspected]: true,
  };
}

/** What a package may ask for is known before its code is looked at; other packages' permissions are read out of their code. */
function isDeclared({ dash }: VerifiedPackage['manifest']): boolean {
  return !isInferenceAsked({ declared: dash.permissions, optional: dash.optionalPermissions });
}

/**
 * Refuses what would not work once installed.
 *
 * @throws {DashError} NO_RESOURCES, ENTRY_NOT_FOUND, ENTRY_OUTSIDE_PACKAGE, COMPILE_FAILED, FACTORY_FAILED, UNSUPPORTED_MODULE …
 */
export function assertInstallable({ manifest, resources, compiled, captureOutcomes, diagnostics }: InspectedPackage): void {
  const name = `\`${manifest.name}@${manifest.version}\``;
  const entry = diagnostics.find(({ severity, code }) => severity === 'error' && (code === 'ENTRY_NOT_FOUND' || code === 'ENTRY_OUTSIDE_PACKAGE'));
  if (entry !== undefined) throw failure(entry, 'ENTRY_NOT_FOUND', `${name}: ${entry.message}`, 'its author has to correct the manifest');
  if (isEmptyResources(resources)) {
    throw new DashError('NO_RESOURCES', `${name} brings no extension, skill, prompt or theme`, {
      hint: 'a package lists them under `dash` in package.json, or has folders named `extensions`, `skills`, `prompts`, `themes`',
    });
  }
  const [broken] = compiled.failures;
  if (broken !== undefined)
    throw failure(broken.error, 'COMPILE_FAILED', `${name} does not compile: ${broken.error.message}`, 'look closer with `dash inspect`', broken.entry);
  const failed = captureOutcomes.find((outcome) => outcome.kind === 'failed');
  if (failed !== undefined)
    throw failure(failed.error, 'CAPTURE_FAILED', `${name} cannot be loaded: ${failed.error.message}`, 'look closer with `dash inspect`', failed.entry);
}

/** Everything below one package, brought here. */
export interface BroughtDependencies {
  /** What the package itself imports: name → key. */
  readonly direct: Readonly<Record<string, string>>;
  readonly dependencies: readonly StagedDependency[];
  readonly diagnostics: readonly Diagnostic[];
}

/** How dependencies are found: by resolving, or by a lock. */
export type BringDependencies = (pkg: VerifiedPackage, workshop: Workshop) => Promise<BroughtDependencies>;

const NO_BUILD: Build = { compiled: { entries: [], failures: [] }, captureOutcomes: [] };
const NO_DEPENDENCIES: BroughtDependencies = { direct: {}, dependencies: [], diagnostics: [] };

async function resolveAndStage({ manifest }: VerifiedPackage, workshop: Workshop): Promise<BroughtDependencies> {
  const graph = await resolveDependencies(manifest, workshop.resolver);
  const direct = Object.fromEntries(graph.nodes.get(ROOT)?.dependencies ?? []);
  return { direct, dependencies: await stageDependencies(graph, workshop), diagnostics: graph.diagnostics };
}

function toModuleGraph({ manifest, tree }: VerifiedPackage, { direct, dependencies }: BroughtDependencies): ModuleGraph {
  const own = { name: manifest.name, version: manifest.version, dir: tree.dir, dependencies: direct };
  const others = dependencies.map(
    (node) => [node.key, { name: node.release.name, version: node.release.version, pack: node.pack.path, dependencies: node.dependencies }] as const,
  );
  return { root: ROOT, nodes: Object.fromEntries([[ROOT, own] as const, ...others]) };
}

function deferred(outcome: CaptureOutcome): Diagnostic[] {
  if (outcome.kind !== 'deferred') return [];
  const needs = outcome.needs.map((permission) => `\`${permission}\``).join(', ');
  return [
    {
      severity: 'warning',
      code: 'CAPTURE_DEFERRED',
      message: `it says what it offers only where it was granted ${needs}, so its tools are not known yet`,
      where: { path: outcome.entry },
    },
  ];
}

function scriptsIgnored({ resolution }: VerifiedPackage, dependencies: readonly StagedDependency[]): Diagnostic[] {
  const releases = [...(resolution.kind === 'npm' ? [resolution.release] : []), ...dependencies.map(({ release }) => release)];
  const names = [...new Set(releases.filter(({ hasInstallScript }) => hasInstallScript).map(({ name, version }) => `\`${name}@${version}\``))];
  return names.length === 0 ? [] : [{ severity: 'info', code: 'SCRIPTS_IGNORED', message: `install scripts ignored: ${names.join(', ')}` }];
}

function ageUnknown(name: string): Diagnostic {
  return { severity: 'info', code: 'AGE_UNKNOWN', message: `\`${name}\` is pinned as it is now; its age is unknown` };
}

function failure(
  { code, where }: { readonly code: string; readonly where?: Where },
  otherwise: ErrorCode,
  message: string,
  hint: string,
  entry?: string,
): DashError {
  const place = where ?? (entry === undefined ? undefined : { path: entry });
  return new DashError(isErrorCode(code) ? code : otherwise, message, { hint, ...(place !== undefined && { where: place }) });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_EXIT_CODES, code);
}
