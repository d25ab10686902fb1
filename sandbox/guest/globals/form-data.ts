import { Blob, blobBytes, concatBytes, File } from './blob.ts';
import { encodeUtf8 } from './text-encoding.ts';

type FormValue = string | File;
type FormEntry = [name: string, value: unknown, filename?: string];

/** The web class. */
export class FormData {
  #entries: [string, FormValue][] = [];

  append(...args: FormEntry): void {
    this.#entries.push(toEntry('append', args));
  }

  set(...args: FormEntry): void {
    const entry = toEntry('set', args);
    const [name] = entry;
    const first = this.#entries.findIndex(([key]) => key === name);
    if (first < 0) return void this.#entries.push(entry);
    this.#entries = this.#entries.flatMap((other, index) => (index === first ? [entry] : other[0] === name ? [] : [other]));
  }

  delete(name: string): void {
    this.#entries = this.#entries.filter(([key]) => key !== name);
  }

  get(name: string): FormValue | null {
    return this.#entries.find(([key]) => key === name)?.[1] ?? null;
  }

  getAll(name: string): FormValue[] {
    return this.#entries.filter(([key]) => key === name).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#entries.some(([key]) => key === name);
  }

  forEach(callback: (value: FormValue, name: string, form: FormData) => void): void {
    for (const [name, value] of this.#entries) callback(value, name, this);
  }

  *entries(): IterableIterator<[string, FormValue]> {
    yield* this.#entries;
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.#entries) yield name;
  }

  *values(): IterableIterator<FormValue> {
    for (const [, value] of this.#entries) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, FormValue]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return 'FormData';
  }
}

/** Writes a form as a multipart body. */
export function encodeForm(form: FormData, boundary: string): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (typeof value === 'string') {
      chunks.push(encodeUtf8(`${head}\r\n\r\n${value.replaceAll(/\r?\n|\r/g, '\r\n')}\r\n`));
    } else {
      chunks.push(
        encodeUtf8(`${head}; filename="${escapeName(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`),
        blobBytes(value),
        encodeUtf8('\r\n'),
      );
    }
  }
  return concatBytes([...chunks, encodeUtf8(`--${boundary}--\r\n`)]);
}

function toEntry(method: string, args: FormEntry): [string, FormValue] {
  const [name, value, filename] = args;
  if (args.length < 2) throw new TypeError(`Failed to execute '${method}' on 'FormData': 2 arguments required, but only ${args.length} present.`);
  if (args.length > 2 && !(value instanceof Blob)) throw new TypeError(`Failed to execute '${method}' on 'FormData': parameter 2 is not of type 'Blob'`);
  return [String(name), toFormValue(value, filename)];
}

function toFormValue(value: unknown, filename: string | undefined): FormValue {
  if (value instanceof File && filename === undefined) return value;
  if (value instanceof Blob) return new File([value], filename ?? 'blob', { type: value.type });
  return String(value);
}

// As the HTML standard writes names: nothing in one may end the line or the quotes.
function escapeName(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}
