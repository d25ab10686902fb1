import { base64ToBytes, bytesToBase64 } from '../../globals/base64.ts';
import { systemError, unsupported } from '../system-error.ts';
import { constants } from './constants.ts';
import { ask, type Operation } from './operation.ts';

interface Place {
  readonly path: string;
  readonly target: string;
}

interface Access {
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
}

/**
 * A file descriptor of the guest. The broker knows only whole files: reading takes one copy, writing at the end
 * appends, writing elsewhere writes the file anew. Meant for logs and small files.
 */
export class OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly target: string;
  readonly access: Access;
  #position = 0;
  #content: Uint8Array | undefined;

  constructor(fd: number, place: Place, access: Access, content: Uint8Array | undefined) {
    this.fd = fd;
    this.path = place.path;
    this.target = place.target;
    this.access = access;
    this.#content = content;
  }

  /** Bytes from `position`, or from where the last read or write ended. */
  *read(length: number, position: number | null | undefined): Operation<Uint8Array> {
    if (!this.access.read) throw systemError('EBADF', { syscall: 'read' });
    const from = position ?? this.#position;
    let content = yield* this.#load();
    if (from + length > content.length) {
      // A file that grows meanwhile, as a log that is followed.
      this.#content = undefined;
      content = yield* this.#load();
    }
    const bytes = content.subarray(from, from + length);
    if (position === null || position === undefined) this.#position = from + bytes.length;
    return bytes;
  }

  *readRest(): Operation<Uint8Array> {
    if (!this.access.read) throw systemError('EBADF', { syscall: 'read' });
    this.#content = undefined;
    const bytes = (yield* this.#load()).slice(this.#position);
    this.#position += bytes.length;
    return bytes;
  }

  *write(bytes: Uint8Array, position: number | null | undefined): Operation<number> {
    if (!this.access.write) throw systemError('EBADF', { syscall: 'write' });
    if (this.access.append) {
      this.#content = undefined;
      yield* this.#send(bytes, 'a');
      return bytes.length;
    }
    const content = yield* this.#load();
    const from = position ?? this.#position;
    const changed = new Uint8Array(Math.max(content.length, from + bytes.length));
    changed.set(content);
    changed.set(bytes, from);
    if (from === content.length) yield* this.#send(bytes, 'a');
    else yield* this.#send(changed, 'w');
    this.#content = changed;
    if (position === null || position === undefined) this.#position = from + bytes.length;
    return bytes.length;
  }

  *truncate(length: number): Operation<void> {
    if (!this.access.write) throw systemError('EINVAL', { syscall: 'ftruncate' });
    const content = yield* this.#load();
    const changed = new Uint8Array(length);
    changed.set(content.subarray(0, length));
    yield* this.#send(changed, 'w');
    this.#content = changed;
  }

  *#load(): Operation<Uint8Array> {
    if (this.#content !== undefined) return this.#content;
    const answer = yield* ask({ syscall: 'read', path: this.path }, 'fs.readFile', { path: this.target });
    return (this.#content = base64ToBytes(String(answer['base64'])));
  }

  *#send(bytes: Uint8Array, flag: 'w' | 'a'): Operation<void> {
    yield* ask({ syscall: 'write', path: this.path }, 'fs.writeFile', { path: this.target, base64: bytesToBase64(bytes), flag });
  }
}

/** The guest's table of descriptors. */
export class OpenFiles {
  readonly #files = new Map<number, OpenFile>();
  #last = 2;

  *open(place: Place, flags: string | number, mode?: number): Operation<OpenFile> {
    const { access, create, exclusive, truncate } = parseFlags(flags);
    const call = { syscall: 'open', path: place.path };
    if (this.#files.size >= 1024) throw systemError('EMFILE', call);
    let content: Uint8Array | undefined;
    if (create) {
      if (exclusive && access.append) throw unsupported(`fs.open with the flag '${flags}'`, "use 'wx' or 'a'");
      const flag = exclusive ? 'wx' : truncate ? 'w' : 'a';
      yield* ask(call, 'fs.writeFile', { path: place.target, text: '', flag, ...(mode === undefined ? {} : { mode }) });
      if (flag !== 'a') content = new Uint8Array();
    } else {
      yield* ask(call, 'fs.stat', { path: place.target, follow: true });
      if (truncate) {
        yield* ask(call, 'fs.writeFile', { path: place.target, text: '', flag: 'w' });
        content = new Uint8Array();
      }
    }
    const file = new OpenFile(++this.#last, place, access, content);
    this.#files.set(file.fd, file);
    return file;
  }

  get(fd: number, syscall: string): OpenFile {
    const file = this.#files.get(fd);
    if (file === undefined) throw systemError('EBADF', { syscall });
    return file;
  }

  /** The open file that `source` names, when it is a descriptor at all. */
  find(source: unknown): OpenFile | undefined {
    if (source instanceof OpenFile) return source;
    if (typeof source === 'number') return this.get(source, 'read');
    return typeof source === 'object' && source !== null && 'fd' in source && typeof source.fd === 'number' ? this.get(source.fd, 'read') : undefined;
  }

  close(fd: number): void {
    this.get(fd, 'close');
    this.#files.delete(fd);
  }
}

function parseFlags(flags: string | number): { access: Access; create: boolean; exclusive: boolean; truncate: boolean } {
  if (typeof flags === 'number') {
    const way = flags & 3;
    const has = (bit: number) => (flags & bit) !== 0;
    return {
      access: { read: way !== constants.O_WRONLY, write: way !== constants.O_RDONLY, append: has(constants.O_APPEND) },
      create: has(constants.O_CREAT),
      exclusive: has(constants.O_EXCL),
      truncate: has(constants.O_TRUNC),
    };
  }
  const match = /^(?:(r)(\+)?s?(\+)?|([wa])(x)?(\+)?s?|x([wa])(\+)?)$/.exec(flags);
  if (match === null) throw Object.assign(new TypeError(`The argument 'flags' is invalid. Received '${flags}'`), { code: 'ERR_INVALID_ARG_VALUE' });
  const plus = flags.includes('+');
  const reads = flags.startsWith('r');
  const append = flags.includes('a');
  return { access: { read: reads || plus, write: !reads || plus, append }, create: !reads, exclusive: flags.includes('x'), truncate: flags.includes('w') };
}
