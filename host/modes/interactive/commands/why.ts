import { choosePackage } from '../choose-package.ts';
import type { ScreenCommand } from './command.ts';

export const why: ScreenCommand = {
  name: 'why',
  description: 'who brought a package, and who granted it what: `/why [name]`',
  takesWords: true,
  async run(words, context) {
    const { household, say } = context;
    if (household === undefined) return say('there are no packages here');
    const name = words === '' ? (await choosePackage(context, household))?.name : words;
    if (name !== undefined) say((await household.why(name)).trimEnd());
  },
};
