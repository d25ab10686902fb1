import { Block } from './blocks/block.ts';
import { keyHint, type KeyOf } from './key-of.ts';
import type { Palette } from './theme.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

/** Says that the agent is at work, and what waits for it; with nothing to say it is the empty line above the editor. */
export class WorkingLine extends Block {
  readonly #palette: Palette;
  readonly #keyOf: KeyOf;
  readonly #refresh: () => void;
  #message = 'working';
  #isVisible = true;
  #frames: readonly string[] = FRAMES;
  #frameMs = FRAME_MS;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  #steering: readonly string[] = [];
  #followUp: readonly string[] = [];

  constructor(palette: Palette, keyOf: KeyOf, refresh: () => void) {
    super();
    this.#palette = palette;
    this.#keyOf = keyOf;
    this.#refresh = refresh;
  }

  /** What it says in the place of `working`; a package may set it. */
  say(message: string | undefined): void {
    this.#message = message ?? 'working';
    this.#changed();
  }

  /** Whether it says that the agent is at work; what waits is said all the same. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.#changed();
  }

  /** What moves before the message, and how fast; its own where nothing is given. */
  setIndicator({ frames = FRAMES, intervalMs = FRAME_MS }: { readonly frames?: readonly string[]; readonly intervalMs?: number } = {}): void {
    const isRunning = this.#timer !== undefined;
    this.stop();
    this.#frames = frames;
    this.#frameMs = intervalMs;
    this.#frame = 0;
    if (isRunning) this.start();
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#frame = (this.#frame + 1) % Math.max(1, this.#frames.length);
      this.#changed();
    }, this.#frameMs);
    this.#changed();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#changed();
  }

  queue(steering: readonly string[], followUp: readonly string[]): void {
    this.#steering = steering;
    this.#followUp = followUp;
    this.#changed();
  }

  protected override draw(): string[] {
    const { fg } = this.#palette;
    const waiting = [...this.#steering.map((text) => `steers: ${firstLine(text)}`), ...this.#followUp.map((text) => `follows: ${firstLine(text)}`)];
    const takesBack = this.#keyOf('app.message.dequeue');
    const lines = [
      ...(this.#timer === undefined || !this.#isVisible
        ? []
        : [` ${this.#indicator()}${fg('muted', `${this.#message} …${keyHint(this.#keyOf('app.interrupt'), 'stops')}`)}`]),
      ...waiting.map((text) => ` ${fg('muted', text)}`),
      ...(waiting.length === 0 || takesBack === undefined ? [] : [` ${fg('dim', `${takesBack} takes them back`)}`]),
    ];
    return ['', ...lines];
  }

  /** A package colours its frames itself. */
  #indicator(): string {
    const frame = this.#frames[this.#frame];
    if (frame === undefined) return '';
    return `${this.#frames === FRAMES ? this.#palette.fg('accent', frame) : frame} `;
  }

  #changed(): void {
    this.invalidate();
    this.#refresh();
  }
}

function firstLine(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  return rest.length === 0 ? first : `${first} …`;
}
