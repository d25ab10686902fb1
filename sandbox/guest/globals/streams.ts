import { TransformStream } from 'web-streams-polyfill';
import { TextDecoder, TextEncoder } from './text-encoding.ts';

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from 'web-streams-polyfill';

/** The encoding standard's stream: bytes in, text out, a character cut by a chunk border kept whole. */
export class TextDecoderStream extends TransformStream<Uint8Array, string> {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    const decoder = new TextDecoder(label, options);
    super({
      transform(chunk, controller) {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== '') controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== '') controller.enqueue(text);
      },
    });
    this.encoding = decoder.encoding;
    this.fatal = decoder.fatal;
    this.ignoreBOM = decoder.ignoreBOM;
  }
}

/** The encoding standard's stream: text in, bytes out. */
export class TextEncoderStream extends TransformStream<string, Uint8Array> {
  readonly encoding = 'utf-8';

  constructor() {
    const encoder = new TextEncoder();
    let held = '';
    super({
      transform(chunk, controller) {
        const text = held + String(chunk);
        // Half a surrogate pair waits for its other half.
        held = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : '';
        const ready = held === '' ? text : text.slice(0, -1);
        if (ready !== '') controller.enqueue(encoder.encode(ready));
      },
      flush(controller) {
        if (held !== '') controller.enqueue(encoder.encode(held));
      },
    });
  }
}
