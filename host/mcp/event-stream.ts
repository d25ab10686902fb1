import { StringDecoder } from 'node:string_decoder';
import { MAX_MESSAGE } from './wire.ts';

/** One event of a server, by https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads the events of a stream as they come; an event that the end cuts off is none. @throws when one has no end */
export async function* readEvents(stream: AsyncIterable<unknown>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    rest += decoder.write(chunk as Buffer);
    // a line break may be cut in two: what ends with `\r` waits for what follows
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
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
    if (size + rest.length > MAX_MESSAGE) throw new Error('it wrote an event without an end');
  }
}
