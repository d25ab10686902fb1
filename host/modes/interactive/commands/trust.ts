import { homedir } from 'node:os';
import { plainText } from '../../../../format/index.ts';
import { isDelegated } from '../../../../registry/index.ts';
import { decideTrust, revokeTrust, trustProject } from '../../../prompt/project-trust.ts';
import { QuestionBlock } from '../question-block.ts';
import type { ScreenCommand } from './command.ts';

export const trust: ScreenCommand = {
  name: 'trust',
  description: 'whether the files of this project may speak to the agent',
  async run(_words, { host, screen, palette, say }) {
    if (isDelegated()) return say('a program that an agent started trusts nothing', 'warning');
    const places = { dashHome: host.dashHome, cwd: host.cwd, home: homedir() };
    const { files, trusted, changed } = await decideTrust(places, false);
    const names = [...files.items.keys()].map((name) => `  ${plainText(name, 300)}${changed.includes(name) ? ' (changed)' : ''}`);
    if (names.length === 0) return say(`${files.root} brings nothing that speaks to the agent`);
    const question = {
      title: `${plainText(files.root, 300)} ${trusted ? 'is trusted' : 'is not trusted'}, with`,
      text: names,
      answers: trusted ? ['[n] leave it so', '[r] trust it no longer'] : ['[n] no', '[y] yes, until one of these changes'],
    };
    const key = await screen.ask({ component: new QuestionBlock(question, screen, palette), keys: ['n', trusted ? 'r' : 'y'] });
    if (key === 'r') {
      await revokeTrust(places, files.root);
      await host.reload();
      say(`${plainText(files.root, 300)} is not trusted any more; nothing of it speaks from now on`, 'muted');
    }
    if (key === 'y') {
      await trustProject(places, files);
      await host.reload();
      // What was shown is what was trusted; one that changed since is not, and the reload says so.
      const { trusted: isTaken, changed: since } = await decideTrust(places, false);
      if (isTaken) say([`${plainText(files.root, 300)} is trusted, and taken up with`, ...names].join('\n'), 'muted');
      else say(`${plainText(files.root, 300)} is not taken up: ${since.map((name) => plainText(name, 300)).join(', ')} changed meanwhile`, 'warning');
    }
  },
};
