import { randomUUID } from 'node:crypto';
import type { CallOrigin } from '../../sandbox/index.ts';
import type { Session } from '../session/session.ts';
import { describeOrigin, type Origin, originsIn, originsOf, type Owners } from '../session/origins.ts';
import type { AgentMessage } from '../loop/transcript.ts';

/** Whose word a prompt is. */
export interface SaidBy {
  /** The line of the user's that it comes from. */
  readonly typed: string | undefined;
  /** Packages that wrote it, or changed it. */
  readonly whose?: readonly Origin[];
}

export interface ProvenanceOptions {
  readonly session: () => Session;
  /** The package of a tool. */
  readonly ownerOf: (tool: string) => string | undefined;
  /** Files of the project that the system prompt holds. */
  readonly projectFiles: () => readonly string[];
  /** A package with its version, as an entry keeps whose word it is. */
  readonly versioned: (packageName: string) => string;
}

/** More origins nobody reads. */
const MOST_SHOWN = 6;

/** Knows whose word the messages of a conversation are, and whose word set the run going. */
export class Provenance {
  readonly #options: ProvenanceOptions;
  readonly #owners: Owners;
  #origin: CallOrigin | undefined;
  /** Messages in the queues that the user typed; packages put theirs there too. */
  readonly #typed = new WeakMap<AgentMessage, string>();
  /** Whose word a message is besides what its kind tells: packages wrote it, or changed it on the way. */
  readonly #whose = new WeakMap<AgentMessage, readonly Origin[]>();
  readonly #changedResults = new Map<string, readonly Origin[]>();
  /** The packages that have a part in what the model of this run is told. */
  readonly #shaping = new Set<Origin>();

  constructor(options: ProvenanceOptions) {
    this.#options = options;
    const { ownerOf, versioned } = options;
    this.#owners = {
      ofTool(tool) {
        const owner = ownerOf(tool);
        return owner === undefined ? undefined : versioned(owner);
      },
    };
  }

  /** The user's message behind the run; `undefined` when there is none, or a package began or turned it. */
  get origin(): CallOrigin | undefined {
    return this.#origin;
  }

  /** What is in the model's context and is not the user's word, newest first. */
  get inContext(): readonly Origin[] {
    const { session, projectFiles } = this.#options;
    const files = projectFiles().map((path) => `file:${path}`);
    return [...new Set([...this.#shaping, ...originsIn(session().tree.path(), this.#owners), ...files])];
  }

  /** What the user typed, as what sets calls going. */
  originOf(message: string): CallOrigin {
    const origins = (): readonly Origin[] => this.inContext;
    return {
      chain: randomUUID(),
      message,
      // looked up when a question shows it, and not at every call
      get sources() {
        const all = origins().map(describeOrigin);
        return all.length <= MOST_SHOWN ? all : [...all.slice(0, MOST_SHOWN), `${all.length - MOST_SHOWN} more`];
      },
    };
  }

  /** A run begins with a prompt. */
  runBegins(typed: string | undefined): void {
    this.#shaping.clear();
    if (typed !== undefined) this.#origin = this.originOf(typed);
  }

  runEnded(): void {
    this.#origin = undefined;
  }

  /** What is said last leads: the user's word begins a chain, a package's in the user's place ends it. */
  turnsTo(message: AgentMessage): void {
    if (message.role !== 'user') return;
    const typed = this.#typed.get(message);
    this.#origin = typed === undefined ? undefined : this.originOf(typed);
  }

  said(message: AgentMessage, { typed, whose = [] }: SaidBy): void {
    this.#whose.set(message, whose);
    if (typed !== undefined) this.#typed.set(message, typed);
  }

  /** A package wrote a message. */
  wrote(packageName: string, message: AgentMessage): void {
    this.#whose.set(message, [`package:${this.#options.versioned(packageName)}`]);
  }

  /** A package has a part in what the model is told. */
  shaped(packageName: string): void {
    this.#shaping.add(this.#changedBy(packageName));
  }

  /** A package made something else of the result of a call. */
  changedResult(packageName: string, callId: string): void {
    this.#changedResults.set(callId, [...(this.#changedResults.get(callId) ?? []), this.#changedBy(packageName)]);
  }

  /** Packages made another message of one: it is still the word of whoever said it, too. */
  changed(message: AgentMessage, final: AgentMessage, packageNames: readonly string[]): void {
    this.#whose.set(final, [...(this.#whose.get(message) ?? []), ...packageNames.map((name) => this.#changedBy(name))]);
  }

  /** Whose word a message is, as its entry keeps it. Asked once for each: what is known of a changed result goes with it. */
  take(message: AgentMessage): readonly Origin[] {
    const known = this.#whose.get(message) ?? [];
    // whoever's it is by name need not be told by its kind
    const byKind = message.role === 'custom' && known.length > 0 ? [] : originsOf(message, this.#owners);
    const changed = message.role === 'toolResult' ? (this.#changedResults.get(message.toolCallId) ?? []) : [];
    if (message.role === 'toolResult') this.#changedResults.delete(message.toolCallId);
    return [...new Set([...known, ...byKind, ...changed])];
  }

  #changedBy(packageName: string): Origin {
    return `changed:${this.#options.versioned(packageName)}`;
  }
}
