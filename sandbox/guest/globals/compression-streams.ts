import { openCoder } from '../builtins/zlib-coder.ts';
import { viewBytes } from './text-encoding.ts';

const formats: Readonly<Record<string, readonly [compress: string, decompress: string]>> = {
  gzip: ['Gzip', 'Gunzip'],
  deflate: ['Deflate', 'Inflate'],
  'deflate-raw': ['DeflateRaw', 'InflateRaw'],
  brotli: ['BrotliCompress', 'BrotliDecompress'],
  zstd: ['ZstdCompress', 'ZstdDecompress'],
};

/** Makes CompressionStream and DecompressionStream over the coders of `zlib`. */
export function createCompressionStreams(TransformStream: typeof globalThis.TransformStream) {
  const coding = (format: unknown, direction: 0 | 1): TransformStream<ArrayBuffer | ArrayBufferView, Uint8Array> => {
    const make = Object.hasOwn(formats, String(format)) ? formats[String(format)]?.[direction] : undefined;
    if (make === undefined)
      throw Object.assign(
        new TypeError(`The argument 'format' must be one of: 'deflate', 'deflate-raw', 'gzip', 'brotli', 'zstd'. Received '${String(format)}'`),
        {
          code: 'ERR_INVALID_ARG_VALUE',
        },
      );
    const coder = openCoder({ kind: 'zlib', make, options: {} });
    const give = (bytes: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
      if (bytes.length > 0) controller.enqueue(bytes);
    };
    return new TransformStream({
      transform(chunk, controller) {
        coder.write(viewBytes(chunk), (bytes) => give(bytes, controller));
      },
      flush(controller) {
        give(coder.end(), controller);
      },
    });
  };
  class Coding {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;

    constructor(format: unknown, direction: 0 | 1) {
      const { readable, writable } = coding(format, direction);
      this.readable = readable;
      this.writable = writable;
    }
  }
  class CompressionStream extends Coding {
    constructor(format: string) {
      super(format, 0);
    }
  }
  class DecompressionStream extends Coding {
    constructor(format: string) {
      super(format, 1);
    }
  }
  return { CompressionStream, DecompressionStream };
}
