import { type Diagnostic, isDashError } from '../../format/index.ts';
import type { CallContext, CallOrigin, ProviderPass, SandboxedPackage } from '../../sandbox/index.ts';
import { createGuestAnswer } from './guest-events.ts';
import { NO_USAGE } from './messages.ts';
import type { ModelEvent, ModelInfo, ModelOptions, ModelPort, Transcript } from './port.ts';
import { planProvider, type ProvidedModel } from './plan-provider.ts';

/** A package that may describe providers. */
export interface ProviderSource {
  readonly package: string;
  readonly sandboxed: Pick<SandboxedPackage, 'providers' | 'canProvide' | 'openGate' | 'streamModel'>;
}

/** How the host itself speaks to an endpoint that a package describes. */
export interface Endpoints {
  /** The models of a provider that the host knows, whether or not there is a key for it. */
  known(provider: string): Promise<readonly ModelInfo[]>;
  /** The variable that holds the key of such a provider, and its value where there is one. */
  keyOf(provider: string): { readonly name: string; readonly value: string | undefined } | undefined;
  ask(model: ProvidedModel, credentials: Credentials, transcript: Transcript, options: ModelOptions): AsyncIterable<ModelEvent>;
  /** The context of a request as pi's wires get it. */
  contextOf(transcript: Transcript, model: ModelInfo): Promise<unknown>;
}

export interface Credentials {
  readonly apiKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PackageProvidersOptions {
  /** In load order: the first package that describes a provider keeps its name. */
  readonly sources: () => readonly ProviderSource[];
  readonly endpoints: () => Promise<Endpoints>;
  readonly origin: () => CallOrigin | undefined;
  readonly context: () => CallContext;
}

/** A port with the models of packages among its own. */
export interface PackageModels extends ModelPort {
  /** What of the packages' providers is not offered, and why; as of the last time models were listed. */
  readonly diagnostics: readonly Diagnostic[];
}

interface Offered extends ProviderSource {
  readonly model: ProvidedModel;
  readonly apiKey: string | undefined;
  readonly authHeader: boolean;
}

/** Puts the providers of packages into a port. Where a conversation goes, and with which key, is decided at every request. */
export function withPackageProviders(port: ModelPort, options: PackageProvidersOptions): PackageModels {
  let diagnostics: readonly Diagnostic[] = [];
  /** The plan for what packages say now; made again when they say something else. */
  let planned: { readonly key: string; readonly offers: Promise<ReadonlyMap<string, readonly Offered[]>> } | undefined;

  const offers = (): Promise<ReadonlyMap<string, readonly Offered[]>> => {
    const sources = options.sources().filter(({ sandboxed }) => sandboxed.providers.length > 0);
    const key = JSON.stringify(sources.map(({ package: owner, sandboxed }) => [owner, sandboxed.providers]));
    if (planned?.key !== key) planned = { key, offers: plan(sources) };
    return planned.offers;
  };
  const plan = async (sources: readonly ProviderSource[]): Promise<ReadonlyMap<string, readonly Offered[]>> => {
    const found = new Map<string, readonly Offered[]>();
    const problems: Diagnostic[] = [];
    const warn = (code: string, message: string): void => void problems.push({ severity: 'warning', code, message });
    for (const source of sources) {
      for (const provider of source.sandboxed.providers) {
        const { name, apiKey, authHeader = false } = provider;
        const first = found.get(name)?.[0]?.package;
        if (first !== undefined) {
          warn('PROVIDER_COLLISION', `\`${first}\` and \`${source.package}\` both describe the provider \`${name}\`; the one of \`${first}\` counts`);
          continue;
        }
        const { models, problems: wrong } = planProvider(provider, await (await options.endpoints()).known(name));
        for (const message of wrong) warn('PROVIDER_NOT_OFFERED', `${message} (described by \`${source.package}\`)`);
        const hosts = new Set(models.map(({ host }) => host));
        const closed = [...hosts].filter((host) => !source.sandboxed.canProvide(host));
        for (const host of closed)
          warn(
            'PERMISSION_DENIED',
            `models of \`${name}\` at \`${host}\` are not offered: \`dash permissions grant ${source.package} provider:${host}\` allows it`,
          );
        const open = models.filter(({ host }) => !closed.includes(host));
        if (open.length > 0)
          found.set(
            name,
            open.map((model) => ({ ...source, model, apiKey, authHeader })),
          );
      }
    }
    diagnostics = problems;
    return found;
  };

  return {
    get diagnostics() {
      return diagnostics;
    },
    async models() {
      const [own, packages] = await Promise.all([port.models(), offers()]);
      return [...own.filter(({ provider }) => !packages.has(provider)), ...[...packages.values()].flat().map(({ model }) => model.info)];
    },
    async *stream(info, transcript, how) {
      const provider = (await offers()).get(info.provider);
      const offered = provider?.find(({ model }) => model.info.id === info.id);
      if (offered !== undefined) yield* ask(offered, transcript, how, options);
      else if (provider === undefined) yield* port.stream(info, transcript, how);
      else yield failed(info, `\`${info.provider}\` has no model \`${info.id}\` any more`);
    },
  };
}

async function* ask(offered: Offered, transcript: Transcript, how: ModelOptions, options: PackageProvidersOptions): AsyncIterable<ModelEvent> {
  const { model, sandboxed } = offered;
  const endpoints = await options.endpoints();
  // a command that prints a key may fail like any other
  const pass = await gate(offered, endpoints, how.signal ?? new AbortController().signal, options.origin()).catch((error: unknown) => {
    if (isDashError(error)) return { kind: 'refused' as const, message: error.message };
    throw error;
  });
  if (pass.kind === 'refused') {
    yield failed(model.info, pass.message);
    return;
  }
  const { apiKey, ...values } = pass.values;
  if (model.wire !== 'guest') {
    const bearer: Record<string, string> = offered.authHeader && apiKey !== undefined ? { Authorization: `Bearer ${apiKey}` } : {};
    yield* endpoints.ask(model, { apiKey, headers: { ...values, ...bearer } }, transcript, how);
    return;
  }
  const origin = options.origin();
  const { signal = new AbortController().signal, thinking, sessionId, maxTokens } = how;
  const request = {
    model: { ...model.info, ...model.extra },
    context: await endpoints.contextOf(transcript, model.info),
    options: { maxRetries: 0, ...(thinking && { reasoning: thinking }), ...(sessionId && { sessionId }), ...(maxTokens && { maxTokens }) },
  };
  yield* answerOf(model.info, signal, (onEvent) =>
    sandboxed.streamModel(model.info.provider, request, { signal, context: options.context(), onEvent, ...(origin && { origin }) }),
  );
}

/** The key is what the package names, or else that of the provider whose name it uses, which may travel only where it is allowed to. */
function gate({ model, apiKey, sandboxed }: Offered, endpoints: Endpoints, signal: AbortSignal, origin: CallOrigin | undefined): Promise<ProviderPass> {
  const { provider } = model.info;
  const known = endpoints.keyOf(provider);
  const text = apiKey ?? (known === undefined ? undefined : `\${${known.name}}`);
  const headers = Object.entries(model.headers).map(([header, value]) => ({ name: header, header, text: value }));
  return sandboxed.openGate({
    provider,
    host: model.host,
    // a package that speaks for itself finds its own key
    values: model.wire === 'guest' ? [] : [...(text === undefined ? [] : [{ name: 'apiKey', header: 'authorization', text }]), ...headers],
    signal,
    ...(origin === undefined ? {} : { origin }),
    keptKey: (name) => (name === known?.name ? known.value : undefined),
  });
}

/** Events that come by callback, as a stream that ends exactly once. */
async function* answerOf(model: ModelInfo, signal: AbortSignal, start: (onEvent: (event: unknown) => void) => Promise<void>): AsyncIterable<ModelEvent> {
  const answer = createGuestAnswer(model);
  const waiting: unknown[] = [];
  let wake = Promise.withResolvers<void>();
  let end: { readonly error?: unknown } | undefined;
  const finish = (error?: unknown): void => {
    end = error === undefined ? {} : { error };
    wake.resolve();
  };
  start((event) => {
    waiting.push(event);
    wake.resolve();
  }).then(() => finish(), finish);
  for (;;) {
    for (const event of waiting.splice(0)) {
      const read = answer.read(event);
      if (read !== undefined) yield read;
    }
    if (waiting.length > 0) continue;
    if (end !== undefined) break;
    await wake.promise;
    wake = Promise.withResolvers();
  }
  const { error } = end;
  const why = error instanceof Error ? error.message : `the package of \`${model.provider}\` ended without an answer`;
  const last = answer.fail(signal.aborted ? 'aborted' : 'error', why);
  if (last !== undefined) yield last;
}

function failed({ api, provider, id }: ModelInfo, errorMessage: string): ModelEvent {
  const error = {
    role: 'assistant',
    content: [],
    api,
    provider,
    model: id,
    usage: NO_USAGE,
    stopReason: 'error',
    errorMessage,
    timestamp: Date.now(),
  } as const;
  return { type: 'error', reason: 'error', error: { ...error, content: [] } };
}
