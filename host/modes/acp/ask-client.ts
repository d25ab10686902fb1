import {
  type AgentContext,
  type ClientCapabilities,
  type ElicitationPropertySchema,
  methods,
  type PermissionOption,
  type RequestPermissionRequest,
  type ToolCallUpdate,
  type ToolKind,
} from '@agentclientprotocol/sdk';
import { plainText } from '../../../format/index.ts';
import type { Confinement, DialogOptions, PermissionAnswer, PermissionQuestion } from '../../../sandbox/index.ts';
import { describeServer } from '../../mcp/mcp-server.ts';
import { answerChoices, describeQuestion, isRed } from '../../approval/permission-text.ts';
import { lastingKey, type ToolQuestion } from '../../approval/tool-question.ts';
import type { UserInterface } from '../../user-interface.ts';
import { type ClientPath, fenced, showChange } from './show-tool.ts';
import { said } from './session-updates.ts';
import type { Tell } from './acp-session.ts';

export interface AskingOptions {
  readonly client: AgentContext;
  readonly capabilities: ClientCapabilities;
  readonly sessionId: () => string;
  readonly tell: Tell;
  readonly clientPath: ClientPath;
  /** `false`: nobody is asked anything. */
  readonly hasUI: boolean;
  /** Aborts when the client cancels what is going on. */
  readonly cancelled: () => AbortSignal;
}

/**
 * Shows and asks by way of a client. An answer holds once or for this session and is never written down: a client may be
 * a program that says yes to everything. What is dangerous is offered for once only, whoever answers. A client that goes,
 * fails or answers what was not offered has said no.
 */
export function createAcpUserInterface(options: AskingOptions): UserInterface {
  const { client, capabilities, sessionId, tell, clientPath, hasUI, cancelled } = options;
  const allowed = new Set<string>();
  let questions = 0;

  const ask = async (toolCall: ToolCallUpdate, choices: readonly PermissionOption[], signal: AbortSignal | undefined): Promise<string | undefined> => {
    const cancellationSignal = signal === undefined ? cancelled() : AbortSignal.any([signal, cancelled()]);
    if (!hasUI || cancellationSignal.aborted) return undefined;
    try {
      const request: RequestPermissionRequest = { sessionId: sessionId(), toolCall, options: [...choices] };
      const { outcome } = await client.request(methods.client.session.requestPermission, request, { cancellationSignal, stopWaitingOnCancel: true });
      return outcome.outcome === 'selected' ? outcome.optionId : undefined;
    } catch {
      return undefined;
    }
  };

  /** A form, where the client has them; elsewhere a dialog of a package is dismissed: a permission question it must not look like. */
  const fill = async (title: string, answer: ElicitationPropertySchema, { by = 'a package', signal, timeoutMs }: DialogOptions): Promise<unknown> => {
    if (!hasUI || capabilities.elicitation?.form == null) return undefined;
    const ends = [cancelled(), ...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
    const cancellationSignal = AbortSignal.any(ends);
    if (cancellationSignal.aborted) return undefined;
    try {
      const reply = await client.request(
        methods.client.elicitation.create,
        {
          mode: 'form',
          sessionId: sessionId(),
          message: `${plainText(by, 80)} asks: ${plainText(title, MAX_TITLE)}`,
          requestedSchema: { type: 'object', properties: { answer }, required: ['answer'] },
        },
        { cancellationSignal, stopWaitingOnCancel: true },
      );
      const content = reply.action === 'accept' && 'content' in reply ? reply.content : undefined;
      return typeof content === 'object' && content !== null && 'answer' in content ? content['answer'] : undefined;
    } catch {
      return undefined;
    }
  };
  const textOf = (answer: unknown): string | undefined => (typeof answer === 'string' ? answer : undefined);

  return {
    // packages know pi's modes
    mode: 'rpc',
    hasUI,
    notify: (message, level, by) => {
      const text = by === undefined ? message : `${plainText(by, 80)}: ${message}`;
      if (capabilities.session?.notices == null) return void tell(said('agent_thought_chunk', `${text}\n`));
      void tell({ sessionUpdate: 'notice', severity: level, title: text === '' ? ' ' : text });
    },
    select: async (title, choices, how) => {
      const chosen = textOf(await fill(title, { type: 'string', enum: [...choices] }, how));
      return chosen !== undefined && choices.includes(chosen) ? chosen : undefined;
    },
    confirm: async (title, message, how) => (await fill(title, { type: 'boolean', title: plainText(message, MAX_TEXT) }, how)) === true,
    input: async (title, placeholder, how) => textOf(await fill(title, { type: 'string', description: placeholder ?? null }, how)),
    editor: async (title, prefill, how) => textOf(await fill(title, { type: 'string', default: prefill ?? null }, how)),
    // the client draws its own surfaces
    set: () => undefined,
    editorText: () => '',

    async approveTool(question, signal) {
      const key = lastingKey(question);
      if (question.mayLast && allowed.has(key)) return true;
      questions += 1;
      const toolCallId = question.callId ?? `question-${questions}`;
      const answer = await ask({ toolCallId, ...showQuestion(question, clientPath), status: 'pending' }, question.mayLast ? LASTING : ONCE, signal);
      if (answer === 'session' && question.mayLast) allowed.add(key);
      const isAllowed = answer === 'once' || (answer === 'session' && question.mayLast);
      // what is refused ends as every call does: failed, with the reason
      if (question.callId === undefined) await tell({ sessionUpdate: 'tool_call_update', toolCallId, status: isAllowed ? 'completed' : 'failed' });
      else if (isAllowed) await tell({ sessionUpdate: 'tool_call_update', toolCallId, status: 'in_progress' });
      return isAllowed;
    },

    async askServer(question, signal) {
      const { server } = question;
      questions += 1;
      const isProgram = question.kind === 'program';
      const title = plainText(`${isProgram ? 'start' : 'connect to'} the MCP server ${server.name}?`, MAX_TITLE);
      const warnings = isProgram ? [] : question.warnings.map(textBlock);
      const content = [textBlock(fenced(describeServer(server))), ...warnings];
      const shown = { toolCallId: `question-${questions}`, title, kind: isProgram ? ('execute' as const) : ('fetch' as const), content };
      await tell({ sessionUpdate: 'tool_call', ...shown, status: 'pending' });
      const choices = isProgram ? [...(question.canConfine ? [CONFINED] : []), UNCONFINED] : [CONNECT];
      const chosen = await ask({ ...shown, status: 'pending' }, [...choices, NO], signal);
      const answer = choices.some(({ optionId }) => optionId === chosen) ? ANSWERS[chosen ?? ''] : undefined;
      await tell({ sessionUpdate: 'tool_call_update', toolCallId: shown.toolCallId, status: answer === undefined ? 'failed' : 'completed' });
      return answer;
    },

    async askPermission(question, signal) {
      questions += 1;
      const toolCallId = `question-${questions}`;
      const [title = '', ...facts] = describeQuestion(question);
      const shown = { toolCallId, title, kind: kindOf(question), content: [textBlock(fenced(facts.map((fact) => fact.trim()).join('\n')))] };
      await tell({ sessionUpdate: 'tool_call', ...shown, status: 'pending' });
      const choices = packageChoices(question);
      const chosen = await ask({ ...shown, status: 'pending' }, choices.map(toOption), signal);
      const answer = choices.find((choice) => choice.answer === chosen)?.answer ?? 'no';
      await tell({ sessionUpdate: 'tool_call_update', toolCallId, status: answer === 'once' || answer === 'session' ? 'completed' : 'failed' });
      return answer;
    },
  };
}

const MAX_TITLE = 300;
const MAX_TEXT = 2_000;

const NO: PermissionOption = { optionId: 'no', name: 'No', kind: 'reject_once' };
const ONCE: readonly PermissionOption[] = [{ optionId: 'once', name: 'Yes, this once', kind: 'allow_once' }, NO];
/** The lesser yes comes first: it is what a client takes that takes the first. */
const CONFINED: PermissionOption = { optionId: 'confined', name: 'Yes, confined: it reads the workspace, without network', kind: 'allow_once' };
const UNCONFINED: PermissionOption = { optionId: 'full-access', name: 'Yes, with all my rights', kind: 'allow_once' };
const CONNECT: PermissionOption = { optionId: 'connect', name: 'Yes, connect: each of its tools is asked for', kind: 'allow_once' };
const ANSWERS: Readonly<Record<string, Confinement>> = { confined: 'confined', 'full-access': 'full access', connect: 'full access' };
const LASTING: readonly PermissionOption[] = [
  { optionId: 'once', name: 'Yes, this once', kind: 'allow_once' },
  { optionId: 'session', name: 'Yes, for this session', kind: 'allow_always' },
  NO,
];

function showQuestion({ access, title, question, change, origin }: ToolQuestion, clientPath: ClientPath): Omit<ToolCallUpdate, 'toolCallId'> {
  const words = access.kind === 'run' ? fenced(question) : question;
  return {
    title: access.kind === 'run' ? plainText(`${title}: ${access.command}`, MAX_TITLE) : question,
    kind: access.kind === 'run' && access.network !== undefined ? 'fetch' : TOOL_KINDS[access.kind],
    content: [...(change === undefined ? [textBlock(words)] : [showChange(change, clientPath)]), ...(origin === '' ? [] : [textBlock(origin)])],
    locations: access.kind === 'run' ? [] : [{ path: clientPath(access.path) }],
  };
}

const TOOL_KINDS: Readonly<Record<ToolQuestion['access']['kind'], ToolKind>> = { read: 'read', write: 'edit', run: 'execute' };

function textBlock(text: string): { readonly type: 'content'; readonly content: { readonly type: 'text'; readonly text: string } } {
  return { type: 'content', content: { type: 'text', text } };
}

type Choice = ReturnType<typeof answerChoices>[number];

function packageChoices(question: PermissionQuestion): readonly Choice[] {
  const choices = answerChoices(question, { mayWrite: false });
  return isRed(question) ? choices.filter(({ answer }) => answer !== 'session') : choices;
}

function toOption({ answer, label }: Choice): PermissionOption {
  return { optionId: answer, name: label, kind: OPTION_KINDS[answer] };
}

const OPTION_KINDS: Readonly<Record<PermissionAnswer, PermissionOption['kind']>> = {
  once: 'allow_once',
  session: 'allow_always',
  project: 'allow_always',
  no: 'reject_once',
  pause: 'reject_always',
};

function kindOf({ capability }: PermissionQuestion): ToolKind {
  if (/^fs\.(read|stat|access|realpath|watch)/.test(capability)) return 'read';
  if (capability.startsWith('fs.')) return 'edit';
  if (capability.startsWith('net')) return 'fetch';
  return capability.startsWith('exec') ? 'execute' : 'other';
}
