import type { Readable, Writable } from 'node:stream';
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';

/** Longest line that is read; a client that never ends a line must not fill the memory. */
const MAX_LINE = 64 * 1024 * 1024;

/** The lines of a stream. Split at LF and nothing else: U+2028 is legal inside JSON, and `readline` would cut there. */
export async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      yield rest.slice(0, end).replace(/\r$/, '');
      rest = rest.slice(end + 1);
    }
    if (rest.length > MAX_LINE) throw new Error(`a line is longer than ${MAX_LINE} characters`);
  }
  if (rest !== '') yield rest;
}

/** Writes one record, and waits while the reader is behind. */
export async function writeRecord(output: Writable, record: unknown): Promise<void> {
  if (!output.write(`${JSON.stringify(record)}\n`) && !output.destroyed) await Promise.race([once(output, 'drain'), once(output, 'close')]);
}
