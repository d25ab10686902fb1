import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  client,
  type ClientCapabilities,
  type ClientConnection,
  type CreateElicitationRequest,
  type CreateElicitationResponse,
  methods,
  ndJsonStream,
  type NewSessionResponse,
  PROTOCOL_VERSION,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
} from '@agentclientprotocol/sdk';
import { onTestFinished } from 'vitest';
import { BIN, environment, type Person } from '../../scripts/demo/stage.ts';
import { type Recorded, violations } from './acp-schema.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface AcpClientOptions {
  readonly capabilities?: ClientCapabilities;
  /** Which option is chosen of each question, by its id or its kind; `undefined` is cancelled. May wait. */
  readonly answer?: (question: RequestPermissionRequest) => string | undefined | Promise<string | undefined>;
  readonly fill?: (question: CreateElicitationRequest) => CreateElicitationResponse;
  readonly readFile?: (path: string) => string | Promise<string>;
  readonly writeFile?: (path: string, content: string) => void | Promise<void>;
  readonly args?: readonly string[];
  /** The person whose `dash` it is. Default: a new one. */
  readonly person?: Person;
}

/** `dash acp` as a process of its own, and an editor that speaks to it with the protocol's own library. */
export interface AcpClient {
  readonly person: Person;
  readonly agent: ClientConnection['agent'];
  readonly child: ChildProcess;
  readonly updates: readonly (SessionUpdate & { readonly sessionId: string })[];
  readonly questions: readonly RequestPermissionRequest[];
  readonly transcript: readonly Recorded[];
  /** Settles with the exit code. */
  readonly ended: Promise<number | null>;
  stderr(): string;
  newSession(cwd: string): Promise<NewSessionResponse>;
  /** Prompts with text, and gives the reason of the end. */
  prompt(sessionId: string, text: string): Promise<string>;
  /** What the agent said in a session, joined. */
  said(sessionId: string): string;
  /** Waits until an update is there; the time is a guard. */
  until(matches: (update: SessionUpdate & { readonly sessionId: string }) => boolean): Promise<SessionUpdate>;
  /** Goes away, and waits for the end of the agent; the conversation must have been as the protocol says. */
  close(): Promise<number | null>;
}

const GUARD_MS = 30_000;

/** Writes a script for the model and gives the argument that names it. */
export async function scripted(turns: readonly object[], more: object = {}): Promise<string> {
  const file = join(await temporaryDirectory(), 'script.json');
  await writeFile(file, JSON.stringify({ turns, ...more }));
  return `scripted:${file}`;
}

export async function startAcp(turns: readonly object[], options: AcpClientOptions = {}): Promise<AcpClient> {
  const person = options.person ?? (await newPerson());
  const args = turns.length === 0 ? [] : ['--model', await scripted(turns)];
  const child = spawn(process.execPath, [BIN, 'acp', ...args, ...(options.args ?? [])], {
    cwd: person.home,
    env: environment(person),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);

  const updates: (SessionUpdate & { readonly sessionId: string })[] = [];
  const questions: RequestPermissionRequest[] = [];
  const transcript: Recorded[] = [];
  const waiting = new Set<() => void>();
  const stream = ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>);
  const connection = client({ name: 'test' })
    .onNotification(methods.client.session.update, ({ params: { sessionId, update } }) => {
      updates.push({ ...update, sessionId });
      for (const look of waiting) look();
    })
    .onRequest(methods.client.session.requestPermission, async ({ params }): Promise<RequestPermissionResponse> => {
      questions.push(params);
      for (const look of waiting) look();
      const chosen = await options.answer?.(params);
      const option = params.options.find(({ optionId, kind }) => optionId === chosen || kind === chosen);
      return { outcome: option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option.optionId } };
    })
    .onRequest(methods.client.elicitation.create, ({ params }) => options.fill?.(params) ?? { action: 'cancel' })
    .onRequest(methods.client.fs.readTextFile, async ({ params }) => {
      if (options.readFile === undefined) throw new Error('no such capability');
      return { content: await options.readFile(params.path) };
    })
    .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
      if (options.writeFile === undefined) throw new Error('no such capability');
      await options.writeFile(params.path, params.content);
      return {};
    })
    .connect(recorded(stream, transcript));
  const { agent } = connection;

  const until: AcpClient['until'] = (matches) => {
    const { promise, resolve, reject } = Promise.withResolvers<SessionUpdate>();
    const look = (): void => {
      const found = updates.find(matches);
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`no such update came\n${JSON.stringify(updates.slice(-8))}\n${stderr}`)), GUARD_MS);
    waiting.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(look);
    });
  };

  return {
    person,
    agent,
    child,
    updates,
    questions,
    transcript,
    ended,
    stderr: () => stderr,
    until,
    newSession: (cwd) => agent.request(methods.agent.session.new, { cwd, mcpServers: [] }),
    prompt: async (sessionId, text) => (await agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: 'text', text }] })).stopReason,
    said: (sessionId) =>
      updates
        .flatMap((update) =>
          update.sessionId === sessionId && update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text' ? [update.content.text] : [],
        )
        .join(''),
    async close() {
      child.stdin.end();
      const code = await ended;
      const wrong = violations(transcript);
      if (wrong.length > 0) throw new Error(`not as the protocol says:\n${wrong.join('\n')}`);
      return code;
    },
  };
}

/** Initializes, as every client does first. */
export async function initialize({ agent }: AcpClient, capabilities: ClientCapabilities = {}): ReturnType<typeof ask> {
  return ask(agent, capabilities);
}

function ask(agent: ClientConnection['agent'], clientCapabilities: ClientCapabilities) {
  return agent.request(methods.agent.initialize, { protocolVersion: PROTOCOL_VERSION, clientCapabilities, clientInfo: { name: 'test', version: '1' } });
}

/** A home of its own. */
export async function newPerson(): Promise<Person> {
  const root = await temporaryDirectory();
  const home = join(root, 'home');
  await mkdir(home);
  return { home, dashHome: join(home, '.dash') };
}

function recorded(stream: ReturnType<typeof ndJsonStream>, transcript: Recorded[]): ReturnType<typeof ndJsonStream> {
  const note = (from: Recorded['from']) =>
    new TransformStream({
      transform(message: Recorded['message'], controller) {
        transcript.push({ from, message });
        controller.enqueue(message);
      },
    });
  const outgoing = note('client');
  void outgoing.readable.pipeTo(stream.writable as WritableStream<unknown>).catch(() => undefined);
  return {
    readable: (stream.readable as unknown as ReadableStream<Recorded['message']>).pipeThrough(note('agent')),
    writable: outgoing.writable,
  } as unknown as ReturnType<typeof ndJsonStream>;
}
