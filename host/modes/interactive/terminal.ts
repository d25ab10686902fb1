import type { Readable, Writable } from 'node:stream';
import { setKittyProtocolActive, StdinBuffer, type Terminal } from '@earendil-works/pi-tui';

export type TerminalInput = Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
export type TerminalOutput = Writable & { readonly columns?: number; readonly rows?: number };

export interface TerminalOptions {
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
  /** The terminal is gone: nobody can type or read any more. */
  readonly lost: () => void;
}

/**
 * pi-tui's terminal over two streams. Whatever ends the process gives the terminal back as it was: `stop`, a crash and
 * `process.exit` alike.
 */
export class StreamTerminal implements Terminal {
  readonly #input: TerminalInput;
  readonly #output: TerminalOutput;
  readonly #lost: () => void;
  #keys: StdinBuffer | undefined;
  #resized: (() => void) | undefined;
  #kitty = false;
  #isGone = false;

  constructor({ input, output, lost }: TerminalOptions) {
    this.#input = input;
    this.#output = output;
    this.#lost = lost;
    // For good: what is still on its way may fail after everything else, which is no reason to crash.
    output.on('error', this.#end);
    input.on('error', this.#end);
  }

  /** Whether what was written before is still on its way: a frame more would only make it longer. */
  get isBehind(): boolean {
    return this.#output.writableNeedDrain;
  }

  /** Calls once what was written has left. */
  onceDrained(then: () => void): void {
    this.#output.once('drain', then);
  }

  start(onInput: (data: string) => void, onResize: () => void): void {
    this.#resized = onResize;
    this.#keys = new StdinBuffer({ escapeTimeout: ESCAPE_MS });
    this.#keys.on('data', (sequence) => {
      if (this.#negotiated(sequence)) return;
      // Pressed twice in a moment it arrives as one; nobody means Alt+Escape.
      for (const key of sequence === '\u001B\u001B' ? ['\u001B', '\u001B'] : [sequence]) onInput(key);
    });
    this.#keys.on('paste', (content) => onInput(`${PASTE_BEGIN}${content}${PASTE_END}`));
    this.#input.setRawMode?.(true);
    this.#input.on('data', this.#read);
    this.#input.once('end', this.#end);
    this.#output.on('resize', onResize);
    process.once('exit', this.#restore);
    this.#input.resume();
    this.write(MODES_ON);
  }

  stop(): void {
    this.#restore();
    process.off('exit', this.#restore);
    this.#keys?.destroy();
    this.#keys = undefined;
    this.#input.off('data', this.#read);
    this.#input.off('end', this.#end);
    if (this.#resized !== undefined) this.#output.off('resize', this.#resized);
    this.#input.pause();
  }

  /** Nothing that is typed in answer to us may reach the shell after us. */
  async drainInput(): Promise<void> {
    return undefined;
  }

  write(data: string): void {
    if (!this.#isGone && !this.#output.destroyed) this.#output.write(data);
  }

  get columns(): number {
    return Math.max(1, this.#output.columns ?? 80);
  }

  get rows(): number {
    return Math.max(1, this.#output.rows ?? 24);
  }

  get kittyProtocolActive(): boolean {
    return this.#kitty;
  }

  moveBy(lines: number): void {
    if (lines !== 0) this.write(`\u001B[${Math.abs(lines)}${lines > 0 ? 'B' : 'A'}`);
  }

  hideCursor(): void {
    this.write('\u001B[?25l');
  }

  showCursor(): void {
    this.write('\u001B[?25h');
  }

  clearLine(): void {
    this.write('\u001B[K');
  }

  clearFromCursor(): void {
    this.write('\u001B[J');
  }

  clearScreen(): void {
    this.write('\u001B[2J\u001B[H');
  }

  setTitle(title: string): void {
    this.write(`\u001B]0;${title.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 120)}\u0007`);
  }

  /** Hands text to the user's clipboard, by OSC 52: it works over ssh, too. Only the user's own keys lead here. */
  copy(text: string): void {
    this.write(`\u001B]52;c;${Buffer.from(text).toString('base64')}\u0007`);
  }

  setProgress(active: boolean): void {
    this.write(active ? '\u001B]9;4;3\u0007' : '\u001B]9;4;0;\u0007');
  }

  readonly #read = (chunk: Buffer | string): void => this.#keys?.process(chunk.toString());

  readonly #end = (): void => {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#lost();
  };

  readonly #restore = (): void => {
    setKittyProtocolActive(false);
    this.#kitty = false;
    this.write(MODES_OFF);
    // A terminal that is gone has no mode to set.
    if (!this.#isGone && !this.#input.destroyed) this.#input.setRawMode?.(false);
  };

  /** Takes the terminal's answers to what was asked at the start, which nobody typed. */
  #negotiated(sequence: string): boolean {
    const flags = /^\u001B\[\?(\d+)u$/.exec(sequence)?.[1];
    if (flags !== undefined && flags !== '0') {
      this.#kitty = true;
      setKittyProtocolActive(true);
      return true;
    }
    const isAttributes = /^\u001B\[\?[\d;]*c$/.test(sequence);
    // It knows no Kitty keys: xterm's way of telling Shift+Enter from Enter.
    if (isAttributes && !this.#kitty) this.write('\u001B[>4;2m');
    return isAttributes || flags !== undefined;
  }
}

/** How long the rest of a sequence may take before an escape is the key. */
const ESCAPE_MS = 40;
const PASTE_BEGIN = '\u001B[200~';
const PASTE_END = '\u001B[201~';
/** Pastes are marked; keys come with their modifiers where the terminal can; it says what it is. */
const MODES_ON = '\u001B[?2004h\u001B[>7u\u001B[?u\u001B[c';
/** Everything that was turned on, off; the cursor shown, lines wrapped, no colour, no link, no frame left open. */
const MODES_OFF = '\u001B[?2026l\u001B[?2004l\u001B[<u\u001B[>4;0m\u001B[?2031l\u001B[?7h\u001B[?25h\u001B]8;;\u001B\\\u001B[0m';
