import { MAX_FRAME_CHARACTERS, MAX_FRAME_LINES, MAX_LINE_CHARACTERS } from '../../surface-limits.ts';
import type { Frame, SurfaceEvent, SurfacePlace, SurfaceSignal } from '../../surface.ts';
import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import type { Stage } from './stage.ts';

/** A component as packages write it: pi's, or any object of that form. */
export interface GuestComponent {
  render(width: number): string[];
  handleInput?(data: string): void;
  invalidate?(): void;
  dispose?(): void;
  focused?: boolean;
  wantsKeyRelease?: boolean;
  width?: number;
}

/** Between two frames that a component asks for; pi's own screen draws no more often. */
const FRAME_MS = 16;

export interface SurfaceOptions {
  readonly link: GuestLink;
  readonly stage: Stage;
  readonly id: number;
  /** The host took it away, or did not let it be opened. */
  readonly onClosed: (refused: Error | undefined) => void;
  readonly onText?: (text: string) => void;
}

/** One component and its place on the host's screen. */
export class Surface {
  readonly id: number;
  readonly #options: SurfaceOptions;
  #component: GuestComponent | undefined;
  #focusOf: GuestComponent | undefined;
  #subscription: { close(): void } | undefined;
  #width: number | undefined;
  #last: Frame | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #scheduled = false;
  #sending = false;
  #isStale = false;
  #closed = false;
  /** What was said before the host showed it; it would be said to nobody. */
  #early: SurfaceSignal[] | undefined = [];
  #saidReleases = false;
  focused = false;

  constructor(options: SurfaceOptions) {
    this.#options = options;
    this.id = options.id;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Puts the component on the screen. It draws when it is told its width. */
  open(place: SurfacePlace, component?: GuestComponent): void {
    this.#component = component;
    this.#sayReleases();
    this.#subscription = this.#options.link.subscribe(
      'ui.open',
      { surface: this.id, place },
      { event: (event) => this.#heard(event as SurfaceEvent), error: (error) => this.#ended(error) },
    );
  }

  /** Of several components in it, the one that hears the keys. */
  set inputTarget(component: GuestComponent | undefined) {
    const before = this.#focusOf ?? this.#component;
    this.#focusOf = component;
    const after = component ?? this.#component;
    if (before !== undefined && before !== after && 'focused' in before) before.focused = false;
    if (after !== undefined && 'focused' in after) after.focused = this.focused;
    this.#sayReleases();
  }

  /** The host keeps keys that are let go to itself, unless they are asked for. */
  #sayReleases(): void {
    const wanted = (this.#focusOf ?? this.#component)?.wantsKeyRelease === true;
    if (wanted === this.#saidReleases) return;
    this.#saidReleases = wanted;
    this.signal({ kind: 'releases', wanted });
  }

  setFocused(focused: boolean): void {
    this.focused = focused;
    // It lost the focus before the host heard that it has it.
    if (!focused) this.#early = this.#early?.filter(({ kind }) => kind !== 'focus');
    const target = this.#focusOf ?? this.#component;
    if (target !== undefined && 'focused' in target) target.focused = focused;
  }

  /** One frame, soon; however often it is asked for. */
  requestRender(): void {
    if (this.#scheduled || this.#closed || this.#component === undefined) return;
    this.#scheduled = true;
    const wait = FRAME_MS - (performance.now() - this.#lastAt);
    if (wait <= 0) queueMicrotask(() => this.#send());
    else this.#options.link.startTimer(Math.ceil(wait), () => this.#send());
  }

  /** One key, and what the component looks like after it. */
  key(data: string): { frame?: Frame } {
    const target = this.#focusOf ?? this.#component;
    if (target === undefined || this.#closed) return {};
    if (target.wantsKeyRelease !== true && this.#options.stage.keysModule?.isKeyRelease(data) === true) return {};
    target.handleInput?.(data);
    const frame = this.#render();
    return frame === undefined ? {} : { frame };
  }

  invalidate(): void {
    this.#component?.invalidate?.();
  }

  signal(signal: SurfaceSignal): void {
    if (this.#closed) return;
    if (this.#early !== undefined) return void this.#early.push(signal);
    const { link } = this.#options;
    link.request('ui.signal', { surface: this.id, signal }).catch((error: unknown) => link.log('warn', `ui.signal: ${describe(error)}`));
  }

  /** Takes it away. Once, whoever began. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.focused = false;
    this.#subscription?.close();
    try {
      this.#component?.dispose?.();
    } catch (error) {
      this.#options.link.log('warn', `dispose: ${describe(error)}`);
    }
  }

  #heard(event: SurfaceEvent): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const signal of early) this.signal(signal);
    switch (event.kind) {
      case 'size':
        this.#width = event.width;
        return this.requestRender();
      case 'scene':
        if (this.#options.stage.change(event.scene)) this.invalidate();
        return this.requestRender();
      case 'focus':
        this.setFocused(event.focused);
        return this.requestRender();
      case 'text':
        this.#options.onText?.(event.text);
        return this.requestRender();
      case 'closed':
        return this.#ended(undefined);
    }
  }

  #ended(refused: Error | undefined): void {
    if (this.#closed) return;
    this.close();
    this.#options.onClosed(refused);
  }

  #send(): void {
    this.#scheduled = false;
    // The next one goes when this one has arrived: a slow screen is not a long queue.
    if (this.#sending) {
      this.#isStale = true;
      return;
    }
    const frame = this.#render();
    if (frame === undefined) return;
    this.#sending = true;
    const { link } = this.#options;
    link
      .request('ui.frame', { surface: this.id, frame })
      .catch((error: unknown) => link.log('warn', `ui.frame: ${describe(error)}`))
      .finally(() => {
        this.#sending = false;
        if (!this.#isStale) return;
        this.#isStale = false;
        this.requestRender();
      });
  }

  /** Nothing where it looks as before. */
  #render(): Frame | undefined {
    if (this.#width === undefined || this.#component === undefined || this.#closed) return undefined;
    this.#lastAt = performance.now();
    let frame: Frame;
    try {
      frame = { width: this.#width, lines: checkedLines(this.#component.render(this.#width)) };
    } catch (error) {
      this.#last = undefined;
      this.signal({ kind: 'failed', message: (error instanceof Error ? error.message : describe(error)).slice(0, 1_000) });
      this.#options.link.log('error', `drawing: ${describe(error)}`);
      return undefined;
    }
    if (isSame(frame, this.#last)) return undefined;
    this.#last = frame;
    return frame;
  }
}

/** @throws when a component answers with something else than lines, or with more than a frame holds */
export function checkedLines(drawn: unknown): string[] {
  if (!Array.isArray(drawn)) throw new TypeError('`render` must return an array of lines');
  if (drawn.length > MAX_FRAME_LINES) throw new RangeError(`drew ${drawn.length} lines; a frame has ${MAX_FRAME_LINES} at most`);
  let characters = 0;
  for (const line of drawn) {
    if (typeof line !== 'string') throw new TypeError('`render` must return strings');
    if (line.length > MAX_LINE_CHARACTERS) throw new RangeError(`drew a line of ${line.length} characters; ${MAX_LINE_CHARACTERS} are the most`);
    characters += line.length;
  }
  if (characters > MAX_FRAME_CHARACTERS) throw new RangeError(`drew ${characters} characters; a frame has ${MAX_FRAME_CHARACTERS} at most`);
  return drawn as string[];
}

function isSame(frame: Frame, last: Frame | undefined): boolean {
  return (
    last !== undefined &&
    frame.width === last.width &&
    frame.lines.length === last.lines.length &&
    frame.lines.every((line, index) => line === last.lines[index])
  );
}
