import type { AssistantMessage, ImageContent, JsonValue, Message, SystemMessage, TextContent, ToolResultMessage, UserMessage } from '../model/messages.ts';

/** A message that a package put into the context. `details` stays with the host. */
export interface CustomMessage {
  readonly role: 'custom';
  /** Who sent it: only that package draws it. Messages of other programs have none. */
  readonly package?: string;
  readonly customType: string;
  readonly content: string | (TextContent | ImageContent)[];
  readonly display: boolean;
  readonly details?: JsonValue;
  readonly timestamp: number;
}

/** What a message of a package is called where it is listed. */
export function titleOf({ package: owner, customType }: Pick<CustomMessage, 'package' | 'customType'>): string {
  return owner === undefined ? customType : `${owner}: ${customType}`;
}

/** A command the user ran with `!`. */
export interface BashExecutionMessage {
  readonly role: 'bashExecution';
  readonly command: string;
  readonly output: string;
  readonly exitCode: number | undefined;
  readonly cancelled: boolean;
  readonly truncated: boolean;
  readonly fullOutputPath?: string;
  readonly excludeFromContext?: boolean;
  readonly timestamp: number;
}

export interface BranchSummaryMessage {
  readonly role: 'branchSummary';
  readonly summary: string;
  readonly fromId: string | null;
  readonly timestamp: number;
}

export interface CompactionSummaryMessage {
  readonly role: 'compactionSummary';
  readonly summary: string;
  readonly tokensBefore: number;
  readonly timestamp: number;
}

/** Everything that can stand in a transcript: what a model understands, and what the host adds. */
export type AgentMessage =
  | SystemMessage
  | UserMessage
  | AssistantMessage
  | ToolResultMessage
  | CustomMessage
  | BashExecutionMessage
  | BranchSummaryMessage
  | CompactionSummaryMessage;

/** Says the host's own kinds of messages in words a model understands; what failed or was cut off is left out. */
export function toModelMessages(messages: readonly AgentMessage[]): Message[] {
  return messages.flatMap((message): Message[] => {
    switch (message.role) {
      case 'custom':
        return [asUser(message.content, message.timestamp)];
      case 'bashExecution':
        return message.excludeFromContext === true ? [] : [asUser(bashText(message), message.timestamp)];
      case 'branchSummary':
        return [
          asUser(`The following is a summary of a branch that this conversation came back from:\n\n<summary>\n${message.summary}</summary>`, message.timestamp),
        ];
      case 'compactionSummary':
        return [
          asUser(
            `The conversation history before this point was compacted into the following summary:\n\n<summary>\n${message.summary}\n</summary>`,
            message.timestamp,
          ),
        ];
      case 'assistant':
        return message.stopReason === 'error' || message.stopReason === 'aborted' ? [] : [message];
      // A session of pi's holds pi's prompt and pi's tools; here they are the host's.
      case 'system':
        return [];
      case 'user':
      case 'toolResult':
        return [message];
    }
  });
}

/** A message of the user's, from text and images. */
export function userMessage(text: string, images: readonly ImageContent[] = []): UserMessage {
  return { role: 'user', content: [{ type: 'text', text }, ...images], timestamp: Date.now() };
}

function asUser(content: UserMessage['content'], timestamp: number): UserMessage {
  return { role: 'user', content: typeof content === 'string' ? [{ type: 'text', text: content }] : content, timestamp };
}

function bashText({ command, output, exitCode, cancelled, truncated, fullOutputPath }: BashExecutionMessage): string {
  const parts = [`Ran \`${command}\`\n${output === '' ? '(no output)' : `\`\`\`\n${output}\n\`\`\``}`];
  if (cancelled) parts.push('(command cancelled)');
  else if (exitCode !== undefined && exitCode !== 0) parts.push(`Command exited with code ${exitCode}`);
  if (truncated && fullOutputPath !== undefined) parts.push(`[Output truncated. Full output: ${fullOutputPath}]`);
  return parts.join('\n\n');
}
