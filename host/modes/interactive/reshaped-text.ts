import { isDashError } from '../../../format/index.ts';
import type { RenderSubject, SandboxedPackage } from '../../../sandbox/index.ts';
import type { Host } from '../../host.ts';
import { terminalText } from '../../terminal-text.ts';
import { AnyMarkdown } from './any-markdown.ts';
import { BORDER_COLUMNS, borderLabel, borderLine } from './package-border.ts';
import { safeLine } from './safe-line.ts';
import type { Palette } from './theme.ts';

/** Whose words are reshaped, under pi's names. */
export type TextKind = (RenderSubject & { kind: 'markdown' })['messageType'];

/** A package that changes how text is shown: never what was said, and never unnamed. */
export interface Transformer {
  readonly package: string;
  /** `undefined`: as it is. */
  transform(subject: RenderSubject & { kind: 'markdown' }, width: number): Promise<string | undefined>;
}

/** The transformers of the running generation, in the order in which they have their turn. */
export type FindTransformers = () => readonly Transformer[];

export const NO_TRANSFORMERS: FindTransformers = () => [];

/** So often in a row it may fail; text that is not finished is no reason to be off for good. */
const MOST_FAILURES = 3;
/** Longer text is shown as it is, and so is what became longer. */
const MOST_CHARACTERS = 200_000;
const MOST_LINES = 2_000;

/** Finds the packages that reshape text. One that is too slow, or fails again and again, is off until its next build. */
export function findTransformers(host: Host, scene: () => number, say: (text: string) => void): FindTransformers {
  const failures = new WeakMap<SandboxedPackage, number>();
  // A long conversation is a thousand texts at once: each has its time from when its turn comes.
  const turns = new WeakMap<SandboxedPackage, Promise<unknown>>();
  const inTurn = <Answer>(sandboxed: SandboxedPackage, ask: () => Promise<Answer>): Promise<Answer> => {
    const answer = (turns.get(sandboxed) ?? Promise.resolve()).then(ask, ask);
    turns.set(sandboxed, answer);
    return answer;
  };
  const isOn = (sandboxed: SandboxedPackage): boolean => (failures.get(sandboxed) ?? 0) < MOST_FAILURES;
  return () =>
    host.generation.extensions.flatMap(({ sandboxed }): Transformer[] => {
      if (sandboxed === undefined || !isOn(sandboxed) || sandboxed.registrations.renderers?.some(({ kind }) => kind === 'markdown') !== true) return [];
      const fails = (error: unknown): void => {
        const before = failures.get(sandboxed) ?? 0;
        // What it threw itself may be about one text; what ended its process is about all of them.
        const now = isDashError(error) && error.code === 'GUEST_ERROR' ? before + 1 : MOST_FAILURES;
        failures.set(sandboxed, now);
        if (before < MOST_FAILURES && now >= MOST_FAILURES)
          say(`${sandboxed.name} changes no text any more until it is loaded again: ${error instanceof Error ? error.message : String(error)}`);
      };
      return [
        {
          package: sandboxed.name,
          async transform(subject, width) {
            try {
              const how = { width, scene: scene(), context: { mode: 'tui', hasUI: true } } as const;
              const answer = await inTurn(sandboxed, async () => (isOn(sandboxed) ? sandboxed.render(subject, how) : undefined));
              if (isOn(sandboxed)) failures.delete(sandboxed);
              return answer?.markdown;
            } catch (error) {
              fails(error);
              return undefined;
            }
          },
        },
      ];
    });
}

interface Reshaped {
  readonly text: string;
  /** Whose doing it is. */
  readonly by: readonly string[];
}

export interface ReshapingOptions {
  readonly find: FindTransformers;
  readonly kind: TextKind;
  readonly palette: Palette;
  /** Other lines are there than were. */
  readonly changed: () => void;
}

/** One text as packages would have it shown. Until they have answered, and where they fail, it looks as it was written. */
export class Reshaping {
  readonly #options: ReshapingOptions;
  #answered: { readonly text: string; readonly width: number; readonly isStreaming: boolean; readonly reshaped: Reshaped | undefined } | undefined;
  #isAsking = false;
  #drawn: { readonly of: Reshaped; readonly width: number; readonly lines: string[] } | undefined;

  constructor(options: ReshapingOptions) {
    this.#options = options;
  }

  /** The lines, in a border that names who changed what it says; `undefined` where nobody did. */
  at(text: string, width: number, isStreaming: boolean): string[] | undefined {
    const transformers = this.#options.find();
    if (transformers.length === 0 || text.trim() === '' || text.length > MOST_CHARACTERS) return undefined;
    const inner = Math.max(1, width - BORDER_COLUMNS);
    const known = this.#answered;
    if (known?.text !== text || known.width !== inner || known.isStreaming !== isStreaming) void this.#ask(transformers, text, inner, isStreaming);
    // While it grows, what is known of its beginning stands until more is known.
    if (known?.reshaped === undefined || !text.startsWith(known.text)) return undefined;
    return this.#lines(known.reshaped, width);
  }

  /** Colours are other ones, or everything is asked anew. */
  forget(): void {
    this.#drawn = undefined;
  }

  #lines(reshaped: Reshaped, width: number): string[] {
    if (this.#drawn?.of !== reshaped || this.#drawn.width !== width) this.#drawn = { of: reshaped, width, lines: this.#draw(reshaped, width) };
    return this.#drawn.lines;
  }

  #draw({ text, by }: Reshaped, width: number): string[] {
    const { palette } = this.#options;
    const inner = Math.max(1, width - BORDER_COLUMNS);
    const lines = new AnyMarkdown(text, 0, palette.markdown).render(inner).slice(0, MOST_LINES);
    return ['', borderLabel(by.join(', '), width, palette, 'changed this text'), ...lines.map((line) => borderLine(safeLine(line, inner), palette))];
  }

  /** One question at a time: of an answer that grows a hundred times a second as many states are asked about as are answered. */
  async #ask(transformers: readonly Transformer[], text: string, width: number, isStreaming: boolean): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { kind: messageType, changed } = this.#options;
    let now = text;
    const by: string[] = [];
    for (const transformer of transformers) {
      const next = await transformer.transform({ kind: 'markdown', markdown: now, messageType, isStreaming }, width);
      if (next === undefined || next === now || next.length > MOST_CHARACTERS) continue;
      now = terminalText(next);
      by.push(transformer.package);
    }
    this.#isAsking = false;
    this.#answered = { text, width, isStreaming, reshaped: by.length === 0 ? undefined : { text: now, by } };
    changed();
  }
}
