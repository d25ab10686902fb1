import type { AskTrust, TrustChange, TrustQuestion } from '../host/index.ts';
import { oneLine, type Style, type Terminal } from './output/terminal.ts';

/** Asks on the terminal, by one key, whether a project may speak to the agent. Enter, Escape and Ctrl-C are a no. */
export function trustPrompt(terminal: Terminal): AskTrust {
  return async (question) => {
    const [{ isCancel, selectKey }, { diffOf, settledKeys }] = await Promise.all([import('@clack/prompts'), import('../host/index.ts')]);
    terminal.write(formatTrustQuestion(question, terminal.style, diffOf));
    using input = settledKeys(process.stdin);
    const answer = await selectKey({
      message: 'trust this project?',
      options: [
        // the first one is what Enter stands for
        { value: 'n', label: 'no', hint: 'the agent does not read it; `dash trust` does later' },
        { value: 'y', label: 'yes', hint: 'until one of these changes' },
        { value: 'o', label: 'once', hint: 'for this run' },
      ],
      input: input.keys,
      output: process.stderr,
    });
    if (isCancel(answer)) return 'no';
    return answer === 'y' ? 'trust' : answer === 'o' ? 'this run' : 'no';
  };
}

const MOST_NAMES = 20;
const MOST_LINES = 60;

/** What the project brings, and what is different since it was trusted. `diffOf` compares two texts. */
export function formatTrustQuestion({ root, brings, changes }: TrustQuestion, style: Style, diffOf: (before: string, now: string) => string): string {
  const head = changes.length === 0 ? 'brings what speaks to the agent' : 'is not trusted any more: this changed';
  const names = changes.length === 0 ? brings : changes.map(({ path }) => path);
  const listed = names.slice(0, MOST_NAMES).map((name) => `  ${oneLine(name)}\n${differenceOf(name, changes, style, diffOf)}`);
  const more = names.length > MOST_NAMES ? `  and ${names.length - MOST_NAMES} more: \`dash trust --dry-run\` lists them\n` : '';
  return `${style.strong(oneLine(root))} ${head}\n${listed.join('')}${more}`;
}

/** A project's words are shown as they are, line by line, and no control sequence of theirs is. */
function differenceOf(name: string, changes: readonly TrustChange[], style: Style, diffOf: (before: string, now: string) => string): string {
  const change = changes.find(({ path }) => path === name);
  if (change?.now === undefined) return '';
  const lines = diffOf(change.before ?? '', change.now).split('\n');
  const shown = lines.slice(0, MOST_LINES).map((line) => {
    const text = `    ${oneLine(line)}`;
    return line.startsWith('+') ? style.good(text) : line.startsWith('-') ? style.bad(text) : style.dim(text);
  });
  const rest = lines.length > MOST_LINES ? [`    and ${lines.length - MOST_LINES} more lines`] : [];
  return [...shown, ...rest].map((line) => `${line}\n`).join('');
}
