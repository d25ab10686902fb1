import { plainText } from '../../../format/index.ts';
import { quotedLines } from '../../approval/permission-text.ts';
import { diffOf } from '../../tools/diff.ts';
import { lastingKey, type ToolQuestion } from '../../approval/tool-question.ts';
import { QuestionBlock, type QuestionText } from './question-block.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';

export interface ToolApprovalOptions {
  readonly screen: Screen;
  readonly palette: Palette;
}

/** A line of a change that is longer is cut: it is no line that somebody wrote. */
const MAX_LINE = 1_000;

/** Asks about tools of the host where packages never draw. A yes for the session is one for the very same path or command. */
export function createToolApproval({ screen, palette }: ToolApprovalOptions) {
  const allowed = new Set<string>();
  return async (question: ToolQuestion, signal?: AbortSignal): Promise<boolean> => {
    const { mayLast } = question;
    const lasting = lastingKey(question);
    if (mayLast && allowed.has(lasting)) return true;
    const component = new QuestionBlock(describe(question, palette), screen, palette);
    const key = await screen.ask({ component, keys: mayLast ? ['n', 'y', 's'] : ['n', 'y'], ...(signal !== undefined && { signal }) });
    if (key === 's' && mayLast) allowed.add(lasting);
    return key === 'y' || (key === 's' && mayLast);
  };
}

function describe({ title, question, change, origin, mayLast }: ToolQuestion, palette: Palette): QuestionText {
  const [asked = '', ...rest] = question.split('\n');
  // whole: what stands at the end of a long command is run as well
  const about = rest.join('\n').trim();
  const diff = change === undefined ? [] : diffOf(change.before ?? '', change.after).split('\n');
  return {
    title: `${plainText(title.replaceAll('`', ''), Infinity)}: ${plainText(asked, Infinity)}`,
    text: [...(about === '' ? [] : quotedLines(about)), ...diff.map((line) => `  ${palette.fg(colorOf(line), shown(line))}`)],
    facts: origin === '' ? [] : origin.split('\n').map((line) => `  ${palette.fg('warning', plainText(line, 500))}`),
    answers: ['[n] no', '[y] yes, this once', ...(mayLast ? ['[s] yes, for this session'] : [])],
  };
}

/** As it is, with its indentation: whatever else is in it goes at the border of the terminal. */
function shown(line: string): string {
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}… (${line.length - MAX_LINE} more characters)`;
}

function colorOf(line: string): string {
  return line.startsWith('+') ? 'toolDiffAdded' : line.startsWith('-') ? 'toolDiffRemoved' : 'toolDiffContext';
}
