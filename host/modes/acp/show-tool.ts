import type { ToolCall, ToolCallContent, ToolCallLocation, ToolKind } from '@agentclientprotocol/sdk';
import { plainText } from '../../../format/index.ts';
import { type ImageContent, type JsonObject, type TextContent, textOf } from '../../model/messages.ts';
import { CHANGE, type FileChange, type ToolAnswer } from '../../loop/tool-call.ts';
import { absolutePath } from '../../tools/workspace-path.ts';

/** A path as the client knows it: it may have opened the workspace under the name of a link. */
export type ClientPath = (path: string) => string;

const MAX_TITLE = 200;

/** What a call is about, for people: a title, what sort of thing it does, and where. */
export function showCall(name: string, args: JsonObject, cwd: string, clientPath: ClientPath): Pick<ToolCall, 'title' | 'kind' | 'locations' | 'rawInput'> {
  const path = typeof args['path'] === 'string' ? args['path'] : undefined;
  const kind = KINDS[name];
  return {
    title: plainText(titleOf(name, args), MAX_TITLE),
    kind: kind ?? 'other',
    // only of our own tools is it known that a `path` is one
    locations: path === undefined || kind === undefined ? [] : [locationOf(clientPath(absolutePath(cwd, path)), args['offset'])],
    rawInput: args,
  };
}

const KINDS: Readonly<Record<string, ToolKind>> = {
  read: 'read',
  ls: 'read',
  write: 'edit',
  edit: 'edit',
  bash: 'execute',
  grep: 'search',
  find: 'search',
  find_skill: 'search',
};

function titleOf(name: string, args: JsonObject): string {
  const first = ['command', 'path', 'pattern', 'query'].map((field) => args[field]).find((value) => typeof value === 'string');
  if (first === undefined) return name;
  return name === 'bash' ? `$ ${first}` : `${name} ${first}`;
}

function locationOf(path: string, line: unknown): ToolCallLocation {
  return typeof line === 'number' && Number.isInteger(line) && line > 0 ? { path, line } : { path };
}

/** What a tool answered: the change of a file as a difference, output of a command as it stood on a terminal, the rest as text and images. */
export function showAnswer(name: string, answer: Pick<ToolAnswer, 'content' | typeof CHANGE>, clientPath: ClientPath): ToolCallContent[] {
  const change = answer[CHANGE];
  if (change !== undefined) return [showChange(change, clientPath)];
  return answer.content.map((block) => showBlock(block, name === 'bash' || name === 'read'));
}

/** The same for programs. */
export function rawAnswer({ content, details }: Pick<ToolAnswer, 'content' | 'details'>): JsonObject {
  return { output: textOf(content), ...(details === undefined ? {} : { details }) };
}

export function showChange({ path, before, after }: FileChange, clientPath: ClientPath): ToolCallContent {
  return { type: 'diff', path: clientPath(path), oldText: before ?? null, newText: after };
}

/** Text that is not markdown is fenced, by more backticks than stand in it. */
export function fenced(text: string): string {
  // one by one: as arguments of a call they would be too many in a long text
  const longest = text.matchAll(/`+/g).reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

function showBlock(block: TextContent | ImageContent, isVerbatim: boolean): ToolCallContent {
  if (block.type === 'image') return { type: 'content', content: { type: 'image', data: block.data, mimeType: block.mimeType } };
  return { type: 'content', content: { type: 'text', text: isVerbatim ? fenced(block.text) : block.text } };
}
