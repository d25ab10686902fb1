import { randomUUID } from 'node:crypto';
import type { SessionUpdate } from '@agentclientprotocol/sdk';
import type { HostEvent } from '../../host-event.ts';
import { type ImageContent, type TextContent, textOf, toolCallsOf } from '../../model/messages.ts';
import { type AgentMessage, type CustomMessage, titleOf as senderOf } from '../../loop/transcript.ts';
import { planOf } from './plan-of.ts';
import { plainText } from '../../../format/index.ts';
import { type ClientPath, rawAnswer, showAnswer, showCall } from './show-tool.ts';

/** Where a session works, and how the client calls it. */
export interface ShownPlace {
  readonly cwd: string;
  readonly clientPath: ClientPath;
  /** Whether the client shows where a conversation was summed up; elsewhere the summary stands among the thoughts. */
  readonly showsCompactions: boolean;
}

/** What a client is told of the events of a run; `messageId` is that of the answer which is being written. What else happens in a session is told by {@link AcpSession}. */
export function updatesOf(event: HostEvent, { cwd, clientPath }: ShownPlace, messageId: string): SessionUpdate[] {
  switch (event.type) {
    case 'message_update': {
      const { assistantMessageEvent: fragment } = event;
      if (fragment.type === 'text_delta') return [said('agent_message_chunk', fragment.delta, messageId)];
      return fragment.type === 'thinking_delta' ? [said('agent_thought_chunk', fragment.delta, messageId)] : [];
    }
    case 'message_end':
      return event.message.role === 'custom' && event.message.display ? ofPackage(event.message, randomUUID()) : [];
    case 'tool_execution_start': {
      const { toolCallId, toolName: name, args } = event;
      return [{ sessionUpdate: 'tool_call', toolCallId, name, status: 'in_progress', ...showCall(name, args, cwd, clientPath) }];
    }
    case 'tool_execution_update': {
      const { toolCallId, toolName, partialResult } = event;
      return [{ sessionUpdate: 'tool_call_update', toolCallId, status: 'in_progress', content: showAnswer(toolName, partialResult, clientPath) }];
    }
    case 'tool_execution_end': {
      const { toolCallId, toolName, result, isError } = event;
      return [
        {
          sessionUpdate: 'tool_call_update',
          toolCallId,
          status: isError ? 'failed' : 'completed',
          content: showAnswer(toolName, result, clientPath),
          rawOutput: rawAnswer(result),
        },
        ...planUpdates(result.details),
      ];
    }
    default:
      return [];
  }
}

/** What was said in a session before, told again. */
export function historyOf(messages: readonly AgentMessage[], { cwd, clientPath, showsCompactions }: ShownPlace): SessionUpdate[] {
  return messages.flatMap((message): SessionUpdate[] => {
    const id = randomUUID();
    switch (message.role) {
      case 'user':
        return chunks('user_message_chunk', message, id);
      case 'assistant': {
        const spoken = message.content.flatMap((block): SessionUpdate[] => {
          if (block.type === 'text') return [said('agent_message_chunk', block.text, id)];
          return block.type === 'thinking' && block.thinking !== '' ? [said('agent_thought_chunk', block.thinking, id)] : [];
        });
        const calls = toolCallsOf(message).map(({ id: toolCallId, name, arguments: args }): SessionUpdate => ({
          sessionUpdate: 'tool_call',
          toolCallId,
          name,
          status: 'pending',
          ...showCall(name, args, cwd, clientPath),
        }));
        return [...spoken, ...calls];
      }
      case 'toolResult':
        return [
          {
            sessionUpdate: 'tool_call_update',
            toolCallId: message.toolCallId,
            status: message.isError ? 'failed' : 'completed',
            content: showAnswer(message.toolName, message, clientPath),
            rawOutput: rawAnswer(message),
          },
          ...planUpdates(message.details),
        ];
      case 'custom':
        return message.display ? ofPackage(message, id) : [];
      case 'compactionSummary':
        return [showsCompactions ? summedUp(id, message.summary) : said('agent_thought_chunk', message.summary, id)];
      case 'branchSummary':
        return [said('agent_thought_chunk', message.summary, id)];
      case 'bashExecution':
        return [said('user_message_chunk', `! ${message.command}`, id)];
      case 'system':
        return [];
    }
  });
}

/** What a session is called where a list shows it: its name, otherwise the first line of what was said first. */
export function titleOf(name: string | undefined, firstMessage: string): string | undefined {
  const title = name ?? firstMessage.trim().split('\n', 1)[0]?.slice(0, MAX_TITLE) ?? '';
  return title === '' ? undefined : title;
}

const MAX_TITLE = 120;

type Chunk = 'user_message_chunk' | 'agent_message_chunk' | 'agent_thought_chunk';

/** A piece of text that somebody says: of the message that is named, or a message of its own. */
export function said(sessionUpdate: Chunk, text: string, messageId: string = randomUUID()): SessionUpdate {
  return { sessionUpdate, content: { type: 'text', text }, messageId };
}

/** Where the conversation was summed up, and to what. */
export function summedUp(compactionId: string, summary: string): SessionUpdate {
  return { sessionUpdate: 'compaction_update', compactionId, status: 'completed', summary: [{ type: 'text', text: summary }] };
}

function planUpdates(details: unknown): SessionUpdate[] {
  const entries = planOf(details);
  return entries === undefined ? [] : [{ sessionUpdate: 'plan', entries }];
}

type Content = { readonly content: string | readonly (TextContent | ImageContent)[] };

/** What a package says stands where the agent speaks: it is named first, or it would be taken for the agent's word. */
function ofPackage(message: CustomMessage, messageId: string): SessionUpdate[] {
  return [said('agent_message_chunk', `[${plainText(senderOf(message), MAX_TITLE)}]\n\n`, messageId), ...chunks('agent_message_chunk', message, messageId)];
}

function chunks(sessionUpdate: Chunk, { content }: Content, messageId: string): SessionUpdate[] {
  const blocks: readonly (TextContent | ImageContent)[] = typeof content === 'string' ? [{ type: 'text', text: textOf(content) }] : content;
  return blocks.map((block) =>
    block.type === 'text'
      ? said(sessionUpdate, block.text, messageId)
      : { sessionUpdate, content: { type: 'image', data: block.data, mimeType: block.mimeType }, messageId },
  );
}
