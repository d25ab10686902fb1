import { DashError, type Diagnostic, isDashError, mergeCaptured } from '../format/index.ts';
import type { LoadedPackage } from '../host/index.ts';
import { DirectoryDigests, type Inspection, inspectSpec, type InstalledPackage, narrowBuild } from '../registry/index.ts';
import type { SandboxPackage } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { inspectPorts } from './compose.ts';
import { npmConfigFor } from './npm-config.ts';

/** What is run of a package: from the generation, or from the linked directory as it stands. */
export type Build = Pick<SandboxPackage, 'graph' | 'compiled' | 'captured'>;

/** What a package looks like right now. */
export interface Now {
  readonly contentHash: string;
  /** Rejects with what its author must mend. */
  readonly build: () => Promise<Build>;
  readonly resources: LoadedPackage['resources'];
  readonly settings: InstalledPackage['settings'];
  /** What it declares to need. */
  readonly asks: InstalledPackage['permissions'];
  readonly diagnostics: readonly Diagnostic[];
}

const READY_AFTER_MS = 300;

/**
 * Linked directories as they stand: each is looked at again at every reading, and built again when its bytes changed. What
 * does not build is an error of its own; the next change is waited for with everything that builds it.
 */
export class LinkedBuilds implements Disposable {
  readonly #invocation: Invocation;
  readonly #digests = new DirectoryDigests();
  /** As they were built since we began: none is built again because another one changed. */
  readonly #inspected = new Map<string, { readonly contentHash: string; readonly pkg: Inspection['package'] }>();
  #readying: NodeJS.Timeout | undefined;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  /** The directory may have changed since it was installed; its dependencies are those it asks for now. */
  async current(installed: InstalledPackage): Promise<Now> {
    const contentHash = await this.#digests.of(installed.dir);
    if (contentHash === installed.contentHash) return asInstalled(installed);
    try {
      const seen = this.#inspected.get(installed.id);
      const pkg = seen?.contentHash === contentHash ? seen.pkg : await this.#inspect(installed.dir);
      // what failed may have failed for want of time
      if (isWhole(pkg)) this.#inspected.set(installed.id, { contentHash, pkg });
      const { resources, ...narrowed } = narrowBuild(pkg, installed.filters);
      const made = await buildOf({ graph: pkg.graph, ...narrowed }).then(
        (build) => () => Promise.resolve(build),
        (error: unknown) => () => Promise.reject(error instanceof Error ? error : new Error(String(error))),
      );
      return { contentHash, build: made, resources, settings: pkg.manifest.dash.settings, asks: pkg.manifest.dash.permissions, diagnostics: pkg.diagnostics };
    } catch (error) {
      if (!isDashError(error)) throw error;
      const { resources, settings, permissions: asks } = installed;
      return { contentHash, build: () => Promise.reject(error), resources, settings, asks, diagnostics: [] };
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#readying);
  }

  async #inspect(dir: string): Promise<Inspection['package']> {
    await using inspection = await inspectDirectory(dir, this.#invocation);
    // its author will change it again: what builds it then is made ready when this build has the processor no more
    clearTimeout(this.#readying);
    this.#readying = setTimeout(() => inspectPorts(this.#invocation.home).prepareBuild(dir), READY_AFTER_MS).unref();
    return inspection.package;
  }
}

/** What an installed package was when it was installed. */
export function asInstalled({ contentHash, graph, compiled, captured, resources, settings, permissions, captureOutcomes }: InstalledPackage): Now {
  const diagnostics = [...compiled.failures, ...captureOutcomes.filter((outcome) => outcome.kind === 'failed')].map(
    ({ entry, error: { code, message, where } }): Diagnostic => ({ severity: 'warning', code, message, where: where ?? { path: entry } }),
  );
  return { contentHash, build: () => Promise.resolve({ graph, compiled, captured }), resources, settings, asks: permissions, diagnostics };
}

/** A directory as it stands, built. What its code needs is not read from it where its author says so. */
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
export async function buildOf({ graph, compiled, captureOutcomes }: Pick<InstalledPackage, 'graph' | 'compiled' | 'captureOutcomes'>): Promise<Build> {
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
