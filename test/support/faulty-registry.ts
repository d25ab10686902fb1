import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';

import { onTestFinished } from 'vitest';

import type { FixtureRegistry } from './npm-registry.ts';

/** What a registry does wrong on one path. `whole` is what it would have answered. */
export type Fault = (whole: Buffer, response: ServerResponse, attempt: number) => void;

/** Every way in which a registry fails; the real one answers again when the fault is taken away. */
export const FAULTS = {
  /** Fails so many times, then answers. */
  status:
    (status: number, times: number, headers: Readonly<Record<string, string>> = {}): Fault =>
    (whole, response, attempt) =>
      attempt <= times ? void response.writeHead(status, headers).end('no') : void response.end(whole),
  drip:
    (everyMs: number, bytes: number): Fault =>
    (whole, response) => {
      let sent = 0;
      const timer = setInterval(() => response.write(whole.subarray(sent % whole.length, (sent += bytes) % whole.length || undefined)), everyMs);
      response.on('close', () => clearInterval(timer));
    },
  stall: ((whole, response) => response.writeHead(200, { 'content-length': whole.length }).flushHeaders()) satisfies Fault,
  silence: (() => undefined) satisfies Fault,
  reset:
    (times: number): Fault =>
    (whole, response, attempt) => {
      if (attempt > times) return void response.end(whole);
      response.writeHead(200, { 'content-length': whole.length });
      response.write(whole.subarray(0, whole.length >> 1), () => response.socket?.resetAndDestroy());
    },
  /** Ends early and properly: only the content tells. */
  truncate: ((whole, response) => void response.end(whole.subarray(0, whole.length >> 1))) satisfies Fault,
  flipBit: ((whole, response) => {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8((damaged[whole.length >> 1] ?? 0) ^ 1, whole.length >> 1);
    response.end(damaged);
  }) satisfies Fault,
  html: ((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>log in</title>')) satisfies Fault,
  redirect:
    (location: string): Fault =>
    (_, response) =>
      void response.writeHead(302, { location }).end(),
  /** A packument that says something else, and says so for five minutes, as npm's does. */
  saying:
    (change: (packument: string) => string): Fault =>
    (whole, response) =>
      void response.writeHead(200, { 'cache-control': 'max-age=300' }).end(change(whole.toString())),
};

/** Puts a fault on a path; what is given back takes it away. */
export async function spoil(registry: FixtureRegistry, path: string, fault: Fault): Promise<() => void> {
  const whole = Buffer.from(await (await fetch(new URL(path, registry.url))).arrayBuffer());
  let attempt = 0;
  registry.handle(path, (_, response) => fault(whole, response, ++attempt));
  return () => registry.handle(path, undefined);
}

/** Another host: answers all paths, and remembers what it was shown. */
export async function otherHost(answer: Buffer): Promise<{ readonly url: string; readonly authorizations: (string | undefined)[] }> {
  const authorizations: (string | undefined)[] = [];
  const listener: RequestListener = (request, response) => {
    authorizations.push(request.headers.authorization);
    response.end(answer);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/elsewhere`, authorizations };
}
