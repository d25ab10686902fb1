import type { EditorTheme, MarkdownTheme, SelectListTheme } from '@earendil-works/pi-tui';
import type { Theme } from '../../../skills-lib/index.ts';

/** How many colours the terminal has. */
export type ColorDepth = 'none' | '256' | 'full';

/** The theme that is worn, as functions that colour text. It is replaced in place: components keep the one they were given. */
export class Palette {
  #theme: Theme;
  readonly #depth: ColorDepth;
  readonly #codes = new Map<string, string>();

  constructor(theme: Theme, depth: ColorDepth) {
    this.#theme = theme;
    this.#depth = depth;
  }

  /** The theme that is worn. */
  get theme(): Theme {
    return this.#theme;
  }

  /** How many colours there are; a component that paints by itself needs it. */
  get depth(): ColorDepth {
    return this.#depth;
  }

  get name(): string {
    return this.#theme.name;
  }

  /** Colours by name, as the theme has them. */
  get colors(): Theme['colors'] {
    return this.#theme.colors;
  }

  wear(theme: Theme): void {
    this.#theme = theme;
    this.#codes.clear();
  }

  /** Text in a colour of the theme, and then as it was before. */
  readonly fg = (color: string, text: string): string => {
    const code = this.#code(38, color);
    return code === '' ? text : `${code}${text}\u001B[39m`;
  };

  /** Text on a background of the theme. */
  readonly bg = (color: string, text: string): string => {
    const code = this.#code(48, color);
    return code === '' ? text : `${code}${text}\u001B[49m`;
  };

  readonly bold = (text: string): string => (this.#depth === 'none' ? text : `\u001B[1m${text}\u001B[22m`);
  readonly italic = (text: string): string => (this.#depth === 'none' ? text : `\u001B[3m${text}\u001B[23m`);
  readonly underline = (text: string): string => (this.#depth === 'none' ? text : `\u001B[4m${text}\u001B[24m`);

  readonly markdown: MarkdownTheme = {
    heading: (text) => this.fg('mdHeading', text),
    link: (text) => this.fg('mdLink', text),
    linkUrl: (text) => this.fg('mdLinkUrl', text),
    code: (text) => this.fg('mdCode', text),
    codeBlock: (text) => this.fg('mdCodeBlock', text),
    codeBlockBorder: (text) => this.fg('mdCodeBlockBorder', text),
    quote: (text) => this.fg('mdQuote', text),
    quoteBorder: (text) => this.fg('mdQuoteBorder', text),
    hr: (text) => this.fg('mdHr', text),
    listBullet: (text) => this.fg('mdListBullet', text),
    bold: this.bold,
    italic: this.italic,
    underline: this.underline,
    strikethrough: (text) => (this.#depth === 'none' ? text : `\u001B[9m${text}\u001B[29m`),
  };

  readonly selectList: SelectListTheme = {
    selectedPrefix: (text) => this.fg('accent', text),
    selectedText: (text) => this.bold(this.fg('accent', text)),
    description: (text) => this.fg('muted', text),
    scrollInfo: (text) => this.fg('muted', text),
    noMatch: (text) => this.fg('muted', text),
  };

  readonly editor: EditorTheme = { borderColor: (text) => this.fg('borderMuted', text), selectList: this.selectList };

  #code(kind: 38 | 48, color: string): string {
    if (this.#depth === 'none') return '';
    const key = `${kind}${color}`;
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = sgr(kind, this.#theme.colors[color] ?? '', this.#depth);
    this.#codes.set(key, code);
    return code;
  }
}

/** What a terminal says of its colours in the environment. */
export function colorDepth(env: Readonly<Record<string, string | undefined>>): ColorDepth {
  const { NO_COLOR: none = '', COLORTERM: more = '', TERM: term = '' } = env;
  if (none !== '' || term === 'dumb') return 'none';
  return /truecolor|24bit/i.test(more) || /kitty|ghostty|direct/.test(term) ? 'full' : '256';
}

function sgr(kind: 38 | 48, color: string | number, depth: Exclude<ColorDepth, 'none'>): string {
  if (color === '') return '';
  if (typeof color === 'number') return `\u001B[${kind};5;${color}m`;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return depth === 'full' ? `\u001B[${kind};2;${red};${green};${blue}m` : `\u001B[${kind};5;${nearestOf256(red, green, blue)}m`;
}

/** The nearest of the 6×6×6 colours and the greys. The first sixteen look different on every terminal. */
function nearestOf256(red: number, green: number, blue: number): number {
  const steps = [0, 95, 135, 175, 215, 255];
  const nearest = (value: number): number =>
    steps.reduce((best, step, index) => (Math.abs(step - value) < Math.abs((steps[best] ?? 0) - value) ? index : best), 0);
  const [r, g, b] = [nearest(red), nearest(green), nearest(blue)];
  const grey = Math.max(0, Math.min(23, Math.round(((red + green + blue) / 3 - 8) / 10)));
  const distance = (x: number, y: number, z: number): number => (x - red) ** 2 + (y - green) ** 2 + (z - blue) ** 2;
  const level = 8 + grey * 10;
  const isGreyNearer = distance(level, level, level) < distance(steps[r] ?? 0, steps[g] ?? 0, steps[b] ?? 0);
  return isGreyNearer ? 232 + grey : 16 + 36 * r + 6 * g + b;
}
