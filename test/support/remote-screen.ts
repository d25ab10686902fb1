import type { RemoteSurface, Scene, Suggestions, SurfacePort, SurfaceSignal } from '../../sandbox/index.ts';
import { until } from './sandbox-fixture.ts';

/** One surface as a screen sees it, with everything that came of it. */
export interface Shown {
  readonly surface: RemoteSurface;
  readonly signals: SurfaceSignal[];
  /** Frames in their order. */
  readonly frames: (readonly string[])[];
  /** How often it was told that something is there. */
  drawn: number;
  closed: boolean;
  /** Why, where it was closed against its will. */
  closedOver: string | undefined;
}

/** A front end without a terminal: gives every surface a width, panels the focus, and keeps what it is told. */
export interface RemoteScreen {
  readonly port: SurfacePort;
  readonly shown: readonly Shown[];
  readonly staleCalls: readonly string[];
  /** Who has the keys. */
  readonly focused: RemoteSurface | undefined;
  change(scene: Partial<Scene>): void;
  /** The newest open surface of this kind, once there is one, and it has drawn. */
  find(kind: string): Promise<Shown>;
}

export const PLAIN_SCENE: Scene = {
  version: 1,
  columns: 80,
  rows: 24,
  theme: { name: 'test', mode: 'truecolor', colors: { accent: '#8abeb7', dim: 240, text: '', muted: '#808080', error: '#cc6666', border: '#5f87ff' } },
  themes: ['test', 'other'],
  keys: {},
  kittyKeys: false,
  toolsExpanded: false,
  branch: 'main',
  statuses: {},
  providers: 1,
};

export interface RemoteScreenOptions {
  readonly scene?: Partial<Scene>;
  /** What the editor suggests by itself. */
  readonly suggestions?: Suggestions;
  readonly widthOf?: (surface: RemoteSurface) => number;
}

export function remoteScreen({ scene: first = {}, suggestions, widthOf = () => 80 }: RemoteScreenOptions = {}): RemoteScreen {
  let scene: Scene = { ...PLAIN_SCENE, ...first };
  const shown: Shown[] = [];
  const staleCalls: string[] = [];
  const live = (): Shown[] => shown.filter(({ closed }) => !closed);
  let focused: RemoteSurface | undefined;
  const focus = (wanted: RemoteSurface | undefined): void => {
    focused = wanted;
    for (const { surface } of live()) if (surface !== wanted) surface.focus(false);
    wanted?.focus(true);
  };
  const takesFocus = ({ place }: RemoteSurface): boolean =>
    place.kind === 'custom' || place.kind === 'editor' || (place.kind === 'overlay' && place.layout.nonCapturing !== true);
  const port: SurfacePort = {
    scene: () => scene,
    open(surface) {
      const one: Shown = { surface, signals: [], frames: [], drawn: 0, closed: false, closedOver: undefined };
      shown.push(one);
      // The handle is the surface's before it is told anything.
      queueMicrotask(() => {
        surface.resize(widthOf(surface));
        if (takesFocus(surface)) focus(surface);
      });
      return {
        drawn() {
          one.drawn++;
          const { frame } = surface;
          if (frame !== undefined && frame.lines !== one.frames.at(-1)) one.frames.push(frame.lines);
        },
        signal(signal) {
          one.signals.push(signal);
          if (signal.kind === 'focus') focus(surface);
          if (signal.kind === 'unfocus') focus(live().findLast((other) => other !== one && takesFocus(other.surface))?.surface);
        },
        closed(notice) {
          one.closed = true;
          one.closedOver = notice;
          focus(live().findLast((other) => takesFocus(other.surface))?.surface);
        },
      };
    },
    complete: async () => suggestions,
    theme: (name) => (name === 'other' ? { ...scene.theme, name } : undefined),
    setTheme: (name) => scene.themes.includes(name),
    stale: (_packageName, toolCallId) => void staleCalls.push(toolCallId),
  };
  return {
    port,
    shown,
    staleCalls,
    get focused() {
      return focused;
    },
    change(changes) {
      scene = { ...scene, ...changes, version: scene.version + 1 };
      for (const { surface } of live()) surface.sceneChanged();
    },
    async find(kind) {
      const found = (): Shown | undefined => live().findLast(({ surface }) => surface.place.kind === kind);
      const draws = kind !== 'keys' && kind !== 'completions';
      await until(() => found() !== undefined && (!draws || (found()?.drawn ?? 0) > 0));
      return found() as Shown;
    },
  };
}
