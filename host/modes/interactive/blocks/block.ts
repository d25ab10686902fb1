import type { Component } from '@earendil-works/pi-tui';

/** A piece of the screen that keeps its lines until it changes: the same array says that nothing did. */
export abstract class Block implements Component {
  #lines: string[] | undefined;
  #width = 0;

  render(width: number): string[] {
    if (this.#lines === undefined || this.#width !== width) {
      this.#width = width;
      this.#lines = this.draw(width);
    }
    return this.#lines;
  }

  invalidate(): void {
    this.#lines = undefined;
  }

  protected abstract draw(width: number): string[];
}
