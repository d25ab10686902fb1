import type { Scene } from '../../../sandbox/index.ts';
import type { ThemeColors } from '../../../sandbox/index.ts';
import type { Palette } from './theme.ts';

/** What packages may know of the screen, as it is at this moment. */
export type SceneFacts = Omit<Scene, 'version' | 'theme'>;

/** The scene with a number that says when it became another one. */
export class RemoteScene {
  readonly #facts: () => SceneFacts;
  readonly #palette: Palette;
  #scene: Scene | undefined;
  #text = '';

  constructor(facts: () => SceneFacts, palette: Palette) {
    this.#facts = facts;
    this.#palette = palette;
  }

  get current(): Scene {
    const facts = { ...this.#facts(), theme: themeOf(this.#palette) };
    const text = JSON.stringify(facts);
    if (this.#scene === undefined || text !== this.#text) {
      this.#text = text;
      this.#scene = { ...facts, version: (this.#scene?.version ?? 0) + 1 };
    }
    return this.#scene;
  }
}

/** Without colours every name is the terminal's own: components find all of them, and none is seen. */
export function themeOf({ name, colors, depth }: Pick<Palette, 'name' | 'colors' | 'depth'>): ThemeColors {
  return {
    name,
    mode: depth === 'full' ? 'truecolor' : '256color',
    colors: depth === 'none' ? Object.fromEntries(Object.keys(colors).map((color) => [color, ''])) : colors,
  };
}
