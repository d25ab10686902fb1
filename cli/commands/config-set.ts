import { DashError } from '../../format/index.ts';
import { assertMaySet, findSetting, parseSettingValue, setSetting, settingsSchemaOf } from '../../registry/configure/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { readUnseen } from '../read-unseen.ts';
import { scopeOf } from '../scope.ts';
import { readSettingsOf, shownValue } from '../show-settings.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('<name>', 'an installed package')
    .argument('<setting>', 'as `dash config list` shows it')
    .argument('[value]', 'text, or JSON where the setting is a number, a list …; a sensitive one is typed unseen, or piped in');
  return async (invocation) => {
    const [name = '', key = '', typed] = command.args;
    const { home, globals } = invocation;
    assertNotDelegated(); // before anything is typed
    const installed = await findInstalled(name, invocation);
    const pkg = { ...installed, settings: await settingsSchemaOf(installed) };
    const setting = findSetting(pkg, key);
    const scope = scopeOf(invocation);
    assertMaySet(pkg.name, setting, scope);
    const again = `dash config set ${pkg.name} ${key}`;
    if (setting.sensitive && typed !== undefined) {
      throw new DashError('USAGE', `\`${key}\` is sensitive and is not taken from the command line, where other programs and your history see it`, {
        hint: `type it unseen with \`${again}\`, or pipe it in; what stood on the command line is known there by now`,
      });
    }
    if (!setting.sensitive && typed === undefined) throw new DashError('USAGE', 'the value is missing', { hint: `\`${again} <value>\`` });
    // the line end is the terminal's, or `echo`'s
    const text = typed ?? (await readUnseen(`${key} of ${pkg.name}`, again, invocation)).replace(/\r?\n$/, '');
    if (setting.sensitive && text === '')
      throw new DashError('USAGE', 'the value is empty', { hint: `take it away with \`dash config unset ${pkg.name} ${key}\`` });
    const value = parseSettingValue(pkg, setting, text);
    const changed = globals.dryRun !== true && (await setSetting(pkg, setting, value, { dashHome: home, scope }));
    const done = globals.dryRun === true ? 'would be' : changed ? 'is now' : 'is already';
    const what = setting.sensitive ? `kept for ${pkg.name} alone` : `\`${shownValue(value)}\``;
    return {
      kind: 'document',
      document: { package: pkg.name, setting: key, scope: scope.kind, changed, ...(!setting.sensitive && { value }) },
      text: `\`${key}\` ${done} ${what}${globals.dryRun === true ? '' : await noteOn(scope.kind)}\n`,
    };

    /** Where what was said does not hold here, that is said. */
    async function noteOn(kind: 'user' | 'project'): Promise<string> {
      const from = (await readSettingsOf(installed, invocation)).settings.find((state) => state.setting.name === key)?.from;
      if (kind === 'user' && from === 'project') return '; in this project, `.dash/settings.json` goes before it';
      if (kind === 'project' && from !== 'project') return '; it holds when the project is trusted: `dash trust`';
      return changed ? '; a running agent takes it up at `/reload`' : '';
    }
  };
};
