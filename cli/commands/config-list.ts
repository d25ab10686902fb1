import { readInstalled } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { showSettings } from '../show-settings.ts';

export const define: DefineCommand = (command) => {
  command.argument('[name]', 'an installed package; without one, all that have settings');
  return async (invocation) => {
    const [name] = command.args;
    if (name !== undefined) return showSettings([await findInstalled(name, invocation)], invocation);
    const installed = await readInstalled({ dashHome: invocation.home, projectDir: invocation.cwd });
    const shown = await showSettings(
      installed.filter(({ settings, linked }) => settings !== undefined || linked),
      invocation,
    );
    return shown.kind === 'document' && shown.text === '' ? { ...shown, text: 'no installed package has settings\n' } : shown;
  };
};
