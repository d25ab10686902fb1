import { changeSetting, type SettingRow, settingRows, type SettingValue } from '../../../settings/change-settings.ts';
import { inputPanel } from '../dialogs.ts';
import { choose } from '../search-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const settings: ScreenCommand = {
  name: 'settings',
  description: 'look at your settings, and change them',
  async run(_words, context) {
    const { host, say } = context;
    for (let at = 0; ;) {
      const rows = await settingRows(host.dashHome);
      const index = await choose(context, {
        title: 'your settings; lists and rules are in settings.json',
        selected: at,
        choices: rows.map((row, value) => ({ value, label: `${row.path.join('.')} = ${shown(row)}`, description: row.description })),
      });
      const row = index === undefined ? undefined : rows[index];
      if (index === undefined || row === undefined) return;
      at = index;
      const change = await askValue(row, context);
      if (change === undefined) continue;
      await changeSetting(host.dashHome, row.path, change.value);
      await host.reload();
      say(`${row.path.join('.')} is ${change.value === undefined ? 'as usual' : `\`${String(change.value)}\``} now`, 'muted');
    }
  },
};

function shown({ value, fallback }: SettingRow): string {
  if (value !== undefined) return `${String(value)} ●`;
  return fallback === undefined ? '–' : String(fallback);
}

interface Change {
  readonly value: SettingValue | undefined;
}

/** What it becomes; `{value: undefined}` takes it out of the file. */
async function askValue({ path, description, choices, typed }: SettingRow, context: CommandContext): Promise<Change | undefined> {
  const title = `${path.join('.')}: ${description}`;
  if (choices !== undefined)
    return choose<Change>(context, {
      title,
      choices: [
        ...choices.map((value) => ({ label: String(value), value: { value } })),
        { label: 'as usual', description: 'take it out of your file', value: { value: undefined } },
      ],
    });
  const { screen, palette } = context;
  const text = (await screen.modal<string>((done) => inputPanel(title, 'empty: as usual', palette, done)))?.trim();
  if (text === undefined) return undefined;
  return { value: text === '' ? undefined : typed === 'number' ? Number(text) : text };
}
