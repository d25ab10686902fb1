import * as diagnostics from '@earendil-works/pi-ai/utils/diagnostics';
import { AssistantMessageEventStream, createAssistantMessageEventStream, EventStream } from '@earendil-works/pi-ai/utils/event-stream';
import * as json from '@earendil-works/pi-ai/utils/json-parse';
import * as overflow from '@earendil-works/pi-ai/utils/overflow';
import * as retry from '@earendil-works/pi-ai/utils/retry';
import { sanitizeSurrogates } from '@earendil-works/pi-ai/utils/sanitize-unicode';
import { contentText, getSystemMessageText, renderSystemMessageUpdate } from '@earendil-works/pi-ai/utils/text';
import * as transcript from '@earendil-works/pi-ai/utils/transcript';
import { uuidv7 } from '@earendil-works/pi-ai/utils/uuid';
import { calculateCost, clampThinkingLevel, getSupportedThinkingLevels, hasApi, modelsAreEqual } from '@earendil-works/pi-ai';
import { Type } from 'typebox';
import { withAllExports } from './host-exports.ts';
import type { ModelAccess } from './model-access.ts';
import { stringEnum } from './string-enum.ts';

interface CallOptions {
  readonly signal?: AbortSignal;
}

interface ApiProvider {
  readonly api: string;
  stream(model: unknown, context: unknown, options?: CallOptions): AsyncIterable<unknown> & { result(): Promise<unknown> };
  streamSimple(model: unknown, context: unknown, options?: CallOptions): AsyncIterable<unknown> & { result(): Promise<unknown> };
}

/** Makes pi-ai: its data functions as they are, completions through the host, providers and keys refused. */
export function createPiAi(requireCore: (name: string) => unknown): Record<string, unknown> {
  const access = requireCore('dash:model') as ModelAccess;
  const providers = new Map<string, { readonly provider: ApiProvider; readonly sourceId: string | undefined }>();

  const streamWith = (method: 'stream' | 'streamSimple') => (model: { api?: string }, context: unknown, options?: CallOptions) => {
    const own = model.api === undefined ? undefined : providers.get(model.api);
    return own === undefined ? streamFromHost(access, model, context, options) : own.provider[method](model, context, options);
  };
  const stream = streamWith('stream');
  const streamSimple = streamWith('streamSimple');
  const find = (provider: string, id: string) => access.models().find((model) => model.provider === provider && model.id === id);
  const ofProvider = (provider: string) => access.models().filter((model) => model.provider === provider);
  const providerNames = () => [...new Set(access.models().map((model) => model.provider))];

  const members: Record<string, unknown> = {
    Type,
    StringEnum: stringEnum,
    ...diagnostics,
    ...json,
    ...overflow,
    ...retry,
    ...transcript,
    AssistantMessageEventStream,
    EventStream,
    createAssistantMessageEventStream,
    sanitizeSurrogates,
    contentText,
    getSystemMessageText,
    renderSystemMessageUpdate,
    uuidv7,
    calculateCost,
    clampThinkingLevel,
    getSupportedThinkingLevels,
    hasApi,
    modelsAreEqual,
    stream,
    streamSimple,
    complete: (...args: Parameters<typeof stream>) => stream(...args).result(),
    completeSimple: (...args: Parameters<typeof stream>) => streamSimple(...args).result(),
    getModel: find,
    getModels: ofProvider,
    getProviders: providerNames,
    getBuiltinModel: find,
    getBuiltinModels: ofProvider,
    getBuiltinProviders: providerNames,
    // A wire format that a package brings serves the package's own calls; the host's models are the host's.
    registerApiProvider: (provider: ApiProvider, sourceId?: string) => void providers.set(provider.api, { provider, sourceId }),
    getApiProvider: (api: string) => providers.get(api)?.provider,
    getApiProviders: () => [...providers.values()].map(({ provider }) => provider),
    unregisterApiProviders: (sourceId: string) => {
      for (const [api, entry] of providers) if (entry.sourceId === sourceId) providers.delete(api);
    },
  };
  // Validation evaluates typebox's value module, which most packages never need.
  for (const name of ['validateToolCall', 'validateToolArguments'] as const) {
    members[name] = (...args: never[]) => {
      const validation: Record<typeof name, (...args: never[]) => unknown> = require('@earendil-works/pi-ai/utils/validation');
      return validation[name](...args);
    };
  }
  return withAllExports('pi-ai', members, 'models are called through `complete`, `stream` or ctx.modelRegistry, with the host\u2019s keys');
}

function streamFromHost(access: ModelAccess, model: object, context: unknown, options: CallOptions | undefined): AssistantMessageEventStream {
  const events = createAssistantMessageEventStream();
  access.complete(model, context, options, options?.signal).then(
    (answer) => {
      const message = answer as Parameters<typeof finish>[1];
      finish(events, message);
    },
    (error: unknown) => finish(events, failedMessage(model, error, options?.signal?.aborted === true)),
  );
  return events;
}

type FinalEvent = Extract<Parameters<AssistantMessageEventStream['push']>[0], { type: 'done' | 'error' }>;
type FinalMessage = Extract<FinalEvent, { type: 'done' }>['message'];

function finish(events: AssistantMessageEventStream, message: FinalMessage): void {
  const { stopReason } = message;
  if (stopReason === 'error' || stopReason === 'aborted') events.push({ type: 'error', reason: stopReason, error: message } as FinalEvent);
  else events.push({ type: 'done', reason: stopReason, message } as FinalEvent);
  events.end(message);
}

function failedMessage(model: object, error: unknown, aborted: boolean): FinalMessage {
  const text = (name: string) => String(Reflect.get(model, name) ?? '');
  return {
    role: 'assistant',
    content: [],
    api: text('api'),
    provider: text('provider'),
    model: text('id'),
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
    stopReason: aborted ? 'aborted' : 'error',
    errorMessage: error instanceof Error ? error.message : String(error),
    timestamp: Date.now(),
  } as FinalMessage;
}
