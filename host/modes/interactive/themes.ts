import { basename } from 'node:path';
import { type Appearance, parseTheme, resolveTheme, type Theme, type ThemeCatalog } from '../../../skills-lib/index.ts';
import { followTheme, type ThemeChange } from '../../follow-theme.ts';
import type { Host } from '../../host.ts';
import type { Painter } from './painter.ts';
import type { Palette } from './theme.ts';
import dark from './themes/dark.json' with { type: 'json' };
import light from './themes/light.json' with { type: 'json' };

/** A theme that can be worn, and the file it comes from; ours come from none. */
export interface KnownTheme extends Theme {
  readonly path?: string;
}

/** The themes that come with Dash. A theme of the same name that the user has goes before them. */
export const OWN_THEMES: readonly Theme[] = [parseTheme(JSON.stringify(dark), 'dark.json'), parseTheme(JSON.stringify(light), 'light.json')];
const [DARK] = OWN_THEMES;

/** The theme before anything is known: dark. */
export function firstTheme(): Theme {
  if (DARK === undefined) throw new Error('there is no theme');
  return DARK;
}

export interface ThemesOptions {
  readonly host: Pick<Host, 'generation' | 'settings' | 'diagnostics'>;
  readonly palette: Palette;
  /** Everything has to be drawn again. */
  readonly changed: () => void;
  readonly warn: (message: string) => void;
}

/** Which theme is worn: the one that was chosen, the one of the settings, or what fits the terminal's background. */
export interface Themes extends Disposable {
  known(): readonly KnownTheme[];
  /** Wears a theme until another is chosen. Says whether there is one of this name. */
  choose(name: string): boolean;
  /** What the terminal's background is; it decides where nobody chose. */
  background(kind: Appearance): void;
  /** Looks at what there is: at the start, and after a reload. */
  refresh(): void;
}

/** Makes the wardrobe. The file of the theme that is worn is followed: saving it changes the screen. */
export function createThemes({ host, palette, changed, warn }: ThemesOptions): Themes {
  let chosen: string | undefined;
  let appearance: Appearance = 'dark';
  let following: Disposable | undefined;
  /** The file that is followed, and which theme was said to be missing. */
  let followed: string | undefined;
  let missing: string | undefined;

  const catalog = (): ThemeCatalog<KnownTheme> => ({ themes: host.generation.contributions.resources.themes, builtIn: OWN_THEMES });
  const wear = (): void => {
    const wanted = chosen ?? host.settings.theme;
    const { theme: found, diagnostic } = resolveTheme(wanted, catalog(), appearance);
    const broken = diagnostic === undefined ? undefined : brokenFile(host.diagnostics, wanted);
    // The file of what is worn broke, and whoever read it said so: the last good one stays on, and is followed on.
    if (broken !== undefined && following !== undefined && broken === followed) return;
    if (diagnostic !== undefined && broken === undefined && diagnostic.message !== missing) warn(diagnostic.message);
    missing = diagnostic?.message;
    const theme: KnownTheme = broken === undefined ? (found ?? firstTheme()) : { ...(found ?? firstTheme()), path: broken };
    following?.[Symbol.dispose]();
    followed = theme.path;
    following = followTheme(theme, follow, { isBroken: broken !== undefined });
    if (found === palette.theme) return;
    palette.wear(found ?? firstTheme());
    changed();
  };
  const follow = (change: ThemeChange): void => {
    // Half a file, in the middle of being saved, or a slip: what is worn stays on.
    if (change.kind === 'invalid') return warn(change.diagnostic.message);
    palette.wear(change.theme);
    return changed();
  };

  return {
    known() {
      const { themes, builtIn } = catalog();
      return [...themes, ...builtIn.filter(({ name }) => themes.every((theme) => theme.name !== name))];
    },
    choose(name) {
      if (resolveTheme(name, catalog(), appearance).diagnostic !== undefined) return false;
      chosen = name;
      wear();
      return true;
    },
    background(kind) {
      if (kind === appearance) return;
      appearance = kind;
      wear();
    },
    refresh: wear,
    [Symbol.dispose]() {
      following?.[Symbol.dispose]();
    },
  };
}

/** The file of the theme of this name, where it could not be read. */
function brokenFile(diagnostics: Host['diagnostics'], name: string | undefined): string | undefined {
  return diagnostics.find(({ severity, where }) => severity === 'error' && where !== undefined && basename(where.path) === `${name}.json`)?.where?.path;
}

/** Asks the terminal for its background, and hears when it changes; one that does not answer keeps what there is. */
export function followBackground(painter: Painter, tell: (kind: Appearance) => void): void {
  void painter.queryTerminalBackgroundColor({ timeoutMs: ANSWER_MS }).then((color) => {
    if (color !== undefined) tell(kindOfBackground(color));
  });
  painter.setTerminalColorSchemeNotifications(true);
  painter.onTerminalColorSchemeChange(tell);
}

const ANSWER_MS = 300;

/** Whether text on a background should be light: by its luminance, which is what the eye sees. */
export function kindOfBackground({ r, g, b }: { readonly r: number; readonly g: number; readonly b: number }): 'dark' | 'light' {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128 ? 'dark' : 'light';
}

/** What a terminal says of its background in the environment: `15;0` is white on black. */
export function backgroundOf(env: Readonly<Record<string, string | undefined>>): 'dark' | 'light' | undefined {
  const color = /;(\d+)$/.exec(env['COLORFGBG'] ?? '')?.[1];
  if (color === undefined) return undefined;
  return Number(color) === 7 || Number(color) === 15 ? 'light' : 'dark';
}
