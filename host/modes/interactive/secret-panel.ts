import { type Component, Input } from '@earendil-works/pi-tui';
import { Panel } from './dialogs.ts';
import type { Palette } from './theme.ts';

/** A line of text that nobody sees. Open it with `isSecret`, or packages that hear every key would. Escape gives none. */
export function secretPanel(title: string, palette: Palette, done: (value: string | undefined) => void): Component {
  const input = new Input();
  input.onSubmit = done;
  input.onEscape = () => done(undefined);
  return new Panel(title, new Unseen(input), 'enter keeps it · esc leaves', palette);
}

/** Shows how much was typed, and not what. */
class Unseen implements Component {
  readonly #input: Input;

  constructor(input: Input) {
    this.#input = input;
  }

  render(width: number): string[] {
    return [`> ${'•'.repeat(Math.min(this.#input.getValue().length, Math.max(0, width - 3)))}`];
  }

  handleInput(data: string): void {
    this.#input.handleInput(data);
  }

  invalidate(): void {
    this.#input.invalidate();
  }
}
