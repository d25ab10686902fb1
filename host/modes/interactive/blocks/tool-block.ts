import { truncateToWidth, visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import type { JsonObject } from '../../../model/messages.ts';
import { textOf } from '../../../model/messages.ts';
import type { ToolAnswer } from '../../../loop/tool-call.ts';
import { keyHint, type KeyOf } from '../key-of.ts';
import type { DrawnLines, RemoteDrawing } from '../remote-drawing.ts';
import type { Palette } from '../theme.ts';
import { Block } from './block.ts';
import { filled } from './text-block.ts';
import { toolTitle } from './tool-title.ts';

type State =
  | { readonly kind: 'announced' }
  | { readonly kind: 'running'; readonly partial: string }
  | { readonly kind: 'done'; readonly text: string; readonly diff: string | undefined }
  | { readonly kind: 'failed'; readonly text: string };

/** Whether something is unfolded at first, and which key does that. */
export interface FoldOptions {
  readonly isOpen: boolean;
  readonly keyOf: KeyOf;
}

/** A call of a tool: one line that says what, and its output, folded unless asked for. */
export class ToolBlock extends Block {
  readonly #palette: Palette;
  readonly #name: string;
  #args: JsonObject = {};
  #state: State = { kind: 'announced' };
  readonly #keyOf: KeyOf;
  #isOpen: boolean;
  #answer: Pick<ToolAnswer, 'content' | 'details' | 'isError'> | undefined;
  #drawn: { readonly drawing: RemoteDrawing; readonly name: string; readonly toolCallId: string } | undefined;

  constructor(name: string, palette: Palette, { isOpen, keyOf }: FoldOptions) {
    super();
    this.#name = name;
    this.#palette = palette;
    this.#isOpen = isOpen;
    this.#keyOf = keyOf;
  }

  /** Has its package draw it, as far as that wants to. */
  drawnBy(drawn: { readonly drawing: RemoteDrawing; readonly name: string; readonly toolCallId: string }): void {
    this.#drawn = drawn;
    this.invalidate();
  }

  override invalidate(): void {
    super.invalidate();
    this.#drawn?.drawing.change();
  }

  /** Its package has answered. */
  drawAgain(): void {
    super.invalidate();
  }

  setArguments(args: JsonObject): void {
    this.#args = args;
    this.invalidate();
  }

  runs(partial?: ToolAnswer): void {
    this.#answer = partial;
    this.#state = { kind: 'running', partial: partial === undefined ? '' : textOf(partial.content) };
    this.invalidate();
  }

  ends(answer: Pick<ToolAnswer, 'content' | 'details' | 'isError'>): void {
    const text = textOf(answer.content);
    this.#answer = answer;
    this.#state = answer.isError ? { kind: 'failed', text } : { kind: 'done', text, diff: diffIn(answer.details) };
    this.invalidate();
  }

  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.invalidate();
  }

  protected override draw(width: number): string[] {
    const { fg, bg, bold } = this.#palette;
    const { mark, color, background } = LOOKS[this.#state.kind];
    const { verb, object } = toolTitle(this.#name, this.#args);
    const head = ` ${fg(color, mark)} ${bold(fg('toolTitle', verb))}${object === '' ? '' : ` ${fg('toolOutput', object)}`}`;
    const paint = (line: string): string => filled(line, width, (text) => bg(background, text));
    const drawn = this.#drawnAt(width);
    return [
      '',
      ...(drawn?.label ?? []),
      ...(drawn?.lines ?? [paint(visibleWidth(head) > width ? truncateToWidth(head, width, '…') : head)]),
      ...(drawn?.result ?? this.#body(Math.max(1, width - 4)).map((line) => paint(`   ${line}`))),
    ];
  }

  #drawnAt(width: number): DrawnLines | undefined {
    if (this.#drawn === undefined) return undefined;
    const { drawing, name, toolCallId } = this.#drawn;
    const { kind } = this.#state;
    return drawing.at(width, () => ({
      kind: 'tool',
      name,
      toolCallId,
      args: this.#args,
      ...(this.#answer && { result: { content: this.#answer.content, details: this.#answer.details } }),
      expanded: this.#isOpen,
      isPartial: kind === 'announced' || kind === 'running',
      isError: kind === 'failed',
      executionStarted: kind !== 'announced',
      argsComplete: kind !== 'announced',
      showImages: false,
    }));
  }

  /** Of a command the end is what one wants to see, of everything else the beginning. */
  get #isCommand(): boolean {
    return this.#name === 'bash' || this.#name === '!' || this.#name === '!!';
  }

  #body(width: number): string[] {
    const { fg } = this.#palette;
    const state = this.#state;
    if (state.kind === 'announced') return [];
    if (state.kind === 'done' && state.diff !== undefined)
      return this.#fold(
        state.diff
          .trimEnd()
          .split('\n')
          .flatMap((line) => this.#diffLine(line, width)),
        'head',
        DIFF_LINES,
      );
    const text = (state.kind === 'running' ? state.partial : state.text).trimEnd();
    if (text === '' || (state.kind === 'done' && this.#name === 'read' && !this.#isOpen)) return [];
    const color = state.kind === 'failed' ? 'error' : 'toolOutput';
    const lines = text.split('\n');
    // Folded, only what is shown is laid out: a command may have written a hundred thousand lines.
    const kept = this.#isOpen ? lines : this.#isCommand ? lines.slice(-FOLDED_LINES - 1) : lines.slice(0, FOLDED_LINES + 1);
    const drawn = kept.flatMap((line) => (this.#isOpen ? wrapTextWithAnsi(line, width) : [truncateToWidth(line, width, '…')])).map((line) => fg(color, line));
    return this.#fold(drawn, this.#isCommand ? 'tail' : 'head', FOLDED_LINES, lines.length);
  }

  #fold(lines: readonly string[], keep: 'head' | 'tail', most: number, total: number = lines.length): string[] {
    if (this.#isOpen || total <= most) return [...lines];
    const more = this.#palette.fg('muted', `… ${total - most} more ${total - most === 1 ? 'line' : 'lines'}${keyHint(this.#keyOf('app.tools.expand'))}`);
    return keep === 'head' ? [...lines.slice(0, most), more] : [more, ...lines.slice(-most)];
  }

  #diffLine(line: string, width: number): string[] {
    const color = line.startsWith('+') ? 'toolDiffAdded' : line.startsWith('-') ? 'toolDiffRemoved' : 'toolDiffContext';
    const wrapped = this.#isOpen ? wrapTextWithAnsi(line, width) : [truncateToWidth(line, width, '…')];
    return wrapped.map((part) => this.#palette.fg(color, part));
  }
}

const FOLDED_LINES = 5;
const DIFF_LINES = 20;
const LOOKS = {
  announced: { mark: '·', color: 'muted', background: 'toolPendingBg' },
  running: { mark: '…', color: 'warning', background: 'toolPendingBg' },
  done: { mark: '✓', color: 'success', background: 'toolSuccessBg' },
  failed: { mark: '✗', color: 'error', background: 'toolErrorBg' },
} as const satisfies Readonly<Record<State['kind'], { mark: string; color: string; background: string }>>;

function diffIn(details: unknown): string | undefined {
  return typeof details === 'object' && details !== null && 'diff' in details && typeof details.diff === 'string' && details.diff !== ''
    ? details.diff
    : undefined;
}
