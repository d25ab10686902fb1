import { choose } from '../search-panel.ts';
import type { ScreenCommand } from './command.ts';

export const model: ScreenCommand = {
  name: 'model',
  description: 'choose another model',
  action: 'app.model.select',
  async run(_words, context) {
    const { host, say } = context;
    const { models, conversation } = host;
    if (models.length === 0) return say('no provider has a key: `/login`, or a variable like `ANTHROPIC_API_KEY`', 'warning');
    const isCurrent = ({ provider, id }: (typeof models)[number]): boolean => provider === conversation.model?.provider && id === conversation.model.id;
    const chosen = await choose(context, {
      title: 'which model?',
      selected: models.findIndex(isCurrent),
      choices: models.map((one) => ({
        value: one,
        label: `${isCurrent(one) ? '● ' : '  '}${one.provider}/${one.id}`,
        description: `${one.name}, $${one.cost.input} in, $${one.cost.output} out per million`,
      })),
    });
    if (chosen !== undefined) conversation.setModel(chosen);
  },
};
