import type { CallContext, CallOrigin, Delegation, ToolOutcome } from '../sandbox/index.ts';
import { approveCall, type ApproveOptions } from './approval/approve-call.ts';
import type { Contributions, ToolContribution } from './packages/contributions.ts';
import { createLoadout, type LoadoutOptions } from './loadout.ts';
import type { ImageContent, JsonValue, TextContent } from './model/messages.ts';
import type { AgentTool, PendingCall, ToolAnswer } from './loop/tool-call.ts';
import { errorAnswer } from './loop/tool-call.ts';
import { type BuiltinTool, DEFAULT_TOOLS } from './tools/index.ts';
import { keepHead } from './tools/truncate.ts';

/** A tool as packages and clients are told of it. */
export interface ToolInfo {
  readonly name: string;
  readonly description: string;
  readonly parameters: unknown;
  readonly source: string;
}

export interface ToolboxOptions {
  readonly builtin: readonly BuiltinTool[];
  /** Of programs that run beside the agent: on while they do, and not for packages to call. */
  readonly attached?: () => readonly BuiltinTool[];
  /** Of the generation that is current now. */
  readonly contributions: () => Contributions;
  readonly hold: () => Disposable;
  /** What the user enabled by name; otherwise the default tools and those of all packages. */
  readonly enabled: readonly string[] | undefined;
  readonly approval: ApproveOptions;
  readonly callContext: () => CallContext;
  /** The user's message behind the run. */
  readonly origin: () => CallOrigin | undefined;
  /** A `prepareLoadout` of a package that was not heard. */
  readonly report: LoadoutOptions['report'];
}

/** Who calls a tool in place of the model. */
export interface CalledBy {
  readonly origin?: CallOrigin;
  readonly delegation: Delegation;
  /** Stops the clocks of the package that waits for it. */
  readonly pauseCaller?: () => Disposable;
}

/** The tools of the host and of its packages: which the model is offered, and which calls may run. */
export interface Toolbox {
  readonly builtinNames: readonly string[];
  /** What the next turn offers. */
  active(): readonly AgentTool[];
  /** What the model is told of them, once packages said what they change about that. */
  declared(signal: AbortSignal): Promise<readonly AgentTool[]>;
  all(): readonly ToolInfo[];
  /** A tool for a package, by the name that its owner gave it; `host` is the owner of the host's own. Only what the user enabled. */
  toolOf(owner: string, name: string, how: CalledBy): AgentTool | undefined;
  /** What the next turn offers, for an agent of a package's: without the tools of those who wait for it. */
  toolsFor(how: CalledBy): readonly AgentTool[];
  /** Narrows what is offered; never beyond what the user enabled. `by` calls its own late tools by its own names. */
  setActive(by: string, names: readonly string[]): void;
  /** `delegation`: the call is a package's, and happens within its rights. */
  approve(call: PendingCall, tool: AgentTool, signal: AbortSignal, delegation?: Delegation): Promise<string | undefined>;
  snippets(): readonly { readonly name: string; readonly snippet: string; readonly guidelines: readonly string[] }[];
}

/** Most text of one answer of a package, in bytes; what is cut off cannot be read on. */
const MAX_PACKAGE_BYTES = 256 * 1024;
const MAX_DESCRIPTION = 4096;
// What a tool says of itself in the system prompt, in characters and in lines.
const MAX_SNIPPET = 300;
const MAX_GUIDELINES = 8;

/** Makes the toolbox. */
export function createToolbox(options: ToolboxOptions): Toolbox {
  const { builtin, attached = () => [], contributions, enabled, approval } = options;
  const loadout = createLoadout(options);
  let narrowed: { readonly offered: ReadonlySet<string>; readonly known: ReadonlySet<string> } | undefined;

  const isEnabled = (name: string): boolean =>
    enabled?.includes(name) ?? (DEFAULT_TOOLS.includes(name) || contributions().tools.has(name) || attached().some((tool) => tool.name === name));
  const everything = (): readonly AgentTool[] => {
    const { tools } = contributions();
    // A package that was allowed to replace a tool of the host stands in its place.
    return [
      ...builtin.filter(({ name, isOffered }) => !tools.has(name) && isOffered?.() !== false),
      ...[...tools.values()].map((tool) => packageTool(tool, options)),
      ...attached().filter(({ name }) => !tools.has(name) && builtin.every((own) => own.name !== name)),
    ];
  };
  // What was not there when it was narrowed was not left out, as in pi.
  const isNarrowedOut = (name: string): boolean =>
    narrowed !== undefined && !narrowed.offered.has(name) && !(contributions().tools.get(name)?.late === true && !narrowed.known.has(name));
  const isForModel = (name: string): boolean => {
    const exposure = contributions().tools.get(name)?.registration.exposure;
    if (exposure === 'deferred') return narrowed?.offered.has(name) === true;
    return exposure !== 'hidden' && exposure !== 'codemode';
  };
  const active = (): readonly AgentTool[] => everything().filter(({ name }) => isEnabled(name) && isForModel(name) && !isNarrowedOut(name));

  return {
    builtinNames: builtin.map(({ name }) => name),
    active,
    async declared(signal) {
      const tools = active();
      await loadout.prepare({ active: tools, all: everything(), contributed: contributions().tools }, signal);
      return loadout.declared(tools);
    },
    all: () =>
      everything().map(({ name, description, parameters }) => {
        const { package: source = 'builtin', registration } = contributions().tools.get(name) ?? {};
        const { exposure, namespace, annotations, outputSchema } = registration ?? {};
        const said = Object.entries({ exposure, namespace, annotations, outputSchema }).filter(([, value]) => value !== undefined);
        return { name, description, parameters, source, ...Object.fromEntries(said) };
      }),
    toolOf(owner, name, how) {
      if (owner === 'host') return builtin.find((tool) => tool.name === name && isEnabled(name) && tool.isOffered?.() !== false);
      const found = [...contributions().tools.values()].find((tool) => tool.package === owner && tool.registration.name === name);
      return found === undefined || !isEnabled(found.name) || found.registration.exposure === 'model-only' ? undefined : packageTool(found, options, how);
    },
    toolsFor: (how) =>
      active().flatMap((tool) => {
        const found = contributions().tools.get(tool.name);
        if (found === undefined) return [tool];
        return how.delegation.callers.includes(found.package) ? [] : [packageTool(found, options, how)];
      }),
    setActive(by, names) {
      const { tools } = contributions();
      const own = [...tools.values()].filter(({ late, package: owner, registration }) => late === true && owner === by && names.includes(registration.name));
      narrowed = { offered: new Set([...names, ...own.map(({ name }) => name)]), known: new Set(tools.keys()) };
    },
    async approve(call, tool, signal, delegation) {
      // What a package's tool may do is decided by its grants, at each effect; what a host tool may do, here.
      const own = [...builtin, ...attached()].find((candidate) => candidate === tool);
      return own === undefined ? undefined : approveCall(call, own, approval, signal, delegation);
    },
    snippets: () =>
      loadout.declared(active()).map(({ name, description }) => {
        const registration = contributions().tools.get(name)?.registration;
        return {
          name,
          snippet: (registration?.promptSnippet ?? description.split('\n')[0] ?? '').slice(0, MAX_SNIPPET),
          guidelines: (registration?.promptGuidelines ?? []).slice(0, MAX_GUIDELINES).map((line) => line.slice(0, MAX_SNIPPET)),
        };
      }),
  };
}

function packageTool(
  { name, package: owner, registration }: ToolContribution,
  { contributions, hold, callContext, origin }: ToolboxOptions,
  calledBy?: CalledBy,
): AgentTool {
  return {
    name,
    ...(registration.label === undefined ? {} : { label: registration.label }),
    description: registration.description.slice(0, MAX_DESCRIPTION),
    parameters: registration.parameters,
    ...(registration.executionMode === undefined ? {} : { executionMode: registration.executionMode }),
    async execute(args, { id, signal, onUpdate, onWaited }) {
      // Looked up now, not when the turn began: after a reload the new build answers, and a call that runs keeps the old one.
      const current = contributions().tools.get(name);
      if (current === undefined) return errorAnswer(`the tool \`${name}\` of \`${owner}\` is no longer there`);
      using _ = hold();
      const startedBy = calledBy === undefined ? origin() : calledBy.origin;
      const outcome = await current.sandboxed.callTool(current.registration.name, args, {
        toolCallId: id,
        signal,
        context: callContext(),
        ...(startedBy === undefined ? {} : { origin: startedBy }),
        ...(calledBy === undefined ? {} : { delegation: calledBy.delegation }),
        ...(calledBy?.pauseCaller === undefined ? {} : { pauseCaller: calledBy.pauseCaller }),
        onUpdate: (partial) => onUpdate(toAnswer(partial)),
        onWaited,
      });
      return toAnswer(outcome);
    },
  };
}

function toAnswer({ content, details, isError, terminate, structuredContent }: ToolOutcome): ToolAnswer {
  let room = MAX_PACKAGE_BYTES;
  const blocks = content.map((block): TextContent | ImageContent => {
    if (block.type === 'image' && typeof block['data'] === 'string' && typeof block['mimeType'] === 'string')
      return { type: 'image', data: block['data'], mimeType: block['mimeType'] };
    const whole = block.type === 'text' && typeof block['text'] === 'string' ? block['text'] : JSON.stringify(block);
    const { text, truncated } = keepHead(whole, Number.POSITIVE_INFINITY, room);
    room = Math.max(room - Buffer.byteLength(text), 0);
    return { type: 'text', text: truncated ? `${text}\n\n[cut: the answer was longer than ${MAX_PACKAGE_BYTES} bytes]` : text };
  });
  return {
    content: blocks,
    ...(isJson(details) ? { details } : {}),
    isError,
    ...(terminate === undefined ? {} : { terminate }),
    ...(structuredContent === undefined ? {} : { structuredContent }),
  };
}

/** Details came over a pipe as JSON; all that is left to tell apart is their absence. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}
