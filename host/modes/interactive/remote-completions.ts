import type { AutocompleteItem, AutocompleteProvider, AutocompleteSuggestions } from '@earendil-works/pi-tui';
import type { EditorState, RemoteSurface, Suggestions } from '../../../sandbox/index.ts';
import { terminalText } from '../../terminal-text.ts';

type Applied = NonNullable<Suggestions['items'][number]['applied']>;

/** A suggestion of a package that is more than its value in the place of the prefix. */
interface RemoteItem extends AutocompleteItem {
  readonly applied?: Applied;
}

export interface RemoteSuggestions {
  /** Another one suggests, until it is removed. */
  add(surface: RemoteSurface): { remove(): void };
  /** Puts the packages around the editor's own provider. */
  readonly wrap: (own: AutocompleteProvider) => AutocompleteProvider;
  /** What the editor suggests by itself, for a package that builds on it. */
  readonly own: (state: EditorState, signal: AbortSignal) => Promise<Suggestions | undefined>;
}

/** Lets packages suggest what is typed: the last one that knows something is heard, else the editor's own provider is. */
export function withRemoteSuggestions(changed: () => void): RemoteSuggestions {
  const surfaces = new Set<RemoteSurface>();
  let own: AutocompleteProvider | undefined;
  return {
    add(surface) {
      surfaces.add(surface);
      changed();
      return {
        remove() {
          surfaces.delete(surface);
          changed();
        },
      };
    },
    async own({ lines, line, column, force }, signal) {
      const found = await own?.getSuggestions([...lines], line, column, { signal, force });
      return found === null || found === undefined
        ? undefined
        : {
            prefix: found.prefix,
            items: found.items.slice(0, 200).map(({ value, label, description }) => ({ value, label, ...(description !== undefined && { description }) })),
          };
    },
    wrap(provider) {
      own = provider;
      return {
        get triggerCharacters() {
          const remote = [...surfaces].flatMap(({ place }) => (place.kind === 'completions' ? (place.triggers ?? []) : []));
          return [...new Set([...(provider.triggerCharacters ?? []), ...remote])];
        },
        async getSuggestions(lines, line, column, { signal, force = false }): Promise<AutocompleteSuggestions | null> {
          for (const surface of [...surfaces].toReversed()) {
            const found = await surface.suggest({ lines, line, column, force }, signal);
            if (found !== undefined && found.items.length > 0) return { prefix: found.prefix, items: found.items.map((item) => shown(item)) };
          }
          return provider.getSuggestions(lines, line, column, { signal, force });
        },
        applyCompletion(lines, cursorLine, cursorCol, item: RemoteItem, prefix) {
          const { applied } = item;
          if (applied === undefined) return provider.applyCompletion(lines, cursorLine, cursorCol, item, prefix);
          return { lines: applied.lines, cursorLine: applied.line, cursorCol: applied.column };
        },
        ...(provider.shouldTriggerFileCompletion && {
          shouldTriggerFileCompletion: (lines: string[], line: number, column: number) => provider.shouldTriggerFileCompletion?.(lines, line, column) ?? true,
        }),
      };
    },
  };
}

/** What goes into the editor is what the user sees and sends: nothing invisible is in it. */
function shown({ value, label, description, applied }: Suggestions['items'][number]): RemoteItem {
  return {
    value: terminalText(value),
    label: terminalText(label),
    ...(description !== undefined && { description: terminalText(description) }),
    ...(applied && { applied: { ...applied, lines: applied.lines.map(terminalText) } }),
  };
}
