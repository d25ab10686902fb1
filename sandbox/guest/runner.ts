import type { GuestError, GuestCall } from '../protocol.ts';
import { createContext, type ContextOptions } from './api/context.ts';
import { createExtensionApi } from './api/extension-api.ts';
import { Registry } from './api/registry.ts';
import type { Stage } from './api/stage.ts';
import { answerAsData } from './api/user-bash.ts';
import { describe, type Handler } from './channel.ts';
import type { GuestLink } from './link.ts';

/** A compiled extension: CommonJS with `require` handed in, wrapped in a function by the compile step. */
export type Bundle = (require: (name: string) => unknown, module: { exports: unknown }, exports: unknown, filename: string, dirname: string) => void;

type Factory = (api: unknown) => unknown;

/** Runs the factories of a package and the calls that arrive for what they registered. */
export function createRunner(
  link: GuestLink,
  post: (text: string) => void,
  requireModule: (name: string) => unknown,
  stage: Stage,
): { handle: Handler; addBundle: (index: number, bundle: Bundle) => void } {
  const bundles: Bundle[] = [];
  const registry = new Registry(link, requireModule, stage);
  const calls = new Map<number, AbortController>();

  return {
    addBundle: (index, bundle) => {
      bundles[index] = bundle;
    },
    handle: (message) => {
      switch (message.kind) {
        case 'activate':
          void activate(message.entries);
          return;
        case 'call':
          void answer(message.id, message.call, message.context);
          return;
        case 'abort':
          calls.get(message.id)?.abort();
          return;
        case 'bus':
          registry.bus.deliver(message.channel, message.data);
          return;
      }
    },
  };

  async function activate(entries: readonly string[]): Promise<void> {
    const failures: { bundle: number; error: GuestError }[] = [];
    for (const [index, entry] of entries.entries()) {
      const undo = registry.begin(index);
      try {
        const factory = await loadFactory(bundles[index], entry);
        await factory(createExtensionApi(registry, link));
      } catch (error) {
        undo(); // a factory that throws leaves nothing behind
        failures.push({ bundle: index, error: toGuestError(error) });
      }
    }
    registry.open();
    send({ kind: 'activated', registrations: entries.map((_, index) => registry.registrations(index)), failures });
  }

  async function loadFactory(bundle: Bundle | undefined, entry: string): Promise<Factory> {
    if (bundle === undefined) throw new Error(`no bundle for ${entry}`);
    const filename = `/package/${entry}`;
    const module: { exports: unknown } = { exports: {} };
    bundle(requireModule, module, module.exports, filename, filename.slice(0, filename.lastIndexOf('/')));
    // a promise when a module awaits at its top level
    const exported = (await module.exports) as { default?: unknown } | Factory;
    const factory = typeof exported === 'function' ? exported : unwrapDefault(exported.default);
    if (typeof factory !== 'function') {
      throw Object.assign(new Error(`${entry} has no default export that is a function`), { code: 'FACTORY_MISSING' });
    }
    return factory as Factory;
  }

  async function answer(id: number, call: GuestCall, options: ContextOptions): Promise<void> {
    const controller = new AbortController();
    calls.set(id, controller);
    try {
      send({ kind: 'result', id, value: await perform(call, id, options, controller.signal) });
    } catch (error) {
      send({ kind: 'result', id, error: toGuestError(error) });
    } finally {
      calls.delete(id);
    }
  }

  async function perform(call: GuestCall, id: number, options: ContextOptions, signal: AbortSignal): Promise<unknown> {
    // Sixty times a second: no context is made for these.
    if (call.op === 'surface') return registry.surfaces.answer(call.surface, call.input, signal);
    if (call.op === 'render') return registry.renderers.render(call.subject, call.width, call.scene);
    const context = createContext(registry, link, options, signal, call.op === 'command');
    switch (call.op) {
      case 'tool': {
        const partial = (value: unknown): void => send({ kind: 'update', id, value: normalise(value) });
        return normalise(await registry.executeTool(call.name, call.toolCallId, call.args, signal, partial, context));
      }
      case 'command':
        await registry.runCommand(call.name, call.args, context);
        return undefined;
      case 'complete':
        return await registry.completeArguments(call.name, call.typed);
      case 'loadout':
        return await registry.prepareLoadout(call.tool, call.loadout);
      case 'shortcut':
        await registry.runShortcut(call.name, context);
        return undefined;
      case 'stream':
        await registry.stream(call.provider, call.request, signal, (event) => send({ kind: 'update', id, value: event }));
        return undefined;
      case 'print':
        return registry.print(call.command, signal);
      case 'provider':
        return registry.actFor(call.provider, call.act, signal);
      case 'event': {
        const answer = await registry.deliver(call.handler, call.event, context);
        if (call.quiet === true) return undefined;
        const value = await answerAsData(answer, call.event, signal);
        return { value: value === undefined ? undefined : value, event: call.event };
      }
    }
  }

  function send(message: object): void {
    let text: string;
    try {
      text = JSON.stringify(message);
    } catch (error) {
      const { id, kind } = message as { id?: number; kind?: string };
      if (kind !== 'result') return link.log('error', `not serialisable: ${describe(error)}`);
      text = JSON.stringify({ kind, id, error: { message: `the result cannot be serialised: ${describe(error).slice(0, 500)}` } });
    }
    post(`M${text}`);
  }
}

/** ESM compiled to CommonJS by several tools nests `default` once more. */
function unwrapDefault(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'default' in value) return value.default;
  return value;
}

/** A tool may answer anything: `{content: […]}` stays, a string is text, any other value becomes its JSON. */
function normalise(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && Array.isArray((value as { content?: unknown }).content)) return value;
  const { structuredContent, ...rest } = (typeof value === 'object' && value !== null ? value : {}) as { structuredContent?: unknown };
  // what a program would read is what the model reads, where there is nothing else for it
  if (structuredContent !== undefined) return { ...rest, content: [{ type: 'text', text: JSON.stringify(structuredContent) ?? '' }], structuredContent };
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return { content: [{ type: 'text', text }], details: value };
}

export function toGuestError(error: unknown): GuestError {
  try {
    if (error instanceof Error) {
      const code: unknown = (error as { code?: unknown }).code;
      return {
        message: String(error.message).slice(0, 16_384),
        name: String(error.name).slice(0, 200),
        ...(typeof code === 'string' && { code: code.slice(0, 200) }),
        ...(typeof error.stack === 'string' && { stack: error.stack.slice(0, 16_384) }),
      };
    }
  } catch {
    // a Proxy or a getter that throws: fall through to the plain text
  }
  return { message: describe(error).slice(0, 16_384) };
}
