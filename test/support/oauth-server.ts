import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readAll } from 'node:stream/consumers';

/** What a form that was posted is answered with. */
export type Answer = (form: Readonly<Record<string, string>>) => object;

/** A server of tokens on loopback. `answers` are taken in turn, the last of them again and again. */
export interface OAuthServer extends AsyncDisposable {
  readonly url: string;
  readonly forms: readonly Readonly<Record<string, string>>[];
}

export async function startOAuthServer(...answers: readonly Answer[]): Promise<OAuthServer> {
  const forms: Record<string, string>[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = Object.fromEntries(new URLSearchParams(await readAll(request)));
    forms.push({ path: request.url ?? '', ...form });
    const answer = answers[Math.min(forms.length, answers.length) - 1]?.(form) ?? {};
    response.writeHead('error' in answer ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forms,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
