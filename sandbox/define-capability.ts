import type { Static, TSchema } from '@sinclair/typebox';
import type { Effect, Permission, PermissionSet, Places, SettingValues } from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';
import type { Spent } from './budget.ts';
import type { Lease } from './calls-in-flight.ts';
import type { LateTools } from './late-tools.ts';
import type { OpenSurfaces } from './open-surfaces.ts';
import type { OfferedProviders } from './offered-providers.ts';
import type { OsLayer } from './os-layer/index.ts';
import type { Confinement, HostPorts } from './ports.ts';
import type { PrivateStorage } from './private-storage.ts';
import type { CapabilityErrorData } from './protocol.ts';
import type { SecretHandles } from './secret-handles.ts';

/** What a capability may use besides its parameters. One per package and generation. */
export interface CapabilityContext {
  readonly packageName: string;
  readonly places: Places;
  readonly ports: HostPorts;
  readonly secrets: SecretHandles;
  /** Its settings as they are now; of no other package. Without it there are none. */
  readonly settings?: () => SettingValues;
  readonly storage: PrivateStorage;
  /** What this run of the package has on the screen. */
  readonly surfaces: OpenSurfaces;
  /** Real directory of a package's own files, which it sees under {@link PACKAGE_ROOT}; a dependency by its name. */
  readonly ownDirectory: (dependency: string | undefined) => string | undefined;
  /** The system's, but for a capture, which must come out the same twice. */
  readonly random: (size: number) => Buffer;
  /** What there is to run programs with. Without it none runs. */
  readonly programs?: ProgramHost;
  /** Tools that are registered after loading. Without it there can be none. */
  readonly lateTools?: Pick<LateTools, 'register'>;
  readonly providers?: Pick<OfferedProviders, 'register' | 'unregister' | 'countStep'>;
}

export interface ProgramHost {
  /** The agent's: its PATH, and the values of granted names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly osLayer: () => Promise<OsLayer>;
}

/** Where a guest finds its own package: a name that says nothing about this machine. */
export const PACKAGE_ROOT = '/package';

export interface Request {
  /** Fires when the guest cancels, the call is aborted or the package ends. */
  readonly signal: AbortSignal;
  /** Decides on a further need that shows up on the way (a redirect). Throws the denial. */
  readonly decide: (need: Need) => Promise<void>;
  /** Whether {@link decide} would let it pass, without a record: for what lies below a directory that was decided on. */
  readonly permits: (need: Need) => boolean;
  /** The permission that {@link decide} would ask somebody for, now or for the next time; none where nobody would be asked. */
  readonly wouldAsk: (need: Need) => string | undefined;
  /** Whether the package asked for some permission of this area that it may not have yet. */
  readonly asksFor: (area: Permission['area']) => boolean;
  /** Everything the package may do at this moment, for whom it does it: what a program of it gets. */
  readonly granted: () => PermissionSet;
  /** What was being served when it was asked for, and for whom. */
  readonly lease: Pick<Lease, 'origin' | 'delegation'>;
  /** Stops the clocks of what is being served, e.g. while something else waits for a person. */
  readonly pauseClocks: () => Disposable;
  /** Says what it took, where only the outcome tells: tokens and money of a model. */
  readonly spent: (spent: Spent) => void;
  /** Writes down what came of it. */
  readonly record: (outcome: Pick<AuditRecord, 'target' | 'outcome' | 'durationMs'>) => void;
}

/** An effect with the words for it: `target` is what the audit trail and a denial name. */
export interface Need {
  readonly effect: Effect;
  readonly target: string;
  /** The path as the guest means it. A denial tells it no more: `target` names what its links lead to. */
  readonly asked?: string;
  /** What the audit trail keeps in place of `target`, where that may hold secrets. */
  readonly recorded?: string;
  /** A package may always read the files it came with: it was them that were inspected. */
  readonly own?: true;
  /** Nothing less than the whole host will do: what goes on in a tunnel nobody sees. */
  readonly whole?: true;
  /** Of programs: how it would run. Without it the program cannot run at all, and nobody is asked. */
  readonly confinement?: Confinement;
}

interface CapabilityBase<P extends TSchema> {
  /** `area.verb`, as the guest asks for it. */
  readonly name: string;
  readonly params: P;
  /**
   * What must be allowed before `run`. Reads nothing that the guest could learn from: a denial looks the same
   * whether its target exists or not. An empty list needs no permission.
   */
  needs(params: Static<P>, context: CapabilityContext): readonly Need[] | Promise<readonly Need[]>;
}

/** A capability that answers once. */
export interface Capability<P extends TSchema = TSchema> extends CapabilityBase<P> {
  readonly kind: 'request';
  /** Its answer comes from a person: as long as they take, no clock of what is being served runs. */
  readonly waitsForPerson?: true;
  /** `needs` are the needs as decided: a file capability acts on their canonical path, never on the guest's. */
  run(params: Static<P>, context: CapabilityContext, request: Request, needs: readonly Need[]): unknown;
}

/** A capability that answers until it is closed. */
export interface Subscription<P extends TSchema = TSchema> extends CapabilityBase<P> {
  readonly kind: 'subscription';
  /** Returns what ends it. Called after `signal` has not fired yet; must stop by itself when it fires. */
  start(params: Static<P>, context: CapabilityContext, request: Request & SubscriptionSink, needs: readonly Need[]): void | Promise<void>;
}

export interface SubscriptionSink {
  event(value: unknown): void;
  error(error: unknown): void;
}

/** @example export const readFile = defineCapability({ kind: 'request', name: 'fs.readFile', params: …, needs: …, run: … }) */
export function defineCapability<P extends TSchema>(capability: Capability<P>): Capability<P> {
  return capability;
}

export function defineSubscription<P extends TSchema>(subscription: Subscription<P>): Subscription<P> {
  return subscription;
}

export type AnyCapability = Capability | Subscription;

/** A failure that the guest is meant to see, as Node's own errors look. */
export class CapabilityFailure extends Error {
  readonly data: CapabilityErrorData;

  constructor(data: CapabilityErrorData) {
    super(data.message);
    this.data = data;
  }
}
