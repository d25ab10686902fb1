import { DashError, type Diagnostic, isDashError } from '../../format/index.ts';
import type { CallContext, CallOrigin, ProviderAnswer, ProviderPass, ProviderValue } from '../../sandbox/index.ts';
import { createGuestAnswer } from './guest-events.ts';
import { NO_USAGE } from './messages.ts';
import { createPackageLogins, type PackageLogins } from './package-logins.ts';
import { type Offer, type Offers, planOffers, type ProviderSource } from './package-offers.ts';
import type { ModelEvent, ModelInfo, ModelOptions, ModelPort, Transcript } from './port.ts';
import { addressProblem, type ProvidedModel } from './plan-provider.ts';
import { readShelf, type Shelf } from './provider-shelf.ts';

/** How the host itself speaks to an endpoint that a package describes. */
export interface Endpoints {
  /** The models of a provider that the host knows, whether or not there is a key for it. */
  known(provider: string): Promise<readonly ModelInfo[]>;
  /** The names that the user gave in `models.json`. */
  readonly users: ReadonlySet<string>;
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
  readonly dashHome: string;
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
  /** What only the packages' code does for their providers. */
  readonly logins: PackageLogins;
}

/** Puts the providers of packages into a port. Where a conversation goes, and with which key, is decided at every request. */
export function withPackageProviders(port: ModelPort, options: PackageProvidersOptions): PackageModels {
  let diagnostics: readonly Diagnostic[] = [];
  /** The plan for what packages say now; made again when they say something else. */
  let planned: { readonly key: string; readonly offers: Promise<Offers> } | undefined;

  const offers = async (): Promise<Offers> => {
    const sources = await Promise.all(
      options
        .sources()
        .filter(describes)
        .map(async (source) => ({ ...source, shelf: await shelfOf(source, options.dashHome) })),
    );
    const key = JSON.stringify(sources.map(({ package: owner, sandboxed, shelf }) => [owner, sandboxed.source, sandboxed.providers, [...shelf]]));
    if (planned?.key !== key) planned = { key, offers: plan(sources) };
    return planned.offers;
  };
  const plan = async (sources: readonly (ProviderSource & { readonly shelf: Shelf })[]): Promise<Offers> => {
    if (sources.length === 0) return NOTHING;
    const { users, known } = await options.endpoints();
    return planOffers({ sources, users, known });
  };
  const logins = createPackageLogins({ ...options, offers });

  return {
    logins,
    get diagnostics() {
      return diagnostics;
    },
    async models() {
      const [own, packages] = await Promise.all([port.models(), offers()]);
      diagnostics = packages.diagnostics;
      const offered = [...packages.byName.values()].flatMap(({ models }) => models.map(({ info }) => info));
      return [...own.filter(({ provider }) => !offersAny(packages.byName.get(provider))), ...offered];
    },
    async *stream(info, transcript, how) {
      const offer = (await offers()).byName.get(info.provider);
      const model = offer?.models.find((one) => one.info.id === info.id);
      if (offer !== undefined && model !== undefined) yield* ask(offer, model, { transcript, how, logins, options });
      else if (info.package === undefined && !offersAny(offer)) yield* port.stream(info, transcript, how);
      else yield failed(info, `\`${info.provider}\` has no model \`${info.id}\` any more`);
    },
  };
}

const NOTHING: Offers = { byName: new Map(), diagnostics: [] };

function describes({ sandboxed }: ProviderSource): boolean {
  return sandboxed.providers.length > 0;
}

function offersAny(offer: Offer | undefined): boolean {
  return offer !== undefined && offer.models.length > 0;
}

/** Read only where it may hold anything. */
async function shelfOf({ sandboxed }: ProviderSource, dashHome: string): Promise<Shelf> {
  const keeps = sandboxed.providers.some(({ oauth, refreshes }) => oauth === true || refreshes === true);
  return keeps ? readShelf(dashHome, sandboxed.source) : new Map();
}

interface Asking {
  readonly transcript: Transcript;
  readonly how: ModelOptions;
  readonly logins: PackageLogins;
  readonly options: PackageProvidersOptions;
}

async function* ask(offer: Offer, planned: ProvidedModel, { transcript, how, logins, options }: Asking): AsyncIterable<ModelEvent> {
  const { sandboxed } = offer;
  const endpoints = await options.endpoints();
  const { signal = new AbortController().signal } = how;
  const origin = options.origin();
  let model = planned;
  let pass: ProviderPass;
  let login;
  try {
    // a command that prints a key may fail like any other, and so may the code that brings a login up to date
    login = await logins.freshLogin(offer, signal);
    const key = login === undefined || model.wire === 'guest' ? undefined : await logins.keyOf(offer, login, signal);
    if (key?.baseUrl !== undefined) model = movedTo(key.baseUrl, model);
    pass = await gate(offer, model, { endpoints, signal, origin, ...(key === undefined ? {} : { key }) });
  } catch (error) {
    if (!isDashError(error)) throw error;
    pass = { kind: 'refused', code: 'NO_KEY', message: error.message };
  }
  if (pass.kind === 'refused') {
    const hint = pass.code === 'NO_KEY' && offer.canLogIn ? `; \`dash login ${offer.registration.name}\` logs in` : '';
    yield failed(model.info, pass.message + hint);
    return;
  }
  const { apiKey, ...values } = pass.values;
  if (model.wire !== 'guest') {
    const bearer: Record<string, string> = offer.registration.authHeader === true && apiKey !== undefined ? { Authorization: `Bearer ${apiKey}` } : {};
    yield* endpoints.ask(model, { apiKey, headers: { ...values, ...bearer } }, transcript, how);
    return;
  }
  const { thinking, sessionId, maxTokens } = how;
  const request = {
    model: { ...model.info, ...model.extra },
    context: await endpoints.contextOf(transcript, model.info),
    options: { maxRetries: 0, ...(thinking && { reasoning: thinking }), ...(sessionId && { sessionId }), ...(maxTokens && { maxTokens }) },
    ...(login === undefined ? {} : { login }),
  };
  yield* answerOf(model.info, signal, (onEvent) =>
    sandboxed.streamModel(model.info.provider, request, { signal, context: options.context(), onEvent, ...(origin && { origin }) }),
  );
}

/** A login may belong to another address than the description names: that is asked for like any. @throws {DashError} LOGIN_FAILED */
function movedTo(baseUrl: string, model: ProvidedModel): ProvidedModel {
  const wrong = addressProblem(baseUrl);
  if (wrong !== undefined) throw new DashError('LOGIN_FAILED', `\`${model.info.provider}\`: ${wrong}`);
  return { ...model, host: new URL(baseUrl).hostname, info: { ...model.info, baseUrl } };
}

interface GateOptions {
  readonly endpoints: Endpoints;
  readonly signal: AbortSignal;
  readonly origin: CallOrigin | undefined;
  readonly key?: ProviderAnswer<'key'>;
}

/**
 * The key is that of the user's login at the package's provider, what the package names, or else that of the provider
 * whose name it uses, which may travel only where it is allowed to.
 */
function gate(
  { sandboxed, registration }: Offer,
  { host, wire, headers: described, info }: ProvidedModel,
  { endpoints, signal, origin, key }: GateOptions,
): Promise<ProviderPass> {
  const { provider } = info;
  const known = endpoints.keyOf(provider);
  const text = registration.apiKey ?? (known === undefined ? undefined : `\${${known.name}}`);
  const headers = Object.entries(described).map(([header, value]): ProviderValue => ({ name: header, header, text: value }));
  const own = text === undefined ? [] : [{ name: 'apiKey', header: 'authorization', text }];
  return sandboxed.openGate({
    provider,
    host,
    // a package that speaks for itself finds its own key
    values: wire === 'guest' ? [] : key === undefined ? [...own, ...headers] : [...headers, ...literals(key)],
    signal,
    ...(origin === undefined ? {} : { origin }),
    keptKey: (name) => (name === known?.name ? known.value : undefined),
  });
}

function literals({ apiKey, headers = {} }: ProviderAnswer<'key'>): ProviderValue[] {
  const key = apiKey === undefined ? [] : [{ name: 'apiKey', header: 'authorization', text: apiKey, isLiteral: true as const }];
  return [...Object.entries(headers).map(([header, text]) => ({ name: header, header, text, isLiteral: true as const })), ...key];
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
