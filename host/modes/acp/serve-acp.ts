import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  agent,
  type AgentConnection,
  type AgentContext,
  type AuthMethod,
  type ClientCapabilities,
  type McpServer,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type SessionInfo,
  type Stream,
} from '@agentclientprotocol/sdk';
import { DashError, isDashError } from '../../../format/index.ts';
import { deleteUnusedSession } from '../../events/session-in-use.ts';
import { chooseModel } from '../../model/choose-model.ts';
import { findSession, listSessions, type SessionSummary } from '../../session/session-library.ts';
import type { SessionChoice } from '../../session/start-session.ts';
import { AcpSession, asRequestError } from './acp-session.ts';
import { createClientFiles } from './client-files.ts';
import type { AcpOptions } from './index.ts';
import { titleOf } from './session-updates.ts';

/** Serves one client until it goes, or the signal aborts. @throws {DashError} USAGE when what it sends is no protocol any more */
export async function serveAcp(options: AcpOptions): Promise<void> {
  const { input, output, signal } = options;
  const server = new AcpServer(options);
  // a client that is gone ends the connection below; that nobody reads is no failure
  output.on('error', () => input.destroy());
  input.on('error', () => undefined);
  const stream = ndJsonStream(Writable.toWeb(output), Readable.toWeb(input) as ReadableStream<Uint8Array>, { maxMessageBytes: MAX_MESSAGE_BYTES });
  let failure: unknown;
  const connection = server.connect({ ...stream, readable: told(stream.readable, (error) => (failure = error)) });
  const end = (): void => connection.close();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  await connection.closed;
  signal.removeEventListener('abort', end);
  await server[Symbol.asyncDispose]();
  input.destroy();
  if (failure !== undefined) throw new DashError('USAGE', `a message of the client is longer than ${MAX_MESSAGE_BYTES} bytes`, { cause: failure });
}

/** The connection keeps to itself why it ended: whoever looks into an editor's log wants to know. */
function told(readable: Stream['readable'], failed: (error: unknown) => void): Stream['readable'] {
  const messages = async function* (): AsyncGenerator<unknown> {
    try {
      for await (const message of readable) yield message;
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  return ReadableStream.from(messages()) as Stream['readable'];
}

/** A prompt may hold images; a client that never ends a line must not fill the memory. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const SESSIONS_ON_A_PAGE = 50;

/** The methods of the protocol, over the sessions that are open. */
class AcpServer implements AsyncDisposable {
  readonly #options: AcpOptions;
  readonly #sessions = new Map<string, AcpSession>();
  /** Sessions that are being opened or closed: the end waits for them. */
  readonly #pending = new Set<Promise<unknown>>();
  #capabilities: ClientCapabilities = {};
  #isClosed = false;

  constructor(options: AcpOptions) {
    this.#options = options;
  }

  connect(stream: Stream): AgentConnection {
    const { session } = methods.agent;
    return agent({ name: 'dash' })
      .onRequest(methods.agent.initialize, ({ params }) => {
        this.#capabilities = params.clientCapabilities ?? {};
        return {
          protocolVersion: PROTOCOL_VERSION,
          agentInfo: { name: 'dash', title: 'Dash', version: this.#options.version },
          agentCapabilities: {
            loadSession: true,
            promptCapabilities: { image: true, audio: false, embeddedContext: true },
            mcpCapabilities: { http: true, sse: true },
            sessionCapabilities: { list: {}, resume: {}, close: {}, delete: {} },
          },
          authMethods: this.#authMethods(),
        };
      })
      .onRequest(methods.agent.authenticate, ({ params }) =>
        answered(async () => {
          if (!this.#authMethods().some(({ id }) => id === params.methodId))
            throw RequestError.invalidParams(undefined, `there is no method \`${params.methodId}\``);
          await this.#models();
          return {};
        }),
      )
      .onRequest(session.new, ({ params, client }) =>
        answered(async () => {
          const opened = await this.#open(params, { kind: 'new' }, client);
          beginAfterAnswer(opened, params);
          return { sessionId: opened.id, ...opened.state() };
        }),
      )
      .onRequest(session.load, ({ params, client }) =>
        answered(async () => {
          const opened = await this.#reopen(params, client);
          await opened.replay();
          beginAfterAnswer(opened, params);
          return opened.state();
        }),
      )
      .onRequest(session.resume, ({ params, client }) =>
        answered(async () => {
          const opened = await this.#reopen(params, client);
          beginAfterAnswer(opened, params);
          return opened.state();
        }),
      )
      .onRequest(session.list, ({ params }) => answered(() => this.#list(params.cwd ?? undefined, params.cursor ?? undefined)))
      .onRequest(session.close, ({ params }) =>
        answered(async () => {
          await this.#close(this.#session(params.sessionId));
          return {};
        }),
      )
      .onRequest(session.delete, ({ params }) =>
        answered(async () => {
          await this.#delete(params.sessionId);
          return {};
        }),
      )
      .onRequest(session.setMode, ({ params }) =>
        answered(async () => {
          this.#session(params.sessionId).setMode(params.modeId);
          return {};
        }),
      )
      .onRequest(session.setConfigOption, ({ params }) =>
        answered(async () => {
          if (typeof params.value !== 'string') throw RequestError.invalidParams(undefined, `\`${params.configId}\` is chosen by name`);
          return { configOptions: this.#session(params.sessionId).choose(params.configId, params.value) };
        }),
      )
      .onRequest(session.prompt, ({ params, signal }) =>
        answered(async () => ({ stopReason: await this.#session(params.sessionId).prompt(params.prompt, signal) })),
      )
      .onNotification(session.cancel, ({ params }) => this.#sessions.get(params.sessionId)?.cancel())
      .connect(stream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
    await Promise.all([...this.#sessions.values()].map((session) => session[Symbol.asyncDispose]()));
    this.#sessions.clear();
  }

  #authMethods(): AuthMethod[] {
    const terminal: AuthMethod = {
      type: 'terminal',
      id: 'login',
      name: 'dash login',
      description: 'asks for a provider and its key on a terminal',
      args: ['--login'],
    };
    return [
      {
        id: 'environment',
        name: 'a key in the environment',
        description: 'set the key of a provider, e.g. ANTHROPIC_API_KEY, or run `dash login`, and try again',
      },
      ...(this.#capabilities.auth?.terminal === true ? [terminal] : []),
    ];
  }

  /** The models there are now: a key may have come since. @throws {DashError} NO_MODEL */
  async #models(): ReturnType<AcpOptions['openModels']> {
    const models = await this.#options.openModels();
    const known = await models.models();
    if (known.length === 0) chooseModel(known, undefined);
    return models;
  }

  #session(id: string): AcpSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw RequestError.sessionNotFound(id);
    return session;
  }

  async #reopen(params: OpenParams & { readonly sessionId: string }, client: AgentContext): Promise<AcpSession> {
    const { sessionId } = params;
    // a path would name any file of the disk
    if (!/^[\w-]+$/.test(sessionId)) throw RequestError.sessionNotFound(sessionId);
    const open = this.#sessions.get(sessionId);
    if (open?.isBusy === true) throw RequestError.invalidRequest(undefined, 'the session is at work');
    if (open !== undefined) await this.#close(open);
    const path = await findSession(sessionId, { dashHome: this.#options.dashHome, cwd: params.cwd }).catch((error: unknown) => {
      throw isDashError(error, 'SESSION_NOT_FOUND') ? RequestError.sessionNotFound(sessionId) : error;
    });
    return this.#open(params, { kind: 'open', path }, client, sessionId);
  }

  async #close(session: AcpSession): Promise<void> {
    this.#sessions.delete(session.id);
    await this.#follow(session[Symbol.asyncDispose]());
  }

  /** Only by its whole id. That there is none is what was wanted. */
  async #delete(sessionId: string): Promise<void> {
    const open = this.#sessions.get(sessionId);
    if (open !== undefined) await this.#close(open);
    await this.#follow(
      deleteUnusedSession(this.#options.dashHome, sessionId).catch((error: unknown) => {
        throw isDashError(error, 'SESSION_IN_USE') ? RequestError.invalidRequest({ code: error.code }, error.message) : error;
      }),
    );
  }

  #open(params: OpenParams, choice: SessionChoice, client: AgentContext, wanted?: string): Promise<AcpSession> {
    return this.#follow(this.#make(params, choice, client, wanted));
  }

  async #make({ cwd, additionalDirectories = [] }: OpenParams, choice: SessionChoice, client: AgentContext, wanted?: string): Promise<AcpSession> {
    await assertDirectory(cwd);
    if (additionalDirectories.length > 0) throw RequestError.invalidParams(undefined, 'a session works in one directory');
    const { ceiling, hasUI, openHost } = this.#options;
    const models = await this.#models();
    const files = createClientFiles(client, this.#capabilities);
    const opened = await openHost({ cwd, session: choice, models, approval: ceiling, openFiles: files });
    const session = new AcpSession({ opened, client, capabilities: this.#capabilities, cwd, ceiling, hasUI });
    files.belongTo(session);
    // the beginning of an id is enough for a person, not for a program
    if (this.#isClosed || (wanted !== undefined && session.id !== wanted)) {
      await session[Symbol.asyncDispose]();
      throw RequestError.sessionNotFound(wanted ?? session.id);
    }
    this.#sessions.set(session.id, session);
    return session;
  }

  async #list(cwd: string | undefined, cursor: string | undefined): Promise<{ sessions: SessionInfo[]; nextCursor: string | null }> {
    const from = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isSafeInteger(from) || from < 0) throw RequestError.invalidParams(undefined, 'there is no such page');
    // editors open sessions before anything is said, and some of them never say anything
    const all = (await listSessions(this.#options.dashHome, cwd)).filter(({ messages }) => messages > 0);
    const page = all.slice(from, from + SESSIONS_ON_A_PAGE);
    const next = from + SESSIONS_ON_A_PAGE;
    return { sessions: page.map(toInfo), nextCursor: next < all.length ? String(next) : null };
  }

  #follow<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending.add(work);
    const settled = (): void => void this.#pending.delete(work);
    work.then(settled, settled);
    return work;
  }
}

interface OpenParams {
  readonly cwd: string;
  readonly additionalDirectories?: readonly string[];
  readonly mcpServers?: readonly McpServer[];
}

/** The client learns the session's id from the answer, which goes out before what is told of the session. */
function beginAfterAnswer(session: AcpSession, { mcpServers = [] }: OpenParams): void {
  setImmediate(() => session.begin(mcpServers));
}

async function assertDirectory(cwd: string): Promise<void> {
  if (!isAbsolute(cwd)) throw RequestError.invalidParams(undefined, `\`${cwd}\` is not an absolute path`);
  const stats = await stat(cwd).catch(() => undefined);
  if (stats?.isDirectory() !== true) throw RequestError.invalidParams(undefined, `\`${cwd}\` is no directory`);
}

function toInfo({ id, cwd, name, firstMessage, updatedAt }: SessionSummary): SessionInfo {
  return { sessionId: id, cwd, title: titleOf(name, firstMessage) ?? null, updatedAt };
}

async function answered<Answer>(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    throw asRequestError(error);
  }
}
