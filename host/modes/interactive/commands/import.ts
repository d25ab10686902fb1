import { resolve } from 'node:path';
import { importSession } from '../../../session/session-library.ts';
import type { ScreenCommand } from './command.ts';

export const importFile: ScreenCommand = {
  name: 'import',
  description: 'take a session file over, of pi or of another Dash, and go on with it: `/import <file>`',
  takesWords: true,
  async run(words, { host, say }) {
    if (words === '') return say('which file? `/import <file>`', 'warning');
    const path = await importSession(resolve(host.cwd, words), { dashHome: host.dashHome, cwd: host.cwd });
    if ((await host.sessions.open(path)).cancelled) say('a package kept this session open', 'warning');
  },
};
