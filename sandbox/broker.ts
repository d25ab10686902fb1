import { Value } from '@sinclair/typebox/value';
import { type DashError, parsePermission } from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';
import type { Authority } from './authority.ts';
import { type Budgets, type Max, parseMax, type Spent } from './budget.ts';
import type { Lease } from './calls-in-flight.ts';
import { CAPABILITIES } from './capabilities/index.ts';
import { CapabilityFailure, type AnyCapability, type CapabilityContext, type Need, type Request, type Subscription } from './define-capability.ts';
import type { Denial } from './extension.ts';
import { type Asking, DECLINED, FirstUse } from './first-use.ts';
import { type Answer, failed, toAnswer } from './guest-answer.ts';
import type { PermissionAnswer } from './ports.ts';
import { MAX_PENDING_REQUESTS, MAX_SUBSCRIPTIONS } from './process/limits.ts';
import { endsWithItsCall, grantedFor, type Refusal, ruleOn, type Ruling } from './ruling.ts';

export interface BrokerOptions {
  readonly context: CapabilityContext;
  readonly version: string;
  readonly contentHash: string;
  readonly authority: Authority;
  readonly audit: { append(record: Omit<AuditRecord, 'time'>): void };
  /** The calls of the host that are being served right now. Outside of them files, network, programs and tools need `background`. */
  readonly lease: () => Lease;
  /** What was used of permissions that have an end. */
  readonly budgets: Pick<Budgets, 'take' | 'spent'>;
  /** Stops the clocks of what is being served while a person thinks. */
  readonly pauseClocks: () => Disposable;
  readonly onDenial: (denial: Denial) => void;
}

const USED_UP = 'used up: ';

/**
 * The one gate. Every request of one package passes here, in this order: known → schema → needs → grants →
 * audit → run. The caller is the pipe it came through; there is nothing in a request that says who asks.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #pending = new Map<number, AbortController>();
  readonly #subscriptions = new Map<number, AbortController>();
  readonly #end = new AbortController();
  readonly #firstUse: FirstUse;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#firstUse = new FirstUse({ ...options, end: this.#end.signal, recordAnswer: (...answer) => this.#recordAnswer(...answer) });
  }

  /** An asynchronous request. `cancel(id)` ends it early. */
  async request(id: number, capability: string, params: unknown): Promise<Answer> {
    if (this.#pending.size >= MAX_PENDING_REQUESTS) return failed('SANDBOX_BUDGET', `more than ${MAX_PENDING_REQUESTS} requests are waiting`);
    if (this.#pending.has(id)) return failed('EINVAL', 'this request id is in use');
    const controller = new AbortController();
    this.#pending.set(id, controller);
    try {
      return await this.#serve(capability, params, controller.signal, 'waits');
    } finally {
      this.#pending.delete(id);
    }
  }

  /** A request that the guest's thread waits for: never a question, never a subscription. */
  async requestSync(capability: string, params: unknown, signal: AbortSignal): Promise<Answer> {
    return this.#serve(capability, params, signal, 'at once');
  }

  /** Whether nothing is asked for and nothing listened to. */
  get isIdle(): boolean {
    return this.#pending.size === 0 && this.#subscriptions.size === 0;
  }

  /** Whether a panel of the package is before the user's eyes. */
  get hasPanel(): boolean {
    return this.#options.context.surfaces.hasPanel;
  }

  cancel(id: number): void {
    this.#pending.get(id)?.abort();
  }

  async subscribe(id: number, capability: string, params: unknown, event: (answer: Answer) => void): Promise<void> {
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) return event(failed('SANDBOX_BUDGET', `more than ${MAX_SUBSCRIPTIONS} subscriptions`));
    if (this.#subscriptions.has(id)) return event(failed('EINVAL', 'this subscription id is in use'));
    const controller = new AbortController();
    this.#subscriptions.set(id, controller);
    const end = (answer: Answer): void => {
      if (this.#subscriptions.delete(id)) event(answer);
    };
    const asking: Asking = { patience: 'waits', signal: AbortSignal.any([controller.signal, this.#end.signal]), lease: this.#options.lease() };
    const answer = await this.#admit(capability, params, 'subscription', asking, async (admitted, needs) => {
      await (admitted as Subscription).start(
        params as never,
        this.#options.context,
        {
          ...this.#gate(admitted, needs, asking),
          signal: this.#lifeOf(needs, asking),
          event: (value) => event({ value }),
          error: (error) => end(toAnswer(error, params)),
        },
        needs,
      );
      return undefined;
    });
    if ('error' in answer) end(answer);
  }

  /** A program, a transfer or a tool's run ends with the call it was started in, unless its package may work in the background. */
  #lifeOf(needs: readonly Need[], { signal, lease }: Asking): AbortSignal {
    const isLong = needs.some(({ effect }) => endsWithItsCall(effect));
    if (!isLong || ruleOn({ effect: { kind: 'area', area: 'background' }, target: 'background' }, lease, this.#options).allowed) return signal;
    return AbortSignal.any([signal, lease.signal]); // the call may have ended while it was decided
  }

  unsubscribe(id: number): void {
    this.#subscriptions.get(id)?.abort();
    this.#subscriptions.delete(id);
  }

  /** Ends everything that is under way; called when the package's process ends, with what it ended over. */
  close(error?: DashError): void {
    this.#end.abort(error);
    for (const controller of this.#pending.values()) controller.abort();
    for (const controller of this.#subscriptions.values()) controller.abort();
    this.#subscriptions.clear();
  }

  #serve(capability: string, params: unknown, signal: AbortSignal, patience: Asking['patience']): Promise<Answer> {
    const asking: Asking = { patience, signal: AbortSignal.any([signal, this.#end.signal]), lease: this.#options.lease() };
    return this.#admit(capability, params, 'request', asking, async (admitted, needs) => {
      if (admitted.kind !== 'request') throw new Error('admitted as a request');
      const life = this.#lifeOf(needs, asking);
      using _ = admitted.waitsForPerson === true && patience === 'waits' ? this.#pauseUntil(life) : undefined;
      try {
        return await admitted.run(params as never, this.#options.context, { ...this.#gate(admitted, needs, asking), signal: life }, needs);
      } catch (error) {
        if (life.aborted && !asking.signal.aborted) this.#recordCutOff(admitted, needs, asking);
        throw error;
      }
    });
  }

  /** Stops the clocks; they go on at the abort at the latest, however long the front end takes to put its dialog away. */
  #pauseUntil(signal: AbortSignal): Disposable {
    const pause = this.#options.pauseClocks();
    const resume = (): void => pause[Symbol.dispose]();
    signal.addEventListener('abort', resume, { once: true });
    if (signal.aborted) resume();
    return { [Symbol.dispose]: resume };
  }

  /** Everything up to and including the effect. Whatever goes wrong becomes an answer. */
  async #admit(
    name: string,
    params: unknown,
    kind: AnyCapability['kind'],
    asking: Asking,
    run: (capability: AnyCapability, needs: readonly Need[]) => Promise<unknown>,
  ): Promise<Answer> {
    try {
      const capability = CAPABILITIES.get(name);
      if (capability === undefined || capability.kind !== kind) return failed('ENOSYS', `there is no capability \`${name.slice(0, 100)}\``);
      if (!Value.Check(capability.params, params)) return failed('ERR_INVALID_ARG_VALUE', `the parameters of \`${name}\` do not have its form`);
      const needs = await capability.needs(params as never, this.#options.context);
      for (const need of needs) await this.#decide(capability, need, asking);
      const value = await run(capability, needs);
      return { value };
    } catch (error) {
      return toAnswer(error, params);
    }
  }

  #gate(capability: AnyCapability, needs: readonly Need[], asking: Asking): Omit<Request, 'signal'> {
    return {
      decide: (need) => this.#decide(capability, need, asking),
      permits: (need) => ruleOn(need, asking.lease, this.#options).allowed,
      wouldAsk: (need) => this.#firstUse.wouldAsk(need, asking.lease),
      asksFor: (area) => this.#options.authority.requested().some(({ permission }) => parsePermission(permission).area === area),
      granted: () => grantedFor(asking.lease, this.#options),
      pauseClocks: () => this.#options.pauseClocks(),
      lease: asking.lease,
      spent: (spent) => this.#spent(needs, asking, spent),
      record: (outcome) => this.#options.audit.append({ 'event.name': 'effect', ...this.#who(asking), capability: capability.name, ...outcome }),
    };
  }

  /** Work that goes on when its call has ended is not the call's any more, and is written down as what it is. */
  #who({
    lease: { calls, signal, delegation },
  }: Asking): Pick<AuditRecord, 'dash.package' | 'dash.version' | 'content.hash' | 'call.id' | 'background' | 'on.behalf.of'> {
    const { context, version, contentHash } = this.#options;
    return {
      'dash.package': context.packageName,
      'dash.version': version,
      'content.hash': contentHash,
      ...(calls.length > 0 && { 'call.id': calls.join(',') }),
      ...(signal.aborted && { background: true as const }),
      ...(delegation.callers.length > 0 && { 'on.behalf.of': delegation.callers.join(' → ') }),
    };
  }

  #recordCutOff(capability: AnyCapability, needs: readonly Need[], asking: Asking): void {
    const [first] = needs;
    if (first === undefined) return;
    const { target, recorded = target } = first;
    this.#options.audit.append({ 'event.name': 'effect', ...this.#who(asking), capability: capability.name, target: recorded, outcome: 'ended with its call' });
  }

  /** @throws {CapabilityFailure} the denial, with what would allow it */
  async #decide(capability: AnyCapability, need: Need, asking: Asking): Promise<void> {
    const ruled = ruleOn(need, asking.lease, this.#options);
    const asked = ruled.allowed ? ruled : await this.#firstUse.ask(capability.name, need, ruled, asking);
    const decision = asked.allowed && !this.#isLeft(asked.rule) ? usedUp(asked.rule, this.#options.authority.maxOf(asked.rule)) : asked;
    // The record comes before the effect: what cannot be written down does not happen.
    this.#record(capability, need, decision, asking);
    if (decision.allowed) return this.#options.authority.used(decision.rule);

    const { packageName } = this.#options.context;
    const { effect } = need;
    const target = inBrief(need.target);
    this.#options.onDenial({
      package: packageName,
      capability: capability.name,
      target,
      permission: decision.permission,
      rule: decision.rule,
      hint: decision.rule.startsWith(USED_UP)
        ? 'its author set this limit; it can go on when the time is over'
        : hintFor(decision.by ?? packageName, decision.permission, effect),
    });
    throw new CapabilityFailure({
      code: 'EACCES',
      errno: -13,
      message: `EACCES: permission denied: ${this.#reason(need, decision, asking.lease)}, ${capability.name} '${inBrief(need.asked ?? need.target)}'`,
      ...(effect.kind === 'fs' && { syscall: capability.name.slice(3), path: need.asked ?? target }),
    });
  }

  /** Counts the use of a permission that has an end. */
  #isLeft(rule: string): boolean {
    const max = this.#maxOf(rule);
    return max === undefined || this.#options.budgets.take(rule, max);
  }

  #maxOf(rule: string): Max | undefined {
    const text = this.#options.authority.maxOf(rule);
    return text === undefined ? undefined : parseMax(text);
  }

  #spent(needs: readonly Need[], asking: Asking, spent: Spent): void {
    for (const need of needs) {
      const { allowed, rule } = ruleOn(need, asking.lease, this.#options);
      const max = allowed ? this.#maxOf(rule) : undefined;
      if (max !== undefined) this.#options.budgets.spent(rule, max, spent);
    }
  }

  #record(capability: AnyCapability, { target, recorded = target }: Need, decision: Ruling, asking: Asking): void {
    this.#options.audit.append({
      'event.name': 'decision',
      ...this.#who(asking),
      capability: capability.name,
      target: recorded,
      decision: decision.allowed ? 'allow' : 'deny',
      rule: decision.rule,
      ...(!decision.allowed && { permission: decision.permission }),
    });
  }

  #recordAnswer(capability: string, { target, recorded = target }: Need, permission: string, answer: PermissionAnswer, asking: Asking): void {
    this.#options.audit.append({
      'event.name': 'consent',
      ...this.#who(asking),
      capability,
      target: recorded,
      decision: answer === 'no' || answer === 'pause' ? 'deny' : 'allow',
      rule: `asked: ${answer}`,
      permission,
    });
  }

  /**
   * Why, in the guest's words. With the path that links lead to, a denial would answer `readlink` for the whole
   * disk, to a package without any grant.
   */
  #reason({ effect, asked }: Need, denied: Refusal, lease: Lease): string {
    const { packageName } = this.#options.context;
    if (denied.rule.startsWith(USED_UP)) return `${packageName} used up what it may of \`${denied.permission}\`: ${denied.rule.slice(USED_UP.length)}`;
    if (denied.rule === DECLINED) return `the user declined \`${denied.permission}\` for ${packageName}; do not try another way`;
    const seen =
      effect.kind === 'fs' && asked !== undefined && asked !== effect.path
        ? ruleOn({ effect: { ...effect, path: asked }, target: asked }, lease, this.#options)
        : denied;
    if (seen.allowed) return `a link leads out of what ${packageName} was granted`;
    const by = seen.by ?? packageName;
    // an area is no path: what would allow it tells nothing that the package did not say itself
    const cure = effect.kind === 'area' && seen.rule === 'no grant' ? `; \`${hintFor(by, seen.permission, effect)}\` grants it` : '';
    return `${by} has no \`${seen.permission}\` (${seen.rule}${cure})`;
  }
}

function usedUp(permission: string, max = ''): Refusal {
  return { allowed: false, rule: `${USED_UP}${max}`, permission };
}

/**
 * The command that would allow it, to be copied into a shell. The package chose the path: a quote in it must not end
 * ours, and a `*` in the name of a file would be granted as a pattern.
 */
function hintFor(packageName: string, permission: string, effect: Need['effect']): string {
  if (effect.kind === 'fs' && effect.path.includes('*')) return 'a path with `*` in it cannot be granted by its name; grant its directory';
  return `dash permissions grant ${packageName} '${permission.replaceAll("'", `'\\''`)}'`;
}

/** A question shows a call to its end; a denial names it. */
function inBrief(target: string): string {
  return target.length <= MAX_NAMED ? target : `${target.slice(0, MAX_NAMED)}…`;
}

const MAX_NAMED = 500;
