import { ConfinedBundler } from './confined-bundler.ts';

/** How many directories of authors have one: each weighs as much as a small Node and esbuild beside it. */
const KEPT_DIRECTORIES = 2;
/** An author who has changed a file will soon change it again. */
const AUTHOR_IDLE_MS = 5 * 60_000;

/**
 * The compile processes of this run of Dash, each for what it may read: the packages of the store, and besides them the
 * directories of one linked package. Starting one takes ten times as long as most bundles.
 */
export class WarmBundlers {
  /** By what they may read, those that were used last at the end. */
  readonly #bundlers = new Map<string, { readonly bundler: ConfinedBundler; readonly isAuthors: boolean }>();

  /** @param packages where the packages of the store lie @param directories of a linked package; none for one of the store */
  take(packages: string, directories: readonly string[]): ConfinedBundler {
    const readable = [packages, ...directories].map((path) => `${path}/*`);
    const key = JSON.stringify(readable);
    const isAuthors = directories.length > 0;
    const known = this.#bundlers.get(key)?.bundler;
    const bundler = known === undefined || known.hasEnded ? new ConfinedBundler(readable, isAuthors ? AUTHOR_IDLE_MS : undefined) : known;
    this.#bundlers.delete(key);
    this.#bundlers.set(key, { bundler, isAuthors });
    this.#endOldest();
    return bundler;
  }

  #endOldest(): void {
    for (const [key, { bundler }] of this.#bundlers) if (bundler.hasEnded) this.#bundlers.delete(key);
    const waiting = [...this.#bundlers].filter(([, { bundler, isAuthors }]) => isAuthors && !bundler.isBusy);
    for (const [key, { bundler }] of waiting.slice(0, Math.max(0, waiting.length - KEPT_DIRECTORIES))) {
      bundler[Symbol.dispose]();
      this.#bundlers.delete(key);
    }
  }
}
