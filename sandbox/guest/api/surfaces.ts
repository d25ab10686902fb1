import type { EditorState, Frame, InterceptAnswer, OverlayLayout, Suggestions, SurfaceInput, SurfacePlace } from '../../surface.ts';
import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import { Completions, type CompletionFactory } from './completions.ts';
import { createRemoteTui, type OverlayHandle, type OverlayOptions } from './remote-tui.ts';
import { type EditorFactory, wireEditor } from './remote-editor.ts';
import type { Stage } from './stage.ts';
import { Surface, type GuestComponent } from './surface.ts';

type Made = GuestComponent | Promise<GuestComponent>;
type CustomFactory = (tui: object, theme: object, keybindings: unknown, done: (result: unknown) => void) => Made;
type FixedFactory = (tui: object, theme: object, footerData?: object) => GuestComponent;
type KeyListener = (data: string) => InterceptAnswer | undefined;

export interface CustomOptions {
  readonly overlay?: boolean;
  readonly overlayOptions?: OverlayOptions | (() => OverlayOptions | undefined);
  readonly onHandle?: (handle: OverlayHandle) => void;
}

interface Opened {
  readonly surface: Surface;
  readonly tui: object;
  readonly key: (data: string) => { frame?: Frame };
}

/** Everything that this package has on the screen, and what `ctx.ui` does to it. */
export class Surfaces {
  readonly #link: GuestLink;
  readonly #stage: Stage;
  readonly #opened = new Map<number, Opened>();
  /** Header, footer, widgets by key, editor: a new one takes the place of the old. */
  readonly #fixed = new Map<string, Surface>();
  readonly #keyListeners = new Set<KeyListener>();
  #keys: Surface | undefined;
  #completions: Completions | undefined;
  #editorFactory: EditorFactory | undefined;
  #nextId = 1;

  constructor(link: GuestLink, stage: Stage) {
    this.#link = link;
    this.#stage = stage;
  }

  /** The host asks one of them; what it throws is the answer of the call. */
  async answer(id: number, input: SurfaceInput, signal: AbortSignal): Promise<unknown> {
    switch (input.kind) {
      case 'key': {
        const opened = this.#opened.get(id);
        const answer = opened?.key(input.data);
        this.#drawAll(opened?.surface);
        return answer;
      }
      case 'intercept':
        return this.#intercept(input.data);
      case 'suggest':
        return this.#completions?.suggest(input, signal);
    }
  }

  /** pi's `custom`: a component with the focus until it calls `done`. */
  custom(factory: CustomFactory, { overlay = false, overlayOptions, onHandle }: CustomOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#stage.refresh()) return resolve(undefined);
      const opened = this.#create((refused) => {
        if (refused === undefined) resolve(undefined);
        else if (Reflect.get(refused, 'code') === 'NOT_DRAWN') resolve(undefined);
        else reject(refused);
      });
      const done = (result: unknown): void => {
        if (opened.surface.isClosed) return;
        this.#close(opened.surface);
        resolve(result);
      };
      const show = (component: GuestComponent): void => {
        if (opened.surface.isClosed) return component.dispose?.();
        if (!overlay) return opened.surface.open({ kind: 'custom' }, component);
        const options = typeof overlayOptions === 'function' ? overlayOptions() : overlayOptions;
        const handle = this.#openOverlay(opened.surface, component, options ?? (component.width === undefined ? {} : { width: component.width }));
        onHandle?.(handle);
      };
      try {
        const made = factory(opened.tui, this.#stage.theme, this.#stage.keybindings, done);
        if (made instanceof Promise) made.then(show).catch(fail);
        else show(made);
      } catch (error) {
        fail(error);
      }
      function fail(error: unknown): void {
        if (opened.surface.isClosed) return;
        opened.surface.close();
        reject(error);
      }
    });
  }

  setHeader(factory: FixedFactory | undefined): void {
    this.#fix('header', { kind: 'header' }, factory);
  }

  setFooter(factory: FixedFactory | undefined): void {
    this.#fix('footer', { kind: 'footer' }, factory);
  }

  setWidget(key: string, factory: FixedFactory | undefined, placement: 'aboveEditor' | 'belowEditor'): void {
    this.#fix(`widget ${key}`, { kind: 'widget', key, placement }, factory);
  }

  setEditor(factory: EditorFactory | undefined): void {
    this.#editorFactory = factory;
    this.#take('editor');
    if (factory === undefined || !this.#stage.refresh()) return;
    const stage = this.#stage;
    let setText: ((text: string) => void) | undefined;
    const opened = this.#create(this.#onGone('editor', 'setEditorComponent'), (text) => setText?.(text));
    this.#fixed.set('editor', opened.surface);
    const editor = factory(opened.tui, stage.editorTheme, stage.keybindings);
    setText = wireEditor(editor, { surface: opened.surface, keys: stage.scene?.keys ?? {}, provider: this.#ownCompletions().front });
    opened.surface.open({ kind: 'editor' }, editor);
  }

  get editorFactory(): EditorFactory | undefined {
    return this.#editorFactory;
  }

  /** pi's `onTerminalInput`: all keys, whoever has the focus. */
  listen(listener: KeyListener): () => void {
    this.#keyListeners.add(listener);
    if (this.#keys === undefined || this.#keys.isClosed) {
      this.#keys = this.#create(this.#onGone('keys', 'onTerminalInput')).surface;
      this.#keys.open({ kind: 'keys' });
    }
    return () => {
      this.#keyListeners.delete(listener);
      if (this.#keyListeners.size > 0 || this.#keys === undefined) return;
      this.#close(this.#keys);
      this.#keys = undefined;
    };
  }

  addCompletions(factory: CompletionFactory): void {
    const completions = this.#ownCompletions();
    completions.wrap(factory);
    const { surface } = this.#create(this.#onGone('completions', 'addAutocompleteProvider'));
    this.#take('completions');
    this.#fixed.set('completions', surface);
    const triggers = completions.triggers;
    surface.open({ kind: 'completions', ...(triggers.length > 0 && { triggers }) });
  }

  #ownCompletions(): Completions {
    this.#completions ??= new Completions({
      ask: (state: EditorState, signal: AbortSignal) => this.#link.request('ui.complete', state, signal) as Promise<Suggestions | null | undefined>,
    });
    return this.#completions;
  }

  #intercept(data: string): InterceptAnswer {
    let current = data;
    for (const listener of this.#keyListeners) {
      const verdict = listener(current);
      if (verdict?.consume === true) return { consume: true };
      if (typeof verdict?.data === 'string') current = verdict.data;
    }
    return current === data ? {} : { data: current };
  }

  #fix(name: string, place: SurfacePlace, factory: FixedFactory | undefined): void {
    this.#take(name);
    if (factory === undefined || !this.#stage.refresh()) return;
    const opened = this.#create(this.#onGone(name, name));
    this.#fixed.set(name, opened.surface);
    opened.surface.open(place, factory(opened.tui, this.#stage.theme, this.#stage.footerData));
  }

  #take(name: string): void {
    const before = this.#fixed.get(name);
    this.#fixed.delete(name);
    if (before !== undefined) this.#close(before);
  }

  /** Nobody waits for these, so a refusal is said in the log. */
  #onGone(name: string, member: string): (refused: Error | undefined) => void {
    return (refused) => {
      this.#fixed.delete(name);
      if (refused !== undefined) this.#link.log('warn', `ctx.ui ${member}: ${describe(refused)}`);
    };
  }

  #create(onClosed: (refused: Error | undefined) => void, onText?: (text: string) => void): Opened {
    const id = this.#nextId++;
    const surface = new Surface({
      link: this.#link,
      stage: this.#stage,
      id,
      onClosed: (refused) => {
        this.#opened.delete(id);
        onClosed(refused);
      },
      ...(onText && { onText }),
    });
    const { tui, key } = createRemoteTui({
      surface,
      stage: this.#stage,
      requestRender: () => this.#drawAll(),
      showOverlay: (component, options) => this.#openOverlay(this.#create(() => undefined).surface, component, options ?? {}),
    });
    const opened: Opened = { surface, tui, key };
    this.#opened.set(id, opened);
    return opened;
  }

  #drawAll(but?: Surface): void {
    for (const { surface } of this.#opened.values()) if (surface !== but) surface.requestRender();
  }

  #close(surface: Surface): void {
    this.#opened.delete(surface.id);
    surface.close();
  }

  #openOverlay(surface: Surface, component: GuestComponent, options: OverlayOptions): OverlayHandle {
    let hidden = options.visible?.(this.#stage.columns, this.#stage.rows) === false;
    surface.open({ kind: 'overlay', layout: layoutOf(options) }, component);
    if (hidden) surface.signal({ kind: 'hidden', hidden });
    if (options.nonCapturing !== true && !hidden) this.#focus(surface);
    return {
      hide: () => this.#close(surface),
      setHidden: (next) => {
        if (hidden === next) return;
        hidden = next;
        surface.signal({ kind: 'hidden', hidden });
      },
      isHidden: () => hidden,
      focus: () => {
        if (surface.isClosed || hidden) return;
        this.#focus(surface);
        surface.signal({ kind: 'focus' });
      },
      unfocus: () => {
        if (!surface.focused) return;
        surface.setFocused(false);
        surface.signal({ kind: 'unfocus' });
      },
      isFocused: () => surface.focused,
      getBounds: () => undefined,
    };
  }

  /** Known here at once, as in pi; the front end says the same a moment later, or something else. */
  #focus(surface: Surface): void {
    for (const { surface: other } of this.#opened.values()) if (other !== surface && other.focused) other.setFocused(false);
    surface.setFocused(true);
  }
}

const LAYOUT = [
  'width',
  'minWidth',
  'maxHeight',
  'anchor',
  'offsetX',
  'offsetY',
  'row',
  'col',
  'margin',
  'nonCapturing',
] as const satisfies (keyof OverlayLayout)[];

function layoutOf(options: OverlayOptions): OverlayLayout {
  return Object.fromEntries(LAYOUT.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}
