import type { Readable } from 'node:stream';
import type { HostMessage, ScriptSource } from '../protocol.ts';

/**
 * The pipe to a sandbox process: one line of JSON per message, and after a line that names scripts their bytes as
 * they are. As strings in JSON, a runtime of two megabytes took four times that in every process, and stayed.
 */

/** What a line holds in place of a script: how many bytes follow. */
interface ScriptSizes {
  readonly name: string;
  readonly source: number;
  readonly cache?: number;
}

/** The pieces of one message, in the order they are written. */
export function encodeHostMessage(message: HostMessage): readonly (string | Uint8Array)[] {
  const bytes: Uint8Array[] = [];
  const line = mapScripts(message, ({ name, source, cache }: ScriptSource): ScriptSizes => {
    bytes.push(source, ...(cache === undefined ? [] : [cache]));
    return { name, source: source.length, ...(cache !== undefined && { cache: cache.length }) };
  });
  return [`${JSON.stringify(line)}\n`, ...bytes];
}

/** Reads what {@link encodeHostMessage} wrote. The writer is the agent: nothing here is checked. */
export function readHostMessages(stream: Readable, onMessage: (message: HostMessage) => void): void {
  let line: Buffer[] = [];
  let waiting: { readonly message: HostMessage; readonly scripts: Uint8Array<ArrayBuffer>[]; readonly left: Uint8Array<ArrayBuffer>[] } | undefined;
  let filled = 0;

  stream.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      if (waiting === undefined) {
        const end = chunk.indexOf(0x0a, at);
        if (end === -1) {
          line.push(chunk.subarray(at));
          return;
        }
        const text = Buffer.concat([...line, chunk.subarray(at, end)]).toString('utf8');
        line = [];
        at = end + 1;
        begin(JSON.parse(text) as HostMessage);
      } else {
        const [target] = waiting.left;
        if (target === undefined) throw new Error('nothing is left to read');
        const part = chunk.subarray(at, at + target.length - filled);
        target.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < target.length) return;
        filled = 0;
        waiting.left.shift();
        if (waiting.left.length === 0) finish();
      }
    }
  });

  function begin(message: HostMessage): void {
    const scripts: Uint8Array<ArrayBuffer>[] = [];
    mapScripts(message, (sizes: ScriptSizes) => {
      scripts.push(new Uint8Array(sizes.source), ...(sizes.cache === undefined ? [] : [new Uint8Array(sizes.cache)]));
      return sizes;
    });
    const left = scripts.filter(({ length }) => length > 0);
    waiting = { message, scripts, left };
    if (left.length === 0) finish();
  }

  function finish(): void {
    if (waiting === undefined) return;
    const { message, scripts } = waiting;
    waiting = undefined;
    const next = (): Uint8Array<ArrayBuffer> => scripts.shift() ?? new Uint8Array();
    onMessage(
      mapScripts(message, ({ name, cache }: ScriptSizes): ScriptSource => ({
        name,
        source: next(),
        ...(cache !== undefined && { cache: next() }),
      })) as HostMessage,
    );
  }
}

/** Every script of a message in the order of its bytes. `From` is what the message holds in a script's place now. */
function mapScripts<From, To>(message: HostMessage, map: (script: From) => To): object {
  const each = (scripts: readonly ScriptSource[]): To[] => (scripts as unknown as readonly From[]).map(map);
  switch (message.kind) {
    case 'prepare':
      return { ...message, core: map(message.core as unknown as From), parts: each(message.parts) };
    case 'open':
      return { ...message, parts: each(message.parts), bundles: each(message.bundles) };
    default:
      return message;
  }
}
