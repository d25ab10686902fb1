import { plainText, quotedText } from '../../../../format/index.ts';
import { choosePackage } from '../choose-package.ts';
import type { HeldPermission, PackagePermissions } from '../household.ts';
import { QuestionBlock } from '../question-block.ts';
import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const permissions: ScreenCommand = {
  name: 'permissions',
  description: 'what packages may do; grant or take back: `/permissions [name]`',
  takesWords: true,
  async run(words, context) {
    const { household, say } = context;
    if (household === undefined) return say('there are no packages here');
    const all = await household.permissions();
    const named = words === '' ? await choosePackage(context, household) : all.find(({ name }) => name === words);
    if (named === undefined) return words === '' ? undefined : say(`\`${words}\` is not installed`, 'warning');
    if (named.permissions.length === 0) return say(`${named.name} asks for nothing; it can talk to your model`);
    const chosen = await choose(context, {
      title: `${named.name} ${named.version}; enter takes back what is granted, and grants the rest after a question`,
      choices: named.permissions.map((one) => ({ value: one, label: `${SIGNS[one.state]} ${one.permission}`, description: `${one.state}; ${one.words}` })),
    });
    if (chosen !== undefined) await change(named, chosen, context);
  },
};

const SIGNS: Readonly<Record<HeldPermission['state'], string>> = { granted: '✓', denied: '✗', 'not granted': '·' };

async function change(
  { name }: PackagePermissions,
  { permission, words, state, isRed }: HeldPermission,
  { household, screen, palette, say }: CommandContext,
): Promise<void> {
  if (state === 'granted' || state === 'denied') {
    await household?.revoke(name, state === 'denied' ? `!${permission}` : permission);
    return say(`${plainText(name, 80)}: took back ${state === 'denied' ? 'the denial of ' : ''}\`${plainText(permission, 200)}\``, 'muted');
  }
  // What adds authority is asked where packages never draw, and answered by a letter.
  const question = {
    title: `may ${quotedText(name, 80)} do this from now on?`,
    text: [`  ${words} [${plainText(permission, 300)}]${isRed ? ', which is dangerous' : ''}`],
    answers: ['[n] no', '[y] yes, grant it'],
  };
  if ((await screen.ask({ component: new QuestionBlock(question, screen, palette), keys: ['n', 'y'] })) !== 'y') return;
  await household?.grant(name, permission);
  say(`${plainText(name, 80)}: granted \`${plainText(permission, 200)}\``, 'muted');
}
