import { askNative, bytesToLatin1, runNative } from '../globals/native-work.ts';

/** Bytes that are kept until the digest is asked for; a larger input goes over piece by piece. */
const KEPT = 256 * 1024;
const PIECE = 1024 * 1024;

/** A hash, or a keyed hash when there is a key, in the words of process/native-work.ts. */
export type HashOrder =
  | { readonly kind: 'hash'; readonly algorithm: string; readonly outputLength?: number }
  | { readonly kind: 'hmac'; readonly algorithm: string; readonly key: string };

const known = new Set<string>();

/** A digest that is made step by step. A small input costs one order, at the end. */
export class RunningHash {
  readonly #order: HashOrder;
  #id: number | undefined;
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @throws Node's error for an algorithm that its OpenSSL does not have */
  constructor(order: HashOrder) {
    this.#order = order;
    const name = `${order.kind} ${order.algorithm}`;
    if (known.has(name)) return;
    runNative({ do: 'run', engine: order }, new Uint8Array());
    known.add(name);
  }

  update(bytes: Uint8Array): this {
    this.#parts.push(bytes.slice()); // the caller may change them before the digest
    this.#size += bytes.length;
    if (this.#size > KEPT) this.#write();
    return this;
  }

  digest(): Uint8Array<ArrayBuffer> {
    if (this.#id === undefined) return runNative({ do: 'run', engine: this.#order }, joined(this.#parts, this.#size));
    this.#write();
    return runNative({ do: 'end', id: this.#id }, new Uint8Array());
  }

  copy(): RunningHash {
    const copy = new RunningHash(this.#order);
    copy.#parts = [...this.#parts];
    copy.#size = this.#size;
    if (this.#id !== undefined) copy.#id = Number(askNative({ do: 'copy', id: this.#id }));
    return copy;
  }

  #write(): void {
    this.#id ??= Number(askNative({ do: 'open', engine: this.#order }));
    const bytes = joined(this.#parts, this.#size);
    for (let start = 0; start < bytes.length; start += PIECE) askNative({ do: 'write', id: this.#id }, bytesToLatin1(bytes.subarray(start, start + PIECE)));
    this.#parts = [];
    this.#size = 0;
  }
}

/** Digests once. */
export function digestOnce(algorithm: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new RunningHash({ kind: 'hash', algorithm }).update(bytes).digest();
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
