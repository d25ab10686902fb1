import { dirname, sep } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import {
  allows,
  type ComputedSubject,
  consentLevel,
  type Decision,
  type Effect,
  formatPermission,
  intersection,
  parsePermission,
  parsePermissionSet,
  permissionSet,
} from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';
import type { Authority, RequestedPermission } from './authority.ts';
import { type Budgets, type Max, parseMax, type Spent } from './budget.ts';
import type { Lease } from './calls-in-flight.ts';
import { CAPABILITIES } from './capabilities/index.ts';
import { CapabilityFailure, type AnyCapability, type CapabilityContext, type Need, type Request, type Subscription } from './define-capability.ts';
import type { Delegation } from './delegation.ts';
import type { Denial } from './extension.ts';
import { MAX_PENDING_REQUESTS, MAX_SUBSCRIPTIONS } from './process/limits.ts';
import type { PermissionAnswer } from './ports.ts';
import type { CapabilityErrorData } from './protocol.ts';

/** What the guest gets: a value or the fields of an error. The broker itself never throws and never rejects. */
export type Answer = { readonly value: unknown } | { readonly error: CapabilityErrorData };

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

/** A directory above the workspace, or an entry of one. */
function isOnTheWayUp(path: string, workspace: string): boolean {
  return (
    path !== workspace &&
    !path.startsWith(`${workspace}${sep}`) &&
    [path, dirname(path)].some((dir) => workspace.startsWith(dir === sep ? sep : `${dir}${sep}`))
  );
}

/** `by`: it was not the package's own lack, but that of a package it works for. */
type Refusal = Extract<Decision, { allowed: false }> & { readonly by?: string };
type Ruling = Extract<Decision, { allowed: true }> | Refusal;

interface Asking {
  /** Whether the guest can wait for a person: one whose thread stands still cannot. */
  readonly patience: 'waits' | 'at once';
  readonly signal: AbortSignal;
  /** What was being served when it was asked for. */
  readonly lease: Lease;
}

const ONCE = 'asked: once';
const DECLINED = 'declined by the user';
const USED_UP = 'used up: ';

/** Effects that a package may not have on its own account, with nobody having asked for anything. */
const NEEDS_A_CALL = new Set(['fs', 'net', 'exec', 'tool']);
/** Of these, the ones that take long: they end with the call they were started in. */
const ENDS_WITH_ITS_CALL = new Set(['net', 'exec', 'tool']);

/** What was asked for in a call, belongs to it; but what takes long belongs to it no longer than it lasts. */
function isInCall({ kind }: Effect, { calls, signal }: Lease): boolean {
  return ENDS_WITH_ITS_CALL.has(kind) ? !signal.aborted : calls.length > 0;
}

/**
 * The one gate. Every request of one package passes here, in this order: known → schema → needs → grants →
 * audit → run. The caller is the pipe it came through; there is nothing in a request that says who asks.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #pending = new Map<number, AbortController>();
  readonly #subscriptions = new Map<number, AbortController>();
  readonly #end = new AbortController();
  /** Answers that came after a request that could not wait for them: each lets one call of its kind pass. */
  readonly #permits = new Set<string>();

  constructor(options: BrokerOptions) {
    this.#options = options;
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
    const isLong = needs.some(({ effect }) => ENDS_WITH_ITS_CALL.has(effect.kind));
    if (!isLong || this.#rule({ effect: { kind: 'area', area: 'background' }, target: 'background' }, lease).allowed) return signal;
    return AbortSignal.any([signal, lease.signal]); // the call may have ended while it was decided
  }

  unsubscribe(id: number): void {
    this.#subscriptions.get(id)?.abort();
    this.#subscriptions.delete(id);
  }

  /** Ends everything that is under way; called when the package's process ends. */
  close(): void {
    this.#end.abort();
    for (const controller of this.#pending.values()) controller.abort();
    for (const controller of this.#subscriptions.values()) controller.abort();
    this.#subscriptions.clear();
  }

  #serve(capability: string, params: unknown, signal: AbortSignal, patience: Asking['patience']): Promise<Answer> {
    const asking: Asking = { patience, signal: AbortSignal.any([signal, this.#end.signal]), lease: this.#options.lease() };
    return this.#admit(capability, params, 'request', asking, async (admitted, needs) => {
      if (admitted.kind !== 'request') throw new Error('admitted as a request');
      const life = this.#lifeOf(needs, asking);
      try {
        return await admitted.run(params as never, this.#options.context, { ...this.#gate(admitted, needs, asking), signal: life }, needs);
      } catch (error) {
        if (life.aborted && !asking.signal.aborted) this.#recordCutOff(admitted, needs, asking);
        throw error;
      }
    });
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
      permits: (need) => this.#rule(need, asking.lease).allowed,
      granted: () => asking.lease.delegation.limits.reduce((set, limit) => intersection(set, limit.granted()), this.#options.authority.granted()),
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

  #rule(need: Need, lease: Lease): Ruling {
    const { effect, own } = need;
    const { places } = this.#options.context;
    if (own === true) return { allowed: true, rule: 'own files' };
    const granted = this.#options.authority.granted();
    const decision = allows(granted, effect, places);
    if (!decision.allowed) return decision;
    const limited = this.#limitedBy(need, lease.delegation);
    if (limited !== undefined) return limited;
    if (!NEEDS_A_CALL.has(effect.kind) || isInCall(effect, lease)) return decision;
    const background = allows(granted, { kind: 'area', area: 'background' }, places);
    return background.allowed ? decision : { ...background, rule: 'outside a call' };
  }

  /** What a package does for another one, that one must be allowed to do itself. */
  #limitedBy({ effect }: Need, { limits }: Delegation): Refusal | undefined {
    for (const { by, granted } of limits) {
      const decision = allows(granted(), effect, this.#options.context.places);
      if (!decision.allowed) return { ...decision, rule: `called by ${by}`, by };
    }
    return undefined;
  }

  /** @throws {CapabilityFailure} the denial, with what would allow it */
  async #decide(capability: AnyCapability, need: Need, asking: Asking): Promise<void> {
    const ruled = this.#rule(need, asking.lease);
    const asked = ruled.allowed ? ruled : await this.#askFor(capability, need, ruled, asking);
    const decision = asked.allowed && !this.#isLeft(asked.rule) ? usedUp(asked.rule, this.#options.authority.maxOf(asked.rule)) : asked;
    // The record comes before the effect: what cannot be written down does not happen.
    this.#record(capability, need, decision, asking);
    if (decision.allowed) return this.#options.authority.used(decision.rule);

    const { packageName } = this.#options.context;
    const { effect, target } = need;
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
      message: `EACCES: permission denied: ${this.#reason(need, decision, asking.lease)}, ${capability.name} '${need.asked ?? target}'`,
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
      const { allowed, rule } = this.#rule(need, asking.lease);
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

  /**
   * Asks the user for what the package asked for at install and was not given yet. A yes lets this same call go on; who
   * cannot wait is denied now, and finds the answer when it asks again.
   */
  async #askFor(capability: AnyCapability, need: Need, denied: Refusal, asking: Asking): Promise<Ruling> {
    const { lease } = asking;
    const wanted = this.#askable(need, denied, lease);
    const { origin } = lease;
    const { questions } = this.#options.context.ports;
    if (wanted === undefined || origin === undefined || questions === undefined) return denied;
    const permit = `${capability.name}\n${need.target}`;
    if (this.#permits.delete(permit)) return { allowed: true, rule: ONCE };

    const { context, version, authority } = this.#options;
    const permissions = this.#withTwin(wanted.permission);
    const put = async (signal: AbortSignal): Promise<PermissionAnswer | undefined> => {
      const answer = await questions.ask(
        {
          ...origin,
          package: context.packageName,
          version,
          capability: capability.name,
          target: need.target,
          permissions,
          ...(wanted.reason !== undefined && { reason: wanted.reason }),
          ...(wanted.seenAt !== undefined && { seenAt: wanted.seenAt }),
          ...(need.confinement !== undefined && { confinement: need.confinement }),
          mayPause: false,
        },
        signal,
        () => !this.#rule(need, lease).allowed,
      );
      if (answer === undefined) return undefined;
      this.#recordAnswer(capability, need, wanted.permission, answer, asking);
      if (answer === 'session' || answer === 'project') await authority.allow(permissions, answer);
      return answer;
    };
    if (asking.patience === 'at once') {
      void put(this.#end.signal).then(
        (answer) => answer === 'once' && this.#permits.add(permit),
        () => undefined, // what could not be written down was not granted
      );
      return denied;
    }
    using _ = this.#options.pauseClocks();
    const answer = await put(asking.signal);
    switch (answer) {
      case undefined:
        return this.#rule(need, lease); // nobody could be asked, or an answer to another question settled it
      case 'no':
      case 'pause':
        return { ...denied, rule: DECLINED };
      case 'once':
        // The call for which it was asked may have ended meanwhile.
        return lease.signal.aborted ? denied : { allowed: true, rule: ONCE };
      case 'session':
      case 'project':
        return this.#rule(need, lease);
    }
  }

  /** The requested permission that would allow it. A denial, a closed path and work outside a call are no matter for a question. */
  #askable(need: Need, denied: Refusal, lease: Lease): RequestedPermission | undefined {
    const { effect, confinement } = need;
    const { rule } = denied;
    if (rule !== 'no grant' && rule !== 'protected path') return undefined;
    if (effect.kind === 'exec' && confinement === undefined) return undefined;
    if (NEEDS_A_CALL.has(effect.kind) && !isInCall(effect, lease)) return undefined;
    // A yes would change nothing.
    if (this.#limitedBy(need, lease.delegation) !== undefined) return undefined;
    const requested = this.#options.authority.requested();
    const found = allows(parsePermissionSet(requested.map(({ permission }) => permission)), effect, this.#options.context.places);
    return found.allowed ? requested.find(({ permission }) => permission === found.rule) : this.#computed(effect, denied);
  }

  /** Who reads and changes one and the same place is asked about once. */
  #withTwin(permission: string): readonly [string, ...string[]] {
    const twin = /^fs:(read|write)(:.*)?$/.exec(permission);
    if (twin === null) return [permission];
    const other = `fs:${twin[1] === 'read' ? 'write' : 'read'}${twin[2] ?? ''}`;
    const isWanted = this.#options.authority.requested().some((requested) => requested.permission === other);
    const isOpen = !this.#options.authority.granted().permissions.some((held) => formatPermission({ ...held, deny: false }) === other);
    return isWanted && isOpen ? [permission, other] : [permission];
  }

  /** Of what the code computes nothing could be requested beforehand: the narrowest permission for it is asked for now. */
  #computed(effect: Need['effect'], { rule, permission }: Refusal): RequestedPermission | undefined {
    const subject = subjectOf(effect);
    // A protected file is opened by who names it, never by a path that code puts together.
    if (rule !== 'no grant') return undefined;
    if (subject === undefined || !this.#options.authority.computes(subject)) return undefined;
    if (effect.kind === 'fs') {
      // The name of a file would be granted as a pattern.
      if (effect.path.includes('*')) return undefined;
      // What the kernel tells, and what the system is made of, is for who asked for it by name.
      if (/^\/(proc|sys|dev|usr|bin|sbin|lib|lib64)(\/|$)/.test(effect.path)) return undefined;
      // Who looks for the root of a project climbs from the workspace to the root of the disk, and finds nothing there.
      if (isOnTheWayUp(effect.path, this.#options.context.places.workspace)) return undefined;
    }
    const parsed = parsePermission(permission);
    if (consentLevel(parsed, permissionSet([parsed])) === 'policy') return undefined;
    return { permission, seenAt: 'its code computes it' };
  }

  #recordAnswer(capability: AnyCapability, { target, recorded = target }: Need, permission: string, answer: PermissionAnswer, asking: Asking): void {
    this.#options.audit.append({
      'event.name': 'consent',
      ...this.#who(asking),
      capability: capability.name,
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
      effect.kind === 'fs' && asked !== undefined && asked !== effect.path ? this.#rule({ effect: { ...effect, path: asked }, target: asked }, lease) : denied;
    if (seen.allowed) return `a link leads out of what ${packageName} was granted`;
    return `${seen.by ?? packageName} has no \`${seen.permission}\` (${seen.rule})`;
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

/** Of which kind a target is that code can compute. */
function subjectOf(effect: Need['effect']): ComputedSubject | undefined {
  switch (effect.kind) {
    case 'fs':
      return effect.access === 'read' ? 'path to read' : 'path to write';
    case 'net':
      return 'host';
    case 'exec':
      return 'command';
    case 'tool':
      return 'tool';
    default:
      return undefined;
  }
}

function failed(code: string, message: string): Answer {
  return { error: { code, message } };
}

/** Node's own errors keep their code; the guest reads its own path in them, never one of the host's. */
function toAnswer(error: unknown, params: unknown): Answer {
  if (error instanceof CapabilityFailure) return { error: withPath(error.data, params) };
  const { code, errno, syscall, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return failed('ABORT_ERR', 'This operation was aborted');
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) {
    const what = WORDS[code] ?? 'the operation failed';
    return { error: withPath({ code, message: `${code}: ${what}`, ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }) }, params) };
  }
  // A bug of ours must not carry stack or paths into the guest.
  return failed('EIO', 'the operation failed inside the host');
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ELOOP: 'too many symbolic links encountered',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EXDEV: 'cross-device link not permitted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'the host was not found',
  ETIMEDOUT: 'the connection timed out',
};

function withPath(error: CapabilityErrorData, params: unknown): CapabilityErrorData {
  const given = params as { path?: unknown; from?: unknown; to?: unknown } | null;
  const path = typeof given?.path === 'string' ? given.path : typeof given?.from === 'string' ? given.from : undefined;
  if (path === undefined || error.syscall === undefined) return error;
  const suffix = `, ${error.syscall} '${path}'`;
  const message = error.message.includes(suffix) || error.path !== undefined ? error.message : `${error.message}${suffix}`;
  return { ...error, message, path, ...(typeof given?.to === 'string' && { dest: given.to }) };
}
