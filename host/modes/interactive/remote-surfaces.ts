import type { OverlayOptions } from '@earendil-works/pi-tui';
import type { OverlayLayout, RemoteSurface, SurfaceHandle, SurfacePort, SurfaceSignal } from '../../../sandbox/index.ts';
import type { RemoteEditor } from './remote-editor.ts';
import type { RemoteKeys } from './remote-keys.ts';
import { RemotePanels } from './remote-panels.ts';
import type { RemoteScene } from './remote-scene.ts';
import { BORDER_COLUMNS } from './package-border.ts';
import { RemoteView, type RemoteViewOptions } from './remote-view.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';

export interface RemoteSurfacesOptions extends Pick<SurfacePort, 'complete' | 'theme' | 'setTheme' | 'stale'> {
  readonly screen: Screen;
  readonly palette: Palette;
  readonly scene: RemoteScene;
  readonly editor: RemoteEditor;
  readonly keys: RemoteKeys;
  readonly completions: { add(surface: RemoteSurface): { remove(): void } };
  readonly now: () => number;
  readonly closingKeys: () => readonly string[];
  /** Says why something of a package went away by itself. */
  readonly say: (notice: string) => void;
}

/** One package's place as this screen holds it. */
interface Place {
  /** A new frame is there. */
  drawn?(): void;
  signal?(signal: SurfaceSignal): void;
  /** Takes it off the screen. */
  remove(): void;
}

/** The terminal as packages draw on it. */
export function createRemoteSurfaces(options: RemoteSurfacesOptions): SurfacePort & { sceneChanged(): void } {
  const { screen, scene, complete, theme, setTheme, stale, say } = options;
  const open = new Set<RemoteSurface>();
  const panels = new RemotePanels(screen);
  let known = 0;
  return {
    complete,
    theme,
    setTheme,
    stale,
    scene: () => scene.current,
    sceneChanged() {
      const { version } = scene.current;
      if (version === known) return;
      known = version;
      for (const surface of open) surface.sceneChanged();
    },
    open(surface): SurfaceHandle {
      open.add(surface);
      const place = placeOf(surface, options, panels);
      return {
        drawn() {
          place.drawn?.();
          screen.refresh();
        },
        signal: (signal) => place.signal?.(signal),
        closed(notice) {
          open.delete(surface);
          place.remove();
          if (notice !== undefined) say(notice);
          screen.refresh();
        },
      };
    },
  };
}

function placeOf(surface: RemoteSurface, options: RemoteSurfacesOptions, panels: RemotePanels): Place {
  const { screen, editor, keys, completions } = options;
  const { place, package: owner } = surface;
  const third = (): number => Math.floor(screen.rows / 3);
  switch (place.kind) {
    case 'custom': {
      const view = viewOf(surface, options, { maxLines: () => screen.rows - 3, hint: 'ctrl+c twice closes' });
      return { drawn: () => view.drawAgain(), ...panels.open(view, owner) };
    }
    case 'overlay': {
      const view = viewOf(surface, options, { maxLines: () => screen.rows - 2, hint: 'ctrl+c twice closes', floats: true });
      const overlay = screen.overlay(view, withBorder(place.layout), { package: owner });
      return {
        drawn: () => view.drawAgain(),
        signal(signal) {
          if (signal.kind === 'hidden') overlay.hide(signal.hidden);
          if (signal.kind === 'focus' || signal.kind === 'unfocus') overlay.focus(signal.kind === 'focus');
        },
        remove: () => overlay[Symbol.dispose](),
      };
    }
    case 'header':
    case 'footer':
    case 'widget': {
      const view = viewOf(surface, options, { maxLines: place.kind === 'header' ? () => screen.rows - 3 : third });
      const shown = screen.show(place.kind === 'widget' ? place.placement : place.kind, view, { package: owner });
      return { drawn: () => view.drawAgain(), remove: () => shown[Symbol.dispose]() };
    }
    case 'editor':
      return editor.take(surface, viewOf(surface, options, { maxLines: () => screen.rows - 3, hint: 'ctrl+c twice takes it away' }));
    case 'keys':
      return keys.add(surface);
    case 'completions':
      return completions.add(surface);
  }
}

function viewOf(
  surface: RemoteSurface,
  { palette, now, closingKeys }: RemoteSurfacesOptions,
  more: Pick<RemoteViewOptions, 'maxLines' | 'hint' | 'floats'>,
): RemoteView {
  return new RemoteView(surface, { palette, now, closingKeys, ...more });
}

/** The author counted columns and rows without the border. */
function withBorder(layout: OverlayLayout): OverlayOptions {
  const { width, minWidth, maxHeight } = layout;
  return {
    ...(layout as OverlayOptions),
    ...(typeof width === 'number' && { width: width + BORDER_COLUMNS }),
    ...(minWidth !== undefined && { minWidth: minWidth + BORDER_COLUMNS }),
    ...(typeof maxHeight === 'number' && { maxHeight: maxHeight + 1 }),
  };
}
