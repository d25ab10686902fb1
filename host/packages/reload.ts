import type { Diagnostic } from '../../format/index.ts';
import type { HostPorts, SandboxedPackage } from '../../sandbox/index.ts';
import { activate, type Extension } from './activate.ts';
import type { DiscoveredPaths } from '../bus/event-answers.ts';
import { buildContributions, type Contributions, type Surroundings, withLateTools } from './contributions.ts';
import { type DiscoveredResources, discoverResources, withDiscovered } from './discovered-resources.ts';
import type { OpenPackage, ReadPackages } from './load-packages.ts';
import { type LooseResources, readResources } from './resource-catalog.ts';

/** One complete state of everything that is loaded. */
export interface Generation {
  readonly number: number;
  readonly extensions: readonly Extension[];
  readonly contributions: Contributions;
  /** What its packages named as resources when they were asked. */
  readonly discovered: readonly DiscoveredResources[];
}

export interface GenerationOptions {
  readonly readPackages: () => ReturnType<ReadPackages>;
  readonly openPackage: OpenPackage;
  readonly ports: HostPorts;
  /** Where the resources lie that no package brings, as it is now. */
  readonly loose: () => Promise<LooseResources>;
  readonly surroundings: Surroundings;
}

/** What one reload did. */
export interface Reloaded {
  readonly generation: number;
  /** Names of packages whose running build is another than before. */
  readonly changed: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Holds the running generation. The next one is built beside it and takes its place in one assignment;
 * what it no longer uses is closed when the calls that are in flight have ended.
 */
export class Generations implements AsyncDisposable {
  readonly #options: GenerationOptions;
  /** As it was built, without what packages register while they run. */
  #built: Generation;
  #current: Generation;
  #holders = new Set<PromiseLike<void>>();
  readonly #closing = new Set<Promise<void>>();
  #reloading: Promise<unknown> = Promise.resolve();

  private constructor(options: GenerationOptions, first: Generation) {
    this.#options = options;
    this.#built = first;
    this.#current = withLate(first, options);
  }

  static async start(options: GenerationOptions): Promise<Generations> {
    return new Generations(options, await build(options, undefined));
  }

  get current(): Generation {
    return this.#current;
  }

  /** Takes up what packages offer by now. Nothing else of the generation changes. */
  takeUpTools(): void {
    this.#current = withLate(this.#built, this.#options);
  }

  /** Keeps the packages of this moment open until the hold is disposed of. */
  hold(): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holders.add(promise);
    return {
      [Symbol.dispose]: () => {
        this.#holders.delete(promise);
        resolve();
      },
    };
  }

  /**
   * Builds the next generation and swaps it in; one after the other when asked twice. `leaving` is awaited between
   * build and swap, with the sandboxes that will be closed.
   */
  reload(leaving: (gone: readonly SandboxedPackage[]) => Promise<void>): Promise<Reloaded & { readonly arrived: readonly SandboxedPackage[] }> {
    const next = this.#reloading.then(() => this.#reload(leaving));
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  /** Takes in what the packages named as resources; what they named before and do not name now is gone. */
  discovered(named: ReadonlyMap<string, DiscoveredPaths>): Promise<void> {
    const next = this.#reloading.then(async () => {
      const before = this.#built;
      const packages = before.extensions.map(({ pkg }) => pkg).filter(({ name }) => named.has(name));
      if (packages.length === 0 && before.discovered.length === 0) return;
      const discovered = await Promise.all(packages.map((pkg) => discoverResources(pkg, named.get(pkg.name) ?? {})));
      this.#built = { ...before, discovered, contributions: await contribute(before.extensions, discovered, this.#options) };
      this.takeUpTools();
    });
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  async #reload(leaving: (gone: readonly SandboxedPackage[]) => Promise<void>): Promise<Reloaded & { readonly arrived: readonly SandboxedPackage[] }> {
    const before = this.#built;
    const after = await build(this.#options, before);
    const old = sandboxesOf(before);
    const now = sandboxesOf(after);
    const gone = old.filter((sandboxed) => !now.includes(sandboxed));
    const arrived = now.filter((sandboxed) => !old.includes(sandboxed));
    await leaving(gone);
    this.#built = after;
    this.takeUpTools();
    this.#close(gone);
    return {
      generation: after.number,
      changed: [...new Set([...gone, ...arrived].map(({ name }) => name))],
      diagnostics: after.contributions.diagnostics,
      arrived,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reloading;
    this.#close(sandboxesOf(this.#built));
    await Promise.all(this.#closing);
  }

  #close(gone: readonly SandboxedPackage[]): void {
    const holders = [...this.#holders];
    for (const sandboxed of gone) {
      const closing = Promise.all(holders).then(() => sandboxed[Symbol.asyncDispose]());
      this.#closing.add(closing);
      void closing.finally(() => this.#closing.delete(closing));
    }
  }
}

async function build(options: GenerationOptions, previous: Generation | undefined): Promise<Generation> {
  const packages = await options.readPackages();
  const extensions = await Promise.all(
    packages.map((pkg) =>
      activate(
        pkg,
        previous?.extensions.find((extension) => extension.pkg.id === pkg.id),
        options.openPackage,
        options.ports,
      ),
    ),
  );
  // as they were named last: the packages are asked again as soon as this generation runs
  const discovered = previous?.discovered ?? [];
  return { number: (previous?.number ?? 0) + 1, extensions, discovered, contributions: await contribute(extensions, discovered, options) };
}

/** Resources come from the build that runs: a package that kept its last good version keeps its skills too. */
async function contribute(
  extensions: readonly Extension[],
  discovered: readonly DiscoveredResources[],
  { loose, surroundings }: GenerationOptions,
): Promise<Contributions> {
  const resources = await readResources(
    await loose(),
    extensions.map(({ pkg }) => withDiscovered(pkg, discovered)),
  );
  const diagnostics = [...resources.diagnostics, ...discovered.flatMap((found) => found.diagnostics)];
  return buildContributions(extensions, { ...resources, diagnostics }, surroundings);
}

function withLate(built: Generation, { surroundings }: GenerationOptions): Generation {
  return { ...built, contributions: withLateTools(built.contributions, built.extensions, surroundings) };
}

function sandboxesOf({ extensions }: Generation): readonly SandboxedPackage[] {
  return extensions.flatMap(({ sandboxed }) => (sandboxed === undefined ? [] : [sandboxed]));
}
