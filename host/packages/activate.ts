import { type Diagnostic, isDashError } from '../../format/index.ts';
import type { HostPorts, SandboxedPackage } from '../../sandbox/index.ts';
import { isSameBuild, type LoadedPackage, type OpenPackage } from './load-packages.ts';

/** A package of a generation. */
export interface Extension {
  readonly pkg: LoadedPackage;
  /** `undefined` for a package without extensions. */
  readonly sandboxed: SandboxedPackage | undefined;
  /** True when the package has never run: no build of it is good. */
  readonly failed: boolean;
  /** When this build became the running one, in milliseconds since the epoch. */
  readonly builtAt: number;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Makes `pkg` part of the next generation: an unchanged build keeps its sandbox, one that fails keeps the
 * last good version, with the error. A package that never worked is left out of everything but the diagnostics.
 */
export async function activate(pkg: LoadedPackage, previous: Extension | undefined, open: OpenPackage, ports: HostPorts): Promise<Extension> {
  const lastGood = previous?.failed === true ? undefined : previous;
  if (lastGood !== undefined && isSameBuild(lastGood.pkg, pkg)) return { ...lastGood, pkg, diagnostics: pkg.diagnostics };
  const fresh = { pkg, builtAt: Date.now(), failed: false, diagnostics: pkg.diagnostics };
  if (pkg.resources.extensions.length === 0) return { ...fresh, sandboxed: undefined };
  let sandboxed: SandboxedPackage | undefined;
  try {
    sandboxed = await open(pkg, ports);
    if (!pkg.captured) await sandboxed.wake();
    return { ...fresh, sandboxed };
  } catch (error) {
    sandboxed?.kill();
    if (!isDashError(error)) throw error;
    const message =
      lastGood === undefined ? `\`${pkg.name}\` does not run: ${error.message}` : `\`${pkg.name}\` keeps running its last good build: ${error.message}`;
    const problem: Diagnostic = { severity: 'error', code: error.code, message, ...(error.where === undefined ? {} : { where: error.where }) };
    const diagnostics = [...pkg.diagnostics, problem];
    return lastGood === undefined ? { ...fresh, sandboxed: undefined, failed: true, diagnostics } : { ...lastGood, diagnostics };
  }
}
