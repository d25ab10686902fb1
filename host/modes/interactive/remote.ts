import { isKeyRelease } from '@earendil-works/pi-tui';
import type { SurfacePort } from '../../../sandbox/index.ts';
import type { Host } from '../../host.ts';
import type { PromptEditor } from './prompt-editor.ts';
import { withRemoteSuggestions } from './remote-completions.ts';
import { findDrawers } from './remote-drawing.ts';
import { findTransformers } from './reshaped-text.ts';
import { RemoteEditor } from './remote-editor.ts';
import { RemoteKeys } from './remote-keys.ts';
import { RemoteScene, themeOf } from './remote-scene.ts';
import { createRemoteSurfaces } from './remote-surfaces.ts';
import type { MainScreen } from './screen.ts';
import type { StatusFacts } from './status-facts.ts';
import type { Palette } from './theme.ts';
import type { Themes } from './themes.ts';
import type { Transcript } from './transcript.ts';

export interface RemoteParts {
  readonly host: Host;
  readonly screen: MainScreen;
  readonly palette: Palette;
  readonly themes: Themes;
  readonly transcript: Transcript;
  readonly editor: PromptEditor;
  readonly status: Pick<StatusFacts, 'statuses' | 'facts'>;
  readonly now: () => number;
}

/** What packages draw with code on this screen. Told of a change, it tells those whom it concerns. */
export function createRemote(parts: RemoteParts): SurfacePort & { sceneChanged(): void } {
  const { host, screen, palette, themes, transcript, editor, status, now } = parts;
  const suggestions = withRemoteSuggestions(() => editor.renewProvider());
  editor.wrapProvider = suggestions.wrap;
  const { painter } = screen;
  const scene = new RemoteScene(
    () => ({
      columns: screen.columns,
      rows: screen.rows,
      themes: themes.known().map(({ name }) => name),
      keys: host.keys().bindings,
      kittyKeys: painter.terminal.kittyProtocolActive,
      toolsExpanded: transcript.toolsAreOpen,
      branch: status.facts().branch ?? null,
      statuses: Object.fromEntries([...status.statuses.values()].map(({ key, text }) => [key, text])),
      providers: new Set(host.models.map(({ provider }) => provider)).size,
    }),
    palette,
  );
  transcript.drawWith(
    findDrawers(host, () => scene.current.version),
    findTransformers(
      host,
      () => scene.current.version,
      (notice) => transcript.notice(notice, 'warning'),
    ),
    () => screen.refresh(),
  );
  return createRemoteSurfaces({
    screen,
    palette,
    now,
    completions: suggestions,
    closingKeys: () => host.keys().bindings['app.clear'],
    say: (notice) => transcript.ends(notice),
    scene,
    editor: new RemoteEditor({ editor, use: (component) => screen.useEditor(component) }),
    keys: new RemoteKeys({
      listen: (listener) => painter.addInputListener(listener),
      deliver(data) {
        const focused = painter.getFocusedComponent();
        // As the painter does it: a key that is let go is for those who ask for it.
        if (!isKeyRelease(data) || focused?.wantsKeyRelease === true) focused?.handleInput?.(data);
        screen.refresh();
      },
    }),
    complete: suggestions.own,
    theme(name) {
      const found = themes.known().find((theme) => theme.name === name);
      return found === undefined ? undefined : themeOf({ ...found, depth: palette.depth });
    },
    setTheme: (name) => themes.choose(name),
    stale(_packageName, toolCallId) {
      transcript.redraw(toolCallId);
      screen.refresh();
    },
  });
}
