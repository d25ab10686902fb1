import type { Diagnostic } from '../format/index.ts';
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
  'toolTitle',
  'mdHeading',
  'mdLink',
  'mdCode',
  'mdCodeBlock',
  'mdQuote',
  'toolDiffAdded',
  'toolDiffRemoved',
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
const TERMINALS: readonly Rgb[] = [
  [0, 0, 0],
  [255, 255, 255],
];

/**
 * Says which text of a theme is hard to read. Colours that a terminal decides (`""` and the first sixteen) are left out;
 * what stands on the terminal's own background need be readable on black or on white, since a theme is for one of them.
 */
export function checkContrast({ colors }: Theme, path: string): readonly Diagnostic[] {
  const colorOf = (name: string) => (Object.hasOwn(colors, name) ? toRgb(colors[name] ?? '') : undefined);
  return PAIRS.flatMap(({ text, background }): Diagnostic[] => {
    const front = colorOf(text);
    const behind: readonly (Rgb | undefined)[] = background === undefined ? TERMINALS : [colorOf(background)];
    const known = behind.filter((one) => one !== undefined);
    if (front === undefined || known.length === 0) return [];
    const ratio = Math.max(...known.map((one) => contrast(front, one)));
    if (ratio >= MIN_RATIO) return [];
    const place = background === undefined ? 'a black or a white terminal' : `\`${background}\``;
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
