import { findSetting, settingsSchemaOf } from '../../registry/configure/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { manyLines } from '../output/terminal.ts';
import { readSettingsOf, viewSetting } from '../show-settings.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'an installed package').argument('<setting>', 'as `dash config list` shows it');
  return async (invocation) => {
    const [name = '', key = ''] = command.args;
    const pkg = await findInstalled(name, invocation);
    findSetting({ ...pkg, settings: await settingsSchemaOf(pkg) }, key);
    const { settings } = await readSettingsOf(pkg, invocation);
    const state = settings.find(({ setting }) => setting.name === key);
    if (state === undefined) throw new Error(`${key} was found and is gone`);
    const { value, from, sensitive } = viewSetting(state);
    const text = sensitive
      ? `${from === 'unset' ? 'not set' : 'set, not shown'}`
      : value === undefined
        ? 'not set'
        : typeof value === 'string'
          ? value
          : JSON.stringify(value);
    return { kind: 'document', document: { package: pkg.name, setting: viewSetting(state) }, text: `${manyLines(text)}\n` };
  };
};
