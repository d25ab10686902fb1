import { unsupported } from './system-error.ts';

/** Makes what `import … from 'undici'` gives: the guest's fetch; connections and their settings are the broker's. */
export function createUndici(): Record<string, unknown> {
  class Dispatcher {
    readonly options: unknown;

    constructor(options?: unknown) {
      this.options = options;
    }

    // No connection of ours is open.
    async close(): Promise<void> {}

    async destroy(): Promise<void> {}

    request(options: { origin: string | URL; path: string }): Promise<unknown> {
      return request(new URL(options.path, options.origin), options);
    }

    dispatch(): never {
      throw unsupported('undici.Dispatcher.dispatch()', 'use fetch');
    }
  }
  class Agent extends Dispatcher {}
  class Pool extends Dispatcher {}
  class Client extends Dispatcher {}
  // A proxy is the user's to set; the package's wish is kept as data and has no effect.
  class ProxyAgent extends Dispatcher {}
  class EnvHttpProxyAgent extends Dispatcher {}
  let dispatcher: unknown = new Agent();

  const request = async (url: string | URL, options: Readonly<Record<string, unknown>> = {}) => {
    const { method, headers, body, signal } = options;
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' } as RequestInit);
    const readable = Object.assign(response.body === null ? [] : response.body, {
      text: () => response.text(),
      json: () => response.json(),
      arrayBuffer: () => response.arrayBuffer(),
      bytes: () => response.bytes(),
      blob: () => response.blob(),
      dump: async () => void (await response.arrayBuffer()),
    });
    return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: readable, trailers: {}, opaque: null, context: {} };
  };
  const refuse = (name: string) => () => {
    throw unsupported(`undici.${name}()`, 'use fetch');
  };
  return {
    fetch,
    request,
    Headers,
    Request,
    Response,
    FormData,
    File,
    Dispatcher,
    Agent,
    Pool,
    Client,
    ProxyAgent,
    EnvHttpProxyAgent,
    setGlobalDispatcher: (given: unknown) => void (dispatcher = given),
    getGlobalDispatcher: () => dispatcher,
    setGlobalOrigin: refuse('setGlobalOrigin'),
    stream: refuse('stream'),
    pipeline: refuse('pipeline'),
    connect: refuse('connect'),
    upgrade: refuse('upgrade'),
    interceptors: {},
    errors: {},
  };
}

/** Makes what `import … from 'node-fetch'` gives. */
export function createNodeFetch(): Record<string, unknown> {
  const nodeFetch = (url: string | URL | Request, options?: RequestInit) => fetch(url, options);
  const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status);
  class FetchError extends Error {
    override readonly name = 'FetchError';
  }
  const members = { Headers, Request, Response, FormData, Blob, File, FetchError, AbortError: DOMException, isRedirect };
  return Object.assign(nodeFetch, members, { default: nodeFetch }) as unknown as Record<string, unknown>;
}
