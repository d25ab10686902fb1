import { PassThrough, type Readable, type Writable } from 'node:stream';

/** How long nothing may have been typed before a key counts: nobody reads and answers faster. */
export const SETTLE_MS = 500;

/**
 * Stands between a terminal and everything that reads keys. While a question is open no key passes: what was typed
 * before it, what is still being typed when it appears, and what is pasted answer nothing.
 */
export interface KeyGate extends Disposable {
  /** The keys for everybody else; a terminal where the source is one. */
  readonly input: Readable;
  /**
   * Waits for one of `keys`, pressed by itself after half a second of quiet. Enter, Escape, Ctrl-C, the end of the input
   * and the signal dismiss the question: `undefined`.
   */
  ask(keys: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

type TerminalInput = Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };

/** Puts a gate before `source`. `output` is told to mark what is pasted. */
export function createKeyGate(source: TerminalInput, output: Writable, now: () => number = () => performance.now()): KeyGate {
  const input = Object.assign(new PassThrough(), {
    isTTY: source.isTTY === true,
    ...(source.setRawMode !== undefined && { setRawMode: (mode: boolean) => source.setRawMode?.(mode) }),
  });
  let take: ((keys: string | undefined) => void) | undefined;
  const pass = (chunk: Buffer | string): void => {
    if (take !== undefined) take(String(chunk));
    else input.write(chunk);
  };
  const end = (): void => {
    take?.(undefined);
    input.end();
  };
  source.on('data', pass);
  source.once('end', end);
  // Whoever is done with the keys lets the process end.
  input.on('pause', () => source.pause());
  input.on('resume', () => source.resume());

  return {
    input,
    async ask(keys, signal) {
      if (signal.aborted || source.readableEnded) return undefined;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const judge = createKeyJudge(keys, now);
      const dismiss = (): void => resolve(undefined);
      take = (typed) => {
        const verdict = typed === undefined ? { kind: 'dismissed' as const } : judge(typed);
        if (verdict.kind === 'answered') resolve(verdict.key);
        if (verdict.kind === 'dismissed') resolve(undefined);
      };
      signal.addEventListener('abort', dismiss, { once: true });
      // Raw, or keys would come a line at a time; and flowing, though nobody else may be listening.
      source.setRawMode?.(true);
      const wasPaused = source.isPaused();
      source.resume();
      if (source.isTTY === true) output.write(BRACKETED_PASTE_ON);
      try {
        return await promise;
      } finally {
        take = undefined;
        signal.removeEventListener('abort', dismiss);
        if (source.isTTY === true) output.write(BRACKETED_PASTE_OFF);
        if (wasPaused) source.pause();
      }
    },
    [Symbol.dispose]() {
      source.off('data', pass);
      source.off('end', end);
      source.setRawMode?.(false);
      source.pause();
    },
  };
}

type Verdict = { readonly kind: 'ignored' | 'dismissed' } | { readonly kind: 'answered'; readonly key: string };

/** Decides what each piece of input means for a question that has just been shown. */
export function createKeyJudge(keys: readonly string[], now: () => number): (typed: string) => Verdict {
  let quietSince = now();
  return (typed) => {
    const at = now();
    const wasQuiet = at - quietSince >= SETTLE_MS;
    quietSince = at;
    if (!wasQuiet) return { kind: 'ignored' };
    if (DISMISSING.has(typed)) return { kind: 'dismissed' };
    // Several at once come from a paste or from a program, and so does everything in brackets.
    const key = typed.toLowerCase();
    return keys.includes(key) ? { kind: 'answered', key } : { kind: 'ignored' };
  };
}

const DISMISSING: ReadonlySet<string> = new Set(['\r', '\n', '\r\n', '\u001B', '\u0003', '\u0004']);
const BRACKETED_PASTE_ON = '\u001B[?2004h';
const BRACKETED_PASTE_OFF = '\u001B[?2004l';

/** Keys of a terminal for a prompt that grants something. Disposing gives the terminal back. */
export interface SettledKeys extends Disposable {
  readonly keys: Readable;
}

/** Lets through what a person pressed, one key at a time, after half a second of quiet; the rest of a paste goes nowhere. */
export function settledKeys(source: TerminalInput, now: () => number = () => performance.now()): SettledKeys {
  const keys = Object.assign(new PassThrough(), {
    isTTY: source.isTTY === true,
    ...(source.setRawMode !== undefined && { setRawMode: (mode: boolean) => source.setRawMode?.(mode) }),
  });
  let quietSince = now();
  const pass = (chunk: Buffer | string): void => {
    const at = now();
    const wasQuiet = at - quietSince >= SETTLE_MS;
    quietSince = at;
    if (wasQuiet && String(chunk).length === 1) keys.write(chunk);
  };
  const end = (): void => void keys.end();
  source.on('data', pass);
  source.once('end', end);
  source.resume();
  return {
    keys,
    [Symbol.dispose]() {
      source.off('data', pass);
      source.off('end', end);
      source.setRawMode?.(false);
      source.pause();
    },
  };
}
