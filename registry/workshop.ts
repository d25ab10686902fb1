import { DashError, type Diagnostic } from '../format/index.ts';
import { openRegistryHttp, type RegistryHttp } from './http/registry-http.ts';
import type { NpmConfig } from './npm-config.ts';
import type { Lockfile } from './lock/lockfile.ts';
import type { ProgressListener } from './progress.ts';
import { readReleaseAge } from './release-age.ts';
import { openPackuments } from './resolve/packuments.ts';
import type { NpmResolver } from './resolve/npm.ts';
import type { Pack } from './store/pack.ts';
import { openStaging, type Staging } from './store/staging.ts';
import { type StorePaths, storePaths } from './store/store-paths.ts';
import { isUnpacked } from './store/unpacked-index.ts';
import { type FirstSeen, openFirstSeen } from './verify/age.ts';
import { DEFAULT_TREE_LIMITS, type TreeLimits } from './verify/tree-safety.ts';

/** How packages are looked for and taken apart; the same for installing and for looking only. */
export interface SourcingOptions {
  readonly dashHome: string;
  /** From `readNpmConfig`. */
  readonly npm: NpmConfig;
  /** How long a release must have been public. Default what the settings say, then three days. */
  readonly minAgeMs?: number;
  /** Names that need not wait. Default what the settings say. */
  readonly minAgeExclude?: readonly string[];
  readonly limits?: Partial<TreeLimits>;
  readonly offline?: boolean;
  /** The tarball that came through standard input. */
  readonly piped?: Buffer;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
  /** Default: the clock. */
  readonly now?: Date;
}

/** What one command works with. */
export interface Workshop extends AsyncDisposable {
  readonly paths: StorePaths;
  readonly staging: Staging;
  readonly npm: NpmConfig;
  readonly http: RegistryHttp;
  readonly resolver: NpmResolver;
  readonly firstSeen: FirstSeen;
  readonly limits: TreeLimits;
  readonly offline: boolean;
  readonly piped: Buffer | undefined;
  readonly signal: AbortSignal | undefined;
  readonly now: Date;
  /** What is not built yet is built later: when it is first needed. */
  readonly deferBuilds: boolean;
  /** What code needs is read from it also where its author says so: for whoever compares the two. */
  readonly infersAlways: boolean;
  /** Dependencies brought here so far, by integrity: packages share them. */
  readonly packs: Map<string, Promise<Pack>>;
  readonly diagnostics: Diagnostic[];
  readonly progress: ProgressListener;
}

export interface WorkshopOptions extends Partial<Pick<Workshop, 'deferBuilds' | 'infersAlways'>> {
  /** What is installed: however young it was, it is not new here. */
  readonly inForce?: Lockfile | undefined;
}

/** @throws {DashError} DISK_ERROR, DISK_FULL, SETTINGS_INVALID */
export async function openWorkshop(options: SourcingOptions, { deferBuilds = false, infersAlways = false, inForce }: WorkshopOptions = {}): Promise<Workshop> {
  const { dashHome, npm, limits = {}, offline = false, piped, onProgress = () => undefined, signal, now = new Date() } = options;
  const paths = storePaths(dashHome);
  const said = await readReleaseAge(dashHome);
  const { minAgeMs = said.minAgeMs, minAgeExclude = said.exclude } = options;
  const installed = new Set(Object.values(inForce?.packages ?? {}).map(({ source }) => ('integrity' in source ? source.integrity : undefined)));
  const firstSeen = await openFirstSeen(paths.firstSeen);
  const diagnostics: Diagnostic[] = [];
  const staging = await openStaging(paths);
  const http = openRegistryHttp({ npm, signal });
  return {
    paths,
    staging,
    npm,
    http,
    resolver: {
      packuments: openPackuments({ npm, http, cacheDir: paths.packuments, offline }),
      age: { minAgeMs, exclude: minAgeExclude, now },
      firstSeen,
      isKnown: async (integrity) => installed.has(integrity) || isUnpacked(integrity, paths),
      diagnostics,
    },
    firstSeen,
    limits: { ...DEFAULT_TREE_LIMITS, ...limits },
    offline,
    piped,
    signal,
    now,
    deferBuilds,
    infersAlways,
    packs: new Map(),
    diagnostics,
    progress: onProgress,
    async [Symbol.asyncDispose]() {
      await staging[Symbol.asyncDispose]();
      await firstSeen.save();
    },
  };
}

/** Stops between two steps when the user has asked to. @throws {DashError} INTERRUPTED */
export function assertNotInterrupted({ signal }: Pick<Workshop, 'signal'>): void {
  if (signal?.aborted === true) throw new DashError('INTERRUPTED', 'interrupted; nothing was changed', { cause: signal.reason });
}
