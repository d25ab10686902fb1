import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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

const colours = (heading: string, muted: string): string => JSON.stringify({ name: 'mine', colors: { mdHeading: heading, muted } });
const BROKEN = '{"name": "mine", "colors": {"muted": "nothing"}}';
const settings = { 'settings.json': JSON.stringify({ theme: 'mine' }) };

describe.each([{ columns: 80 }, { columns: 40 }])('a theme that is edited while it is worn, at $columns columns', ({ columns }) => {
  test('colours what was said before, too; broken, the last good one stays on, also through a reload', async () => {
    await using dash = await startDash({
      columns,
      script: { turns: [{ text: '# A heading\n\nand words' }] },
      home: { ...settings, 'themes/mine.json': colours('#112233', '#445566') },
    });
    const save = (text: string): Promise<void> => writeFile(join(dash.home, 'themes', 'mine.json'), text);
    await dash.shows(/balanced/);
    await dash.type('hello');
    await dash.press('Enter');
    await dash.shows('and words');
    await dash.hides('(esc stops)');
    await dash.showsColored('38;2;17;34;51');
    await expect(await dash.goldenColored()).toMatchFileSnapshot(`./golden/theme-before.${columns}.txt`);

    await save(colours('#aa0000', '#00aa00'));
    await dash.showsColored('38;2;170;0;0');
    await expect(await dash.goldenColored()).toMatchFileSnapshot(`./golden/theme-after.${columns}.txt`);

    await save(BROKEN);
    await dash.shows('`nothing`');
    await dash.type('/reload');
    await dash.press('Enter');
    await dash.shows('reloaded: generation 2');
    const kept = await dash.showsColored('38;2;170;0;0');
    expect(kept).not.toContain('there is no theme');
    await save(colours('#0000bb', '#00aa00'));
    await dash.showsColored('38;2;0;0;187');
  });

  test('broken at the start is told once, and worn when it is mended', async () => {
    await using dash = await startDash({
      columns,
      script: { turns: [{ text: 'Hello.' }] },
      // a light terminal: that it is one is found out after the first look at the themes
      env: { COLORFGBG: '0;15' },
      home: { ...settings, 'themes/mine.json': BROKEN },
    });
    await dash.shows(/balanced/);
    await dash.type('hello');
    await dash.press('Enter');
    const shown = await dash.shows('Hello.');
    expect(shown.match(/`nothing`/g)).toHaveLength(1);
    expect(shown).not.toContain('there is no theme');
    await writeFile(join(dash.home, 'themes', 'mine.json'), colours('#112233', '#445566'));
    await dash.showsColored('38;2;68;85;102');
  });
});
