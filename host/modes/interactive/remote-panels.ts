import type { Component, Focusable } from '@earendil-works/pi-tui';
import type { RemoteView } from './remote-view.ts';
import type { Screen } from './screen.ts';

/** Panels of packages, one package at a time. A panel that opens another one waits below it, and not before it. */
export class RemotePanels {
  readonly #screen: Screen;
  readonly #stacks = new Map<string, PanelStack>();

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  open(view: RemoteView, owner: string): { remove(): void } {
    const stack = this.#stacks.get(owner) ?? this.#begin(owner);
    stack.push(view);
    return {
      remove: () => {
        stack.remove(view);
        if (!stack.isEmpty || this.#stacks.get(owner) !== stack) return;
        this.#stacks.delete(owner);
        stack.ended.abort();
      },
    };
  }

  #begin(owner: string): PanelStack {
    const stack = new PanelStack();
    this.#stacks.set(owner, stack);
    void this.#screen.modal(() => stack, { package: owner, signal: stack.ended.signal });
    return stack;
  }
}

/** The panels of one package: the last one is seen, and has the keys. */
class PanelStack implements Component, Focusable {
  readonly ended = new AbortController();
  #views: readonly RemoteView[] = [];
  #isFocused = false;

  get isEmpty(): boolean {
    return this.#views.length === 0;
  }

  get focused(): boolean {
    return this.#isFocused;
  }

  set focused(focused: boolean) {
    this.#isFocused = focused;
    const top = this.#views.at(-1);
    for (const view of this.#views) if (view !== top) view.focused = false;
    if (top !== undefined) top.focused = focused;
  }

  get wantsKeyRelease(): boolean {
    return this.#views.at(-1)?.wantsKeyRelease === true;
  }

  push(view: RemoteView): void {
    this.#views = [...this.#views, view];
    this.focused = this.#isFocused;
  }

  remove(view: RemoteView): void {
    this.#views = this.#views.filter((other) => other !== view);
    this.focused = this.#isFocused;
  }

  render(width: number): string[] {
    return this.#views.at(-1)?.render(width) ?? NOTHING;
  }

  handleInput(data: string): void {
    this.#views.at(-1)?.handleInput(data);
  }

  invalidate(): void {
    for (const view of this.#views) view.invalidate();
  }
}

/** The same array each time: nothing has changed in it. */
const NOTHING: string[] = [];
