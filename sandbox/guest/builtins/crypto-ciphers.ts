import { askNative, bytesToLatin1, latin1ToBytes } from '../globals/native-work.ts';

/** Bytes of one order. */
const PIECE = 1024 * 1024;

type Data = string | ArrayBufferView | ArrayBuffer;
type Options = Readonly<Record<string, number>>;

export interface CipherParts {
  readonly bytesOf: (data: Data, encoding?: BufferEncoding) => Uint8Array;
  /** Key material as bytes: a KeyObject's, too. */
  readonly secretBytes: (key: unknown) => Uint8Array;
}

/** Ciphers that somebody began and forgot: their place in the sandbox process is given back. */
const forgotten = new FinalizationRegistry<number>((id) => void askNative({ do: 'close', id }));

/** Forms of orders that were found good. */
const known = new Set<string>();

/** Makes `createCipheriv` and `createDecipheriv`. */
export function createCiphers(stream: typeof import('node:stream'), { bytesOf, secretBytes }: CipherParts) {
  class Cipher extends stream.Transform {
    readonly #order: { kind: 'cipher'; decrypt: boolean; algorithm: string; key: string; iv: string | null; options: Options };
    readonly #aad: { bytes: string; plaintextLength?: number }[] = [];
    #padding: boolean | undefined;
    #tag: Uint8Array | undefined;
    #id: number | undefined;
    #isFinal = false;

    constructor(decrypt: boolean, algorithm: string, key: unknown, iv: Data | null, options: Options & import('node:stream').TransformOptions = {}) {
      super(options);
      const { authTagLength } = options;
      this.#order = {
        kind: 'cipher',
        decrypt,
        algorithm,
        key: bytesToLatin1(secretBytes(key)),
        iv: iv === null || iv === undefined ? null : bytesToLatin1(bytesOf(iv)),
        options: authTagLength === undefined ? {} : { authTagLength },
      };
      // What is wrong with them is said here, as in Node; once for each form.
      const form = [decrypt, algorithm, this.#order.key.length, this.#order.iv?.length, authTagLength].join(' ');
      if (known.has(form)) return;
      askNative({ do: 'close', id: Number(askNative({ do: 'open', engine: this.#order })) });
      known.add(form);
    }

    update(data: Data, inputEncoding?: BufferEncoding, outputEncoding?: BufferEncoding): Buffer | string {
      if (this.#isFinal) throw new Error('Trying to add data in unsupported state');
      const bytes = bytesOf(data, inputEncoding);
      const id = this.#open();
      const parts: Uint8Array[] = [];
      for (let start = 0; start < bytes.length || start === 0; start += PIECE)
        parts.push(latin1ToBytes(askNative({ do: 'write', id }, bytesToLatin1(bytes.subarray(start, start + PIECE)))));
      return encoded(Buffer.concat(parts), outputEncoding);
    }

    final(outputEncoding?: BufferEncoding): Buffer | string {
      if (this.#isFinal) throw finalized('Unsupported state');
      const id = this.#open();
      this.#isFinal = true;
      forgotten.unregister(this);
      const tag = this.#order.decrypt && this.#tag !== undefined ? { tag: bytesToLatin1(this.#tag) } : {};
      const [length = 0, ...rest] = latin1ToBytes(askNative({ do: 'end', id, ...tag }));
      if (!this.#order.decrypt && length > 0) this.#tag = Uint8Array.from(rest.slice(0, length));
      return encoded(Buffer.from(rest.slice(length)), outputEncoding);
    }

    setAAD(data: Data, { plaintextLength }: { plaintextLength?: number } = {}): this {
      if (this.#id !== undefined) throw invalidState('setAAD');
      this.#aad.push({ bytes: bytesToLatin1(bytesOf(data)), ...(plaintextLength !== undefined && { plaintextLength }) });
      return this;
    }

    setAutoPadding(padding = true): this {
      if (this.#isFinal) throw invalidState('setAutoPadding');
      this.#padding = padding;
      return this;
    }

    protected keepTag(tag: Data, encoding?: BufferEncoding): this {
      if (this.#isFinal || this.#tag !== undefined) throw invalidState('setAuthTag');
      this.#tag = bytesOf(tag, encoding).slice();
      return this;
    }

    protected madeTag(): Buffer {
      if (!this.#isFinal || this.#tag === undefined) throw invalidState('getAuthTag');
      return Buffer.from(this.#tag);
    }

    /** At the first bytes: until then Node lets one say more. */
    #open(): number {
      if (this.#id !== undefined) return this.#id;
      const more = {
        ...(this.#aad.length > 0 && { aad: this.#aad }),
        ...(this.#padding !== undefined && { padding: this.#padding }),
        ...(this.#order.decrypt && this.#tag !== undefined && { tag: bytesToLatin1(this.#tag) }),
      };
      this.#id = Number(askNative({ do: 'open', engine: { ...this.#order, ...more } }));
      // said already: a second time is an error
      if ('tag' in more) this.#tag = undefined;
      forgotten.register(this, this.#id, this);
      return this.#id;
    }

    override _transform(chunk: Data, encoding: BufferEncoding, done: (error: Error | null, data?: unknown) => void): void {
      attempt(() => this.update(chunk, encoding), done);
    }

    override _flush(done: (error: Error | null, data?: unknown) => void): void {
      attempt(() => this.final(), done);
    }
  }
  class Cipheriv extends Cipher {
    constructor(algorithm: string, key: unknown, iv: Data | null, options?: Options) {
      super(false, algorithm, key, iv, options);
    }
    getAuthTag(): Buffer {
      return this.madeTag();
    }
  }
  class Decipheriv extends Cipher {
    constructor(algorithm: string, key: unknown, iv: Data | null, options?: Options) {
      super(true, algorithm, key, iv, options);
    }
    setAuthTag(tag: Data, encoding?: BufferEncoding): this {
      return this.keepTag(tag, encoding);
    }
  }
  return {
    Cipheriv,
    Decipheriv,
    createCipheriv: (algorithm: string, key: unknown, iv: Data | null, options?: Options) => new Cipheriv(algorithm, key, iv, options),
    createDecipheriv: (algorithm: string, key: unknown, iv: Data | null, options?: Options) => new Decipheriv(algorithm, key, iv, options),
  };
}

function encoded(bytes: Buffer, encoding: BufferEncoding | undefined): Buffer | string {
  return encoding === undefined || (encoding as string) === 'buffer' ? bytes : bytes.toString(encoding);
}

function attempt(run: () => unknown, done: (error: Error | null, data?: unknown) => void): void {
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    return done(error as Error);
  }
  done(null, value);
}

function finalized(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_CRYPTO_INVALID_STATE' });
}

function invalidState(operation: string): Error {
  return Object.assign(new Error(`Invalid state for operation ${operation}`), { code: 'ERR_CRYPTO_INVALID_STATE' });
}
