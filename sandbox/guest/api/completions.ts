import type { EditorState, Suggestions } from '../../surface.ts';

interface Item {
  readonly value: string;
  readonly label: string;
  readonly description?: string;
}

interface Applied {
  readonly lines: string[];
  readonly cursorLine: number;
  readonly cursorCol: number;
}

/** pi's AutocompleteProvider. */
export interface CompletionProvider {
  readonly triggerCharacters?: readonly string[];
  getSuggestions(
    lines: readonly string[],
    cursorLine: number,
    cursorCol: number,
    options: { readonly signal: AbortSignal; readonly force?: boolean },
  ): Promise<{ items: Item[]; prefix: string } | null>;
  applyCompletion(lines: readonly string[], cursorLine: number, cursorCol: number, item: Item, prefix: string): Applied;
  shouldTriggerFileCompletion?(lines: readonly string[], cursorLine: number, cursorCol: number): boolean;
}

export type CompletionFactory = (current: CompletionProvider) => CompletionProvider;

export interface CompletionsOptions {
  /** What the front end's own editor would suggest. */
  readonly ask: (state: EditorState, signal: AbortSignal) => Promise<Suggestions | null | undefined>;
}

/** More than these are not sent: nobody looks through them. */
const MAX_ITEMS = 100;

/** The chain of providers that a package put around the front end's own. */
export class Completions {
  #front: CompletionProvider;

  constructor({ ask }: CompletionsOptions) {
    this.#front = {
      getSuggestions: async (lines, line, column, { signal, force = false }) => {
        const found = await ask({ lines: [...lines], line, column, force }, signal);
        return found == null
          ? null
          : {
              prefix: found.prefix,
              items: found.items.map(({ value, label, description }) => ({ value, label, ...(description !== undefined && { description }) })),
            };
      },
      applyCompletion: insert,
    };
  }

  get front(): CompletionProvider {
    return this.#front;
  }

  get triggers(): string[] {
    return [...(this.#front.triggerCharacters ?? [])].map(String);
  }

  wrap(factory: CompletionFactory): void {
    this.#front = factory(this.#front);
  }

  /** Applying a suggestion cannot wait for us: where it is more than writing its value, it is done beforehand. */
  async suggest({ lines, line, column, force }: EditorState, signal: AbortSignal): Promise<Suggestions | undefined> {
    const found = await this.#front.getSuggestions(lines, line, column, { signal, force });
    if (found == null) return undefined;
    const { prefix } = found;
    const items = found.items.slice(0, MAX_ITEMS).map((item) => {
      const { value, label, description } = item;
      const applied = this.#front.applyCompletion([...lines], line, column, item, prefix);
      const plain = insert(lines, line, column, item, prefix);
      const differs = JSON.stringify(applied) !== JSON.stringify(plain);
      return {
        value: String(value),
        label: String(label),
        ...(description !== undefined && { description: String(description) }),
        ...(differs && { applied: { lines: applied.lines, line: applied.cursorLine, column: applied.cursorCol } }),
      };
    });
    return { prefix: String(prefix), items };
  }
}

/** Writes the value in the place of the prefix before the cursor. */
function insert(lines: readonly string[], cursorLine: number, cursorCol: number, item: Item, prefix: string): Applied {
  const line = lines[cursorLine] ?? '';
  const start = cursorCol - prefix.length;
  return {
    lines: lines.map((text, index) => (index === cursorLine ? line.slice(0, start) + item.value + line.slice(cursorCol) : text)),
    cursorLine,
    cursorCol: start + item.value.length,
  };
}
