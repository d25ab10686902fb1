import type { SessionUpdate } from '@agentclientprotocol/sdk';
import type { HostEvent } from '../../host-event.ts';
import { type ImageContent, type TextContent, textOf, toolCallsOf } from '../../model/messages.ts';
import type { AgentMessage } from '../../transcript.ts';
import { type ClientPath, rawAnswer, showAnswer, showCall } from './show-tool.ts';

/** Where a session works, and how the client calls it. */
export interface ShownPlace {
  readonly cwd: string;
  readonly clientPath: ClientPath;
}

/** What a client is told of the events of a run. What else happens in a session is told by {@link AcpSession}. */
export function updatesOf(event: HostEvent, { cwd, clientPath }: ShownPlace): SessionUpdate[] {
  switch (event.type) {
    case 'message_update': {
      const { assistantMessageEvent: fragment } = event;
      if (fragment.type === 'text_delta') return [said('agent_message_chunk', fragment.delta)];
      return fragment.type === 'thinking_delta' ? [said('agent_thought_chunk', fragment.delta)] : [];
    }
    case 'message_end':
      return event.message.role === 'custom' && event.message.display ? contentOf(event.message).map((content) => chunk('agent_message_chunk', content)) : [];
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
      ];
    }
    default:
      return [];
  }
}

/** What was said in a session before, told again. */
export function historyOf(messages: readonly AgentMessage[], { cwd, clientPath }: ShownPlace): SessionUpdate[] {
  return messages.flatMap((message): SessionUpdate[] => {
    switch (message.role) {
      case 'user':
        return contentOf(message).map((content) => chunk('user_message_chunk', content));
      case 'assistant': {
        const spoken = message.content.flatMap((block): SessionUpdate[] => {
          if (block.type === 'text') return [said('agent_message_chunk', block.text)];
          return block.type === 'thinking' && block.thinking !== '' ? [said('agent_thought_chunk', block.thinking)] : [];
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
        ];
      case 'custom':
        return message.display ? contentOf(message).map((content) => chunk('agent_message_chunk', content)) : [];
      case 'compactionSummary':
      case 'branchSummary':
        return [said('agent_thought_chunk', message.summary)];
      case 'bashExecution':
        return [said('user_message_chunk', `! ${message.command}`)];
      case 'system':
        return [];
    }
  });
}

type Chunk = 'user_message_chunk' | 'agent_message_chunk' | 'agent_thought_chunk';

/** A piece of text that somebody says. */
export function said(sessionUpdate: Chunk, text: string): SessionUpdate {
  return { sessionUpdate, content: { type: 'text', text } };
}

function chunk(sessionUpdate: Chunk, block: TextContent | ImageContent): SessionUpdate {
  if (block.type === 'text') return said(sessionUpdate, block.text);
  return { sessionUpdate, content: { type: 'image', data: block.data, mimeType: block.mimeType } };
}

function contentOf({ content }: { readonly content: string | readonly (TextContent | ImageContent)[] }): readonly (TextContent | ImageContent)[] {
  return typeof content === 'string' ? [{ type: 'text', text: textOf(content) }] : content;
}
