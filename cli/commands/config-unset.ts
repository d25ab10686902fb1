import { findSetting, settingsSchemaOf, unsetSetting } from '../../registry/configure/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'an installed package').argument('<setting>', 'as `dash config list` shows it');
  return async (invocation) => {
    const [name = '', key = ''] = command.args;
    const { home, globals } = invocation;
    const installed = await findInstalled(name, invocation);
    const pkg = { ...installed, settings: await settingsSchemaOf(installed) };
    const changed = globals.dryRun !== true && (await unsetSetting(pkg, key, { dashHome: home, scope: scopeOf(invocation) }));
    // what an older version had may be taken out; what there never was is a slip
    if (!changed) findSetting(pkg, key);
    const text = globals.dryRun === true ? 'would be taken back' : changed ? 'is taken back; a running agent forgets it at `/reload`' : 'was not set';
    return { kind: 'document', document: { package: pkg.name, setting: key, scope: scopeOf(invocation).kind, changed }, text: `\`${key}\` ${text}\n` };
  };
};
