import type { ProviderRegistration } from '../format/index.ts';
import { CapabilityFailure } from './define-capability.ts';

/** Providers that one package may describe. */
const MOST = 64;

/** What one login may say and ask. */
const MOST_STEPS = 50;

/** The providers of a package: those its factory described, with what it changed while it runs. */
export class OfferedProviders {
  readonly #loaded: () => readonly ProviderRegistration[];
  readonly #changed: () => void;
  /** `undefined` for one that was taken away. */
  readonly #since = new Map<string, ProviderRegistration | undefined>();
  /** Those that the user is logging in to, with what was said on the way. */
  readonly #logins = new Map<string, number>();

  constructor(loaded: () => readonly ProviderRegistration[], changed: () => void) {
    this.#loaded = loaded;
    this.#changed = changed;
  }

  get all(): readonly ProviderRegistration[] {
    const kept = this.#loaded().filter(({ name }) => !this.#since.has(name));
    return [...kept, ...[...this.#since.values()].filter((provider) => provider !== undefined)];
  }

  /** Whether the process knows something that its factory would not say again. */
  get isChanged(): boolean {
    return this.#since.size > 0;
  }

  /** Says more about a provider, or anything about a new one: what is left out stays as it was. */
  register(provider: ProviderRegistration): void {
    const before = this.all.find(({ name }) => name === provider.name);
    if (before === undefined && this.all.length >= MOST)
      throw new CapabilityFailure({ code: 'SANDBOX_BUDGET', message: `a package describes at most ${MOST} providers` });
    this.#since.set(provider.name, { ...before, ...provider });
    this.#changed();
  }

  unregister(name: string): void {
    if (!this.all.some((provider) => provider.name === name)) return;
    this.#since.set(name, undefined);
    this.#changed();
  }

  /** The user logs in: until it is disposed of the package may say and ask what that takes. */
  beginLogin(name: string): Disposable {
    this.#logins.set(name, 0);
    return { [Symbol.dispose]: () => void this.#logins.delete(name) };
  }

  /** One thing said or asked in a login. @throws {CapabilityFailure} for one that the user did not begin, or that has no end */
  countStep(name: string): void {
    const steps = this.#logins.get(name);
    if (steps === undefined) throw new CapabilityFailure({ code: 'ERR_NOT_LOGGING_IN', message: `nobody is logging in to \`${name}\`` });
    if (steps >= MOST_STEPS) throw new CapabilityFailure({ code: 'SANDBOX_BUDGET', message: `a login says and asks at most ${MOST_STEPS} things` });
    this.#logins.set(name, steps + 1);
  }

  /** The process has ended: the next one begins with what its factory says. */
  clear(): void {
    if (this.#since.size === 0) return;
    this.#since.clear();
    this.#changed();
  }
}
