import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type AutocompleteItem, type AutocompleteProvider, type AutocompleteSuggestions, fuzzyFilter } from '@earendil-works/pi-tui';
import { filesBelow } from '../../tools/files-below.ts';

export interface CompletionSources {
  readonly cwd: string;
  readonly commands: () => readonly { readonly name: string; readonly description?: string; readonly argumentHint?: string }[];
  /** What could be typed after a command. */
  readonly argumentsOf: (command: string, typed: string) => Promise<readonly AutocompleteItem[]>;
}

/** Most items that are offered at once, and most files that are looked at. */
const MAX_ITEMS = 20;
const MAX_FILES = 30_000;
/** How long a list of the project's files is good: typing a name asks for it at every key. */
const FRESH_MS = 5000;

/** Completes what is typed: commands after `/`, files of the project after `@`, and paths where Tab asks for them. */
export function completePrompt({ cwd, commands, argumentsOf }: CompletionSources): AutocompleteProvider {
  const projectFiles = rememberFiles(cwd);
  return {
    triggerCharacters: ['@'],
    async getSuggestions(lines, cursorLine, cursorCol, { signal, force = false }) {
      const before = (lines[cursorLine] ?? '').slice(0, cursorCol);
      if (cursorLine === 0 && COMMAND.test(before)) return commandsLike(before, commands());
      const [, command, typed = ''] = cursorLine === 0 ? (ARGUMENTS.exec(before) ?? []) : [];
      if (command !== undefined) {
        const items = await argumentsOf(command, typed);
        if (items.length > 0) return { prefix: LAST_WORD.exec(typed)?.[0] ?? '', items: [...items] };
      }
      const mention = MENTION.exec(before)?.[0];
      if (mention !== undefined) return filesLike(mention, await projectFiles(signal));
      return force ? pathsLike(before, cwd) : null;
    },
    applyCompletion(lines, cursorLine, cursorCol, { value }, prefix) {
      const line = lines[cursorLine] ?? '';
      // The list may be of what stood here a moment ago: then what was typed since counts, and not what the list offers.
      if (!line.slice(0, cursorCol).endsWith(prefix)) return { lines, cursorLine, cursorCol };
      const head = line.slice(0, cursorCol - prefix.length);
      // After a directory more may follow; everything else is complete.
      const inserted = value.endsWith('/') || value.endsWith('/"') ? value : `${value} `;
      const changed = [...lines];
      changed[cursorLine] = head + inserted + line.slice(cursorCol);
      return { lines: changed, cursorLine, cursorCol: head.length + inserted.length };
    },
    shouldTriggerFileCompletion: () => true,
  };
}

const COMMAND = /^\/\S*$/;
const ARGUMENTS = /^\/(\S+) (.*)$/s;
const MENTION = /(?<=^|\s)@(?:"[^"]*|[^\s"]*)$/;
const LAST_WORD = /(?:"[^"]*|[^\s"]*)$/;

type Commands = ReturnType<CompletionSources['commands']>;

function commandsLike(typed: string, commands: Commands): AutocompleteSuggestions {
  const items = fuzzyFilter([...commands], typed.slice(1), ({ name }) => name).slice(0, MAX_ITEMS);
  return {
    prefix: typed,
    items: items.map(({ name, description, argumentHint }) => ({
      value: `/${name}`,
      label: `/${name}${argumentHint === undefined ? '' : ` ${argumentHint}`}`,
      ...(description === undefined ? {} : { description }),
    })),
  };
}

function filesLike(mention: string, files: readonly string[]): AutocompleteSuggestions {
  const wanted = mention.replace(/^@"?/, '');
  // A name that fits goes before a path that does.
  const named = fuzzyFilter([...files], wanted, (path) => basename(path));
  const rest = named.length >= MAX_ITEMS ? [] : fuzzyFilter([...files], wanted, (path) => path).filter((path) => !named.includes(path));
  const items = (wanted === '' ? files : [...named, ...rest]).slice(0, MAX_ITEMS);
  return { prefix: mention, items: items.map((path) => ({ value: path.includes(' ') ? `@"${path}"` : `@${path}`, label: path })) };
}

async function pathsLike(before: string, cwd: string): Promise<AutocompleteSuggestions | null> {
  const word = LAST_WORD.exec(before)?.[0] ?? '';
  const typed = word.replace(/^"/, '');
  const slash = typed.lastIndexOf('/') + 1;
  const [directory, start] = [typed.slice(0, slash), typed.slice(slash)];
  const folder = directory.startsWith('~/') ? join(homedir(), directory.slice(2)) : resolve(cwd, directory);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const items = entries
    .filter(({ name }) => name.startsWith(start) && (start.startsWith('.') || !name.startsWith('.')))
    .map((entry): AutocompleteItem => {
      const path = `${directory}${entry.name}${entry.isDirectory() ? '/' : ''}`;
      return { value: path.includes(' ') || word.startsWith('"') ? `"${path}"` : path, label: `${entry.name}${entry.isDirectory() ? '/' : ''}` };
    })
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  return items.length === 0 ? null : { prefix: word, items: items.slice(0, MAX_ITEMS) };
}

/** The files of the project, read again when they were read some time ago. */
function rememberFiles(cwd: string): (signal: AbortSignal) => Promise<readonly string[]> {
  let files: readonly string[] = [];
  let readAt = -Infinity;
  return async (signal) => {
    if (performance.now() - readAt < FRESH_MS) return files;
    const found: string[] = [];
    try {
      for await (const file of filesBelow(cwd, signal)) {
        found.push(file);
        if (found.length === MAX_FILES) break;
      }
    } catch (error) {
      // Typed on: whoever asks now asks again.
      if (!signal.aborted) throw error;
      return files;
    }
    files = found;
    readAt = performance.now();
    return files;
  };
}
