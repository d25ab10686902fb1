import type { Contributions } from './contributions.ts';
import type { Extension } from './activate.ts';
import { type GenerationOptions, Generations } from './reload.ts';

/**
 * The packages of a host. They are opened last, because they are handed what stands on them: until then nobody may ask
 * for what they contribute.
 */
export class RunningPackages implements AsyncDisposable {
  #generations: Generations | undefined;

  async start(options: GenerationOptions): Promise<void> {
    this.#generations = await Generations.start(options);
  }

  get generations(): Generations {
    if (this.#generations === undefined) throw new Error('packages are not loaded yet');
    return this.#generations;
  }

  get contributions(): Contributions {
    return this.generations.current.contributions;
  }

  /** Those there are by now. */
  get extensions(): readonly Extension[] {
    return this.#generations?.current.extensions ?? [];
  }

  /** Keeps the packages of this moment open until the hold is disposed of. */
  hold(): Disposable {
    return this.generations.hold();
  }

  /** A package with its version. */
  versioned(packageName: string): string {
    const version = this.generations.current.extensions.find(({ pkg }) => pkg.name === packageName)?.pkg.version;
    return version === undefined ? packageName : `${packageName}@${version}`;
  }

  /** Takes up tools that were registered late. While the first generation is built there is nothing to add to: it reads them itself. */
  takeUpTools(): void {
    this.#generations?.takeUpTools();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.generations[Symbol.asyncDispose]();
  }
}
