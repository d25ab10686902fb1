import type { Component } from '@earendil-works/pi-tui';
import type { RenderSubject } from '../../../../sandbox/index.ts';
import type { RemoteDrawing } from '../remote-drawing.ts';
import { Block } from './block.ts';

/** A message or an entry that its package draws; until it has, and where it does not, it looks as others do. */
export class RemoteBlock extends Block {
  readonly #drawing: RemoteDrawing;
  readonly #subject: (expanded: boolean) => RenderSubject;
  readonly #fallback: Component | undefined;
  #isOpen: boolean;

  constructor({
    drawing,
    subject,
    fallback,
    isOpen,
  }: {
    readonly drawing: RemoteDrawing;
    readonly subject: (expanded: boolean) => RenderSubject;
    readonly fallback?: Component;
    readonly isOpen: boolean;
  }) {
    super();
    this.#drawing = drawing;
    this.#subject = subject;
    this.#fallback = fallback;
    this.#isOpen = isOpen;
  }

  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.invalidate();
  }

  override invalidate(): void {
    super.invalidate();
    this.#fallback?.invalidate();
    this.#drawing.change();
  }

  /** Its package has answered. */
  drawAgain(): void {
    super.invalidate();
  }

  protected override draw(width: number): string[] {
    const drawn = this.#drawing.at(width, () => this.#subject(this.#isOpen));
    const fallback = (): string[] => this.#fallback?.render(width) ?? [];
    return drawn === undefined ? fallback() : ['', ...drawn.label, ...(drawn.lines ?? fallback())];
  }
}
