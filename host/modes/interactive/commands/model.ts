import type { ModelInfo } from '../../../model/port.ts';
import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

/** What packages looked up is looked up again after a day. */
const STALE_MS = 24 * 3_600_000;

export const model: ScreenCommand = {
  name: 'model',
  description: 'choose another model',
  action: 'app.model.select',
  async run(_words, context) {
    const { host, say } = context;
    if (host.models.length === 0) {
      await lookUp(context);
      if (host.models.length === 0) return say('no provider has a key: `/login`, or a variable like `ANTHROPIC_API_KEY`', 'warning');
      return chooseOne(context);
    }
    // the list is there at once; what a package finds meanwhile is in it the next time
    await Promise.all([chooseOne(context), lookUp(context)]);
  },
};

async function lookUp({ host, say, signal }: CommandContext): Promise<void> {
  for (const { message } of await host.providers.lookUpModels({ olderThanMs: STALE_MS, signal })) say(message, 'warning');
  await host.refreshModels();
}

async function chooseOne(context: CommandContext): Promise<void> {
  const { models, conversation } = context.host;
  const isCurrent = ({ provider, id }: ModelInfo): boolean => provider === conversation.model?.provider && id === conversation.model.id;
  const chosen = await choose(context, {
    title: 'which model?',
    selected: models.findIndex(isCurrent),
    choices: models.map((one) => ({
      value: one,
      label: `${isCurrent(one) ? '● ' : '  '}${one.provider}/${one.id}`,
      description: `${one.package === undefined ? '' : `of ${one.package}, `}${one.name}, $${one.cost.input} in, $${one.cost.output} out per million`,
    })),
  });
  if (chosen !== undefined) conversation.setModel(chosen);
}
