import { StringDecoder } from 'node:string_decoder';
import { wholeLines } from './whole-lines.ts';
import { MAX_MESSAGE } from './wire.ts';

/** One event of a server, by https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads the events of a stream as they come; an event that the end cuts off is none. @throws when one has no end */
export async function* readEvents(stream: AsyncIterable<unknown>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder('utf8');
  const text = wholeLines(/\r\n|\n|\r/);
  let cut = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const piece = cut + decoder.write(chunk as Buffer);
    // a line break may be cut in two: a `\r` at the end waits for what follows
    cut = piece.endsWith('\r') ? '\r' : '';
    for (const line of text.add(piece.slice(0, piece.length - cut.length))) {
      if (line === '') {
        if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') };
        [event, data, size] = ['', [], 0];
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      size += line.length;
    }
    if (size + text.waiting > MAX_MESSAGE) throw new Error('it wrote an event without an end');
  }
}
