import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const packages: ScreenCommand = {
  name: 'packages',
  description: 'what is installed; leave a package out, or take it in again',
  run: (_words, context) => context.screen.series(() => switchPackages(context)),
};

async function switchPackages(context: CommandContext): Promise<void> {
  const { host, household, say } = context;
  const before = (await household?.packages()) ?? [];
  if (household === undefined || before.length === 0) return say('nothing is installed; `dash install` brings packages');
  for (let at = 0; ;) {
    const all = await household.packages();
    const index = await choose(context, {
      title: 'your packages; enter switches one on or off',
      selected: at,
      choices: all.map(({ name, version, enabled, brings }, value) => ({ value, label: `${enabled ? '✓' : ' '} ${name} ${version}`, description: brings })),
    });
    const chosen = index === undefined ? undefined : all[index];
    if (index === undefined || chosen === undefined) break;
    at = index;
    await household.setEnabled(chosen.name, !chosen.enabled);
  }
  const after = await household.packages();
  const changed = after.filter(({ name, enabled }) => before.find((one) => one.name === name)?.enabled !== enabled);
  if (changed.length === 0) return;
  await host.reload();
  say(changed.map(({ name, enabled }) => `${name} is ${enabled ? 'on' : 'off'}`).join('\n'), 'muted');
}
