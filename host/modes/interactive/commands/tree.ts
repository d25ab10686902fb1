import { selectPanel } from '../dialogs.ts';
import { treePanel } from '../tree/tree-panel.ts';
import { isHere } from '../tree/tree-rows.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const tree: ScreenCommand = {
  name: 'tree',
  description: 'go to another place of this session; what was said after it stays a branch. Places can be labelled',
  action: 'app.session.tree',
  async run(_words, context) {
    const { host, screen, palette, say } = context;
    const { session } = host.conversation;
    if (!session.tree.path().some(({ kind }) => kind === 'message')) return say('nothing was said in this session yet');
    const id = await screen.modal<string>((done) =>
      treePanel({
        tree: session.tree,
        bindings: host.keys().bindings,
        palette,
        rows: Math.max(3, Math.min(15, Math.floor(screen.rows / 2) - 4)),
        label: (targetId, label) => void session.append({ type: 'label', targetId, ...(label !== undefined && { label }) }),
        done,
      }),
    );
    if (id === undefined) return;
    const entry = session.tree.entry(id);
    const isWordsOfUser = entry?.type === 'message' && entry.message.role === 'user';
    if (!isWordsOfUser && isHere(session.tree, id)) return;
    const keep = await askSummary(context);
    if (keep === undefined) return;
    const { cancelled } = await host.sessions.navigate(id, keep === 'summary' ? { summarize: true } : {});
    if (cancelled) say('nothing was changed', 'warning');
  },
};

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
