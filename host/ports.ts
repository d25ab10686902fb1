import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../format/index.ts';
import {
  type AgentPort,
  type AgentSpawn,
  createQuestionDesk,
  type DialogOptions,
  type HostPorts,
  type RefusedTool,
  type SessionControl,
  type SessionPort,
  type SessionQuery,
  type SpawnedAgent,
  type UiPort,
} from '../sandbox/index.ts';
import { callForPackage } from './call-for-package.ts';
import type { Conversation, DeliverAs } from './conversation/conversation.ts';
import type { EventBus } from './bus/event-bus.ts';
import { type ImageContent, type JsonValue, type Message, type TextContent, textOf } from './model/messages.ts';
import type { ModelList } from './model/model-list.ts';
import { type ModelPort, THINKING_LEVELS } from './model/port.ts';
import { contextUsage } from './session/context-usage.ts';
import { buildContext, projectPath } from './session/context.ts';
import { toLine } from './session/entry.ts';
import type { TreeNode } from './session/session-tree.ts';
import type { Toolbox } from './toolbox.ts';
import type { UserInterface } from './user-interface.ts';

/** What the ports need of the host; asked at each call, because packages are opened before the host is complete. */
export interface PortsHost {
  readonly conversation: Conversation;
  readonly bus: EventBus;
  readonly toolbox: Toolbox;
  readonly models: ModelPort;
  readonly modelList: ModelList;
  scopedModels(): readonly unknown[];
  readonly ui: UserInterface;
  readonly trusted: boolean;
  readonly flags: ReadonlyMap<string, boolean | string>;
  commands(): readonly unknown[];
  /** A prompt that a package writes in the place of the user. */
  promptFor(packageName: string, text: string, images: readonly ImageContent[], deliverAs: 'steer' | 'followUp' | undefined): void;
  control(packageName: string, control: SessionControl): Promise<unknown>;
  toolsChanged(packageName: string, refused: RefusedTool | undefined): void;
  emitAcross(packageName: string, channel: string, data: unknown): void;
  spawn(spawn: AgentSpawn, signal: AbortSignal): Promise<SpawnedAgent>;
  announce(
    event:
      | { readonly type: 'session_info_changed'; readonly name?: string }
      | { readonly type: 'entry_appended'; readonly entry: Readonly<Record<string, unknown>> },
  ): void;
}

/** The host as the sandbox's broker calls it: every call has been checked against the package's grants before it comes here. */
export function createHostPorts(host: () => PortsHost): HostPorts {
  const questions = createQuestionDesk({
    ask: async (question, signal) => (host().ui.hasUI ? host().ui.askPermission(question, signal) : undefined),
  });
  return { ui: uiPort(host), session: sessionPort(host), agent: agentPort(host), questions };
}

function uiPort(host: () => PortsHost): UiPort {
  const ask = async <Answer>(kind: string, title: string, dialog: () => Promise<Answer>): Promise<Answer> => {
    void host().bus.notify({ type: 'ui_prompt_start', reason: 'ui_prompt', kind, title });
    try {
      return await dialog();
    } finally {
      void host().bus.notify({ type: 'ui_prompt_end', reason: 'ui_prompt', kind, title });
    }
  };
  return {
    notify: (message, level, by) => host().ui.notify(message, level, by),
    select: (title, choices, options: DialogOptions) => ask('select', title, () => host().ui.select(title, choices, options)),
    confirm: (title, message, options) => ask('confirm', title, () => host().ui.confirm(title, message, options)),
    input: (title, placeholder, options) => ask('input', title, () => host().ui.input(title, placeholder, options)),
    editor: (title, prefill, options) => ask('editor', title, () => host().ui.editor(title, prefill, options)),
    set: (surface, by) => host().ui.set(surface, by),
    editorText: () => host().ui.editorText(),
    get surfaces() {
      return host().ui.surfaces;
    },
  };
}

function sessionPort(host: () => PortsHost): SessionPort {
  const session = () => host().conversation.session;
  return {
    query: (query) => answerQuery(session(), query),
    appendEntry(packageName, customType, data) {
      const entry = session().append({ type: 'custom', customType, ...(isJson(data) ? { data } : {}), package: packageName });
      host().announce({ type: 'entry_appended', entry: toLine(entry) });
    },
    sendMessage(packageName, { customType, content, display, details }, { triggerTurn = false, deliverAs }) {
      if (!Value.Check(MessageContent, content)) throw new Error('the content of a message is a string or a list of texts and images');
      const how: { triggerTurn: boolean; deliverAs?: DeliverAs } = { triggerTurn, ...(deliverAs === undefined ? {} : { deliverAs }) };
      host().conversation.add(
        packageName,
        { role: 'custom', package: packageName, customType, content, display, ...(isJson(details) ? { details } : {}), timestamp: Date.now() },
        how,
      );
    },
    sendUserMessage(packageName, content, { deliverAs }) {
      if (!Value.Check(MessageContent, content)) throw new Error('the content of a message is a string or a list of texts and images');
      const images = typeof content === 'string' ? [] : content.filter((block) => block.type === 'image');
      host().promptFor(packageName, textOf(content), images, deliverAs);
    },
    setName(name) {
      const clean = name.replaceAll(/[\r\n]+/g, ' ').trim();
      session().append({ type: 'session_info', name: clean });
      host().announce({ type: 'session_info_changed', ...(clean === '' ? {} : { name: clean }) });
      void host().bus.notify({ type: 'session_info_changed', name: clean === '' ? undefined : clean });
    },
    setLabel(entryId, label) {
      if (session().tree.entry(entryId) === undefined) throw new Error(`there is no entry \`${entryId}\``);
      session().append({ type: 'label', targetId: entryId, ...(label === undefined ? {} : { label }) });
    },
    control: (packageName, control) => host().control(packageName, control),
  };
}

function answerQuery(session: Conversation['session'], query: SessionQuery): unknown {
  const { tree } = session;
  switch (query.kind) {
    case 'branch':
      return tree.branch(query.fromId).map(toLine);
    case 'entries':
      return tree.entries.map(toLine);
    case 'entry': {
      const entry = tree.entry(query.id);
      return entry === undefined ? undefined : toLine(entry);
    }
    case 'children':
      return tree.children(query.id).map(toLine);
    case 'tree':
      return tree.roots().map(plainNode);
    case 'leafId':
      return tree.leafId;
    case 'leafEntry':
      return tree.leaf === undefined ? undefined : toLine(tree.leaf);
    case 'label':
      return tree.label(query.id);
    case 'header':
      return tree.header;
    case 'sessionId':
      return session.id;
    case 'sessionFile':
      return session.file;
    case 'sessionDir':
      return session.directory;
    case 'sessionName':
      return tree.name;
    case 'projection': {
      const path = tree.path();
      const { thinkingLevel, model } = buildContext(path);
      return { thinkingLevel, model, entries: projectPath(path).map(({ entry, messages }) => ({ sourceEntry: toLine(entry), messages })) };
    }
    case 'persisted':
      return session.file !== undefined;
  }
}

/** A node as pi's clients and packages read it. */
export function plainNode({ entry, children, ...label }: TreeNode): unknown {
  return { entry: toLine(entry), children: children.map(plainNode), ...label };
}

function agentPort(host: () => PortsHost): AgentPort {
  return {
    query(query) {
      const { conversation, toolbox, modelList, trusted } = host();
      switch (query) {
        case 'isIdle':
          return !conversation.isStreaming;
        case 'hasPendingMessages': {
          const { steering, followUp } = conversation.queues.waiting();
          return steering.length + followUp.length > 0;
        }
        case 'isProjectTrusted':
          return trusted;
        case 'model':
          return conversation.model;
        case 'models':
          return modelList.settled();
        case 'scopedModels':
          return modelList.settled().then(() => host().scopedModels());
        case 'thinkingLevel':
          return conversation.thinking ?? 'off';
        case 'activeTools':
          return toolbox.active().map(({ name }) => name);
        case 'allTools':
          return toolbox.all();
        case 'commands':
          return host().commands();
        case 'contextUsage':
          return contextUsage(conversation.session.tree.path(), conversation.model);
        case 'systemPrompt':
          return conversation.systemPrompt;
        case 'systemPromptOptions':
          return conversation.systemPromptOptions;
      }
    },
    setActiveTools: (packageName, names) => host().toolbox.setActive(packageName, names),
    toolsChanged: (packageName, refused) => host().toolsChanged(packageName, refused),
    providersChanged: () => void host().modelList.refresh(),
    async setModel(model) {
      if (!Value.Check(ModelReference, model)) return false;
      const found = (await host().modelList.settled()).find(({ provider, id }) => provider === model.provider && id === model.id);
      if (found !== undefined) host().conversation.setModel(found);
      return found !== undefined;
    },
    setThinkingLevel(level) {
      const known = THINKING_LEVELS.find((candidate) => candidate === level);
      if (known === undefined && level !== 'off') throw new Error(`there is no thinking level \`${level}\``);
      host().conversation.setThinking(known);
    },
    async complete(_packageName, asked, signal) {
      const request =
        asked !== null && typeof asked === 'object' && 'context' in asked && typeof asked.context === 'object' ? { ...asked, ...asked.context } : asked;
      if (!Value.Check(CompletionRequest, request)) throw new Error('a completion is {messages, systemPrompt?, model?: {provider, id}}');
      const { conversation, modelList, models } = host();
      const wanted = request.model;
      const model =
        wanted === undefined ? conversation.model : (await modelList.settled()).find(({ provider, id }) => provider === wanted.provider && id === wanted.id);
      if (model === undefined) throw new DashError('NO_MODEL', 'there is no such model with credentials');
      for await (const event of models.stream(
        model,
        {
          systemPrompt: request.systemPrompt ?? '',
          tools: [],
          messages: request.messages.map((message) => ({ ...message, timestamp: Date.now() })),
        },
        { signal },
      )) {
        if (event.type === 'done') return event.message;
        if (event.type === 'error') throw new DashError('MODEL_FAILED', event.error.errorMessage ?? 'the model failed');
      }
      throw new DashError('MODEL_FAILED', 'the stream ended without an answer');
    },
    callTool: (call, signal) => callForPackage(call, host(), signal),
    spawn: (spawn, signal) => host().spawn(spawn, signal),
    emit: (packageName, channel, data) => host().emitAcross(packageName, channel, data),
    flag: (name) => host().flags.get(name),
  };
}

const MessageContent = Type.Unsafe<string | (TextContent | ImageContent)[]>(
  Type.Union([
    Type.String(),
    Type.Array(
      Type.Union([
        Type.Object({ type: Type.Literal('text'), text: Type.String() }),
        Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String() }),
      ]),
    ),
  ]),
);
/** Whole messages, as pi-ai has them: what is missing would be found out by the provider, in words that say nothing. */
const AnyMessage = Type.Unsafe<Message>(
  Type.Union([
    Type.Object({ role: Type.Literal('user'), content: MessageContent }),
    Type.Object({
      role: Type.Literal('assistant'),
      content: Type.Array(Type.Object({ type: Type.String() })),
      api: Type.String(),
      provider: Type.String(),
      model: Type.String(),
    }),
    Type.Object({
      role: Type.Literal('toolResult'),
      toolCallId: Type.String(),
      toolName: Type.String(),
      content: Type.Array(Type.Object({ type: Type.String() })),
      isError: Type.Boolean(),
    }),
  ]),
);
const ModelReference = Type.Object({ provider: Type.String(), id: Type.String() });
const CompletionRequest = Type.Object({
  systemPrompt: Type.Optional(Type.String()),
  model: Type.Optional(ModelReference),
  messages: Type.Array(AnyMessage, { minItems: 1 }),
});

/** What came over a pipe is JSON; only absence has to be told apart. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}
