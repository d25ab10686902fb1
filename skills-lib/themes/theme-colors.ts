import { type Diagnostic, nearest } from '../../format/index.ts';
import type { Theme } from './theme.ts';

/** The colours of a theme, under pi's names, and what each is for. */
export const THEME_COLORS: Readonly<Record<string, string>> = {
  accent: 'what stands out: selected items, the cursor',
  border: 'borders',
  borderAccent: 'borders of what is in focus',
  borderMuted: 'borders that hold back',
  success: 'something went well',
  error: 'something failed',
  warning: 'something needs attention',
  muted: 'text of second rank',
  dim: 'text of third rank',
  text: 'ordinary text; often empty',
  thinkingText: 'what a model thinks',
  selectedBg: 'behind a selected item',
  scrollbarTrack: 'the track of a scroll bar; `muted` when absent',
  scrollbarThumb: 'the handle of a scroll bar; `text` when absent',
  searchMatchBg: 'behind what a search found; `selectedBg` when absent',
  searchMatchText: 'what a search found; `text` when absent',
  userMessageBg: 'behind what the user said',
  userMessageText: 'what the user said',
  customMessageBg: 'behind a message of an extension',
  customMessageText: 'a message of an extension',
  customMessageLabel: 'the label of such a message',
  toolPendingBg: 'behind a tool at work',
  toolSuccessBg: 'behind a tool that is done',
  toolErrorBg: 'behind a tool that failed',
  toolTitle: 'the title of a tool call',
  toolOutput: 'what a tool answered',
  mdHeading: 'markdown: headings',
  mdLink: 'markdown: the text of a link',
  mdLinkUrl: 'markdown: the address of a link',
  mdCode: 'markdown: code in a line',
  mdCodeBlock: 'markdown: code in a block',
  mdCodeBlockBorder: 'markdown: around a block of code',
  mdQuote: 'markdown: quotes',
  mdQuoteBorder: 'markdown: beside a quote',
  mdHr: 'markdown: rules',
  mdListBullet: 'markdown: bullets and numbers',
  toolDiffAdded: 'lines that were added',
  toolDiffRemoved: 'lines that were removed',
  toolDiffContext: 'lines around a change',
  syntaxComment: 'code: comments',
  syntaxKeyword: 'code: keywords',
  syntaxFunction: 'code: functions',
  syntaxVariable: 'code: variables',
  syntaxString: 'code: strings',
  syntaxNumber: 'code: numbers',
  syntaxType: 'code: types',
  syntaxOperator: 'code: operators',
  syntaxPunctuation: 'code: punctuation',
  thinkingOff: 'the border while thinking is off',
  thinkingMinimal: 'the border while thinking is minimal',
  thinkingLow: 'the border while thinking is low',
  thinkingMedium: 'the border while thinking is medium',
  thinkingHigh: 'the border while thinking is high',
  thinkingXhigh: 'the border while thinking is very high',
  thinkingMax: 'the border while thinking is at its most; `thinkingXhigh` when absent',
  bashMode: 'the border while a command is typed',
};

/** Says which colours of a theme nothing is drawn in, most are slips of the pen, and which it lacks. */
export function checkColorNames({ colors }: Theme, path: string): readonly Diagnostic[] {
  const warn = (code: string, message: string): Diagnostic => ({ severity: 'warning', code, message, where: { path } });
  const unknown = Object.keys(colors)
    .filter((name) => !Object.hasOwn(THEME_COLORS, name))
    .map((name) => {
      const meant = nearest(name, Object.keys(THEME_COLORS));
      return warn('UNKNOWN_COLOR', `nothing is drawn in \`${name}\`${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`);
    });
  const missing = Object.keys(THEME_COLORS).filter((name) => !Object.hasOwn(colors, name));
  if (missing.length === 0) return unknown;
  const shown = missing.slice(0, MOST_SHOWN).map((name) => `\`${name}\``);
  const more = missing.length > MOST_SHOWN ? ` and ${missing.length - MOST_SHOWN} more` : '';
  return [...unknown, warn('MISSING_COLOR', `${shown.join(', ')}${more} not set: what is drawn in them has the terminal's colour, and pi refuses the theme`)];
}

const MOST_SHOWN = 5;
