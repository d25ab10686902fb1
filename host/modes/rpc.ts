import type { Readable, Writable } from 'node:stream';
import { type Static, type TObject, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { isDashError } from '../../format/index.ts';
import type { Host } from '../host.ts';
import { type ImageContent, textOf } from '../model/messages.ts';
import { THINKING_LEVELS } from '../model/port.ts';
import { plainNode } from '../ports.ts';
import { toLine } from '../session/entry.ts';
import { contextUsage } from '../session/context-usage.ts';
import { lastAnswer } from '../session/export.ts';
import { sessionStats } from '../session/session-stats.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import { linesOf, writeRecord } from './json-lines.ts';
import { exportHtml } from '../export/export-html.ts';
import { createRpcUserInterface, UiResponse } from './rpc-ui.ts';
import { toWireEvent } from './wire-event.ts';

export interface RpcOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Whether the client can show dialogs. Default: it can, as in pi. */
  readonly hasUI?: boolean;
}

/** Serves the records of pi's rpc mode until the input ends or a package asks for the end. @returns the exit code */
export async function runRpc(host: Host, { input, output, hasUI = true }: RpcOptions): Promise<number> {
  // One chain for everything that is sent: records never interleave, and a slow client slows the agent down.
  // A client that is gone hears nothing more; that is no reason for a run to fail half-way.
  let sending: Promise<void> = Promise.resolve();
  const send = (record: unknown): Promise<void> => (sending = sending.then(() => writeRecord(output, record)).catch(() => undefined));
  output.on('error', () => host.end());
  const ui = createRpcUserInterface((record) => void send(record), hasUI);
  host.attach(ui);
  const unsubscribe = host.subscribe((event) => send(toWireEvent(event)));
  for (const { severity, message, where } of host.diagnostics)
    if (severity === 'error') ui.notify(where === undefined ? message : `${message} (${where.path}:${where.line ?? 1})`, 'error');

  const serve = async (): Promise<void> => {
    const working = new Set<Promise<void>>();
    for await (const line of linesOf(input)) {
      if (line.trim() === '') continue;
      // Not awaited: an abort has to get past a prompt that waits for a dialog.
      const work = answerLine(line, host, ui, send);
      working.add(work);
      void work.finally(() => working.delete(work));
    }
    ui.dismissAll();
    await Promise.all(working);
  };
  // Beside the serving: a package that asks at the start is answered by the records that are read meanwhile.
  const beginning = host.begin();
  try {
    await Promise.race([serve(), host.ended, failureOf(beginning)]);
    ui.dismissAll();
    // who leaves early has not heard yet whether the packages could begin
    await beginning;
  } catch (error) {
    ui.notify(messageOf(error), 'error');
    throw error;
  } finally {
    unsubscribe();
    ui.dismissAll();
    await sending;
    input.destroy();
  }
  return 0;
}

/** Settles with a failure only: that something went well ends nothing. */
function failureOf(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => void work.catch(reject));
}

type Send = (record: unknown) => Promise<void>;

async function answerLine(line: string, host: Host, ui: ReturnType<typeof createRpcUserInterface>, send: Send): Promise<void> {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (error) {
    return send({ type: 'response', command: 'parse', success: false, error: `Failed to parse command: ${messageOf(error)}` });
  }
  if (Value.Check(UiResponse, record)) return ui.answer(record);
  if (!Value.Check(AnyCommand, record)) return send({ type: 'response', command: 'unknown', success: false, error: 'a record is an object with a `type`' });

  const { type: command } = record;
  const id = record.id === undefined ? {} : { id: record.id };
  const fail = (error: string): Promise<void> => send({ ...id, type: 'response', command, success: false, error });
  const handler = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (handler === undefined) return fail(`Unknown command: ${command}`);
  const problem = Value.Errors(handler.fields, record).First();
  if (problem !== undefined) return fail(`${problem.path.slice(1) || 'the record'}: ${problem.message}`);
  let responded = false;
  const succeed = (data?: unknown): Promise<void> => {
    if (responded) return Promise.resolve();
    responded = true;
    return send({ ...id, type: 'response', command, success: true, ...(data === undefined ? {} : { data }) });
  };
  try {
    const data = await handler.run(record, { host, ui, accepted: () => void succeed() });
    await succeed(data);
  } catch (error) {
    if (!responded) await fail(isDashError(error) && error.hint !== undefined ? `${error.message}; ${error.hint}` : messageOf(error));
  }
}

interface Serving {
  readonly host: Host;
  readonly ui: ReturnType<typeof createRpcUserInterface>;
  /** Answers at once, before the events that follow. */
  readonly accepted: () => void;
}

interface Command {
  readonly fields: TObject;
  /** A value, or a promise of one. */
  run(record: unknown, serving: Serving): unknown;
}

const AnyCommand = Type.Object({ type: Type.String(), id: Type.Optional(Type.String()) });
const Images = Type.Optional(Type.Array(Type.Unsafe<ImageContent>(Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String() }))));
const QueueMode = Type.Union([Type.Literal('one-at-a-time'), Type.Literal('all')]);

/** Ties a command's fields to what it does with them. */
function command<Fields extends TObject>(fields: Fields, run: (record: Static<Fields>, serving: Serving) => unknown): Command {
  return {
    fields,
    run(record, serving) {
      if (!Value.Check(fields, record)) throw new Error('the record was checked before');
      return run(record, serving);
    },
  };
}

/** The commands under pi's names, with pi's answers. */
const COMMANDS: Readonly<Record<string, Command>> = {
  prompt: command(
    Type.Object({ message: Type.String(), images: Images, streamingBehavior: Type.Optional(Type.Union([Type.Literal('steer'), Type.Literal('followUp')])) }),
    async ({ message, images, streamingBehavior }, { host, ui, accepted }) => {
      const outcome = await host.prompt(message, {
        source: 'rpc',
        accepted,
        ...(images === undefined ? {} : { images }),
        ...(streamingBehavior === undefined ? {} : { streamingBehavior }),
      });
      if (outcome.kind === 'handled' && outcome.message !== undefined) ui.notify(outcome.message, 'info');
    },
  ),
  steer: command(Type.Object({ message: Type.String(), images: Images }), ({ message, images }, { host }) => host.steer(message, images)),
  follow_up: command(Type.Object({ message: Type.String(), images: Images }), ({ message, images }, { host }) => host.followUp(message, images)),
  abort: command(Type.Object({}), (_, { host }) => host.conversation.abort()),
  clear_queue: command(Type.Object({}), (_, { host }) => {
    const { steering, followUp } = host.conversation.queues.clear();
    return { steering: steering.map(said), followUp: followUp.map(said) };
  }),
  new_session: command(Type.Object({ parentSession: Type.Optional(Type.String()) }), ({ parentSession }, { host }) => host.sessions.newSession(parentSession)),
  switch_session: command(Type.Object({ sessionPath: Type.String() }), ({ sessionPath }, { host }) => host.sessions.open(sessionPath)),
  fork: command(Type.Object({ entryId: Type.String() }), ({ entryId }, { host }) => host.sessions.fork(entryId, 'before')),
  clone: command(Type.Object({}), async (_, { host }) => {
    const { leafId } = host.conversation.session.tree;
    if (leafId === null) throw new Error('Cannot clone session: no current entry selected');
    const { cancelled } = await host.sessions.fork(leafId, 'at');
    return { cancelled };
  }),
  get_state: command(Type.Object({}), (_, { host: { conversation } }) => {
    const { session, queues } = conversation;
    const { steering, followUp } = queues.waiting();
    return {
      model: conversation.model,
      thinkingLevel: conversation.thinking ?? 'off',
      isStreaming: conversation.isStreaming,
      isCompacting: conversation.isCompacting,
      steeringMode: queues.steeringMode,
      followUpMode: queues.followUpMode,
      sessionFile: session.file,
      sessionId: session.id,
      sessionName: session.tree.name,
      autoCompactionEnabled: conversation.autoCompaction,
      messageCount: conversation.messages.length,
      pendingMessageCount: steering.length + followUp.length,
    };
  }),
  get_messages: command(Type.Object({}), (_, { host }) => ({ messages: host.conversation.messages })),
  get_last_assistant_text: command(Type.Object({}), (_, { host }) => ({ text: lastAnswer(host.conversation.messages) ?? null })),
  get_entries: command(Type.Object({ since: Type.Optional(Type.String()) }), ({ since }, { host }) => {
    const { entries, leafId } = host.conversation.session.tree;
    const from = since === undefined ? 0 : entries.findIndex(({ id }) => id === since) + 1;
    if (since !== undefined && from === 0) throw new Error(`Entry not found: ${since}`);
    return { entries: entries.slice(from).map(toLine), leafId };
  }),
  get_tree: command(Type.Object({}), (_, { host }) => ({
    tree: host.conversation.session.tree.roots().map(plainNode),
    leafId: host.conversation.session.tree.leafId,
  })),
  get_fork_messages: command(Type.Object({}), (_, { host }) => ({
    messages: host.conversation.session.tree
      .branch()
      .flatMap((entry) => (entry.type === 'message' && entry.message.role === 'user' ? [{ entryId: entry.id, text: textOf(entry.message.content) }] : [])),
  })),
  get_commands: command(Type.Object({}), (_, { host }) => ({ commands: host.commands() })),
  set_session_name: command(Type.Object({ name: Type.String() }), async ({ name }, { host }) => {
    if (name.trim() === '') throw new Error('Session name cannot be empty');
    await host.prompt(`/name ${name}`);
  }),
  get_available_models: command(Type.Object({}), (_, { host }) => ({ models: host.models })),
  set_model: command(Type.Object({ provider: Type.String(), modelId: Type.String() }), ({ provider, modelId }, { host }) => {
    const model = host.models.find((candidate) => candidate.provider === provider && candidate.id === modelId);
    if (model === undefined) throw new Error(`Model not found: ${provider}/${modelId}`);
    host.conversation.setModel(model);
    return model;
  }),
  set_thinking_level: command(Type.Object({ level: Type.String() }), ({ level }, { host }) => {
    const known = THINKING_LEVELS.find((candidate) => candidate === level);
    if (known === undefined && level !== 'off') throw new Error(`there is no thinking level \`${level}\``);
    host.conversation.setThinking(known);
  }),
  get_available_thinking_levels: command(Type.Object({}), (_, { host }) => ({
    levels: host.conversation.model?.reasoning === true ? ['off', ...THINKING_LEVELS] : ['off'],
  })),
  cycle_model: command(Type.Object({}), (_, { host }) => {
    const next = host.cycleModel(1);
    return next === undefined ? null : { model: next.model, thinkingLevel: host.conversation.thinking ?? 'off', isScoped: host.scopedModels.length > 0 };
  }),
  cycle_thinking_level: command(Type.Object({}), (_, { host: { conversation } }) => {
    if (conversation.model?.reasoning !== true) return null;
    const level = after(['off', ...THINKING_LEVELS] as const, (candidate) => candidate === (conversation.thinking ?? 'off')) ?? 'off';
    conversation.setThinking(level === 'off' ? undefined : level);
    return { level };
  }),
  compact: command(Type.Object({ customInstructions: Type.Optional(Type.String()) }), async ({ customInstructions }, { host }) => {
    const result = await host.conversation.compact(customInstructions);
    if (result === undefined) throw new Error('Compaction cancelled');
    return result;
  }),
  set_auto_compaction: command(Type.Object({ enabled: Type.Boolean() }), ({ enabled }, { host }) => {
    host.conversation.autoCompaction = enabled;
  }),
  set_auto_retry: command(Type.Object({ enabled: Type.Boolean() }), ({ enabled }, { host }) => {
    host.conversation.autoRetry = enabled;
  }),
  abort_retry: command(Type.Object({}), (_, { host }) => host.conversation.abortRetry()),
  bash: command(
    Type.Object({ id: Type.Optional(Type.String()), command: Type.String({ minLength: 1 }), excludeFromContext: Type.Optional(Type.Boolean()) }),
    ({ command: line, ...options }, { host }) => host.runBash(line, options),
  ),
  abort_bash: command(Type.Object({}), (_, { host }) => host.abortBash()),
  get_session_stats: command(Type.Object({}), (_, { host: { conversation } }) => ({
    sessionFile: conversation.session.file,
    sessionId: conversation.session.id,
    ...sessionStats(conversation.session.tree.entries),
    contextUsage: contextUsage(conversation.session.tree.path(), conversation.model),
  })),
  export_html: command(Type.Object({ outputPath: Type.Optional(Type.String()) }), async ({ outputPath }, { host }) => ({
    path: await exportHtml(host.conversation.session.tree, outputPath, host.cwd),
  })),
  set_steering_mode: command(Type.Object({ mode: QueueMode }), ({ mode }, { host }) => {
    host.conversation.queues.steeringMode = mode;
  }),
  set_follow_up_mode: command(Type.Object({ mode: QueueMode }), ({ mode }, { host }) => {
    host.conversation.queues.followUpMode = mode;
  }),
};

/** The one that follows the current one, and the first after the last. `undefined` when there is no other. */
function after<Item>(items: readonly Item[], isCurrent: (item: Item) => boolean): Item | undefined {
  return items.length < 2 ? undefined : items[(items.findIndex(isCurrent) + 1) % items.length];
}

function said(message: AgentMessage): string {
  return 'content' in message ? textOf(message.content) : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
