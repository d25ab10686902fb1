import type { Where } from './dash-error.ts';
import type { Inference } from './inference.ts';

/** A tool as the guest registered it. `parameters` is a plain JSON Schema; the host never compiles it. */
export interface ToolRegistration {
  readonly name: string;
  readonly label?: string;
  readonly description: string;
  readonly parameters: unknown;
  readonly promptSnippet?: string;
  readonly promptGuidelines?: readonly string[];
  readonly executionMode?: 'sequential' | 'parallel';
  /** Who may call it. Default: the model, and packages that may. */
  readonly exposure?: ToolExposure;
  /** What it belongs to, for those who list tools. */
  readonly namespace?: string;
  /** What its author says of it; never trusted. */
  readonly annotations?: Readonly<Record<string, unknown>>;
  /** A plain JSON Schema of what it answers besides text. */
  readonly outputSchema?: unknown;
  /** It says what the model sees of other tools while it is active. */
  readonly preparesLoadout?: true;
}

/**
 * `model-only`: not other packages. `deferred`: the model, once `setActiveTools` has named it. `hidden` and `codemode`: packages
 * only, for the model writes no code that calls tools here.
 */
export type ToolExposure = 'direct' | 'model-only' | 'codemode' | 'deferred' | 'hidden';

export interface CommandRegistration {
  readonly name: string;
  readonly description?: string;
  /** Present when the package says what could be typed after it. */
  readonly completes?: true;
}

/** One handler of one event. `handler` is its number inside the package, counted in the order of registration. */
export interface EventRegistration {
  readonly event: string;
  readonly handler: number;
}

export interface FlagRegistration {
  readonly name: string;
  readonly type: 'boolean' | 'string';
  readonly description?: string;
  readonly default?: boolean | string;
}

export interface ShortcutRegistration {
  readonly shortcut: string;
  readonly description?: string;
}

/** Something that a package draws itself where it stands in the conversation. It draws, and decides nothing. */
export type RendererRegistration =
  /** Messages or entries of this `customType`. */
  | { readonly kind: 'message' | 'entry'; readonly name: string }
  /** How text of any message is shown. */
  | { readonly kind: 'markdown'; readonly name: 'text' }
  /** Calls and results of its own tool; `ownFrame`: without the coloured box that others stand in. */
  | { readonly kind: 'tool'; readonly name: string; readonly call: boolean; readonly result: boolean; readonly ownFrame?: true };

/** A model of a provider that a package describes. Prices are dollars for a million tokens. */
export interface ProviderModelRegistration {
  readonly id: string;
  readonly name?: string;
  /** Instead of the provider's. */
  readonly api?: string;
  readonly baseUrl?: string;
  readonly reasoning?: boolean;
  readonly input?: readonly ('text' | 'image')[];
  readonly cost?: { readonly input: number; readonly output: number; readonly cacheRead?: number; readonly cacheWrite?: number };
  readonly contextWindow?: number;
  readonly maxTokens?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly promptCache?: { readonly short?: number; readonly long?: number };
  /** How the server differs from others of its wire; passed on as it is. */
  readonly compat?: Readonly<Record<string, unknown>>;
  readonly thinkingLevelMap?: Readonly<Record<string, string | null>>;
  readonly samplingParams?: Readonly<Record<string, unknown>>;
}

/**
 * A provider of models that a package describes, or what it changes about one that there is. `apiKey` and headers are
 * written as pi has them: `$NAME`, `${NAME}`, `!command`, or the text itself.
 */
export interface ProviderRegistration {
  readonly name: string;
  readonly label?: string;
  readonly baseUrl?: string;
  readonly api?: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends the key as a bearer token, too. */
  readonly authHeader?: true;
  /** Instead of the models that the provider has. */
  readonly models?: readonly ProviderModelRegistration[];
  /** The package speaks to the provider itself. */
  readonly streams?: true;
  /** It can be logged in to, with the package's own code. */
  readonly oauth?: true;
  /** It looks its models up. */
  readonly refreshes?: true;
}

/** What the factories of one package registered: the allow-list of what it may offer later. */
export interface Registrations {
  readonly tools: readonly ToolRegistration[];
  readonly commands: readonly CommandRegistration[];
  readonly events: readonly EventRegistration[];
  readonly flags: readonly FlagRegistration[];
  readonly shortcuts: readonly ShortcutRegistration[];
  readonly providers: readonly ProviderRegistration[];
  /** Absent where there are none, and in what an older Dash captured. */
  readonly renderers?: readonly RendererRegistration[];
}

/** Something reachable in a bundle that the sandbox cannot run, and what to use instead. */
export interface Unsupported {
  /** A builtin or API, e.g. `node:worker_threads`. */
  readonly what: string;
  readonly why: string;
  readonly alternative: string;
  readonly where?: Where;
}

/** Parts of the guest runtime a bundle needs besides the core. */
export type RuntimePart = 'typebox' | 'pi-tui';

/** One compiled entry point. Code and map lie in the bundle cache under their sha256. */
export interface CompiledEntry {
  /** Path inside the package, with `/`, e.g. `src/index.ts`. */
  readonly entry: string;
  /** sha256 of the bundle, hex. */
  readonly code: string;
  readonly codeBytes: number;
  /** sha256 of the source map, hex. */
  readonly map: string;
  /** V8 code cache produced on this machine before any package code ran; absent where it could not be made. */
  readonly cache?: { readonly sha256: string; readonly v8: string };
  readonly parts: readonly RuntimePart[];
  readonly unsupported: readonly Unsupported[];
  /** What its code was seen to need; absent in what an older Dash compiled. */
  readonly inferred?: Inference;
}

export interface CompileFailure {
  readonly entry: string;
  readonly error: { readonly code: string; readonly message: string; readonly where?: Where };
}

/** The result of compiling every extension of a package. */
export interface CompiledPackage {
  readonly entries: readonly CompiledEntry[];
  readonly failures: readonly CompileFailure[];
}

/** What happened to one entry point when its factory ran without any permission. */
export type CaptureOutcome =
  | { readonly kind: 'ok'; readonly entry: string; readonly registrations: Registrations }
  | { readonly kind: 'failed'; readonly entry: string; readonly error: { readonly code: string; readonly message: string; readonly where?: Where } }
  /** The factory needs a permission before it can register; captured again at its first start after consent. */
  | {
      readonly kind: 'deferred';
      readonly entry: string;
      readonly needs: readonly string[];
      readonly error: { readonly code: string; readonly message: string };
    };

/**
 * Where the modules of a package and of its dependencies lie. `root` is a key of `nodes`.
 * `dependencies` maps the specifier as imported (an alias included) to a node.
 */
export interface ModuleGraph {
  readonly root: string;
  readonly nodes: Readonly<Record<string, ModuleNode>>;
}

export type ModuleNode = {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
} & (
  | {
      /** Absolute directory of the unpacked package. */
      readonly dir: string;
      readonly pack?: undefined;
    }
  | {
      /** Absolute path of the pack that holds its files (`pack.ts`). Never of the root. */
      readonly pack: string;
      readonly dir?: undefined;
    }
);
