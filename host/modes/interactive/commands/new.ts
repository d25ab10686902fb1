import type { ScreenCommand } from './command.ts';

export const newSession: ScreenCommand = {
  name: 'new',
  description: 'begin a new session',
  action: 'app.session.new',
  async run(_words, { host, say }) {
    if ((await host.sessions.newSession()).cancelled) say('a package kept this session open', 'warning');
  },
};
