import { listSessions } from '../../../session/session-library.ts';
import { choose } from '../search-panel.ts';
import { firstLine } from '../first-line.ts';
import type { ScreenCommand } from './command.ts';

export const resume: ScreenCommand = {
  name: 'resume',
  description: 'go on with another session of this directory',
  action: 'app.session.resume',
  async run(_words, context) {
    const { host, say } = context;
    const sessions = (await listSessions(host.dashHome, host.cwd)).filter(({ path }) => path !== host.conversation.session.file);
    if (sessions.length === 0) return say('there is no other session of this directory');
    const path = await choose(context, {
      title: 'go on with which session?',
      choices: sessions.map(({ path: value, name, firstMessage, messages, updatedAt }) => ({
        value,
        label: firstLine(name ?? firstMessage) || '(nothing was said)',
        description: `${updatedAt.slice(0, 16).replace('T', ' ')}, ${messages} messages`,
      })),
    });
    if (path === undefined) return;
    if ((await host.sessions.open(path)).cancelled) say('a package kept this session open', 'warning');
  },
};
