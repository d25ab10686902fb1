import type { ThemeColors } from '../../surface.ts';

type Paint = (text: string) => string;

/** Reads the colours there are at this moment; none where nothing is drawn, and then text stays as it is. */
type Colours = () => ThemeColors | undefined;

/** pi's class: styles by name, in the user's colours. Held once, it follows the theme that the user changes to. */
export class Theme {
  readonly #colours: Colours;

  constructor(colours: Colours = () => undefined) {
    this.#colours = colours;
  }

  get name(): string {
    return this.#colours()?.name ?? 'plain';
  }

  fg(color: string, text: string): string {
    const start = this.getFgAnsi(color);
    return start === '' ? text : `${start}${text}\u001B[39m`;
  }

  bg(color: string, text: string): string {
    const start = this.getBgAnsi(color);
    return start === '' ? text : `${start}${text}\u001B[49m`;
  }

  bold(text: string): string {
    return this.#style(1, 22, text);
  }

  italic(text: string): string {
    return this.#style(3, 23, text);
  }

  underline(text: string): string {
    return this.#style(4, 24, text);
  }

  inverse(text: string): string {
    return this.#style(7, 27, text);
  }

  strikethrough(text: string): string {
    return this.#style(9, 29, text);
  }

  getFgAnsi(color: string): string {
    return this.#sequence(color, 'color', 38, 39);
  }

  getBgAnsi(color: string): string {
    return this.#sequence(color, 'background color', 48, 49);
  }

  getColorMode(): 'truecolor' | '256color' {
    return this.#colours()?.mode ?? 'truecolor';
  }

  getThinkingBorderColor(level: string): Paint {
    const name = `thinking${level.slice(0, 1).toUpperCase()}${level.slice(1)}`;
    return (text) => this.fg(this.#has(name) ? name : 'thinkingOff', text);
  }

  getBashModeBorderColor(): Paint {
    return (text) => this.fg('bashMode', text);
  }

  #has(color: string): boolean {
    const colours = this.#colours();
    return colours !== undefined && Object.hasOwn(colours.colors, color);
  }

  /** Throws for a name that is none, as pi does, so that a typo shows. */
  #sequence(color: string, kind: string, extended: 38 | 48, reset: 39 | 49): string {
    const colours = this.#colours();
    if (colours === undefined) return '';
    if (!Object.hasOwn(colours.colors, color)) throw new Error(`Unknown theme ${kind}: ${color}`);
    const value = colours.colors[color] ?? '';
    if (value === '') return `\u001B[${reset}m`;
    if (typeof value === 'number') return `\u001B[${extended};5;${value}m`;
    const channels = [1, 3, 5].map((at) => Number.parseInt(value.slice(at, at + 2), 16)) as [number, number, number];
    return colours.mode === 'truecolor' ? `\u001B[${extended};2;${channels.join(';')}m` : `\u001B[${extended};5;${nearestOf256(channels)}m`;
  }

  /** What a nested style ended goes on behind it. A line ends every style, so each line is styled for itself. */
  #style(start: number, end: number, text: string): string {
    if (this.#colours() === undefined || text === '') return text;
    const [open, close] = [`\u001B[${start}m`, `\u001B[${end}m`];
    return `${open}${text.replaceAll(close, `${close}${open}`).replaceAll(/\r?\n/g, (newline) => `${close}${newline}${open}`)}${close}`;
  }
}

const CUBE = [0, 95, 135, 175, 215, 255];
const GREYS = Array.from({ length: 24 }, (_, index) => 8 + index * 10);

/** The nearest of the cube's colours, or of the greys where there is next to no colour in it. */
function nearestOf256([red, green, blue]: readonly [number, number, number]): number {
  const [r, g, b] = [nearest(CUBE, red), nearest(CUBE, green), nearest(CUBE, blue)];
  const grey = nearest(GREYS, Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
  const distance = (x: number, y: number, z: number): number => 0.299 * (red - x) ** 2 + 0.587 * (green - y) ** 2 + 0.114 * (blue - z) ** 2;
  const ofGrey = GREYS[grey] ?? 0;
  const isGrey = Math.max(red, green, blue) - Math.min(red, green, blue) < 10;
  if (isGrey && distance(ofGrey, ofGrey, ofGrey) < distance(CUBE[r] ?? 0, CUBE[g] ?? 0, CUBE[b] ?? 0)) return 232 + grey;
  return 16 + 36 * r + 6 * g + b;
}

function nearest(values: readonly number[], wanted: number): number {
  return values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs((values[best] ?? 0) - wanted) ? index : best), 0);
}
