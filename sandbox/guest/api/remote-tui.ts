import type { OverlayLayout } from '../../surface.ts';
import type { Stage } from './stage.ts';
import type { GuestComponent, Surface } from './surface.ts';
import { unsupported } from './unsupported.ts';

/** pi's handle of an overlay. */
export interface OverlayHandle {
  hide(): void;
  setHidden(hidden: boolean): void;
  isHidden(): boolean;
  focus(): void;
  unfocus(): void;
  isFocused(): boolean;
  /** Where it stands is the front end's knowledge. */
  getBounds(): undefined;
}

/** pi's options; functions in them are asked here, because only data leaves the isolate. */
export type OverlayOptions = OverlayLayout & { readonly visible?: (columns: number, rows: number) => boolean };

type InputListener = (data: string) => { consume?: boolean; data?: string } | undefined;

export interface RemoteTuiParts {
  readonly surface: Surface;
  readonly stage: Stage;
  readonly showOverlay: (component: GuestComponent, options?: OverlayOptions) => OverlayHandle;
  /** pi draws its whole screen anew: a component may show what another one of the package knows. */
  readonly requestRender: () => void;
}

/** pi's `tui` as a component gets it: the screen itself is the front end's, of which it has one place. */
export function createRemoteTui({ surface, stage, showOverlay, requestRender }: RemoteTuiParts): { readonly tui: object; readonly key: Surface['key'] } {
  const listeners = new Set<InputListener>();
  const overlays: OverlayHandle[] = [];
  const ownTerminal = (member: string) => () => {
    throw unsupported(`tui.${member}`, 'the terminal is the front end\u2019s: draw with `render`, and open what else is needed with `ctx.ui.custom`');
  };

  const tui = {
    mode: 'regular',
    children: [],
    fullRedraws: 0,
    terminal: {
      get columns() {
        return stage.columns;
      },
      get rows() {
        return stage.rows;
      },
      get kittyProtocolActive() {
        return stage.scene?.kittyKeys ?? false;
      },
      ...Object.fromEntries(
        [
          'start',
          'stop',
          'write',
          'drainInput',
          'moveBy',
          'hideCursor',
          'showCursor',
          'clearLine',
          'clearFromCursor',
          'clearScreen',
          'setTitle',
          'setProgress',
        ].map((member) => [member, ownTerminal(`terminal.${member}`)]),
      ),
    },
    requestRender,
    renderNow: requestRender,
    invalidate: () => surface.invalidate(),
    setFocus: (component: GuestComponent | null) => {
      surface.inputTarget = component ?? undefined;
    },
    showOverlay: (component: GuestComponent, options?: OverlayOptions) => {
      const handle = showOverlay(component, options);
      overlays.push(handle);
      return handle;
    },
    hideOverlay: () => overlays.pop()?.hide(),
    hasOverlay: () => overlays.some((overlay) => !overlay.isHidden()),
    addInputListener: (listener: InputListener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    removeInputListener: (listener: InputListener) => void listeners.delete(listener),
    getShowHardwareCursor: () => false,
    setShowHardwareCursor: () => undefined,
    getClearOnShrink: () => false,
    setClearOnShrink: () => undefined,
    onTerminalColorSchemeChange: () => () => undefined,
    setTerminalColorSchemeNotifications: () => undefined,
    queryTerminalBackgroundColor: async () => undefined,
    queryTerminalColorScheme: async () => undefined,
    ...Object.fromEntries(['start', 'stop', 'addChild', 'removeChild', 'clear', 'render'].map((member) => [member, ownTerminal(member)])),
  };

  return {
    tui,
    key: (data) => {
      let current = data;
      for (const listener of listeners) {
        const verdict = listener(current);
        if (verdict?.consume === true) return {};
        current = verdict?.data ?? current;
      }
      return surface.key(current);
    },
  };
}
