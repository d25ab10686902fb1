import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type Effect, isPublicAddress } from '../../format/index.ts';
import type { NetworkServer } from './mcp-server.ts';

/** Where a server is, and which of its addresses are those of this machine or its network. */
export interface Route {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly privateAddresses: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** These say what a message is and where it goes, which the wire says itself. */
const OWN_HEADERS =
  /^(host|connection|content-.*|transfer-encoding|upgrade|te|trailer|keep-alive|expect|accept|accept-encoding|proxy-.*|mcp-.*|last-event-id)$/i;
const MAX_REDIRECTS = 3;

/**
 * Looks where a server is: nothing is sent yet. Its name is resolved, so that who is asked can be told when it leads to
 * this machine or its network. @throws with what is wrong
 */
export async function findRoute({ url: text, headers }: NetworkServer): Promise<Route> {
  if (!URL.canParse(text)) throw new Error('its address is no URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`\`${url.protocol}\` is no protocol of the web`);
  // what stands in a URL stands in logs, too
  if (url.username !== '' || url.password !== '') throw new Error('a name and a password belong in a header, not in the URL');
  url.hash = '';
  const sent: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of headers) {
    if (!TOKEN.test(name) || /[\r\n\0]/.test(value)) throw new Error(`${JSON.stringify(name)} is no header`);
    if (OWN_HEADERS.test(name)) throw new Error(`the header \`${name}\` is not for a client to set`);
    sent[name.toLowerCase()] = value;
  }
  const addresses = await addressesOf(hostOf(url));
  return { url, headers: sent, privateAddresses: addresses.filter((address) => !isPublicAddress(address)) };
}

/** What is done there, in the grammar of permissions. */
export function effectOf({ url }: Route): Extract<Effect, { readonly kind: 'net' }> {
  const protocol = url.protocol === 'http:' ? 'http:' : 'https:';
  const port = url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { kind: 'net', method: 'POST', protocol, host: hostOf(url), port, path: url.pathname };
}

/** What a person should know of a route before they agree to it. */
export function warningsOf({ url, privateAddresses }: Route): readonly string[] {
  const host = hostOf(url);
  const inside = privateAddresses.filter((address) => address !== host);
  return [
    ...(privateAddresses.length === 0
      ? []
      : [`it is on this machine or in its network, not on the internet${inside.length === 0 ? '' : `: \`${host}\` leads to ${inside.join(', ')}`}`]),
    ...(url.protocol === 'http:' && privateAddresses.length === 0 ? ['nothing on the way is encrypted: whoever carries it can read and change it'] : []),
  ];
}

export interface NetworkRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Connections along one route. */
export interface Connections extends Disposable {
  request(url: URL, request: NetworkRequest): Promise<IncomingMessage>;
}

/**
 * Opens connections that go where it was agreed: whatever the name leads to later, a private address is one that was seen
 * before (DNS rebinding). A redirect is followed within the server only: the headers are for nobody else.
 */
export function openConnections({ url: { origin, protocol }, headers: own, privateAddresses }: Route): Connections {
  const options = { keepAlive: true, lookup: lookupWithin(new Set(privateAddresses)) };
  const agent = protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  const once = (url: URL, { method, headers, body, signal }: NetworkRequest): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const bytes = body === undefined ? undefined : Buffer.from(body, 'utf8');
    const length = bytes === undefined ? {} : { 'content-length': String(bytes.length) };
    const all = { 'accept-encoding': 'identity', 'user-agent': 'dash', ...own, ...headers, ...length };
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)(url, { method, headers: all, agent, signal });
    request.on('error', reject);
    request.on('response', resolve);
    request.end(bytes);
    return promise;
  };
  return {
    async request(first, request) {
      let url = first;
      for (let hops = 0; ; hops += 1) {
        const reply = await once(url, request);
        const { location } = reply.headers;
        if (![301, 302, 303, 307, 308].includes(reply.statusCode ?? 0) || location === undefined) return reply;
        reply.destroy();
        const next = new URL(location, url);
        if (next.origin !== origin) throw new Error(`it sends on to ${next.origin}: name that address in the editor, if it is the right one`);
        // with the others a message would become a question
        if (request.method !== 'GET' && reply.statusCode !== 307 && reply.statusCode !== 308) throw new Error(`it sends on to ${next.href}`);
        if (hops >= MAX_REDIRECTS) throw new Error('it sends on and on');
        url = next;
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function lookupWithin(agreed: ReadonlySet<string>): LookupFunction {
  return (host, options, callback) => {
    addressesOf(host).then(
      (addresses) => {
        const strange = addresses.find((address) => !isPublicAddress(address) && !agreed.has(address));
        if (strange !== undefined) return callback(new Error(`${host} now leads to the private address ${strange}`), '', 0);
        const all = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first = { address: '', family: 0 }] = all;
        if (options.all === true) callback(null, all);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
    );
  };
}

/** Never empty. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
}

/** Without brackets, without the trailing dot that makes `example.com.` another name for the same host. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
