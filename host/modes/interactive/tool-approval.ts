import { plainText } from '../../../format/index.ts';
import { diffOf } from '../../tools/diff.ts';
import { lastingKey, type ToolQuestion } from '../../tool-question.ts';
import { QuestionBlock } from './question-block.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';

/** Of a change so many lines are shown beside the question; more nobody reads there. */
const MAX_DIFF_LINES = 20;

/** Asks about tools of the host where packages never draw. A yes for the session is one for the very same path or command. */
export function createToolApproval({ screen, palette }: { readonly screen: Screen; readonly palette: Palette }) {
  const allowed = new Set<string>();
  return async (question: ToolQuestion, signal?: AbortSignal): Promise<boolean> => {
    const { mayLast } = question;
    const lasting = lastingKey(question);
    if (mayLast && allowed.has(lasting)) return true;
    const keys = ['n', 'y', ...(mayLast ? ['s'] : [])];
    const lines = [...describe(question, palette), '  [n] no', '  [y] yes, this once', ...(mayLast ? ['  [s] yes, for this session'] : [])];
    const key = await screen.ask({ component: new QuestionBlock(lines, palette), keys, ...(signal !== undefined && { signal }) });
    if (key === 's' && mayLast) allowed.add(lasting);
    return key === 'y' || (key === 's' && mayLast);
  };
}

function describe({ title, question, change, origin }: ToolQuestion, palette: Palette): string[] {
  const diff = change === undefined ? [] : diffOf(change.before ?? '', change.after).split('\n');
  return [
    palette.bold(title.replaceAll('`', '')),
    // whole: what stands at the end of a long command is run as well
    ...question.split('\n').map((line) => `  ${plainText(line, Infinity)}`),
    ...diff.slice(0, MAX_DIFF_LINES).map((line) => palette.fg(colorOf(line), `  ${plainText(line, 500)}`)),
    ...(diff.length > MAX_DIFF_LINES ? [`  … ${diff.length - MAX_DIFF_LINES} more lines`] : []),
    ...(origin === '' ? [] : origin.split('\n').map((line) => palette.fg('warning', `  ${plainText(line, 500)}`))),
  ];
}

function colorOf(line: string): string {
  return line.startsWith('+') ? 'toolDiffAdded' : line.startsWith('-') ? 'toolDiffRemoved' : 'toolDiffContext';
}
