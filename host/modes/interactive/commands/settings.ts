import { changeSetting, type SettingRow, settingRows, type SettingValue } from '../../../settings/change-settings.ts';
import { isDashError, plainText } from '../../../../format/index.ts';
import { inputPanel } from '../dialogs.ts';
import type { SettingHere } from '../household.ts';
import { choose } from '../search-panel.ts';
import { secretPanel } from '../secret-panel.ts';
import type { Palette } from '../theme.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const settings: ScreenCommand = {
  name: 'settings',
  description: 'look at your settings, and change them',
  run: (_words, context) => context.screen.series(() => changeSettings(context)),
};

async function changeSettings(context: CommandContext): Promise<void> {
  const { host, say } = context;
  for (let at = 0; ;) {
    const rows = await settingRows(host.dashHome);
    const ofPackages = (await context.household?.settings()) ?? [];
    const index = await choose(context, {
      title: 'your settings; lists and rules are in settings.json',
      selected: at,
      choices: [
        ...rows.map((row, value) => ({ value, label: `${row.path.join('.')} = ${shown(row)}`, description: row.description })),
        ...ofPackages.map((one, index) => ({
          value: rows.length + index,
          label: plainText(`${one.package}: ${one.name} = ${one.shown}`, 200),
          description: one.description,
        })),
      ],
    });
    const here = index === undefined ? undefined : ofPackages[index - rows.length];
    if (index !== undefined && here !== undefined) {
      at = index;
      const isChanged = await orSaid(changeHere(here, context), context);
      if (isChanged !== true) continue;
      await host.reload();
      say(`${here.name} of ${here.package} is set anew`, 'muted');
      continue;
    }
    const row = index === undefined ? undefined : rows[index];
    if (index === undefined || row === undefined) return;
    at = index;
    const change = await askValue(row, context);
    if (change === undefined) continue;
    if (
      (await orSaid(
        changeSetting(host.dashHome, row.path, change.value).then(() => true),
        context,
      )) !== true
    )
      continue;
    await host.reload();
    say(`${row.path.join('.')} is ${change.value === undefined ? 'as usual' : `\`${String(change.value)}\``} now`, 'muted');
  }
}

/** What a setting cannot be is said, and the list is there again: the next try is one key away. */
async function orSaid(change: Promise<boolean>, { say }: CommandContext): Promise<boolean | undefined> {
  try {
    return await change;
  } catch (error) {
    if (!isDashError(error)) throw error;
    say(error.hint === undefined ? error.message : `${error.message}\nhint: ${error.hint}`, 'error');
    return undefined;
  }
}

/** @returns whether something was changed */
async function changeHere({ package: owner, name, description, choices, sensitive }: SettingHere, context: CommandContext): Promise<boolean> {
  const { screen, palette, household } = context;
  const title = plainText(`${owner}: ${name}${description === '' ? '' : `: ${description}`}`, 300);
  if (choices !== undefined) {
    const chosen = await choose<{ readonly value: string | undefined }>(context, {
      title,
      choices: [
        ...choices.map((value) => ({ label: plainText(value, 100), value: { value } })),
        { label: 'as usual', description: 'take it back', value: { value: undefined } },
      ],
    });
    if (chosen === undefined) return false;
    await household?.setSetting(owner, name, chosen.value);
    return true;
  }
  const panel = sensitive
    ? secretPanel
    : (text: string, ...rest: readonly [Palette, (value: string | undefined) => void]) => inputPanel(text, 'empty: as usual', ...rest);
  const text = await screen.modal<string>((done) => panel(title, palette, done), { isSecret: sensitive });
  if (text === undefined) return false;
  await household?.setSetting(owner, name, text.trim() === '' ? undefined : text.trim());
  return true;
}

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
