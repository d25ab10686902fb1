import { Value } from '@sinclair/typebox/value';
import { allows, type Decision, type PermissionSet } from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';
import { CAPABILITIES } from './capabilities/index.ts';
import { CapabilityFailure, type AnyCapability, type CapabilityContext, type Need, type Request, type Subscription } from './define-capability.ts';
import type { Denial } from './extension.ts';
import { MAX_PENDING_REQUESTS, MAX_SUBSCRIPTIONS } from './process/limits.ts';
import type { CapabilityErrorData } from './protocol.ts';

/** What the guest gets: a value or the fields of an error. The broker itself never throws and never rejects. */
export type Answer = { readonly value: unknown } | { readonly error: CapabilityErrorData };

export interface BrokerOptions {
  readonly context: CapabilityContext;
  readonly version: string;
  readonly contentHash: string;
  readonly granted: PermissionSet;
  readonly audit: { append(record: Omit<AuditRecord, 'time'>): void };
  /** Whether some call of the host is being served right now. Outside of one, files, network and programs need `background`. */
  readonly inCall: () => boolean;
  readonly callId: () => string | undefined;
  readonly onDenial: (denial: Denial) => void;
}

/** Effects that a package may not have on its own account, with nobody having asked for anything. */
const NEEDS_A_CALL = new Set(['fs', 'net', 'exec']);

/**
 * The one gate. Every request of one package passes here, in this order: known → schema → needs → grants →
 * audit → run. The caller is the pipe it came through; there is nothing in a request that says who asks.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #pending = new Map<number, AbortController>();
  readonly #subscriptions = new Map<number, AbortController>();
  readonly #end = new AbortController();
  #granted: PermissionSet;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#granted = options.granted;
  }

  /** Takes effect on the next operation, also of calls in flight. */
  set granted(granted: PermissionSet) {
    this.#granted = granted;
  }

  /** An asynchronous request. `cancel(id)` ends it early. */
  async request(id: number, capability: string, params: unknown): Promise<Answer> {
    if (this.#pending.size >= MAX_PENDING_REQUESTS) return failed('SANDBOX_BUDGET', `more than ${MAX_PENDING_REQUESTS} requests are waiting`);
    if (this.#pending.has(id)) return failed('EINVAL', 'this request id is in use');
    const controller = new AbortController();
    this.#pending.set(id, controller);
    try {
      return await this.#serve(capability, params, controller.signal);
    } finally {
      this.#pending.delete(id);
    }
  }

  /** A request that the guest's thread waits for: never a question, never a subscription. */
  async requestSync(capability: string, params: unknown, signal: AbortSignal): Promise<Answer> {
    return this.#serve(capability, params, signal);
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
    const answer = await this.#admit(capability, params, 'subscription', async (admitted, needs) => {
      const signal = AbortSignal.any([controller.signal, this.#end.signal]);
      await (admitted as Subscription).start(
        params as never,
        this.#options.context,
        { ...this.#gate(admitted), signal, event: (value) => event({ value }), error: (error) => end(toAnswer(error, params)) },
        needs,
      );
      return undefined;
    });
    if ('error' in answer) end(answer);
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

  #serve(capability: string, params: unknown, signal: AbortSignal): Promise<Answer> {
    return this.#admit(capability, params, 'request', async (admitted, needs) => {
      if (admitted.kind !== 'request') throw new Error('admitted as a request');
      const either = AbortSignal.any([signal, this.#end.signal]);
      return admitted.run(params as never, this.#options.context, { ...this.#gate(admitted), signal: either }, needs);
    });
  }

  /** Everything up to and including the effect. Whatever goes wrong becomes an answer. */
  async #admit(
    name: string,
    params: unknown,
    kind: AnyCapability['kind'],
    run: (capability: AnyCapability, needs: readonly Need[]) => Promise<unknown>,
  ): Promise<Answer> {
    try {
      const capability = CAPABILITIES.get(name);
      if (capability === undefined || capability.kind !== kind) return failed('ENOSYS', `there is no capability \`${name.slice(0, 100)}\``);
      if (!Value.Check(capability.params, params)) return failed('ERR_INVALID_ARG_VALUE', `the parameters of \`${name}\` do not have its form`);
      const needs = await capability.needs(params as never, this.#options.context);
      for (const need of needs) await this.#decide(capability, need);
      const value = await run(capability, needs);
      return { value };
    } catch (error) {
      return toAnswer(error, params);
    }
  }

  #gate(capability: AnyCapability): Pick<Request, 'decide' | 'permits'> {
    return { decide: (need) => this.#decide(capability, need), permits: (need) => this.#rule(need).allowed };
  }

  #rule({ effect, own }: Need): Decision {
    const { places } = this.#options.context;
    if (own === true) return { allowed: true, rule: 'own files' };
    const decision = allows(this.#granted, effect, places);
    if (!decision.allowed || !NEEDS_A_CALL.has(effect.kind) || this.#options.inCall()) return decision;
    const background = allows(this.#granted, { kind: 'area', area: 'background' }, places);
    return background.allowed ? decision : { ...background, rule: 'outside a call' };
  }

  /** @throws {CapabilityFailure} the denial, with what would allow it */
  async #decide(capability: AnyCapability, need: Need): Promise<void> {
    const { context, version, contentHash, audit, callId } = this.#options;
    const { effect, target } = need;
    const decision = this.#rule(need);
    // The record comes before the effect: what cannot be written down does not happen.
    audit.append({
      'event.name': 'decision',
      'dash.package': context.packageName,
      'dash.version': version,
      'content.hash': contentHash,
      ...definedCallId(callId()),
      capability: capability.name,
      target,
      decision: decision.allowed ? 'allow' : 'deny',
      rule: decision.rule,
      ...(!decision.allowed && { permission: decision.permission }),
    });
    if (decision.allowed) return;

    const denial: Denial = {
      package: context.packageName,
      capability: capability.name,
      target,
      permission: decision.permission,
      rule: decision.rule,
      hint: hintFor(context.packageName, decision.permission, effect),
    };
    this.#options.onDenial(denial);
    throw new CapabilityFailure({
      code: 'EACCES',
      errno: -13,
      message: `EACCES: permission denied: ${this.#reason(need, decision)}, ${capability.name} '${need.asked ?? target}'`,
      ...(effect.kind === 'fs' && { syscall: capability.name.slice(3), path: need.asked ?? target }),
    });
  }

  /**
   * Why, in the guest's words. With the path that links lead to, a denial would answer `readlink` for the whole
   * disk, to a package without any grant.
   */
  #reason({ effect, asked }: Need, denied: Decision & { allowed: false }): string {
    const { packageName } = this.#options.context;
    const seen =
      effect.kind === 'fs' && asked !== undefined && asked !== effect.path ? this.#rule({ effect: { ...effect, path: asked }, target: asked }) : denied;
    if (seen.allowed) return `a link leads out of what ${packageName} was granted`;
    return `${packageName} has no \`${seen.permission}\` (${seen.rule})`;
  }
}

/**
 * The command that would allow it, to be copied into a shell. The package chose the path: a quote in it must not end
 * ours, and a `*` in the name of a file would be granted as a pattern.
 */
function hintFor(packageName: string, permission: string, effect: Need['effect']): string {
  if (effect.kind === 'fs' && effect.path.includes('*')) return 'a path with `*` in it cannot be granted by its name; grant its directory';
  return `dash permissions grant ${packageName} '${permission.replaceAll("'", `'\\''`)}'`;
}

function definedCallId(id: string | undefined): { readonly 'call.id'?: string } {
  return id === undefined ? {} : { 'call.id': id };
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
