import { decodeUtf8, encodeUtf8, viewBytes } from './text-encoding.ts';

type BlobPart = string | ArrayBuffer | ArrayBufferView | Blob;

/** The web class; its bytes lie in the isolate. */
export class Blob {
  readonly type: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(parts: Iterable<BlobPart> = [], options: { type?: string } = {}) {
    const chunks = [...parts].map((part) => (part instanceof Blob ? part.#bytes : typeof part === 'string' ? encodeUtf8(part) : viewBytes(part)));
    this.#bytes = concatBytes(chunks);
    this.type = /^[\x20-\x7e]*$/.test(options.type ?? '') ? String(options.type ?? '').toLowerCase() : '';
  }

  get size(): number {
    return this.#bytes.length;
  }

  slice(start?: number, end?: number, type = ''): Blob {
    return new Blob([this.#bytes.slice(start, end)], { type });
  }

  async text(): Promise<string> {
    return decodeUtf8(this.#bytes).replace(/^\ufeff/, '');
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice();
  }

  stream(): ReadableStream<Uint8Array> {
    const bytes = this.#bytes.slice();
    return new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes);
        controller.close();
      },
    });
  }

  get [Symbol.toStringTag](): string {
    return 'Blob';
  }

  /** The bytes without the detour over a promise, for bodies and forms. */
  static bytesOf(blob: Blob): Uint8Array<ArrayBuffer> {
    return blob.#bytes;
  }
}

/** The bytes of a blob, synchronously; taken off the class so that package code sees only the standard members. */
export const blobBytes = Blob.bytesOf;
Reflect.deleteProperty(Blob, 'bytesOf');

/** The web class. */
export class File extends Blob {
  readonly name: string;
  readonly lastModified: number;
  readonly webkitRelativePath = '';

  constructor(parts: Iterable<BlobPart>, name: string, options: { type?: string; lastModified?: number } = {}) {
    super(parts, options);
    this.name = String(name);
    this.lastModified = options.lastModified ?? Date.now();
  }

  override get [Symbol.toStringTag](): string {
    return 'File';
  }
}

/** Joins chunks into one array. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
