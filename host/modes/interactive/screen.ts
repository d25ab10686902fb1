import { type Component, decodeKittyPrintable, isKeyRelease, matchesKey, type OverlayHandle, type OverlayOptions, parseKey } from '@earendil-works/pi-tui';
import { createKeyJudge } from '../key-gate.ts';
import { Painter } from './painter.ts';
import type { StreamTerminal } from './terminal.ts';

/** Where a component can stand, from the top of the screen to its bottom; the transcript stands between the first two. */
export type Slot = 'header' | 'aboveEditor' | 'belowEditor' | 'footer';

export interface ShowOptions {
  /** The package that draws it: hidden while a question of Dash's own is open. */
  readonly package?: string;
}

export interface ModalOptions {
  readonly signal?: AbortSignal;
  /** The package that draws it: put aside while a question of Dash's own is open. */
  readonly package?: string;
  /** What is typed into it is for nobody else: packages that hear every key do not hear these. */
  readonly isSecret?: boolean;
}

/** Opens a panel; `done` closes it, with what it was for. */
export type OpenPanel<Result> = (done: (result: Result | undefined) => void) => Component;

export interface Question {
  /** What is asked. Drawn where packages never draw: in the place of the editor, with every surface of theirs hidden. It gets the keys that answer nothing. */
  readonly component: Component;
  /** Letters that answer. */
  readonly keys: readonly string[];
  readonly signal?: AbortSignal;
}

/** What stands where on the terminal, and who gets the keys. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** As many rows as a question may take and be seen whole: all but what stands below it. */
  readonly questionRows: number;
  /** Shows a component until it is disposed of; those of one slot stand below each other. */
  show(slot: Slot, component: Component, options?: ShowOptions): Disposable;
  /** Opens a panel in the place of the editor, one at a time; others wait. Dismissed or aborted: `undefined`. */
  modal<Result>(open: OpenPanel<Result>, options?: ModalOptions): Promise<Result | undefined>;
  /**
   * Runs what opens several panels, one after the other. A key typed while none of them is open was meant for one that is
   * gone or not there yet: it does nothing. Without this `ctrl+d` would leave Dash, and a line with `enter` be a prompt.
   */
  series<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Puts a component over everything else; hidden, with those of all packages, while a question of Dash's own is open. */
  overlay(component: Component, layout: OverlayOptions, options?: ShowOptions): Overlay;
  /**
   * A question of Dash's own, before every panel. Keys typed before it, and until half a second of quiet after it
   * appeared, answer nothing; what is pasted neither. Dismissed or aborted: `undefined`.
   */
  ask(question: Question): Promise<string | undefined>;
  /** Draws what changed, at the next frame. */
  refresh(): void;
  /** The same when something above may be another one, which may have scrolled off. */
  renew(): void;
}

/** A component that floats; disposed of, it is gone. */
export interface Overlay extends Disposable {
  hide(isHidden: boolean): void;
  /** Gives it the keys and brings it before the others, or takes the keys from it. */
  focus(isFocused: boolean): void;
}

export interface ScreenOptions {
  readonly terminal: StreamTerminal;
  /** What was said, in pieces, so that a piece that did not change costs nothing. */
  readonly transcript: { readonly parts: readonly Component[] };
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

interface Shown {
  readonly component: Component;
  readonly package: string | undefined;
}

interface Panel {
  readonly component: Component;
  readonly package: string | undefined;
  readonly isSecret: boolean;
}

interface Floating {
  readonly component: Component;
  readonly package: string | undefined;
  readonly handle: OverlayHandle;
  isHidden: boolean;
  isFocused: boolean;
}

interface OpenQuestion {
  readonly component: Component;
  take(data: string): void;
}

/** The screen, and what the mode itself does with it. */
export class MainScreen implements Screen {
  /** pi-tui's view of it, for components that want one. */
  readonly painter: Painter;
  readonly #now: () => number;
  readonly #transcript: ScreenOptions['transcript'];
  readonly #slots: Readonly<Record<Slot, Shown[]>> = { header: [], aboveEditor: [], belowEditor: [], footer: [] };
  #overlays: readonly Floating[] = [];
  #editor: Component | undefined;
  /** The last one has the keys; below it are those of the same package that it was opened from. */
  readonly #opened: Panel[] = [];
  #question: OpenQuestion | undefined;
  /** How many series of panels run. */
  #series = 0;
  #panels: Promise<unknown> = Promise.resolve();
  #questions: Promise<unknown> = Promise.resolve();

  constructor({ terminal, transcript, now }: ScreenOptions) {
    this.#now = now;
    this.#transcript = transcript;
    const components = (): readonly Component[] => this.#components();
    const focused = (): Component | undefined => this.#focused;
    this.painter = new Painter(terminal, {
      components,
      get focused() {
        return focused();
      },
    });
    // Before everything else that reads keys: while a question is open, nothing is typed to anybody but it.
    this.painter.addInputListener((data) => {
      if (this.#question !== undefined) this.#question.take(data);
      else if (this.#panel?.isSecret === true) this.#panel.component.handleInput?.(data);
      else if (!this.#isBetweenPanels || matchesKey(data, 'ctrl+c')) return undefined;
      this.refresh();
      return { consume: true };
    });
  }

  get columns(): number {
    return this.painter.terminal.columns;
  }

  get rows(): number {
    return this.painter.terminal.rows;
  }

  get questionRows(): number {
    const below = [...this.#slots.belowEditor.filter(({ package: owner }) => owner === undefined), ...this.#slots.footer];
    return this.rows - below.reduce((rows, { component }) => rows + component.render(this.columns).length, 0);
  }

  /** The component that has the keys while no panel is open. */
  useEditor(editor: Component): void {
    this.#editor = editor;
    this.#focus();
  }

  show(slot: Slot, component: Component, { package: owner }: ShowOptions = {}): Disposable {
    const shown: Shown = { component, package: owner };
    const place = this.#slots[slot];
    place.push(shown);
    this.refresh();
    return {
      [Symbol.dispose]: () => {
        const at = place.indexOf(shown);
        if (at >= 0) place.splice(at, 1);
        this.refresh();
      },
    };
  }

  modal<Result>(open: OpenPanel<Result>, { signal, package: owner, isSecret = false }: ModalOptions = {}): Promise<Result | undefined> {
    const show = async (): Promise<Result | undefined> => {
      if (signal?.aborted === true) return undefined;
      const { promise, resolve } = Promise.withResolvers<Result | undefined>();
      const dismiss = (): void => resolve(undefined);
      signal?.addEventListener('abort', dismiss, { once: true });
      const panel: Panel = { component: open(resolve), package: owner, isSecret };
      this.#opened.push(panel);
      this.#focus();
      try {
        return await promise;
      } finally {
        signal?.removeEventListener('abort', dismiss);
        this.#opened.splice(this.#opened.indexOf(panel), 1);
        this.#focus();
      }
    };
    // What a package asks from within its own panel cannot wait for the panel to close: it opens before it.
    if (owner !== undefined && this.#panel?.package === owner) return show();
    const result = this.#panels.then(show);
    this.#panels = result.catch(() => undefined);
    return result;
  }

  async series<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#series += 1;
    try {
      return await work();
    } finally {
      this.#series -= 1;
    }
  }

  overlay(component: Component, layout: OverlayOptions, { package: owner }: ShowOptions = {}): Overlay {
    // Who has the keys is decided here, and not by what opened last.
    const handle = this.painter.showOverlay(component, { ...layout, nonCapturing: true });
    const floating: Floating = { component, package: owner, handle, isHidden: false, isFocused: layout.nonCapturing !== true };
    this.#overlays = [...this.#overlays, floating];
    this.#focus();
    return {
      hide: (isHidden) => {
        floating.isHidden = isHidden;
        this.#focus();
      },
      focus: (isFocused) => {
        floating.isFocused = isFocused;
        if (isFocused) {
          handle.focus();
          this.#overlays = [...this.#overlays.filter((other) => other !== floating), floating];
        }
        this.#focus();
      },
      [Symbol.dispose]: () => {
        handle.hide();
        this.#overlays = this.#overlays.filter((other) => other !== floating);
        this.#focus();
      },
    };
  }

  ask({ component, keys, signal }: Question): Promise<string | undefined> {
    const answer = this.#questions.then(async () => {
      if (signal?.aborted === true) return undefined;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const dismiss = (): void => resolve(undefined);
      signal?.addEventListener('abort', dismiss, { once: true });
      const judge = createKeyJudge(keys, this.#now);
      this.#question = {
        component,
        take(data) {
          if (isKeyRelease(data)) return;
          const verdict = judge(asTyped(data));
          if (verdict.kind === 'ignored') component.handleInput?.(data);
          else resolve(verdict.kind === 'answered' ? verdict.key : undefined);
        },
      };
      this.#focus();
      try {
        return await promise;
      } finally {
        signal?.removeEventListener('abort', dismiss);
        this.#question = undefined;
        this.#focus();
      }
    });
    this.#questions = answer.catch(() => undefined);
    return answer;
  }

  refresh(): void {
    this.painter.requestRender();
  }

  renew(): void {
    this.painter.renew();
  }

  /** What stands in the place of the editor. */
  get #middle(): Component | undefined {
    return this.#question?.component ?? this.#panel?.component ?? this.#editor;
  }

  get #panel(): Panel | undefined {
    return this.#opened.at(-1);
  }

  get #isBetweenPanels(): boolean {
    return this.#series > 0 && this.#focused === this.#editor;
  }

  get #focused(): Component | undefined {
    if (this.#question !== undefined) return this.#question.component;
    return this.#overlays.findLast(({ isFocused, isHidden }) => isFocused && !isHidden)?.component ?? this.#middle;
  }

  #focus(): void {
    for (const { handle, isHidden, package: owner } of this.#overlays) handle.setHidden(isHidden || (owner !== undefined && this.#question !== undefined));
    this.painter.setFocus(this.#focused ?? null);
    this.refresh();
  }

  #components(): readonly Component[] {
    const isAsking = this.#question !== undefined;
    const inSlot = (slot: Slot): readonly Component[] =>
      this.#slots[slot].filter(({ package: owner }) => owner === undefined || !isAsking).map(({ component }) => component);
    const middle = this.#middle === undefined ? [] : [this.#middle];
    return [...inSlot('header'), ...this.#transcript.parts, ...inSlot('aboveEditor'), ...middle, ...inSlot('belowEditor'), ...inSlot('footer')];
  }
}

/** A key as a plain terminal sends it: the newer protocols spell Escape and letters in sequences of their own. */
function asTyped(data: string): string {
  return PLAIN[parseKey(data) ?? ''] ?? decodeKittyPrintable(data) ?? data;
}

const PLAIN: Readonly<Record<string, string>> = { escape: '\u001B', enter: '\r', 'ctrl+c': '\u0003', 'ctrl+d': '\u0004' };
