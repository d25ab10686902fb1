import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One scripted answer on the wire of OpenAI's chat completions. */
export interface WireAnswer {
  readonly text?: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly usage?: { readonly prompt: number; readonly completion: number };
  /** An HTTP error instead of a stream. */
  readonly status?: number;
  /** Cuts the connection after this many chunks. */
  readonly cutAfter?: number;
  /** Never goes on after the first chunk, until the client leaves. */
  readonly hang?: boolean;
  /** Goes on after this many chunks only when the promise is kept. */
  readonly pause?: { readonly after: number; readonly until: Promise<unknown> };
}

export interface WireRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly messages: readonly Record<string, unknown>[];
    readonly tools?: readonly Record<string, unknown>[];
  };
}

export interface CompletionsServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly requests: readonly WireRequest[];
}

/** A server on loopback that streams like OpenAI's chat completions: server-sent events, split tool arguments, usage last, `[DONE]`. */
export async function startCompletionsServer(answers: readonly WireAnswer[]): Promise<CompletionsServer> {
  const requests: WireRequest[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = answers[requests.length] ?? {};
    const body: WireRequest['body'] = JSON.parse(Buffer.concat(chunks).toString());
    requests.push({ path: request.url ?? '', headers: request.headers, body });
    if (answer.status !== undefined) {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `scripted ${answer.status}`, type: 'server_error' } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, chunk] of chunksOf(answer, body.model).entries()) {
      if (index === answer.cutAfter) {
        response.destroy();
        return;
      }
      if (index === answer.pause?.after) await answer.pause.until;
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      if (answer.hang === true) return;
    }
    response.end('data: [DONE]\n\n');
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function chunksOf({ text = '', toolCalls = [], usage = { prompt: 10, completion: 5 } }: WireAnswer, model: string): object[] {
  const chunk = (delta: object, finish: string | null = null): object => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...(text.match(/\S*\s*/g) ?? []).filter((piece) => piece !== '').map((content) => chunk({ content })),
    ...toolCalls.flatMap(({ id, name, arguments: args }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      // Arguments arrive in pieces that are not JSON by themselves.
      ...[args.slice(0, 3), args.slice(3)].map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model,
      choices: [],
      usage: { prompt_tokens: usage.prompt, completion_tokens: usage.completion, total_tokens: usage.prompt + usage.completion },
    },
  ];
}
