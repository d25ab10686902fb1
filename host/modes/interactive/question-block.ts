import { type Component, matchesKey, visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import type { Palette } from './theme.ts';

/** What a question of Dash's own says. */
export interface QuestionText {
  /** What is asked, and for whom: on the screen as long as the answers are. */
  readonly title: string;
  /** What it is about, to its end: on a small screen it is scrolled through. */
  readonly text: readonly string[];
  /** What else there is to know; beside the answers where there is room. */
  readonly facts?: readonly string[];
  readonly answers: readonly string[];
}

export interface QuestionPlace {
  /** So many rows of the screen are its own. */
  readonly questionRows: number;
}

/** A question of Dash's own. It never takes more rows than the screen has: what is asked always stands with the answers. */
export class QuestionBlock implements Component {
  readonly #question: QuestionText;
  readonly #place: QuestionPlace;
  readonly #palette: Palette;
  /** The first line of the text that is shown. */
  #offset = 0;
  /** How far a page goes, and where the end begins. */
  #page = 1;
  #end = 0;
  #drawn: { readonly lines: string[]; readonly width: number; readonly rows: number; readonly offset: number } | undefined;
  #folded: { readonly parts: Folded; readonly width: number } | undefined;

  constructor(question: QuestionText, place: QuestionPlace, palette: Palette) {
    this.#question = question;
    this.#place = place;
    this.#palette = palette;
  }

  render(width: number): string[] {
    const rows = this.#place.questionRows;
    const drawn = this.#drawn;
    if (drawn !== undefined && drawn.width === width && drawn.rows === rows && drawn.offset === this.#offset) return drawn.lines;
    const rule = this.#palette.fg('warning', '━'.repeat(width));
    const lines = [rule, ...this.#fitting(this.#fold(width), rows - 2).map((line) => ` ${line}`), rule];
    if (lines.length < rows) lines.unshift('');
    this.#drawn = { lines, width, rows, offset: this.#offset };
    return lines;
  }

  /** Scrolls, and nothing else: an answer is a matter of the screen's. */
  handleInput(data: string): void {
    const scroll = SCROLLS.find(({ key }) => matchesKey(data, key));
    if (scroll !== undefined) this.#offset = Math.max(0, Math.min(this.#end, scroll.to(this.#offset, this.#page, this.#end)));
  }

  invalidate(): void {
    this.#drawn = undefined;
    this.#folded = undefined;
  }

  #fold(width: number): Folded {
    if (this.#folded?.width === width) return this.#folded.parts;
    const { title, text, facts = [], answers } = this.#question;
    const fold = (lines: readonly string[]): string[] => lines.flatMap((line) => folded(line, Math.max(1, width - 1)));
    const parts = {
      title: fold([this.#palette.bold(title)]),
      text: fold(text),
      facts: fold(facts),
      answers: fold(answers.map((answer) => `  ${answer}`)),
      flowingAnswers: fold(flowing(answers, width - 1)),
    };
    this.#folded = { parts, width };
    return parts;
  }

  #fitting({ title, text, facts, answers, flowingAnswers }: Folded, rows: number): readonly string[] {
    const whole = [...title, ...text, ...facts, ...answers];
    if (whole.length <= rows) {
      this.#end = 0;
      this.#offset = 0;
      return whole;
    }
    const areFactsBeside = title.length + facts.length + flowingAnswers.length + COMFORTABLE <= rows;
    const [scrolled, beside] = areFactsBeside ? [text, facts] : [[...text, ...facts], []];
    const room = rows - title.length - beside.length;
    const below = room - answers.length >= COMFORTABLE ? answers : flowingAnswers;
    return [...title, ...this.#window(scrolled, Math.max(LEAST, room - below.length)), ...beside, ...below];
  }

  /** Lines from where the reader is, and the last one: what stands at the end of a long command is run as well. */
  #window(lines: readonly string[], rows: number): readonly string[] {
    if (lines.length <= rows) return lines;
    this.#end = lines.length - (rows - 1);
    this.#page = rows - 2;
    this.#offset = Math.min(this.#offset, this.#end);
    const { fg } = this.#palette;
    const above = this.#offset;
    if (above === this.#end) return [fg('warning', `  … ${above} more lines above · ↑ pgup home`), ...lines.slice(above)];
    const till = above + rows - 2;
    return [
      ...lines.slice(above, till),
      fg('warning', `  … ${lines.length - 1 - till} more lines · ${above === 0 ? '↓ pgdn end' : '↑ ↓ pgup pgdn'}`),
      ...lines.slice(-1),
    ];
  }
}

interface Folded {
  readonly title: readonly string[];
  readonly text: readonly string[];
  readonly facts: readonly string[];
  readonly answers: readonly string[];
  /** The same on as few lines as they need. */
  readonly flowingAnswers: readonly string[];
}

/** So many lines of the text are worth more than answers below each other. */
const COMFORTABLE = 6;
/** A line, what is left out, and the last line. */
const LEAST = 3;

type Scroll = (offset: number, page: number, end: number) => number;

const SCROLLS: readonly { readonly key: 'up' | 'down' | 'pageUp' | 'pageDown' | 'home' | 'end'; readonly to: Scroll }[] = [
  { key: 'up', to: (offset) => offset - 1 },
  { key: 'down', to: (offset) => offset + 1 },
  { key: 'pageUp', to: (offset, page) => offset - page },
  { key: 'pageDown', to: (offset, page) => offset + page },
  { key: 'home', to: () => 0 },
  { key: 'end', to: (_offset, _page, end) => end },
];

/** As many beside each other as there is room for, none of them in two. */
function flowing(answers: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const answer of answers) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(`${last}  ${answer}`) <= width) lines[lines.length - 1] = `${last}  ${answer}`;
    else lines.push(`  ${answer}`);
  }
  return lines;
}

/** A line in pieces that fit, each as far in, and with the same bar, as the line itself. */
function folded(line: string, width: number): string[] {
  const margin = /^ *(?:[┃│] )?/.exec(line)?.[0] ?? '';
  if (margin === '' || margin.length >= width / 2) return wrapTextWithAnsi(line, width);
  return wrapTextWithAnsi(line.slice(margin.length), width - margin.length).map((part) => `${margin}${part}`);
}
