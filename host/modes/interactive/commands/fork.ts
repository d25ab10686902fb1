import { choose } from '../search-panel.ts';
import { treeRows } from '../tree/tree-rows.ts';
import type { ScreenCommand } from './command.ts';

export const fork: ScreenCommand = {
  name: 'fork',
  description: 'go on in a new file from before something you said',
  action: 'app.session.fork',
  async run(_words, context) {
    const { host, say, write } = context;
    const said = treeRows(host.conversation.session.tree).filter(({ kind, isOnBranch }) => kind === 'user' && isOnBranch);
    if (said.length === 0) return say('nothing was said in this session yet');
    const id = await choose(context, {
      title: 'go on from before which words of yours?',
      selected: said.length - 1,
      choices: said.map(({ id: value, text, label }) => ({ value, label: text, ...(label !== undefined && { description: `[${label}]` }) })),
    });
    if (id === undefined) return;
    const { cancelled, text } = await host.sessions.fork(id, 'before');
    if (cancelled) return say('a package kept this session open', 'warning');
    write(text);
  },
};
