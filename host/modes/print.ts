import type { Writable } from 'node:stream';
import { describe, type Host } from '../host.ts';
import { lastAnswer } from '../session/export.ts';
import type { ImageContent } from '../model/messages.ts';
import { withoutUser } from '../user-interface.ts';

export interface PrintOptions {
  readonly prompt: string;
  readonly images?: readonly ImageContent[];
  readonly output: Writable;
  /** Where notices and errors go. */
  readonly errors: Writable;
}

/** Runs one prompt and prints the last answer. @returns the exit code */
export async function runPrint(host: Host, { prompt, images = [], output, errors }: PrintOptions): Promise<number> {
  host.attach(withoutUser('print', (message) => errors.write(`${message}\n`)));
  for (const diagnostic of host.diagnostics) if (diagnostic.severity === 'error') errors.write(`${describe(diagnostic)}\n`);
  const before = host.conversation.messages.length;
  let failure: string | undefined;
  const unsubscribe = host.subscribe((event) => {
    if (event.type === 'extension_error') errors.write(`${event.extensionPath}: ${event.event}: ${event.error}\n`);
    if (event.type === 'error') failure = event.message;
  });
  const outcome = await host.prompt(prompt, { images });
  await host.settle();
  unsubscribe();
  if (outcome.kind === 'handled' && outcome.message !== undefined) output.write(`${outcome.message}\n`);
  const last = host.conversation.messages.slice(before).findLast(({ role }) => role === 'assistant');
  if (last?.role === 'assistant') {
    const text = lastAnswer([last]);
    if (text !== undefined) output.write(`${text}\n`);
    if (last.stopReason === 'error' || last.stopReason === 'aborted') failure ??= last.errorMessage ?? last.stopReason;
  }
  if (failure !== undefined) errors.write(`error: ${failure}\n`);
  return failure === undefined ? 0 : 1;
}
