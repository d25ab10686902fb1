import { Block } from './blocks/block.ts';
import type { Palette } from './theme.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

/** Says that the agent is at work, and what waits for it; with nothing to say it is the empty line above the editor. */
export class WorkingLine extends Block {
  readonly #palette: Palette;
  readonly #refresh: () => void;
  #message = 'working';
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  #steering: readonly string[] = [];
  #followUp: readonly string[] = [];

  constructor(palette: Palette, refresh: () => void) {
    super();
    this.#palette = palette;
    this.#refresh = refresh;
  }

  /** What it says in the place of `working`; a package may set it. */
  say(message: string | undefined): void {
    this.#message = message ?? 'working';
    this.#changed();
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#frame = (this.#frame + 1) % FRAMES.length;
      this.#changed();
    }, FRAME_MS);
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
    const lines = [
      ...(this.#timer === undefined ? [] : [` ${fg('accent', FRAMES[this.#frame] ?? '')} ${fg('muted', `${this.#message} … (esc stops)`)}`]),
      ...waiting.map((text) => ` ${fg('muted', text)}`),
      ...(waiting.length === 0 ? [] : [` ${fg('dim', 'alt+up takes them back')}`]),
    ];
    return ['', ...lines];
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
