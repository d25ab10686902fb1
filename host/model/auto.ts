import { failureOf } from './failure.ts';
import { type AssistantMessage, type Message, NO_USAGE } from './messages.ts';
import type { ModelEvent, ModelInfo, ModelName, ModelOptions, ModelPort, Transcript } from './port.ts';

export interface AutoOptions {
  /** Models in the order in which they are tried, as `provider/id`. Default: the first one of every provider. */
  readonly order?: readonly string[];
  /** Whether it is listed even where there is nothing to choose between. */
  readonly always?: boolean;
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number;
}

/** Name and provider of the model that stands for several. */
export const AUTO = 'auto';

/**
 * Adds a model `auto` to a port: the first of several that answers. Another one takes over only before anything was said,
 * and never after an abort or for a request that is wrong for everyone. A provider that failed is left alone for a while.
 */
export function createAutoModels(port: ModelPort, { order, always = false, now = () => performance.now() }: AutoOptions = {}): ModelPort {
  const breakers = new Map<string, Breaker>();
  const candidates = async (): Promise<readonly ModelInfo[]> => inOrder(await port.models(), order);
  return {
    async models() {
      const models = await port.models();
      const tried = inOrder(models, order);
      return tried.length < (always ? 1 : 2) ? models : [...models, oneForAll(tried)];
    },
    async *stream(model, transcript, options) {
      if (model.provider !== AUTO) {
        yield* port.stream(model, transcript, options);
        return;
      }
      const fitting = fittingFor(await candidates(), transcript, options);
      const rested = fitting.filter(({ provider }) => (breakers.get(provider)?.closedUntil ?? 0) <= now());
      // When all of them failed a moment ago, asking the one that may be back first is all there is to do.
      const order = rested.length > 0 ? rested : fitting.toSorted((a, b) => closedUntil(breakers, a) - closedUntil(breakers, b)).slice(0, 1);
      yield* firstThatAnswers(order, port, transcript, options, (provider, retryAfterMs) => {
        if (retryAfterMs === undefined) breakers.delete(provider);
        else breakers.set(provider, trip(breakers.get(provider), retryAfterMs, now()));
      });
    },
  };
}

interface Breaker {
  readonly closedUntil: number;
  readonly failures: number;
}

const FIRST_REST_MS = 30_000;
const LONGEST_REST_MS = 300_000;

/** Twice as long with every failure, and never shorter than the provider asked for. */
function trip(before: Breaker | undefined, retryAfterMs: number, now: number): Breaker {
  const failures = (before?.failures ?? 0) + 1;
  return { failures, closedUntil: now + Math.max(retryAfterMs, Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (failures - 1))) };
}

function closedUntil(breakers: ReadonlyMap<string, Breaker>, { provider }: ModelInfo): number {
  return breakers.get(provider)?.closedUntil ?? 0;
}

/** Tells of a provider's success with `undefined`, and of its failure with how long it wants to be left alone. */
type Note = (provider: string, retryAfterMs: number | undefined) => void;

async function* firstThatAnswers(
  order: readonly ModelInfo[],
  port: ModelPort,
  transcript: Transcript,
  options: ModelOptions,
  note: Note,
): AsyncGenerator<ModelEvent> {
  for (const [index, model] of order.entries()) {
    const next = order[index + 1];
    // Nothing of an answer that begins with nothing but its beginning has been seen by anybody.
    const unseen: ModelEvent[] = [];
    let failed: Extract<ModelEvent, { type: 'error' }> | undefined;
    let isSeen = false;
    for await (const event of port.stream(model, transcript, options)) {
      if (event.type === 'error') {
        const kind = failureOf(event.error);
        const mayPass = kind === 'transient' || kind === 'unavailable';
        if (mayPass) note(model.provider, event.retryAfterMs ?? 0);
        if (!isSeen && mayPass && next !== undefined) failed = event;
        else yield event;
        break;
      }
      if (event.type === 'done') note(model.provider, undefined);
      isSeen ||= isVisible(event);
      if (isSeen) yield* [...unseen.splice(0), event];
      else unseen.push(event);
    }
    if (failed === undefined || next === undefined) return;
    yield { type: 'failover', from: nameOf(model), to: nameOf(next), reason: failed.error.errorMessage ?? failed.reason };
  }
  yield { type: 'error', reason: 'error', error: nobody() };
}

function isVisible({ type }: ModelEvent): boolean {
  return type === 'done' || type.endsWith('_delta') || type.startsWith('toolcall_');
}

function nameOf({ provider, id }: ModelInfo): ModelName {
  return { provider, id };
}

function inOrder(models: readonly ModelInfo[], order: readonly string[] | undefined): readonly ModelInfo[] {
  if (order === undefined) return models.filter(({ provider }, index) => models.findIndex((other) => other.provider === provider) === index);
  return order.flatMap((name) => models.find(({ provider, id }) => `${provider}/${id}` === name || id === name) ?? []);
}

/** Those that can see what there is to see and have room for it; where none has, all of them: the failure says what is wrong. */
function fittingFor(models: readonly ModelInfo[], { systemPrompt, messages }: Transcript, { thinking }: ModelOptions): readonly ModelInfo[] {
  const tokens = (systemPrompt.length + charactersOf(messages)) / 4;
  const withRoom = preferred(models, ({ contextWindow }) => contextWindow > tokens);
  const seeing = hasImages(messages) ? preferred(withRoom, ({ input }) => input.includes('image')) : withRoom;
  return thinking === undefined ? seeing : preferred(seeing, ({ reasoning }) => reasoning);
}

function preferred(models: readonly ModelInfo[], fits: (model: ModelInfo) => boolean): readonly ModelInfo[] {
  const fitting = models.filter(fits);
  return fitting.length > 0 ? fitting : models;
}

function charactersOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { content }) => sum + JSON.stringify(content, (key, value: unknown) => (key === 'data' ? '' : value)).length, 0);
}

function hasImages(messages: readonly Message[]): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(({ type }) => type === 'image'));
}

/** What all of them together can do: which one answers is not known before. */
function oneForAll(models: readonly ModelInfo[]): ModelInfo {
  return {
    id: AUTO,
    name: `the first that answers of ${models.map(({ provider, id }) => `${provider}/${id}`).join(', ')}`,
    provider: AUTO,
    api: AUTO,
    baseUrl: '',
    reasoning: models.some(({ reasoning }) => reasoning),
    input: models.some(({ input }) => input.includes('image')) ? ['text', 'image'] : ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: Math.max(...models.map(({ contextWindow }) => contextWindow)),
    maxTokens: Math.max(...models.map(({ maxTokens }) => maxTokens)),
  };
}

function nobody(): AssistantMessage {
  return {
    role: 'assistant',
    content: [],
    api: AUTO,
    provider: AUTO,
    model: AUTO,
    usage: NO_USAGE,
    stopReason: 'error',
    errorMessage: '`auto` has no model to try; the key of a provider is missing, or `auto:` names none that there is',
    timestamp: Date.now(),
  };
}
