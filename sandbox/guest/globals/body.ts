import { decodeForm } from './multipart.ts';
import { Blob, blobBytes, concatBytes } from './blob.ts';
import { encodeForm, FormData } from './form-data.ts';
import { decodeUtf8, encodeUtf8, viewBytes } from './text-encoding.ts';

/** A body that comes piece by piece; a stream is made of it only when somebody wants one. */
export class IncomingBody {
  readonly #read: () => Promise<Uint8Array<ArrayBuffer> | undefined>;
  readonly cancel: () => void;

  constructor(read: () => Promise<Uint8Array<ArrayBuffer> | undefined>, cancel: () => void) {
    this.#read = read;
    this.cancel = cancel;
  }

  /** `undefined` at the end. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#read();
  }
}

type Content = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | IncomingBody;

export interface ExtractedBody {
  readonly content: Content;
  readonly contentType: string | undefined;
}

/** Reads what `fetch`, `Request` and `Response` accept as a body. */
export function extractBody(init: unknown): ExtractedBody | undefined {
  if (init === undefined || init === null) return undefined;
  if (typeof init === 'string') return { content: encodeUtf8(init), contentType: 'text/plain;charset=UTF-8' };
  if (init instanceof URLSearchParams) return { content: encodeUtf8(init.toString()), contentType: 'application/x-www-form-urlencoded;charset=UTF-8' };
  if (init instanceof Blob) return { content: blobBytes(init), contentType: init.type || undefined };
  if (init instanceof FormData) {
    const boundary = `----formdata-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
    return { content: encodeForm(init, boundary), contentType: `multipart/form-data; boundary=${boundary}` };
  }
  if (init instanceof ReadableStream || init instanceof IncomingBody) return { content: init, contentType: undefined };
  if (init instanceof ArrayBuffer || ArrayBuffer.isView(init)) return { content: viewBytes(init).slice(), contentType: undefined };
  if (typeof init === 'object' && Symbol.asyncIterator in init)
    return { content: ReadableStream.from(init as AsyncIterable<Uint8Array>), contentType: undefined };
  return { content: encodeUtf8(String(init)), contentType: 'text/plain;charset=UTF-8' };
}

/** What Request and Response share: one body that can be read once. */
export abstract class Body {
  #content: Content | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  #used = false;

  protected constructor(content: Content | undefined) {
    this.#content = content;
  }

  /** Content type of the headers, for `blob()` and `formData()`. */
  protected abstract contentType(): string;

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#content === undefined) return null;
    this.#stream ??=
      this.#content instanceof Uint8Array ? streamOf(this.#content) : this.#content instanceof IncomingBody ? streamIncoming(this.#content) : this.#content;
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#stream?.locked ?? false);
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
    if (this.#content === undefined) return new Uint8Array();
    this.#used = true;
    if (this.#stream === undefined && this.#content instanceof Uint8Array) return this.#content.slice();
    const chunks: Uint8Array[] = [];
    if (this.#stream === undefined && this.#content instanceof IncomingBody) {
      for (let piece = await this.#content.next(); piece !== undefined; piece = await this.#content.next()) chunks.push(piece);
      return concatBytes(chunks);
    }
    for await (const chunk of this.body ?? []) chunks.push(typeof chunk === 'string' ? encodeUtf8(chunk) : chunk);
    return concatBytes(chunks);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async text(): Promise<string> {
    return decodeUtf8(await this.bytes()).replace(/^\ufeff/, '');
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.contentType() });
  }

  async formData(): Promise<FormData> {
    const type = this.contentType();
    if (/^multipart\/form-data\b/i.test(type)) return decodeForm(await this.bytes(), type);
    if (!/^application\/x-www-form-urlencoded\b/i.test(type))
      throw new TypeError('Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".');
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
    return form;
  }

  /** Splits the body in two, for `clone()`. */
  protected teeBody(): Content | undefined {
    if (this.bodyUsed) throw new TypeError('Body has already been consumed.');
    if (this.#content === undefined || (this.#content instanceof Uint8Array && this.#stream === undefined)) return this.#content;
    const [mine, other] = (this.body ?? streamOf(new Uint8Array())).tee();
    this.#stream = mine;
    return other;
  }
}

function streamIncoming(body: IncomingBody): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = await body.next();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: () => body.cancel(),
    },
    // what nobody reads stays where it is
    { highWaterMark: 0 },
  );
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
    },
  });
}
