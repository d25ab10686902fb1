import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Effect } from '../../format/index.ts';
import { CapabilityFailure, type Request } from '../define-capability.ts';
import { DOOR_PORT, openDoor } from '../os-layer/index.ts';
import { checkedAddress, hostOf, needFor } from './net-fetch.ts';

/** Connections of one program at once. */
const MAX_CONNECTIONS = 64;
const IDLE_TIMEOUT_MS = 120_000;
/** What is said between a program and its proxy, and no further. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host)$/i;

/** The one way out of a confined program: a proxy that belongs to this call, and asks the broker for every host. */
export interface ProgramNetwork extends Disposable {
  /** Tells programs where their proxy is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Opens the way in the network namespace of `pid`, which waits meanwhile. */
  enter(pid: number): Promise<void>;
}

/** Makes the proxy of one call; `undefined` where the package neither has nor wants a host, so that there is nothing to decide. */
export function programNetwork(request: Request, nsenter: string | undefined): ProgramNetwork | undefined {
  if (nsenter === undefined) return undefined;
  if (!request.asksFor('net') && !request.granted().permissions.some(({ area, deny }) => area === 'net' && !deny)) return undefined;
  const http = createServer({ keepAliveTimeout: IDLE_TIMEOUT_MS }, (incoming, outgoing) => void forward(incoming, outgoing, request));
  http.on('connect', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void tunnel(incoming.url ?? '', socket, head, request));
  http.on('clientError', (_error, socket) => socket.destroy());
  const open = new Set<Socket>();
  let door: Server | undefined;
  let isClosed = false;
  return {
    environment: PROXY_VARIABLES,
    async enter(pid) {
      door = await openDoor(nsenter, pid, (socket) => {
        if (isClosed || open.size >= MAX_CONNECTIONS) return void socket.destroy();
        open.add(socket);
        socket.on('error', () => undefined); // its program ended, or gave up
        socket.on('close', () => open.delete(socket));
        socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
        http.emit('connection', socket);
      });
      if (isClosed) door.close();
    },
    [Symbol.dispose]() {
      isClosed = true;
      door?.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const PROXY = `http://127.0.0.1:${DOOR_PORT}`;
const PROXY_VARIABLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].map((name) => [name, PROXY])),
  // Node's own fetch looks at them only then.
  NODE_USE_ENV_PROXY: '1',
};

/** A connection of which nothing but the host is seen: only who was granted all of a host gets one. */
async function tunnel(target: string, socket: Duplex, head: Buffer, request: Request): Promise<void> {
  socket.on('error', () => undefined);
  try {
    const url = new URL(`http://${target}`);
    const [, given] = /:(\d{1,5})$/.exec(target) ?? [];
    const port = Number(given);
    if (given === undefined || url.pathname !== '/' || url.username !== '')
      throw new CapabilityFailure({ code: 'ERR_INVALID_URL', message: 'not a host and a port' });
    const host = hostOf(url);
    const effect: Effect & { kind: 'net' } = { kind: 'net', method: 'CONNECT', protocol: port === 80 ? 'http:' : 'https:', host, port, path: '/' };
    // A permission for some paths or methods cannot be checked in a tunnel, and neither can a denial of some.
    await request.decide({ effect, target: `CONNECT ${host}:${port}`, whole: true });
    const address = await checkedAddress(host);
    request.signal.throwIfAborted();
    const outside = connect({ host: address, port });
    outside.setTimeout(IDLE_TIMEOUT_MS, () => outside.destroy());
    outside.on('error', () => socket.destroy());
    outside.on('close', () => socket.destroy());
    socket.on('close', () => outside.destroy());
    outside.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) outside.write(head);
      outside.pipe(socket).pipe(outside);
    });
  } catch (error) {
    socket.end(refusalText(error));
  }
}

/** A request without TLS is seen as a whole, and decided on as one of the package itself. */
async function forward(incoming: IncomingMessage, outgoing: ServerResponse, request: Request): Promise<void> {
  incoming.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  try {
    const url = new URL(incoming.url ?? '');
    const method = incoming.method ?? 'GET';
    if (url.protocol !== 'http:' || url.username !== '' || url.password !== '')
      throw new CapabilityFailure({ code: 'ERR_INVALID_URL', message: 'only http goes through in the open' });
    await request.decide(needFor(url, method));
    const address = await checkedAddress(hostOf(url));
    request.signal.throwIfAborted();
    const headers: Record<string, string | string[]> = { host: url.host };
    for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined && !HOP_BY_HOP.test(name)) headers[name] = value;
    const outside = httpRequest({
      method,
      host: address,
      port: url.port === '' ? 80 : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers,
      setHost: false,
      agent: false,
      timeout: IDLE_TIMEOUT_MS,
      signal: request.signal,
    });
    outside.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end('dash: the server did not answer\n')));
    outside.on('timeout', () => outside.destroy());
    outside.on('response', (reply) => {
      const kept = Object.entries(reply.headers).filter(([name]) => !HOP_BY_HOP.test(name));
      outgoing.writeHead(reply.statusCode ?? 502, Object.fromEntries(kept));
      reply.pipe(outgoing);
    });
    outgoing.on('close', () => outside.destroy());
    incoming.pipe(outside);
  } catch (error) {
    outgoing.writeHead(403, { connection: 'close', 'content-type': 'text/plain' }).end(`dash: ${wordsOf(error)}\n`);
  }
}

function refusalText(error: unknown): string {
  const text = `dash: ${wordsOf(error)}\n`;
  return `HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`;
}

function wordsOf(error: unknown): string {
  return error instanceof CapabilityFailure ? error.message : 'this address cannot be reached';
}
