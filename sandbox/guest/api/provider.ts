import type { ProviderModelRegistration, ProviderRegistration } from '../../../format/index.ts';
import type { ProviderAct } from '../../provider-acts.ts';
import type { GuestLink } from '../link.ts';
import { keyOf, type LegacyOAuth, logIn, type NativeOAuth, renewLogin } from './provider-login.ts';
import { unsupported } from './unsupported.ts';

type Stream = (model: unknown, context: unknown, options: object) => AsyncIterable<unknown>;

/** What package code hands to `registerProvider`: pi's ProviderConfig, or a whole provider of pi-ai's. */
export interface ProviderConfig {
  readonly id?: string;
  readonly name?: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly api?: string;
  readonly headers?: Record<string, string>;
  readonly authHeader?: boolean;
  readonly models?: readonly Record<string, unknown>[];
  readonly streamSimple?: Stream;
  readonly oauth?: LegacyOAuth;
  refreshModels?(context: object): Promise<unknown>;
  readonly auth?: { readonly oauth?: NativeOAuth; readonly apiKey?: { resolve?(input: object): unknown } };
  getModels?(): readonly Record<string, unknown>[];
}

/** A provider as data for the host, and what only the guest can do of it. */
export interface GuestProvider {
  readonly registration: ProviderRegistration;
  readonly config: ProviderConfig;
}

/** Reads what was handed in. @throws {TypeError} for what is no provider */
export function readProvider(given: string | ProviderConfig, second?: ProviderConfig): GuestProvider {
  const config = typeof given === 'string' ? second : given;
  const name = typeof given === 'string' ? given : String(given.id ?? given.name ?? '');
  if (name === '' || typeof config !== 'object' || config === null) throw new TypeError('registerProvider(name, {baseUrl?, api?, apiKey?, headers?, models?})');
  const isWhole = typeof given !== 'string' && typeof config.getModels === 'function';
  const models = isWhole ? config.getModels?.() : config.models;
  const text = (key: 'baseUrl' | 'apiKey' | 'api'): object => (typeof config[key] === 'string' ? { [key]: config[key] } : {});
  return {
    config,
    registration: {
      name,
      ...(typeof config.name === 'string' && { label: config.name }),
      ...text('baseUrl'),
      ...text('apiKey'),
      ...text('api'),
      ...(config.headers && { headers: Object.fromEntries(Object.entries(config.headers).map(([header, value]) => [header, String(value)])) }),
      ...(config.authHeader === true && { authHeader: true as const }),
      ...(models && { models: models.map(readModel) }),
      ...(typeof config.streamSimple === 'function' && { streams: true as const }),
      ...((config.oauth ?? config.auth?.oauth) !== undefined && { oauth: true as const }),
      ...((config.refreshModels ?? config.oauth?.modifyModels) !== undefined && { refreshes: true as const }),
    },
  };
}

/** Has the package's own wire answer: each event as it comes, without the answer so far, which the host puts together. */
export async function streamFrom({ config }: GuestProvider, request: StreamRequest, signal: AbortSignal, tell: (event: unknown) => void): Promise<void> {
  const { streamSimple } = config;
  if (streamSimple === undefined) throw unsupported('a provider without `streamSimple`', 'name its `api`, and the host speaks to it');
  // A key that it reads here is a handle: it becomes the value on its way to the hosts it may go to.
  const key = request.apiKey ?? (request.login === undefined ? await ownKey(config) : (await keyOf(config, request.login)).apiKey);
  const options = { ...request.options, signal, env: process.env, ...(key === undefined ? {} : { apiKey: key }) };
  for await (const event of streamSimple.call(config, request.model, request.context, options)) {
    const { partial, ...rest } = event as { partial?: { content?: unknown[] }; type?: string; contentIndex?: number };
    const isStart = typeof rest.type === 'string' && rest.type.endsWith('_start');
    tell(isStart ? { ...rest, block: partial?.content?.[rest.contentIndex ?? -1] } : rest);
  }
}

export interface StreamRequest {
  readonly model: unknown;
  readonly context: unknown;
  readonly options: object;
  readonly apiKey?: string;
  readonly login?: Record<string, unknown>;
}

/** Does for a provider what only the package's code can. */
export async function performAct(name: string, { config }: GuestProvider, act: ProviderAct, link: GuestLink, signal: AbortSignal): Promise<unknown> {
  switch (act.kind) {
    case 'login':
      return logIn(name, config, link, signal);
    case 'renew':
      return renewLogin(config, act.login, signal);
    case 'key':
      return keyOf(config, act.login);
    case 'models':
      return lookUpModels(name, config, act, signal);
  }
}

/** pi's providers return their models, pi-ai's have them afterwards. The host keeps what comes of it. */
async function lookUpModels(
  name: string,
  config: ProviderConfig,
  { login, known }: Extract<ProviderAct, { kind: 'models' }>,
  signal: AbortSignal,
): Promise<unknown> {
  const publish = async ({ update }: { update?: () => void }): Promise<boolean> => {
    update?.();
    return true;
  };
  const credential = login === undefined ? {} : { credential: { type: 'oauth', ...login } };
  const given = { ...credential, stored: { models: known }, publish, allowNetwork: true, force: true, signal };
  const returned = await config.refreshModels?.(given);
  const models: unknown = returned ?? config.getModels?.() ?? config.models ?? known;
  if (!Array.isArray(models)) throw new TypeError(`refreshModels of \`${name}\` gave no list of models`);
  const { api, baseUrl, oauth } = config;
  if (login === undefined || oauth?.modifyModels === undefined) return models.map(readModel);
  return oauth
    .modifyModels(
      models.map((model: object) => ({ provider: name, api, baseUrl, ...model })),
      { ...login },
    )
    .map(readModel);
}

/** pi-ai's own providers find their key in the environment; there handles stand for secrets. */
async function ownKey({ auth, apiKey }: ProviderConfig): Promise<string | undefined> {
  if (apiKey !== undefined)
    return apiKey.replaceAll(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (_all, braced?: string, plain?: string) => process.env[braced ?? plain ?? ''] ?? '');
  const ctx = { env: async (name: string) => process.env[name], fileExists: async () => false };
  const found = (await auth?.apiKey?.resolve?.({ ctx, signal: new AbortController().signal })) as { auth?: { apiKey?: string } } | undefined;
  return found?.auth?.apiKey;
}

const TEXTS = ['name', 'api', 'baseUrl'] as const;
const NUMBERS = ['contextWindow', 'maxTokens'] as const;
const PLAIN = ['input', 'cost', 'headers', 'compat', 'thinkingLevelMap', 'promptCache', 'samplingParams'] as const;

function readModel(model: Record<string, unknown>): ProviderModelRegistration {
  const kept: Record<string, unknown> = { id: String(model['id']) };
  for (const key of TEXTS) if (typeof model[key] === 'string') kept[key] = model[key];
  for (const key of NUMBERS) if (typeof model[key] === 'number') kept[key] = model[key];
  for (const key of PLAIN) if (model[key] !== undefined && model[key] !== null) kept[key] = model[key];
  if (model['reasoning'] === true) kept['reasoning'] = true;
  return JSON.parse(JSON.stringify(kept)) as ProviderModelRegistration;
}
