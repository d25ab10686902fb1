import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { ProviderAct, ProviderLogin } from './provider-acts.ts';
import type { RenderSubject, SurfaceInput } from './surface.ts';

/**
 * The words between the agent and a sandbox process. Two pipes carry one line per message:
 * the child reads {@link HostMessage}s (process/host-pipe.ts); it writes lines whose first character says who speaks:
 * `c` the child itself, `g` the guest, `s` the guest waiting for an answer. Everything the guest says is
 * hostile until {@link parseGuestMessage} has read it.
 */

/** A script for the isolate, in UTF-8; `cache` is V8's code cache, checked by hash in the parent before it is sent. */
export interface ScriptSource {
  readonly name: string;
  readonly source: Uint8Array<ArrayBuffer>;
  readonly cache?: Uint8Array<ArrayBuffer>;
}

/** From the agent to the child process (trusted). */
export type HostMessage =
  /** Makes the isolate and runs our runtime in it; that may happen long before there is a package for it. */
  | {
      readonly kind: 'prepare';
      readonly memoryMiB: number;
      readonly core: ScriptSource;
      readonly parts: readonly ScriptSource[];
      /** Modules of the runtime to be evaluated at once. */
      readonly warm: readonly string[];
    }
  /** Once, and the process is this package's for good. */
  | {
      readonly kind: 'open';
      readonly parts: readonly ScriptSource[];
      readonly setup: string;
      readonly bundles: readonly ScriptSource[];
      /** Answers with fresh code caches for the bundles, made before any package code runs. */
      readonly produceCache: boolean;
    }
  /** Asks whether the process could be ended without anybody noticing. */
  | { readonly kind: 'rest' }
  /** One message for the guest, already serialised ({@link ToGuest}). */
  | { readonly kind: 'tell'; readonly text: string }
  /** The answer to a synchronous request. */
  | { readonly kind: 'reply'; readonly id: number; readonly text: string };

const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ minLength: 1, maxLength: 256 });
const closed = { additionalProperties: false } as const;

const ChildMessageSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('opened'),
      caches: Type.Array(Type.Object({ name: Name, cache: Type.String() }, closed)),
      rejected: Type.Array(Type.String()),
    },
    closed,
  ),
  /** The answer to `rest`: nothing runs, and so many timers wait. */
  Type.Object({ kind: Type.Literal('resting'), timers: Type.Integer({ minimum: 0 }) }, closed),
  Type.Object({ kind: Type.Literal('stuck'), ms: Type.Integer({ minimum: 0 }) }, closed),
  /** So much of a processor it took since the last time. */
  Type.Object({ kind: Type.Literal('worked'), ms: Type.Integer({ minimum: 0 }) }, closed),
  Type.Object(
    {
      kind: Type.Literal('dead'),
      reason: Type.Union([Type.Literal('memory'), Type.Literal('catastrophe'), Type.Literal('load'), Type.Literal('flood')]),
      message: Type.String(),
    },
    closed,
  ),
]);

/** From the child process itself. Forged by one that was taken over, it can only hurt its own package. */
export type ChildMessage = Static<typeof ChildMessageSchema>;

const GuestError = Type.Object(
  {
    message: Type.String(),
    name: Type.Optional(Type.String()),
    code: Type.Optional(Type.String()),
    stack: Type.Optional(Type.String()),
  },
  closed,
);
export type GuestError = Static<typeof GuestError>;

/** A tool as a guest tells of it. */
export const ToolRegistrationSchema = Type.Object(
  {
    name: Name,
    label: Type.Optional(Type.String({ maxLength: 256 })),
    description: Type.String({ maxLength: 16_384 }),
    parameters: Type.Unknown(),
    promptSnippet: Type.Optional(Type.String({ maxLength: 4_096 })),
    promptGuidelines: Type.Optional(Type.Array(Type.String({ maxLength: 4_096 }), { maxItems: 64 })),
    executionMode: Type.Optional(Type.Union([Type.Literal('sequential'), Type.Literal('parallel')])),
    exposure: Type.Optional(Type.Union((['direct', 'model-only', 'codemode', 'deferred', 'hidden'] as const).map((exposure) => Type.Literal(exposure)))),
    namespace: Type.Optional(Type.String({ maxLength: 256 })),
    annotations: Type.Optional(Type.Record(Type.String({ maxLength: 256 }), Type.Unknown())),
    outputSchema: Type.Optional(Type.Unknown()),
    preparesLoadout: Type.Optional(Type.Literal(true)),
  },
  closed,
);

const Description = Type.Optional(Type.String({ maxLength: 4_096 }));

const Text = Type.String({ maxLength: 4_096 });
const Url = Type.String({ maxLength: 2_048 });
/** Headers as a guest tells of them. */
export const Headers = Type.Record(Type.String({ maxLength: 256 }), Text);
const Amount = Type.Number({ minimum: 0 });
const Bag = Type.Record(Type.String({ maxLength: 256 }), Type.Unknown());

/** A model of a provider as a guest tells of it. */
export const ProviderModelSchema = Type.Object(
  {
    id: Name,
    name: Type.Optional(Name),
    api: Type.Optional(Name),
    baseUrl: Type.Optional(Url),
    reasoning: Type.Optional(Type.Boolean()),
    input: Type.Optional(Type.Array(Type.Union([Type.Literal('text'), Type.Literal('image')]), { maxItems: 2 })),
    cost: Type.Optional(Type.Object({ input: Amount, output: Amount, cacheRead: Type.Optional(Amount), cacheWrite: Type.Optional(Amount) })),
    contextWindow: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    maxTokens: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    headers: Type.Optional(Headers),
    promptCache: Type.Optional(Type.Object({ short: Type.Optional(Amount), long: Type.Optional(Amount) })),
    compat: Type.Optional(Bag),
    thinkingLevelMap: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.Union([Type.String({ maxLength: 64 }), Type.Null()]))),
    samplingParams: Type.Optional(Bag),
  },
  closed,
);

export const ProviderRegistrationSchema = Type.Object(
  {
    name: Name,
    label: Type.Optional(Name),
    baseUrl: Type.Optional(Url),
    api: Type.Optional(Name),
    apiKey: Type.Optional(Text),
    headers: Type.Optional(Headers),
    authHeader: Type.Optional(Type.Literal(true)),
    models: Type.Optional(Type.Array(ProviderModelSchema, { maxItems: 1_000 })),
    streams: Type.Optional(Type.Literal(true)),
    oauth: Type.Optional(Type.Literal(true)),
    refreshes: Type.Optional(Type.Literal(true)),
  },
  closed,
);

export const RegistrationsSchema = Type.Object(
  {
    tools: Type.Array(ToolRegistrationSchema, { maxItems: 256 }),
    commands: Type.Array(Type.Object({ name: Name, description: Description, completes: Type.Optional(Type.Literal(true)) }, closed), { maxItems: 256 }),
    events: Type.Array(Type.Object({ event: Name, handler: Id }, closed), { maxItems: 1_024 }),
    flags: Type.Array(
      Type.Object(
        {
          name: Name,
          type: Type.Union([Type.Literal('boolean'), Type.Literal('string')]),
          description: Description,
          default: Type.Optional(Type.Union([Type.Boolean(), Type.String({ maxLength: 4_096 })])),
        },
        closed,
      ),
      { maxItems: 256 },
    ),
    shortcuts: Type.Array(Type.Object({ shortcut: Name, description: Description }, closed), { maxItems: 256 }),
    providers: Type.Array(ProviderRegistrationSchema, { maxItems: 64 }),
    renderers: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Object({ kind: Type.Union([Type.Literal('message'), Type.Literal('entry')]), name: Name }, closed),
          Type.Object({ kind: Type.Literal('markdown'), name: Type.Literal('text') }, closed),
          Type.Object(
            { kind: Type.Literal('tool'), name: Name, call: Type.Boolean(), result: Type.Boolean(), ownFrame: Type.Optional(Type.Literal(true)) },
            closed,
          ),
        ]),
        { maxItems: 512 },
      ),
    ),
  },
  closed,
);

const GuestMessageSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('activated'),
      registrations: Type.Array(RegistrationsSchema, { maxItems: 64 }),
      failures: Type.Array(Type.Object({ bundle: Id, error: GuestError }, closed), { maxItems: 64 }),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('request'), id: Id, capability: Name, params: Type.Unknown() }, closed),
  Type.Object({ kind: Type.Literal('cancel'), id: Id }, closed),
  Type.Object({ kind: Type.Literal('subscribe'), id: Id, capability: Name, params: Type.Unknown() }, closed),
  Type.Object({ kind: Type.Literal('unsubscribe'), id: Id }, closed),
  /** It has a listener for events of other packages. */
  Type.Object({ kind: Type.Literal('listens') }, closed),
  Type.Object({ kind: Type.Literal('result'), id: Id, value: Type.Optional(Type.Unknown()), error: Type.Optional(GuestError) }, closed),
  Type.Object({ kind: Type.Literal('update'), id: Id, value: Type.Unknown() }, closed),
  Type.Object(
    {
      kind: Type.Literal('log'),
      level: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
      text: Type.String(),
    },
    closed,
  ),
]);

/** What a guest may say without waiting. */
export type GuestMessage = Static<typeof GuestMessageSchema>;

const SyncRequestSchema = Type.Object({ capability: Name, params: Type.Unknown() }, closed);
/** What a guest may ask while its thread waits. */
export type SyncRequest = Static<typeof SyncRequestSchema>;

/** From the agent to the guest, inside `tell` or `reply`. */
export type ToGuest =
  | { readonly kind: 'activate'; readonly entries: readonly string[] }
  | { readonly kind: 'call'; readonly id: number; readonly call: GuestCall; readonly context: { readonly mode: string; readonly hasUI: boolean } }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: CapabilityErrorData }
  | { readonly kind: 'event'; readonly id: number; readonly value?: unknown; readonly error?: CapabilityErrorData }
  | { readonly kind: 'bus'; readonly channel: string; readonly data: unknown };

export type GuestCall =
  | { readonly op: 'tool'; readonly name: string; readonly toolCallId: string; readonly args: unknown }
  | { readonly op: 'command'; readonly name: string; readonly args: string }
  | { readonly op: 'complete'; readonly name: string; readonly typed: string }
  | { readonly op: 'loadout'; readonly tool: string; readonly loadout: unknown }
  /** `quiet`: only what goes wrong is answered. */
  | { readonly op: 'event'; readonly handler: number; readonly event: unknown; readonly quiet?: true }
  | { readonly op: 'shortcut'; readonly name: string }
  | { readonly op: 'surface'; readonly surface: number; readonly input: SurfaceInput }
  /** Asks for the lines of something that the package draws itself. `scene`: the number of the screen it stands on. */
  | { readonly op: 'render'; readonly subject: RenderSubject; readonly width: number; readonly scene: number }
  /** Has a provider of the package's answer; its events come as updates. */
  | { readonly op: 'stream'; readonly provider: string; readonly request: ProviderRequest }
  /** Runs a command of a provider's configuration and gives what it printed. */
  | { readonly op: 'print'; readonly command: string }
  /** Has a provider of the package's do what only its code can. */
  | { readonly op: 'provider'; readonly provider: string; readonly act: ProviderAct };

export interface ProviderRequest {
  readonly model: unknown;
  readonly context: unknown;
  readonly options: object;
  /** Of the package's own login at this provider. */
  readonly login?: ProviderLogin;
}

/** How a refusal or failure reaches guest code: an Error with these fields. */
export interface CapabilityErrorData {
  readonly code: string;
  readonly message: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  readonly dest?: string;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Reads one line of the guest. Never throws. */
export function parseGuestMessage(text: string): Parsed<GuestMessage> {
  return parseAs(GuestMessageSchema, text);
}

/** Reads one synchronous request of the guest. Never throws. */
export function parseSyncRequest(text: string): Parsed<SyncRequest> {
  return parseAs(SyncRequestSchema, text);
}

/** Reads one line of the child process itself. Never throws: whoever left the isolate speaks with its voice. */
export function parseChildMessage(text: string): Parsed<ChildMessage> {
  return parseAs(ChildMessageSchema, text);
}

function parseAs<S extends typeof GuestMessageSchema | typeof SyncRequestSchema | typeof ChildMessageSchema>(schema: S, text: string): Parsed<Static<S>> {
  if (holdsMoreThan(text, MAX_CONTAINERS)) return { ok: false, reason: 'more arrays and objects than one message may hold' };
  let value: unknown;
  try {
    // Walking every key is slow, and needed only where the name can stand, plain or with escapes.
    value = /__proto__|\\u/.test(text) ? JSON.parse(text, dropPrototypeKeys) : JSON.parse(text);
    if (isDeeperThan(value, MAX_DEPTH)) return { ok: false, reason: 'nested too deeply' };
  } catch {
    return { ok: false, reason: 'not JSON' };
  }
  if (!Value.Check(schema, value)) return { ok: false, reason: 'unknown message' };
  return { ok: true, value };
}

/** Two million empty arrays are six megabytes of text, and half a second in which the agent answers to nobody. */
const MAX_CONTAINERS = 250_000;

/** Counts what begins an array or an object, outside of strings. */
function holdsMoreThan(text: string, most: number): boolean {
  if (text.length <= 2 * most) return false;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if ((character === BRACKET || character === BRACE) && ++containers > most) return true;
  }
  return false;
}

const [QUOTE, BRACKET, BRACE, BACKSLASH] = [0x22, 0x5b, 0x7b, 0x5c];

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

/** What is handed on is walked recursively later (digests, sessions, JSON again): none of that may run out of stack. */
const MAX_DEPTH = 256;

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((child) => isDeeperThan(child, depth - 1));
}

/** `__proto__` from JSON is an own key, but one spread or assignment later it is a prototype: it never gets in. */
function dropPrototypeKeys(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
