import { plainText } from '../../../format/index.ts';
import { diffOf } from '../../tools/diff.ts';
import { lastingKey, type ToolQuestion } from '../../approval/tool-question.ts';
import { QuestionBlock } from './question-block.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';
import type { Transcript } from './transcript.ts';

export interface ToolApprovalOptions {
  readonly screen: Screen;
  readonly palette: Palette;
  /** Where all of a long change is written, for who asks for it. */
  readonly transcript: Pick<Transcript, 'notice'>;
}

/** A line of a change that is longer is cut: it is no line that somebody wrote. */
const MAX_LINE = 1_000;
/** What a question needs of the screen beside the change. */
const OTHER_ROWS = 12;

/** Asks about tools of the host where packages never draw. A yes for the session is one for the very same path or command. */
export function createToolApproval({ screen, palette, transcript }: ToolApprovalOptions) {
  const allowed = new Set<string>();
  return async (question: ToolQuestion, signal?: AbortSignal): Promise<boolean> => {
    const { mayLast, change } = question;
    const lasting = lastingKey(question);
    if (mayLast && allowed.has(lasting)) return true;
    const diff = change === undefined ? [] : diffOf(change.before ?? '', change.after).split('\n');
    const most = Math.max(5, screen.rows - OTHER_ROWS);
    const isCut = diff.length > most;
    const lines = [
      ...describe(question, diff.slice(0, most), palette),
      ...(isCut ? [`  … ${diff.length - most} more lines`] : []),
      '  [n] no',
      '  [y] yes, this once',
      ...(mayLast ? ['  [s] yes, for this session'] : []),
      ...(isCut ? ['  [d] show all of it first'] : []),
    ];
    const keys = ['n', 'y', ...(mayLast ? ['s'] : []), ...(isCut ? ['d'] : [])];
    for (;;) {
      const key = await screen.ask({ component: new QuestionBlock(lines, palette), keys, ...(signal !== undefined && { signal }) });
      if (key === 's' && mayLast) allowed.add(lasting);
      if (key !== 'd') return key === 'y' || (key === 's' && mayLast);
      transcript.notice(diff.map((line) => shown(line)).join('\n'), 'muted');
    }
  };
}

function describe({ title, question, origin }: ToolQuestion, diff: readonly string[], palette: Palette): string[] {
  const head = palette.bold(title.replaceAll('`', ''));
  // whole: what stands at the end of a long command is run as well
  const asked = question.split('\n').map((line) => `  ${plainText(line, Infinity)}`);
  return [
    head,
    ...asked,
    ...diff.map((line) => palette.fg(colorOf(line), `  ${shown(line)}`)),
    ...(origin === '' ? [] : origin.split('\n').map((line) => palette.fg('warning', `  ${plainText(line, 500)}`))),
    // said again beside the answers, where a long text has pushed it off the screen
    ...(asked.length > OTHER_ROWS ? [head] : []),
  ];
}

/** As it is, with its indentation: whatever else is in it goes at the border of the terminal. */
function shown(line: string): string {
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}… (${line.length - MAX_LINE} more characters)`;
}

function colorOf(line: string): string {
  return line.startsWith('+') ? 'toolDiffAdded' : line.startsWith('-') ? 'toolDiffRemoved' : 'toolDiffContext';
}
