import { changeSetting } from '../../../settings/change-settings.ts';
import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const scopedModels: ScreenCommand = {
  name: 'scoped-models',
  description: 'choose the models that a key cycles through',
  run: (_words, context) => context.screen.series(() => chooseScope(context)),
};

async function chooseScope(context: CommandContext): Promise<void> {
  const { host, say } = context;
  if (host.models.length === 0) return say('no provider has a key: `/login`', 'warning');
  const chosen = new Set(host.scopedModels.map(({ model: { provider, id } }) => `${provider}/${id}`));
  const before = [...chosen].join('\n');
  for (let at = 0; ;) {
    const index = await choose(context, {
      title: `cycled through: ${chosen.size === 0 ? 'all of them' : `${chosen.size} of ${host.models.length}`}; esc keeps it`,
      selected: at,
      choices: host.models.map(({ provider, id, name }, value) => ({
        value,
        label: `${chosen.has(`${provider}/${id}`) ? '✓' : ' '} ${provider}/${id}`,
        description: name,
      })),
    });
    const model = index === undefined ? undefined : host.models[index];
    if (index === undefined || model === undefined) break;
    at = index;
    const name = `${model.provider}/${model.id}`;
    if (!chosen.delete(name)) chosen.add(name);
  }
  if ([...chosen].join('\n') === before) return;
  await changeSetting(host.dashHome, ['enabledModels'], chosen.size === 0 ? undefined : [...chosen]);
  await host.reload();
}
