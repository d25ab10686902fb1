import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDash } from '../support/dash-in-terminal.ts';

test('a theme is chosen, kept, and changes on the screen when its file is saved', async () => {
  const mine = (muted: string): string => JSON.stringify({ name: 'mine', colors: { muted } });
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: 'Hello.' }] }, home: { 'themes/mine.json': mine('#112233') } });
  await dash.shows(/balanced/);
  await dash.type('/theme');
  await dash.press('Enter');
  await dash.shows('which theme?');
  await dash.type('mine');
  await dash.shows('› mine');
  await dash.press('Enter');
  await dash.showsColored('38;2;17;34;51');
  await expect.poll(async () => JSON.parse(await readFile(join(dash.home, 'settings.json'), 'utf8'))).toMatchObject({ theme: 'mine' });

  await writeFile(join(dash.home, 'themes', 'mine.json'), mine('#445566'));
  await dash.showsColored('38;2;68;85;102');
  // a slip keeps what is worn, and says what is wrong
  await writeFile(join(dash.home, 'themes', 'mine.json'), '{"name": "mine", "colors": {"muted": "nothing"}}');
  await dash.shows('variable `nothing`');
  await dash.showsColored('38;2;68;85;102');
  await writeFile(join(dash.home, 'themes', 'mine.json'), mine('#778899'));
  await dash.showsColored('38;2;119;136;153');
});
