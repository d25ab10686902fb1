import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { plainText } from '../../format/index.ts';
import type { DialogOptions } from '../../sandbox/index.ts';
import { describeExtensionError } from '../describe-extension-error.ts';
import type { HostEvent } from '../host-event.ts';
import { describe } from '../describe-diagnostic.ts';
import type { Host } from '../host.ts';
import type { UserInterface } from '../user-interface.ts';
import { askPermission } from './ask-permission.ts';
import { createKeyGate, type KeyGate } from './key-gate.ts';
import { terminalText } from '../terminal-text.ts';

export interface ReadlineOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number;
}

/**
 * A plain loop for a terminal: a line is a prompt, `/quit` or Ctrl-D ends it, Ctrl-C ends the run. Lines typed
 * while the agent works wait their turn. @returns the exit code
 */
export async function runReadline(host: Host, { input, output, now }: ReadlineOptions): Promise<number> {
  using gate = createKeyGate(input, output, now);
  const terminal = createInterface({ input: gate.input, output, terminal: true, prompt: '> ' });
  const lines = createTypedLines(terminal);
  const show = createScreen(output);
  const write = (text: string): void => show.write(text);
  host.attach(terminalInterface(terminal, lines, gate, show));
  const unsubscribe = host.subscribe((event) => tell(event, write));
  for (const diagnostic of host.diagnostics) write(`${describe(diagnostic)}\n`);
  terminal.on('SIGINT', () => {
    if (host.conversation.isStreaming) void host.conversation.abort();
    else terminal.close();
  });
  void host.ended.then(() => terminal.close());
  await host.begin();

  for (;;) {
    if (!lines.waiting) terminal.prompt();
    const line = (await lines.next())?.trim();
    if (line === undefined || line === '/quit') break;
    if (line === '') continue;
    try {
      // `!` runs a command, `!!` one that the model does not hear of
      if (line.startsWith('!')) {
        const { output, exitCode } = await host.runBash(line.replace(/^!!?/, '').trim(), { excludeFromContext: line.startsWith('!!') });
        write(`${output}\n${exitCode === 0 ? '' : `[exit code ${exitCode ?? 'none'}]\n`}`);
        continue;
      }
      const outcome = await host.prompt(line);
      if (outcome.kind === 'handled' && outcome.message !== undefined) write(`${outcome.message}\n`);
      await host.settle();
    } catch (error) {
      write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  unsubscribe();
  terminal.close();
  return 0;
}

/** Lines as they are typed; a question takes the next one that is typed after it was asked. */
interface TypedLines {
  /** Whether a line was typed that nobody has taken. */
  readonly waiting: boolean;
  /** The next line, or nothing when the terminal is closed. */
  next(): Promise<string | undefined>;
  answer(signal: AbortSignal): Promise<string | undefined>;
}

function createTypedLines(terminal: Interface): TypedLines {
  const typed: string[] = [];
  let closed = false;
  let reader: ((line: string | undefined) => void) | undefined;
  let question: ((line: string | undefined) => void) | undefined;
  terminal.on('line', (line) => {
    if (question !== undefined) question(line);
    else if (reader !== undefined) reader(line);
    else typed.push(line);
  });
  terminal.on('close', () => {
    closed = true;
    question?.(undefined);
    reader?.(undefined);
  });
  return {
    get waiting() {
      return typed.length > 0;
    },
    async next() {
      const line = typed.shift();
      if (line !== undefined || closed) return line;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      reader = resolve;
      return promise.finally(() => {
        reader = undefined;
      });
    },
    async answer(signal) {
      if (closed || signal.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const dismiss = (): void => resolve(undefined);
      question = resolve;
      signal.addEventListener('abort', dismiss, { once: true });
      return promise.finally(() => {
        question = undefined;
        signal.removeEventListener('abort', dismiss);
      });
    },
  };
}

/** What is written while a question is open waits behind it: nothing scrolls it away or draws over it. */
interface Screen {
  write(text: string): void;
  alone<Result>(draw: (write: (text: string) => void) => Promise<Result>): Promise<Result>;
}

function createScreen(output: Writable): Screen {
  let waiting: string[] | undefined;
  const put = (text: string): void => void output.write(terminalText(text));
  return {
    write: (text) => (waiting === undefined ? put(text) : void waiting.push(text)),
    async alone(draw) {
      waiting = [];
      try {
        return await draw(put);
      } finally {
        const late = waiting;
        waiting = undefined;
        late.forEach(put);
      }
    },
  };
}

function tell(event: HostEvent, write: (text: string) => void): void {
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
    case 'compaction_start':
      return write('[summing up what is old]\n');
    case 'compaction_end':
      return event.errorMessage === undefined ? undefined : write(`[it could not be summed up: ${event.errorMessage}]\n`);
    case 'model_failover':
      return write(`[${event.from.provider}/${event.from.id} does not answer; ${event.to.provider}/${event.to.id} does]\n`);
    case 'auto_retry_start':
      return write(`[again in ${Math.ceil(event.delayMs / 1000)} s, ${event.attempt} of ${event.maxAttempts}]\n`);
    case 'extension_error':
      return write(`${describeExtensionError(event)}\n`);
    case 'error':
      return write(`error: ${event.message}\n`);
    default:
      return undefined;
  }
}

/** Lines that a package wrote are marked with its name: none can look like a question of Dash's own. */
function marked(text: string, by: string | undefined): string {
  if (by === undefined) return text;
  const name = plainText(by, 80);
  return text
    .split('\n')
    .map((line) => `${name} | ${line}`)
    .join('\n');
}

function terminalInterface(terminal: Interface, lines: TypedLines, gate: KeyGate, screen: Screen): UserInterface {
  const write = (text: string): void => screen.write(text);
  // Questions come one at a time: two at once would take each other's answer.
  let asking: Promise<unknown> = Promise.resolve();
  const ask = (question: string, { signal, timeoutMs }: DialogOptions): Promise<string | undefined> => {
    const signals = [...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
    const answer = asking.then(() => {
      write(question);
      return lines.answer(AbortSignal.any(signals));
    });
    asking = answer;
    return answer;
  };
  return {
    mode: 'tui',
    hasUI: true,
    notify: (message, level, by) => write(`${marked(`${level}: ${message}`, by)}\n`),
    async select(title, choices, options) {
      const list = choices.map((choice, index) => `  ${index + 1}. ${choice}`).join('\n');
      const answer = await ask(`${marked(`${title}\n${list}`, options.by)}\nnumber: `, options);
      return choices[Number(answer) - 1];
    },
    // No is the default; only a letter says yes.
    confirm: async (title, message, options) => /^y(?:es)?$/i.test((await ask(`${marked(`${title}: ${message}`, options.by)} [y/N] `, options))?.trim() ?? ''),
    input: (title, placeholder, options) => ask(`${marked(`${title}${placeholder === undefined ? '' : ` (${placeholder})`}`, options.by)}: `, options),
    editor: (title, prefill, options) => ask(`${marked(`${title}${prefill === undefined ? '' : `\n${prefill}`}`, options.by)}\n: `, options),
    set(surface, by) {
      if (surface.kind === 'status' && surface.text !== undefined) write(`${marked(`[${surface.key}] ${surface.text}`, by)}\n`);
      if (surface.kind === 'widget') for (const line of surface.lines ?? []) write(`${marked(line, by)}\n`);
    },
    editorText: () => terminal.line,
    askPermission: (question, signal) => screen.alone((draw) => askPermission(question, { gate, write: draw, signal })),
  };
}
