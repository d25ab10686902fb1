import type { CommandContext } from './commands/index.ts';
import type { Household, PackagePermissions } from './household.ts';
import { choose } from './search-panel.ts';

/** Has the user choose one of the packages. */
export async function choosePackage(context: CommandContext, household: Household): Promise<PackagePermissions | undefined> {
  const packages = await household.permissions();
  if (packages.length === 0) context.say('nothing is installed');
  if (packages.length < 2) return packages[0];
  return choose(context, {
    title: 'which package?',
    choices: packages.map((one) => ({
      value: one,
      label: `${one.name} ${one.version}`,
      description: `${one.permissions.filter(({ state }) => state === 'granted').length} of ${one.permissions.length} permissions granted`,
    })),
  });
}
