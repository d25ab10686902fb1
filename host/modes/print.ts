import type { Writable } from 'node:stream';
import { describe, mustBeSaid } from '../describe-diagnostic.ts';
import { describeExtensionError } from '../describe-extension-error.ts';
import type { Host } from '../host.ts';
import { lastAnswer } from '../session/export.ts';
import type { ImageContent } from '../model/messages.ts';
import { withoutUser } from '../user-interface.ts';
import { terminalText } from '../terminal-text.ts';

export interface PrintOptions {
  readonly prompt: string;
  readonly images?: readonly ImageContent[];
  readonly output: Writable;
  /** Where notices and errors go. */
  readonly errors: Writable;
}

/** Runs one prompt and prints the last answer. @returns the exit code */
export async function runPrint(host: Host, { prompt, images = [], output, errors }: PrintOptions): Promise<number> {
  const say = (line: string): void => void errors.write(`${terminalText(line)}\n`);
  // An answer that goes into a file or a pipe stays as it is.
  const answer = (text: string): void => void output.write(`${'isTTY' in output && output.isTTY === true ? terminalText(text) : text}\n`);
  host.attach(withoutUser('print', say));
  for (const diagnostic of host.diagnostics) if (mustBeSaid(diagnostic)) say(describe(diagnostic));
  const before = host.conversation.messages.length;
  let failure: string | undefined;
  const unsubscribe = host.subscribe((event) => {
    if (event.type === 'extension_error') say(describeExtensionError(event));
    if (event.type === 'error') failure = event.message;
  });
  const outcome = await host.prompt(prompt, { images });
  await host.settle();
  unsubscribe();
  if (outcome.kind === 'handled' && outcome.message !== undefined) answer(outcome.message);
  const last = host.conversation.messages.slice(before).findLast(({ role }) => role === 'assistant');
  if (last?.role === 'assistant') {
    const text = lastAnswer([last]);
    if (text !== undefined) answer(text);
    if (last.stopReason === 'error' || last.stopReason === 'aborted') failure ??= last.errorMessage ?? last.stopReason;
  }
  if (failure !== undefined) say(`error: ${failure}`);
  return failure === undefined ? 0 : 1;
}
