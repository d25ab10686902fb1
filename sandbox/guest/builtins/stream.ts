import { concatBytes } from '../globals/blob.ts';
import { completeModule } from './throwing-members.ts';

type Chunks = AsyncIterable<unknown> | Iterable<unknown>;

/** Makes `stream`: the npm package that is cut from Node's own source, and the bridges to web streams. */
export function createStream(): Record<string, unknown> {
  const stream: typeof import('node:stream') & Record<string, unknown> = require('readable-stream/lib/ours/browser.js');
  const { Readable, Writable } = stream;
  // the library is older than Node's present one
  stream.setDefaultHighWaterMark(false, 65_536);
  Object.assign(Readable, {
    fromWeb: (web: ReadableStream<unknown>, options?: object) => Readable.from(chunksOf(web), options),
    toWeb: (readable: import('node:stream').Readable) => ReadableStream.from(readable),
  });
  Object.assign(Writable, {
    fromWeb: (web: WritableStream<unknown>, options: object = {}) => {
      const writer = web.getWriter();
      return new Writable({
        ...options,
        write: (chunk, _encoding, done) => void writer.write(chunk).then(() => done(), done),
        final: (done) => void writer.close().then(() => done(), done),
      });
    },
    toWeb: (writable: import('node:stream').Writable) =>
      new WritableStream({
        write: (chunk) => new Promise<void>((resolve, reject) => writable.write(chunk, (error) => (error ? reject(error) : resolve()))),
        close: () => new Promise<void>((resolve) => writable.end(() => resolve())),
        abort: (reason) => void writable.destroy(reason instanceof Error ? reason : new Error(String(reason))),
      }),
  });
  return completeModule('stream', stream);
}

/** Makes `stream/consumers`. */
export function createStreamConsumers(): Record<string, unknown> {
  const buffer = async (chunks: Chunks) => {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk)));
    return Buffer.from(concatBytes(parts).buffer);
  };
  const text = async (chunks: Chunks) => (await buffer(chunks)).toString('utf8');
  return completeModule('stream/consumers', {
    buffer,
    text,
    bytes: async (chunks: Chunks) => new Uint8Array(await buffer(chunks)),
    arrayBuffer: async (chunks: Chunks) => new Uint8Array(await buffer(chunks)).buffer,
    json: async (chunks: Chunks): Promise<unknown> => JSON.parse(await text(chunks)),
    blob: async (chunks: Chunks) => new Blob([await buffer(chunks)]),
  });
}

async function* chunksOf(web: ReadableStream<unknown>): AsyncGenerator<unknown> {
  const reader = web.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      yield next.value instanceof Uint8Array ? Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length) : next.value;
  } finally {
    reader.releaseLock();
  }
}
