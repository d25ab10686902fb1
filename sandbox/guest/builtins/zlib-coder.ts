import { askNative, latin1ToBytes, runNative } from '../globals/native-work.ts';

/** What is handed over at once: the most that becomes of it must stay below what one answer may be. */
export const PIECE = 16 * 1024;

/** One of Node's coders beside the isolate, in the words of process/native-work.ts. */
export interface Coder {
  /** Gives what is ready after every piece. */
  write(bytes: Uint8Array, give: (bytes: Uint8Array<ArrayBuffer>) => void): void;
  flush(kind?: number): Uint8Array<ArrayBuffer>;
  end(): Uint8Array<ArrayBuffer>;
  /** Of no effect after `end`. */
  close(): void;
}

/** The coder is made at the first byte: whoever only prepares one takes nothing. */
export function openCoder(engine: object): Coder {
  let opened: number | undefined;
  let closed = false;
  const id = (): number => (opened ??= Number(askNative({ do: 'open', engine })));
  return {
    write: (bytes, give) => {
      for (let start = 0; start < bytes.length; start += PIECE) give(runNative({ do: 'write', id: id() }, bytes.subarray(start, start + PIECE)));
    },
    flush: (kind) => latin1ToBytes(askNative({ do: 'flush', id: id(), kind })),
    end: () => {
      const last = id();
      closed = true;
      return latin1ToBytes(askNative({ do: 'end', id: last }));
    },
    close: () => {
      if (!closed && opened !== undefined) askNative({ do: 'close', id: opened });
      closed = true;
    },
  };
}
