import type { Diagnostic } from '../../format/index.ts';
import type { Theme } from './theme.ts';

/** Text of a theme and what lies under it; `undefined` is the terminal's own background. */
interface Pair {
  readonly text: string;
  readonly background: string | undefined;
}

const ON_TERMINAL = [
  'text',
  'accent',
  'success',
  'error',
  'warning',
  'muted',
  'dim',
  'thinkingText',
  'toolTitle',
  'mdHeading',
  'mdLink',
  'mdLinkUrl',
  'mdCode',
  'mdCodeBlock',
  'mdQuote',
  'mdListBullet',
  'toolDiffAdded',
  'toolDiffRemoved',
  'toolDiffContext',
  ...['Comment', 'Keyword', 'Function', 'Variable', 'String', 'Number', 'Type', 'Operator', 'Punctuation'].map((what) => `syntax${what}`),
];
const PAIRS: readonly Pair[] = [
  ...ON_TERMINAL.map((text) => ({ text, background: undefined })),
  { text: 'text', background: 'selectedBg' },
  { text: 'searchMatchText', background: 'searchMatchBg' },
  { text: 'userMessageText', background: 'userMessageBg' },
  { text: 'customMessageText', background: 'customMessageBg' },
  { text: 'customMessageLabel', background: 'customMessageBg' },
  ...['toolPendingBg', 'toolSuccessBg', 'toolErrorBg'].flatMap((background) => ['toolTitle', 'toolOutput'].map((text) => ({ text, background }))),
];

/** WCAG 2 AA for text of ordinary size. https://www.w3.org/TR/WCAG22/#contrast-minimum */
const MIN_RATIO = 4.5;
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/**
 * Says which text of a theme is hard to read. Colours that a terminal decides (`""` and the first sixteen) are left out.
 * What stands on the terminal's own background is held against black when the theme is a dark one and against white when it
 * is a light one: any colour can be read on one of the two.
 */
export function checkContrast({ colors }: Theme, path: string): readonly Diagnostic[] {
  const colorOf = (name: string) => (Object.hasOwn(colors, name) ? toRgb(colors[name] ?? '') : undefined);
  const terminal = isDark(colorOf) ? BLACK : WHITE;
  return PAIRS.flatMap(({ text, background }): Diagnostic[] => {
    const front = colorOf(text);
    const behind = background === undefined ? terminal : colorOf(background);
    if (front === undefined || behind === undefined) return [];
    const ratio = contrast(front, behind);
    if (ratio >= MIN_RATIO) return [];
    const place = background === undefined ? `a ${terminal === BLACK ? 'black' : 'white'} terminal` : `\`${background}\``;
    return [
      {
        severity: 'warning',
        code: 'LOW_CONTRAST',
        message: `\`${text}\` on ${place} has a contrast of ${ratio.toFixed(1)}, and ${MIN_RATIO} is needed to be read well`,
        where: { path },
      },
    ];
  });
}

/** What a theme is made for shows in what it paints behind text; where it paints nothing, in most of its texts. */
function isDark(colorOf: (name: string) => Rgb | undefined): boolean {
  const known = (names: readonly string[]): number[] => names.map(colorOf).flatMap((color) => (color === undefined ? [] : [luminance(color)]));
  const backgrounds = known([...new Set(PAIRS.flatMap(({ background }) => background ?? []))]);
  const halves = (values: readonly number[]): number => values.filter((value) => value < MIDDLE).length * 2;
  return backgrounds.length > 0 ? halves(backgrounds) >= backgrounds.length : halves(known(ON_TERMINAL)) <= known(ON_TERMINAL).length;
}

/** As far from black as from white. */
const MIDDLE = 0.179;

type Rgb = readonly [number, number, number];

/** `undefined` where the terminal decides. */
function toRgb(color: string | number): Rgb | undefined {
  if (typeof color === 'string') return color === '' ? undefined : [channel(color, 1), channel(color, 3), channel(color, 5)];
  if (color < 16) return undefined;
  if (color >= 232) {
    const grey = 8 + (color - 232) * 10;
    return [grey, grey, grey];
  }
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = color - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

function channel(hex: string, at: number): number {
  return Number.parseInt(hex.slice(at, at + 2), 16);
}

function contrast(a: Rgb, b: Rgb): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
