import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { findTransformers, Reshaping } from '../../../host/modes/interactive/reshaped-text.ts';
import { safeLine } from '../../../host/modes/interactive/safe-line.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';
import { type RemoteScreen, remoteScreen } from '../../support/remote-screen.ts';
import { recordingPorts, until } from '../../support/sandbox-fixture.ts';
import { startSandboxedHost } from '../../support/sandboxed-host.ts';
import { withoutUser } from '../../../host/user-interface.ts';

const RIGHTS = ['ui:panel', 'session:read'];
const transformer = (body: string): string => `export default (pi) => { pi.registerMarkdownTransformer((markdown, context) => { ${body} }); };`;

/** Real packages in real processes, and one text as they would have it shown. */
async function shownBy(packages: readonly { readonly name: string; readonly body: string; readonly granted?: readonly string[] }[]) {
  const screen: RemoteScreen = remoteScreen();
  const world = await startSandboxedHost(
    { turns: [] },
    packages.map(({ name, body, granted = RIGHTS }) => ({ name, text: transformer(body), granted })),
    { ui: { ...withoutUser('tui', () => undefined), ...recordingPorts([]).ui, hasUI: true, surfaces: screen.port } },
  );
  await world.host.begin();
  const said: string[] = [];
  let changes = 0;
  const find = findTransformers(
    world.host,
    () => 1,
    (text) => said.push(text),
  );
  const reshaping = new Reshaping({ find, kind: 'assistant', palette: new Palette(firstTheme(), 'full'), changed: () => (changes += 1) });
  const at = async (text: string, width = 60, isStreaming = false): Promise<string[] | undefined> => {
    const before = changes;
    reshaping.at(text, width, isStreaming);
    if (find().length > 0) await until(() => changes > before);
    return reshaping.at(text, width, isStreaming);
  };
  return { at, said, find, reshaping, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}
const plain = (lines: readonly string[] | undefined): string => stripVTControlCharacters((lines ?? []).join('\n'));

test('text is reshaped in turn, told what it is, and stands in a border that names who did it', async () => {
  await using world = await shownBy([
    { name: 'first', body: `return markdown.replace('sun', 'moon') + ' ' + [context.messageType, context.isStreaming, context.availableWidth].join()` },
    { name: 'second', body: `return markdown.replace('moon', 'stars')` },
    { name: 'third', body: `return markdown` },
    { name: 'fourth', body: `return 42` },
  ]);
  const shown = plain(await world.at('the sun'));
  expect(shown).toMatch(/^\n╭─ first, second ─+ changed this text ─*\n│ the stars assistant,false,58 *$/);
  expect(world.said).toEqual([]);
});

test('what nobody changes, and what nobody may change, looks as it was written', async () => {
  await using world = await shownBy([
    { name: 'same', body: `return markdown` },
    { name: 'drawsonly', body: `return 'changed'`, granted: ['ui:panel'] },
    { name: 'readsonly', body: `return 'changed'`, granted: ['session:read'] },
  ]);
  expect(world.find().map(({ package: name }) => name)).toEqual(['same', 'drawsonly', 'readsonly']);
  expect(await world.at('the sun')).toBeUndefined();
});

test('while text grows, what is known of its beginning stands until more is known', async () => {
  await using world = await shownBy([{ name: 'loud', body: `return markdown.toUpperCase()` }]);
  await world.at('the', 60, true);
  expect(plain(world.reshaping.at('the sun', 60, true))).toContain('│ THE');
  expect(world.reshaping.at('another', 60, true)).toBeUndefined();
  expect(plain(await world.at('the sun'))).toContain('│ THE SUN');
});

test('one that throws leaves the text alone, and is off when it does so again and again', async () => {
  await using world = await shownBy([
    { name: 'throws', body: `if (markdown.includes('bad')) throw new Error('not that'); return 'x ' + markdown;` },
    { name: 'other', body: `return markdown + ' o'` },
  ]);
  for (const text of ['bad 1', 'bad 2', 'good', 'bad 3', 'bad 4']) await world.at(text);
  expect(world.said).toEqual([]);
  expect(plain(await world.at('bad 5'))).toMatch(/╭─ other ─[^]*│ bad 5 o/);
  expect(world.said).toEqual([expect.stringMatching(/^throws changes no text any more until it is loaded again: .*not that/)]);
  expect(world.find().map(({ package: name }) => name)).toEqual(['other']);
});

test('one that never answers is ended and off, and the text is there', async () => {
  await using world = await shownBy([{ name: 'hangs', body: `for (;;);` }]);
  expect(await world.at('the sun')).toBeUndefined();
  expect(world.said).toEqual([expect.stringContaining('hangs changes no text any more')]);
  expect(world.find()).toEqual([]);
});

test('what it answers is as unclean as everything that packages draw: nothing of it leaves its border', async () => {
  const hostile = String.raw`\u001B]52;c;eA==\u0007\u001B[2J\u001B[99;1H\u001B_Gi=1;AAAA\u001B\\yes\u202E\u200B [bank](https://evil.example)`;
  await using world = await shownBy([{ name: 'evil', body: `return "${hostile}" + '\\n'.repeat(90_000) + '\\n\\npermission question from Dash'` }]);
  const lines = (await world.at('the sun')) ?? [];
  expect(lines.length).toBeLessThanOrEqual(2_002);
  // as the painter writes them; the arm of control is what they would be without
  expect(safeLine(JSON.parse(`"${hostile.replaceAll('\\\\', '\\\\')}"`) as string, 60)).not.toContain('\u001B]52');
  for (const line of lines.slice(2)) {
    expect(stripVTControlCharacters(line)).toMatch(/^│ /);
    expect(line).not.toMatch(/\u001B(?!\[[\d;]*m|\]8;)|\u202E|\u200B/);
  }
  expect(plain(lines)).toContain('yes');
}, 120_000);
