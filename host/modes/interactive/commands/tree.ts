import { selectPanel } from '../dialogs.ts';
import { type Said, saidInSession } from '../said-in-session.ts';
import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const tree: ScreenCommand = {
  name: 'tree',
  description: 'go to another place of this session; what was said after it stays a branch',
  action: 'app.session.tree',
  async run(_words, context) {
    const { host, say } = context;
    const { tree: entries } = host.conversation.session;
    const said = saidInSession(entries);
    if (said.length === 0) return say('nothing was said in this session yet');
    const id = await choose(context, {
      title: 'go to which place?',
      selected: said.findLastIndex(({ isOnBranch }) => isOnBranch),
      choices: said.map((one) => ({ value: one.id, label: lineOf(one), ...(one.label !== undefined && { description: one.label }) })),
    });
    if (id === undefined || id === entries.leafId) return;
    const keep = await askSummary(context);
    if (keep === undefined) return;
    const { cancelled } = await host.sessions.navigate(id, keep === 'summary' ? { summarize: true } : {});
    if (cancelled) say('nothing was changed', 'warning');
  },
};

function lineOf({ by, text, depth, isOnBranch }: Said): string {
  const who = { user: '>', agent: '•', summary: '∑' }[by];
  return `${isOnBranch ? '│' : ' '}${'  '.repeat(Math.min(depth, 8))}${who} ${text}`;
}

function askSummary({ screen, palette }: CommandContext): Promise<string | undefined> {
  return screen.modal<string>((done) =>
    selectPanel(
      'what was found out on the way that is left:',
      [
        { value: 'nothing', label: 'leave it there' },
        { value: 'summary', label: 'sum it up for the model' },
      ],
      palette,
      done,
    ),
  );
}
