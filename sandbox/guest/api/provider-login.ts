import type { GuestLink } from '../link.ts';
import type { ProviderConfig } from './provider.ts';
import { unsupported } from './unsupported.ts';

type Login = Record<string, unknown>;

/** pi's `oauth` of a provider's configuration. */
export interface LegacyOAuth {
  login?(callbacks: object): Promise<Login>;
  refreshToken?(login: Login, signal: AbortSignal): Promise<Login>;
  getApiKey?(login: Login): string;
  modifyModels?(models: readonly object[], login: Login): readonly Record<string, unknown>[];
}

/** The same of a whole provider of pi-ai's. */
export interface NativeOAuth {
  login?(interaction: object): Promise<Login>;
  refresh?(login: Login, signal: AbortSignal): Promise<Login>;
  toAuth?(login: Login): Promise<{ apiKey?: string; headers?: Record<string, string | null>; baseUrl?: string }>;
}

/** Has the package log the user in. What it shows and asks goes through the host, which names the package. */
export async function logIn(name: string, { oauth, auth }: ProviderConfig, link: GuestLink, signal: AbortSignal): Promise<Login> {
  const dialog = new LoginDialog(name, link, signal);
  if (oauth?.login !== undefined) return oauth.login(dialog.legacy());
  if (auth?.oauth?.login !== undefined) return asWritten(await auth.oauth.login(dialog.native()));
  throw unsupported('a provider without `oauth.login`', 'take a key: `apiKey: "$NAME"`');
}

/** Has it bring a login up to date. */
export async function renewLogin({ oauth, auth }: ProviderConfig, login: Login, signal: AbortSignal): Promise<Login> {
  // what the package keeps beside the token stays where the provider sends only the token
  if (oauth?.refreshToken !== undefined) return { ...login, ...(await oauth.refreshToken({ ...login }, signal)) };
  if (auth?.oauth?.refresh !== undefined) return asWritten({ ...login, ...(await auth.oauth.refresh({ type: 'oauth', ...login }, signal)) });
  throw unsupported('a login that ends, without `oauth.refreshToken`', 'log in again');
}

/** What a request goes out with. */
export async function keyOf({ oauth, auth }: ProviderConfig, login: Login): Promise<{ apiKey?: string; headers?: Record<string, string>; baseUrl?: string }> {
  if (oauth !== undefined) return { apiKey: String(oauth.getApiKey === undefined ? login['access'] : oauth.getApiKey({ ...login })) };
  const { apiKey, headers, baseUrl } = (await auth?.oauth?.toAuth?.({ type: 'oauth', ...login })) ?? {};
  const sent = Object.entries(headers ?? {}).filter((header): header is [string, string] => typeof header[1] === 'string');
  return { ...(apiKey !== undefined && { apiKey }), ...(sent.length > 0 && { headers: Object.fromEntries(sent) }), ...(baseUrl !== undefined && { baseUrl }) };
}

/** The kind of a credential is the host's business. */
function asWritten(credential: Login): Login {
  return Object.fromEntries(Object.entries(credential).filter(([key]) => key !== 'type'));
}

class LoginDialog {
  readonly #provider: string;
  readonly #link: GuestLink;
  readonly #signal: AbortSignal;

  constructor(provider: string, link: GuestLink, signal: AbortSignal) {
    this.#provider = provider;
    this.#link = link;
    this.#signal = signal;
  }

  legacy(): object {
    return {
      signal: this.#signal,
      onAuth: ({ url, instructions }: { url: string; instructions?: string }) => this.#open(url, instructions),
      onDeviceCode: ({ userCode, verificationUri }: { userCode: string; verificationUri: string }) => this.#code(userCode, verificationUri),
      onProgress: (message: string) => this.#tell({ kind: 'say', text: String(message) }),
      onPrompt: (prompt: { message: string; placeholder?: string }) => this.#ask(prompt),
      onManualCodeInput: () => this.#ask({ message: 'paste the code, or the address that the browser ended at' }),
      onSelect: ({ message, options }: { message: string; options: Option[] }) => this.#choose(message, options),
    };
  }

  native(): object {
    return {
      signal: this.#signal,
      notify: (event: NativeEvent) => {
        switch (event.type) {
          case 'auth_url':
            return this.#open(event.url, event.instructions);
          case 'device_code':
            return this.#code(event.userCode, event.verificationUri);
          default:
            return this.#tell({ kind: 'say', text: String(event.message) });
        }
      },
      prompt: async (prompt: { type: string; message: string; placeholder?: string; options?: Option[]; signal?: AbortSignal }) => {
        if (prompt.type !== 'select') return this.#ask(prompt, prompt.signal);
        const chosen = await this.#choose(prompt.message, prompt.options ?? [], prompt.signal);
        if (chosen === undefined) throw new Error('nothing was chosen');
        return chosen;
      },
    };
  }

  #open(url: string, text: string | undefined): void {
    this.#tell({ kind: 'open', url: String(url), ...(text !== undefined && { text: String(text) }) });
  }

  #code(code: string, url: string): void {
    this.#tell({ kind: 'code', url: String(url), code: String(code) });
  }

  /** At once, so that what is told stands before what is asked next. */
  #tell(step: object): void {
    this.#link.requestSync('provider.login', { provider: this.#provider, step });
  }

  async #ask({ message, placeholder }: { message: string; placeholder?: string }, signal = this.#signal): Promise<string> {
    const answer = await this.#answer(
      { kind: 'ask', message: String(message), ...(placeholder !== undefined && { placeholder: String(placeholder) }) },
      signal,
    );
    if (answer === undefined) throw new Error('nothing was typed');
    return answer;
  }

  async #choose(message: string, options: readonly Option[], signal = this.#signal): Promise<string | undefined> {
    const labels = options.map(({ label }, index) => (options.findIndex((other) => other.label === label) === index ? label : `${label} (${index + 1})`));
    const answer = await this.#answer({ kind: 'choose', message: String(message), choices: labels }, signal);
    return answer === undefined ? undefined : options[labels.indexOf(answer)]?.id;
  }

  async #answer(step: object, signal: AbortSignal): Promise<string | undefined> {
    const { answer } = (await this.#link.request('provider.login', { provider: this.#provider, step }, signal)) as { answer?: string | null };
    return answer ?? undefined;
  }
}

interface Option {
  readonly id: string;
  readonly label: string;
}

type NativeEvent =
  | { readonly type: 'auth_url'; readonly url: string; readonly instructions?: string }
  | { readonly type: 'device_code'; readonly userCode: string; readonly verificationUri: string }
  | { readonly type: 'info' | 'progress'; readonly message: string };
