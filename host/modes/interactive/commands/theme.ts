import { changeSetting } from '../../../settings/change-settings.ts';
import { choose } from '../search-panel.ts';
import type { ScreenCommand } from './command.ts';

export const theme: ScreenCommand = {
  name: 'theme',
  description: 'choose the colours',
  takesWords: true,
  async run(words, context) {
    const { host, themes, palette, say } = context;
    const known = themes.known();
    const name =
      words.trim() === ''
        ? await choose(context, {
            title: 'which theme?',
            selected: known.findIndex((one) => one.name === palette.theme.name),
            choices: known.map((one) => ({ value: one.name, label: one.name, ...(one.path !== undefined && { description: one.path }) })),
          })
        : words.trim();
    if (name === undefined) return;
    if (!themes.choose(name)) return say(`there is no theme \`${name}\`; there are ${known.map((one) => `\`${one.name}\``).join(', ')}`, 'warning');
    await changeSetting(host.dashHome, ['theme'], name);
  },
};
