import { createHash } from 'node:crypto';
import {
  DashError,
  isDashError,
  emptyPermissionSet,
  type CaptureOutcome,
  type CompiledEntry,
  type CompiledPackage,
  type ModuleGraph,
  type Registrations,
} from '../format/index.ts';
import { fixedAuthority } from './authority.ts';
import { Broker } from './broker.ts';
import { CaptureProcesses } from './capture-processes.ts';
import { loadBundles, saveBundle, type BundleStore } from './compile/bundle-store.ts';
import type { Denial, GuestFacts } from './extension.ts';
import { GuestSession } from './guest-session.ts';
import { OpenSurfaces } from './open-surfaces.ts';
import { portsOfNobody } from './ports-of-nobody.ts';
import { runtimeCaches } from './process/runtime-caches.ts';
import { prepareConfinement } from './process/spawn-process.ts';
import { digest, hidePlaces } from './registrations.ts';
import { PrivateStorage } from './private-storage.ts';
import { NO_SECRETS } from './secret-handles.ts';

export interface CaptureRequest {
  readonly name: string;
  readonly version: string;
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  readonly compiled: CompiledPackage;
}

/** Two surroundings that have nothing in common: what a factory registers must not depend on them. */
const SURROUNDINGS: readonly GuestFacts[] = [
  {
    cwd: '/dash-capture-one/workspace',
    home: '/dash-capture-one/home',
    tmp: '/tmp',
    agentDir: '/dash-capture-one/agent',
    env: {},
    platform: 'linux',
    arch: 'x64',
    columns: 80,
    now: 1_700_000_000_000,
    seed: 1,
  },
  {
    cwd: '/dash-capture-two/elsewhere/project',
    home: '/dash-capture-two/user',
    tmp: '/tmp',
    agentDir: '/dash-capture-two/agent',
    env: { LANG: 'C' },
    platform: 'linux',
    arch: 'x64',
    columns: 132,
    now: 1_900_000_000_000,
    seed: 2,
  },
];

const processes = new CaptureProcesses(SURROUNDINGS.length);

/** Has what a capture needs started while its package is compiled. Whoever does not capture after all loses a little time. */
export function prepareCapture(): Promise<void> {
  return processes.prepare();
}

export interface Captured {
  /** What was compiled, with the code caches that came of loading it. */
  readonly compiled: CompiledPackage;
  /** One for each compiled entry. */
  readonly captureOutcomes: readonly CaptureOutcome[];
}

/**
 * Runs the factories of a package without a single permission, twice, only to learn what they register. This
 * is the first code of a package that runs, and it runs before anybody consented.
 */
export async function capturePackage(request: CaptureRequest, store: BundleStore): Promise<Captured> {
  const { compiled } = request;
  if (compiled.entries.length === 0) return { compiled, captureOutcomes: [] };
  await prepareConfinement(); // the first code of a package runs as confined as any later one
  await runtimeCaches.use(store, 'jitless');
  // Each entry on its own: one that hangs or dies must not take the others' registrations with it.
  const captured = await Promise.all(compiled.entries.map((entry) => captureEntry(request, entry, store)));
  // Where an install goes on for seconds, the half that this takes on a machine of another kind is not noticed.
  await runtimeCaches.made(store, 'jitless');
  return { compiled: { ...compiled, entries: captured.map(({ entry }) => entry) }, captureOutcomes: captured.map(({ outcome }) => outcome) };
}

async function captureEntry(request: CaptureRequest, entry: CompiledEntry, store: BundleStore): Promise<{ entry: CompiledEntry; outcome: CaptureOutcome }> {
  const [one, two] = SURROUNDINGS;
  if (one === undefined || two === undefined) throw new Error('capture runs twice');
  // A code cache is of a process that ran nothing of any package yet: the first one, before it is told to.
  let saving: Promise<string> | undefined;
  const [first, second] = await Promise.all([
    activateEntry(request, entry, store, one, ([cache]) => {
      saving = cache && saveBundle(store, 'cache', cache);
      saving?.catch(() => undefined); // awaited below, beside what else may fail first
    }),
    activateEntry(request, entry, store, two),
  ]);
  return {
    entry: saving === undefined ? entry : { ...entry, cache: { sha256: await saving, v8: process.versions.v8 } },
    outcome: compare(entry, first, second),
  };
}

type Attempt = { readonly registrations: Registrations } | { readonly error: DashError; readonly needs: readonly string[] };

async function activateEntry(
  { name, version, contentHash, graph }: CaptureRequest,
  entry: CompiledEntry,
  store: BundleStore,
  facts: GuestFacts,
  onCaches?: (caches: readonly (Buffer | undefined)[]) => void,
): Promise<Attempt> {
  const denials: Denial[] = [];
  const scripts = await loadBundles(store, { entries: [entry], failures: [] });
  const session = new GuestSession({
    name,
    scripts,
    facts,
    makeBroker: (state) =>
      new Broker({
        context: {
          packageName: name,
          places: { workspace: facts.cwd, home: facts.home, data: '/package-data', tmp: facts.tmp },
          ports: NO_HOST,
          secrets: NO_SECRETS,
          storage: new PrivateStorage(name, [], 0),
          surfaces: new OpenSurfaces({ packageName: name, port: () => undefined, ...state }),
          ownDirectory: (dependency) => (dependency === undefined ? graph.nodes[graph.root]?.dir : undefined),
          random: seededBytes(facts.seed ?? 0),
        },
        version,
        contentHash,
        authority: fixedAuthority(emptyPermissionSet),
        // Nothing is granted, so nothing happens that a trail would have to hold.
        audit: { append: () => undefined },
        budgets: NO_BUDGETS,
        ...state,
        onDenial: (denial) => denials.push(denial),
      }),
    onLog: () => undefined,
    onEnd: () => undefined,
    audit: () => undefined,
    takeProcess: (listener) => processes.take(listener),
    ...(onCaches && { onCaches }),
  });
  try {
    const { registrations, failures } = await session.activate();
    const [failure] = failures;
    if (failure !== undefined) return { error: failure.error, needs: needsOf(denials) };
    return { registrations: hidePlaces(registrations[0] ?? NOTHING, facts) };
  } catch (error) {
    if (isDashError(error)) return { error, needs: needsOf(denials) };
    throw error;
  } finally {
    session.kill();
  }
}

function needsOf(denials: readonly Denial[]): readonly string[] {
  return [...new Set(denials.map(({ permission }) => permission))];
}

function compare({ entry }: CompiledEntry, first: Attempt, second: Attempt): CaptureOutcome {
  const failed = 'error' in first ? first : 'error' in second ? second : undefined;
  if (failed !== undefined) {
    const { code, message, where } = failed.error;
    // It wanted something it may get after consent: then it is captured again, at its first start.
    if (failed.needs.length > 0 && code === 'FACTORY_FAILED') return { kind: 'deferred', entry, needs: failed.needs, error: { code, message } };
    return { kind: 'failed', entry, error: { code, message, ...(where && { where }) } };
  }
  if ('registrations' in first && 'registrations' in second && digest(first.registrations) !== digest(second.registrations)) {
    return {
      kind: 'failed',
      entry,
      error: {
        code: 'CAPTURE_UNSTABLE',
        message: `${entry} registers something else in other surroundings: what it offers must not depend on time, chance or environment`,
      },
    };
  }
  if (!('registrations' in first)) throw new Error('neither failed nor registered');
  return { kind: 'ok', entry, registrations: first.registrations };
}

const NOTHING: Registrations = { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };

/** sha256 of seed and counter: not random at all, and the same in every capture with this seed. */
function seededBytes(seed: number): (size: number) => Buffer {
  let counter = 0;
  return (size) => {
    const blocks = Array.from({ length: Math.ceil(size / 32) }, () => createHash('sha256').update(`${seed} ${counter++}`).digest());
    return Buffer.concat(blocks).subarray(0, size);
  };
}

/** Without grants nothing can be used up. */
const NO_BUDGETS = { take: () => true, spent: () => undefined };

/** While a factory runs there is no session, no model and nobody to talk to. */
const NO_HOST = portsOfNobody('there is no host during capture');
