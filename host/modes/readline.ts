import { createInterface, type Interface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { DialogOptions } from '../../sandbox/index.ts';
import type { HostEvent } from '../host-event.ts';
import { describe, type Host } from '../host.ts';
import type { UserInterface } from '../user-interface.ts';
import { terminalText } from './terminal-text.ts';

export interface ReadlineOptions {
  readonly input: Readable;
  readonly output: Writable;
}

/** A plain loop for a terminal: a line is a prompt, `/quit` or Ctrl-D ends it, Ctrl-C ends the run. @returns the exit code */
export async function runReadline(host: Host, { input, output }: ReadlineOptions): Promise<number> {
  const lines = createInterface({ input, output, terminal: true });
  const write = (text: string): void => void output.write(terminalText(text));
  host.attach(terminalInterface(lines, write));
  const unsubscribe = host.subscribe((event) => show(event, write));
  for (const diagnostic of host.diagnostics) write(`${describe(diagnostic)}\n`);
  const over = new AbortController();
  lines.on('close', () => over.abort());
  lines.on('SIGINT', () => {
    if (host.conversation.isStreaming) void host.conversation.abort();
    else lines.close();
  });
  void host.ended.then(() => lines.close());

  while (!over.signal.aborted) {
    let line: string;
    try {
      line = (await lines.question('> ', { signal: over.signal })).trim();
    } catch (error) {
      if (over.signal.aborted) break;
      throw error;
    }
    if (line === '/quit') break;
    if (line === '') continue;
    try {
      const outcome = await host.prompt(line);
      if (outcome.kind === 'handled' && outcome.message !== undefined) write(`${outcome.message}\n`);
      await host.settle();
    } catch (error) {
      write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  unsubscribe();
  lines.close();
  return 0;
}

function show(event: HostEvent, write: (text: string) => void): void {
  switch (event.type) {
    case 'message_update':
      if (event.assistantMessageEvent.type === 'text_delta') write(event.assistantMessageEvent.delta);
      if (event.assistantMessageEvent.type === 'text_end') write('\n');
      return;
    case 'message_end':
      if (event.message.role === 'assistant' && event.message.errorMessage !== undefined) write(`error: ${event.message.errorMessage}\n`);
      return;
    case 'tool_execution_start':
      return write(`[${event.toolName} ${JSON.stringify(event.args).slice(0, 200)}]\n`);
    case 'tool_execution_end':
      return event.isError ? write(`[${event.toolName} failed]\n`) : undefined;
    case 'extension_error':
      return write(`${event.extensionPath}: ${event.event}: ${event.error}\n`);
    case 'error':
      return write(`error: ${event.message}\n`);
    default:
      return undefined;
  }
}

function terminalInterface(lines: Interface, write: (text: string) => void): UserInterface {
  // Questions come one at a time: two at once would take each other's answer.
  let asking: Promise<unknown> = Promise.resolve();
  const ask = (question: string, { signal, timeoutMs }: DialogOptions): Promise<string | undefined> => {
    const signals = [...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
    const answer = asking.then(() => lines.question(terminalText(question), { signal: AbortSignal.any(signals) })).catch(() => undefined);
    asking = answer;
    return answer;
  };
  return {
    mode: 'tui',
    hasUI: true,
    notify: (message, level) => write(`${level}: ${message}\n`),
    async select(title, choices, options) {
      const list = choices.map((choice, index) => `  ${index + 1}. ${choice}`).join('\n');
      const answer = await ask(`${title}\n${list}\nnumber: `, options);
      return choices[Number(answer) - 1];
    },
    // No is the default; only a letter says yes.
    confirm: async (title, message, options) => /^y(?:es)?$/i.test((await ask(`${title}: ${message} [y/N] `, options))?.trim() ?? ''),
    input: (title, placeholder, options) => ask(`${title}${placeholder === undefined ? '' : ` (${placeholder})`}: `, options),
    editor: (title, prefill, options) => ask(`${title}${prefill === undefined ? '' : `\n${prefill}\n`}: `, options),
    set(surface) {
      if (surface.kind === 'status' && surface.text !== undefined) write(`[${surface.key}] ${surface.text}\n`);
      if (surface.kind === 'widget') for (const line of surface.lines ?? []) write(`${line}\n`);
    },
    editorText: () => lines.line,
  };
}
