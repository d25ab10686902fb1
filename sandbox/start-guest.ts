import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DashError, mergeRegistrations, type ModuleGraph, type Registrations } from '../format/index.ts';
import { Broker } from './broker.ts';
import { Budgets } from './budget.ts';
import { hasBundles, loadBundles, type BundleStore, type PackageScripts } from './compile/bundle-store.ts';
import { compilePackage } from './compile/compile-package.ts';
import type { GuestFacts, SandboxPackage } from './extension.ts';
import { GuestSession, type ServingState } from './guest-session.ts';
import type { LateTools } from './late-tools.ts';
import type { OfferedProviders } from './offered-providers.ts';
import type { OpenOptions } from './open-options.ts';
import { OpenSurfaces } from './open-surfaces.ts';
import { osLayer } from './os-layer/index.ts';
import type { PackageDirectories } from './package-directories.ts';
import type { PackageRights } from './package-rights.ts';
import type { CallOrigin } from './ports.ts';
import { PrivateStorage } from './private-storage.ts';
import type { Engine } from './process/layers.ts';
import { MAX_PRIVATE_BYTES } from './process/limits.ts';
import { runtimeCaches } from './process/runtime-caches.ts';
import { isRuntimeScript } from './process/runtime-files.ts';
import { prepareConfinement } from './process/spawn-process.ts';
import type { ScriptSource } from './protocol.ts';
import { registrationsDiffer, showPlaces } from './registrations.ts';
import type { SettingScrubber } from './scrub-settings.ts';
import { createSecretHandles, type SecretHandles } from './secret-handles.ts';
import { unpackedDirectory } from './unpacked-directory.ts';

/** What one package is made of while it is open; its processes come and go. */
export interface PackageParts {
  readonly package: SandboxPackage;
  readonly options: OpenOptions;
  readonly scrub: SettingScrubber;
  readonly rights: PackageRights;
  readonly directories: PackageDirectories;
  readonly lateTools: LateTools;
  readonly providers: OfferedProviders;
}

export interface StartOptions {
  readonly engine: Engine;
  /** In whose name it starts: variables that it asked for are asked of the user then. */
  readonly origin: CallOrigin | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEnd: (error: DashError | undefined) => void;
}

/** A process with the package's scripts on their way to it; none of its code has run. */
export interface StartedGuest {
  readonly session: GuestSession;
  readonly facts: GuestFacts;
  /** Handles of the secrets that it may name. */
  readonly secrets: SecretHandles;
}

/** Makes everything ready that the package may see, and takes a process for it. @throws {DashError} BUNDLE_MISMATCH, SANDBOX_UNAVAILABLE */
export async function startGuest(parts: PackageParts, { engine, origin, signal, onEnd }: StartOptions): Promise<StartedGuest> {
  const { package: ofPackage, options, rights, directories } = parts;
  const { name, version, contentHash } = ofPackage;
  const { audit, bundles, spare, onLog } = options;
  const confinement = prepareConfinement();
  if (origin !== undefined) await rights.askForVariables(origin, signal);
  const granted = rights.authority.granted();
  const places = await directories.places();
  const scripts = await scriptsFor(ofPackage, engine, bundles);
  const secrets = createSecretHandles(rights.secrets(granted), options.lookUpSecret ?? (() => undefined));
  await runtimeCaches.use(bundles, engine);
  await confinement; // the process that is started next, or taken, is confined by it
  const facts: GuestFacts = {
    cwd: places.workspace,
    home: places.home,
    tmp: places.tmp,
    agentDir: join(places.data, 'agent'),
    // A value that was granted stands before a handle of the same name.
    env: { ...secrets.environment, ...rights.variables(granted) },
    platform: process.platform,
    arch: process.arch,
    columns: options.columns ?? 80,
  };
  rights.noteUses(granted);
  const session = new GuestSession({
    name,
    scripts,
    facts,
    engine,
    // The one that is kept compiles nothing.
    ...(spare !== undefined && engine === 'jitless' && { takeProcess: (listener) => spare.take(listener) }),
    makeBroker: (state) => brokerFor(parts, { places, secrets, state }),
    onLog: (level, text) => onLog?.(level, text),
    onRejected: (names) => {
      if (names.some(isRuntimeScript)) void runtimeCaches.refuse(bundles, engine);
    },
    onEnd,
    audit: (reason) => audit.append({ 'event.name': 'kill', 'dash.package': name, 'dash.version': version, 'content.hash': contentHash, outcome: reason }),
  });
  return { session, facts, secrets };
}

/**
 * Runs the factories and compares what they register with what was captured and consented to.
 *
 * @throws {DashError} FACTORY_FAILED, FACTORY_TIMEOUT, REGISTRATION_CHANGED and as the process ends
 */
export async function activateGuest(
  { session, facts }: StartedGuest,
  { package: { name, compiled, captured }, options }: PackageParts,
): Promise<Registrations> {
  const { registrations, failures } = await session.activate();
  const [failure] = failures;
  if (failure !== undefined && failures.length === compiled.entries.length) throw failure.error;
  // One entry that fails takes nothing from the others; it was named at install already.
  for (const { error } of failures) options.onFailure?.(error);
  const actual = mergeRegistrations(registrations);
  const drift = captured === undefined ? undefined : registrationsDiffer(showPlaces(captured, facts), actual);
  if (drift !== undefined) {
    throw new DashError('REGISTRATION_CHANGED', `${name} registers something else than what was inspected: ${drift}`, {
      hint: `run \`dash inspect ${name}\` and install it again if you trust the change`,
    });
  }
  return actual;
}

async function scriptsFor({ graph, compiled }: SandboxPackage, engine: Engine, bundles: BundleStore): Promise<PackageScripts> {
  // Bundles are derived: where somebody emptied the directory they are made again, and must come out the same.
  if (!(await hasBundles(bundles, compiled))) await compilePackage({ graph, entries: compiled.entries.map(({ entry }) => entry), infer: false }, bundles);
  const loaded = await loadBundles(bundles, compiled);
  return engine === 'jitless' ? loaded : { ...loaded, bundles: loaded.bundles.map(withoutCache) };
}

interface BrokerSurroundings {
  readonly places: Awaited<ReturnType<PackageDirectories['places']>>;
  readonly secrets: SecretHandles;
  readonly state: ServingState;
}

function brokerFor(
  { package: ofPackage, options, rights, directories, lateTools, providers }: PackageParts,
  { places, secrets, state }: BrokerSurroundings,
): Broker {
  const { name, version, contentHash, graph } = ofPackage;
  const { ports, bundles, audit, onDenial, environment, maxPrivateBytes = MAX_PRIVATE_BYTES } = options;
  return new Broker({
    context: {
      packageName: name,
      places,
      ports: rights.asking(),
      secrets,
      ...(options.settings !== undefined && { settings: options.settings }),
      storage: new PrivateStorage(name, [places.data, places.tmp], maxPrivateBytes),
      surfaces: new OpenSurfaces({ packageName: name, port: () => ports.ui.surfaces, ...state }),
      ownDirectory: (dependency) => ownDirectory(graph, dependency, bundles),
      random: randomBytes,
      programs: { environment, osLayer: options.osLayer ?? osLayer },
      lateTools,
      providers,
    },
    version,
    contentHash,
    authority: rights.authority,
    audit,
    budgets: new Budgets(directories.budgets),
    ...state,
    onDenial: (denial) => {
      if (denial.capability === 'tools.register' && denial.rule === 'no grant') lateTools.denied(denial.target);
      onDenial?.(denial);
    },
  });
}

/** A code cache holds for the flags it was made under. */
function withoutCache({ name, source }: ScriptSource): ScriptSource {
  return { name, source };
}

function ownDirectory(graph: ModuleGraph, dependency: string | undefined, bundles: BundleStore): string | undefined {
  const node = dependency === undefined ? graph.nodes[graph.root] : Object.values(graph.nodes).find(({ name }) => name === dependency);
  return node && unpackedDirectory(node, join(bundles.directory, 'unpacked'));
}
