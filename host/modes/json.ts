import type { Writable } from 'node:stream';
import { describe, mustBeSaid } from '../describe-diagnostic.ts';
import type { Host } from '../host.ts';
import type { ImageContent } from '../model/messages.ts';
import { withoutUser } from '../user-interface.ts';
import { writeRecord } from './json-lines.ts';
import { terminalText } from '../terminal-text.ts';
import { toWireEvent } from './wire-event.ts';

export interface JsonOptions {
  readonly prompt: string;
  readonly images?: readonly ImageContent[];
  readonly output: Writable;
  readonly errors: Writable;
}

/** Runs one prompt and prints the session's header and every event, one JSON object a line. @returns the exit code */
export async function runJson(host: Host, { prompt, images = [], output, errors }: JsonOptions): Promise<number> {
  host.attach(withoutUser('json', (message) => errors.write(`${terminalText(message)}\n`)));
  for (const diagnostic of host.diagnostics) if (mustBeSaid(diagnostic)) errors.write(`${terminalText(describe(diagnostic))}\n`);
  let failed = false;
  await writeRecord(output, host.conversation.session.tree.header);
  const unsubscribe = host.subscribe(async (event) => {
    failed ||= event.type === 'error' || (event.type === 'message_end' && event.message.role === 'assistant' && event.message.stopReason === 'error');
    await writeRecord(output, toWireEvent(event));
  });
  await host.prompt(prompt, { images });
  await host.settle();
  unsubscribe();
  return failed ? 1 : 0;
}
