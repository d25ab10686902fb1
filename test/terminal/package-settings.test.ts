import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDash } from '../support/dash-in-terminal.ts';

const KEY = 'sk-live-0123456789';

test('`/settings` has the settings of packages: chosen, or typed unseen, they hold at once', async () => {
  const settings = {
    properties: {
      units: { enum: ['metric', 'imperial'], default: 'metric', description: 'how temperatures are told' },
      key: { type: 'string', minLength: 10, sensitive: true },
    },
  };
  const terminal = await startDash({
    columns: 100,
    script: { turns: [{ text: 'Hello.' }] },
    files: {
      'weather/package.json': JSON.stringify({ name: 'weather', version: '1.0.0', dash: { extensions: ['index.js'], settings } }),
      'weather/index.js': `module.exports = (dash) => dash.registerCommand('told', { handler: async (_, ctx) => ctx.ui.notify('in ' + dash.getSetting('units') + ', key of ' + (dash.getSetting('key') || '').length) });`,
    },
    before: ({ run }) => run('install', './weather'),
  });
  await terminal.shows(/balanced/);
  const open = async (filter: string, shown: string) => {
    await terminal.type('/settings');
    await terminal.press('Enter');
    await terminal.shows('your settings');
    await terminal.type(filter);
    await terminal.shows(shown);
    await terminal.press('Enter');
  };
  await open('weather: units', 'weather: units = metric (default)');
  await terminal.shows('take it back');
  await terminal.type('imperial');
  await terminal.press('Enter');
  await terminal.shows('weather: units = imperial');
  await terminal.press('Escape');
  await terminal.hides('your settings');

  await open('weather: key', 'weather: key = not set');
  await terminal.shows('enter keeps it');
  await terminal.type(KEY);
  await terminal.shows('•'.repeat(KEY.length));
  await terminal.press('Enter');
  await terminal.shows('weather: key = set, not shown');
  await terminal.press('Escape');
  await terminal.hides('your settings');

  await terminal.type('/told');
  await terminal.press('Enter');
  await terminal.shows(`in imperial, key of ${KEY.length}`);
  expect(await terminal.everything()).not.toContain(KEY);
  expect(await readFile(join(terminal.home, 'settings.json'), 'utf8')).not.toContain(KEY);
});

test('what a linked package comes to declare is not granted by a reload, and is said until somebody decides', async () => {
  const manifest = (permissions: readonly string[]): string =>
    JSON.stringify({ name: 'notes', version: '1.0.0', dash: { extensions: ['index.js'], permissions } });
  await using terminal = await startDash({
    columns: 100,
    script: { turns: [{ text: 'Hello.' }] },
    files: { 'notes/package.json': manifest(['ui:notify']), 'notes/index.js': 'module.exports = () => undefined;' },
    before: ({ run }) => run('install', './notes'),
  });
  await terminal.shows(/balanced/);
  await writeFile(join(terminal.project, 'notes', 'package.json'), manifest(['ui:notify', 'ui:prompt']));
  await terminal.type('/reload');
  await terminal.press('Enter');
  await terminal.shows(/notes asks for `ui:prompt` since it was installed, and is\s+denied\s+it;\s+`dash\s+install/);

  await terminal.run('permissions', 'grant', 'notes', 'ui:prompt');
  await terminal.type('/new');
  await terminal.press('Enter');
  await terminal.hides('notes asks');
  await terminal.type('/reload');
  await terminal.press('Enter');
  expect(await terminal.shows('reloaded: generation 3')).not.toContain('notes asks');
});
