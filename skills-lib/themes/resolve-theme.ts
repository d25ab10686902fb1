import { type Diagnostic, nearest } from '../../format/index.ts';
import type { Theme } from './theme.ts';

/** Whether a terminal's own background is dark. */
export type Appearance = 'light' | 'dark';

/** Where themes are looked for: those that were read, and those that are always there. */
export interface ThemeCatalog<Known extends Theme> {
  readonly themes: readonly Known[];
  readonly builtIn: readonly Known[];
}

export interface ResolvedTheme<Known extends Theme> {
  readonly theme: Known | undefined;
  /** Why it is not the one that was asked for. */
  readonly diagnostic?: Diagnostic;
}

/**
 * Gives the theme of this name. `light/dark` names two, as in pi: the one for light terminals and the one for dark. Where
 * there is none of that name, or none was named, it is the built-in one that fits the terminal.
 */
export function resolveTheme<Known extends Theme>(
  name: string | undefined,
  { themes, builtIn }: ThemeCatalog<Known>,
  appearance: Appearance = 'dark',
): ResolvedTheme<Known> {
  const wanted = name === undefined || name === '' ? appearance : nameFor(name, appearance);
  // who brings a theme of a built-in name wants it in its place
  const known = [...themes, ...builtIn];
  const theme = known.find((one) => one.name === wanted);
  if (theme !== undefined) return { theme };
  const near = nearest(
    wanted,
    known.map((one) => one.name),
  );
  const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
  return {
    theme: builtIn.find((one) => one.name === appearance) ?? known[0],
    diagnostic: { severity: 'warning', code: 'THEME_NOT_FOUND', message: `there is no theme \`${wanted}\`${hint}` },
  };
}

function nameFor(name: string, appearance: Appearance): string {
  const [light = name, dark = light] = name.split('/').map((part) => part.trim());
  return appearance === 'light' ? light : dark;
}
