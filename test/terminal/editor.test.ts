import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCompletionsServer, type WireAnswer } from '../support/completions-server.ts';
import { type DashOptions, startDash } from '../support/dash-in-terminal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const READY = /balanced/;

/** Dash with a model on loopback, whose requests tell what was sent. */
async function withServer(answers: readonly WireAnswer[], options: Omit<DashOptions, 'columns'> = {}) {
  const server = await startCompletionsServer(answers);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const models = [{ id: 'qwen', contextWindow: 32_000, images: true }];
  const home = { 'models.json': JSON.stringify({ providers: [{ id: 'local', baseUrl: server.baseUrl, api: 'openai-completions', models }] }) };
  const dash = await startDash({ columns: 80, ...options, home });
  await dash.shows(READY);
  /** What the user said last, as the model was told it. */
  const said = (request: number): unknown => server.requests[request]?.body.messages.findLast(({ role }) => role === 'user')?.['content'];
  const told = (request: number): unknown => server.requests[request]?.body.messages;
  return { dash, said, told, [Symbol.asyncDispose]: () => dash[Symbol.asyncDispose]() };
}

test('several lines, and a long paste as one mark that is sent whole', async () => {
  await using world = await withServer([{ text: 'Read.' }]);
  const { dash, said } = world;
  const pasted = Array.from({ length: 20 }, (_, index) => `pasted ${index}`).join('\n');
  await dash.type('first line');
  await dash.press('C-j');
  await dash.type('second line ');
  await dash.paste(pasted);
  const shown = await dash.shows(/\[paste #1 \+20 lines\]/);
  expect(shown).not.toContain('pasted 3');
  expect(shown).toMatch(/^ first line *\n second line \[paste/m);
  await dash.press('Enter');
  await dash.shows('Read.');
  expect(JSON.stringify(said(0))).toContain(JSON.stringify(`first line\nsecond line ${pasted}`).slice(1, -1));
});

test('what was typed in a project is there the next time, and not in another project', async () => {
  const home = await temporaryDirectory();
  const script = { turns: [{ text: 'One.' }] };
  const project = await temporaryDirectory();
  const another = await temporaryDirectory();
  const start = (directory: string) => startDash({ columns: 80, script, args: ['-C', directory], env: { DASH_HOME: home } });
  {
    await using dash = await start(project);
    await dash.shows(READY);
    await dash.type('say it once');
    await dash.press('Enter');
    await dash.shows('One.');
    await dash.press('C-d');
    await dash.shows('ended with 0');
  }
  {
    await using dash = await start(project);
    await dash.shows(READY);
    await dash.press('Up');
    await dash.shows(/^ say it once/m);
  }
  await using dash = await start(another);
  await dash.shows(READY);
  await dash.press('Up');
  await dash.type('nothing');
  expect(await dash.shows(/^ nothing/m)).not.toContain('say it once');
});

test('`@` finds files by parts of their names and leaves ignored ones out, Tab completes a path, `/` a command', async () => {
  const files = { 'src/weather/forecast.ts': '', 'src/weather/forecast-old.ts': '', '.gitignore': '*-old.ts\n', 'docs/my guide.md': '' };
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: 'One.' }] }, files });
  await dash.shows(READY);
  await dash.type('look at @wfore');
  const offered = await dash.shows('src/weather/forecast.ts');
  expect(offered).not.toContain('forecast-old');
  await dash.press('Tab');
  await dash.shows(/look at @src\/weather\/forecast\.ts/);
  await dash.type('and @guide');
  await dash.shows('docs/my guide.md');
  await dash.press('Tab');
  await dash.shows('@"docs/my guide.md"');
  await dash.press('C-c');
  await dash.hides('look at');
  await dash.type('see doc');
  await dash.press('Tab');
  await dash.shows('see docs/');
  await dash.press('C-c');
  await dash.type('/hotk');
  await dash.shows(/→ \/hotkeys/);
  await dash.press('Tab');
  await dash.hides('→');
  await dash.press('Enter');
  await dash.shows('take back what waits');
});

test('`!` runs a command whose output the model hears of, `!!` one that it does not', async () => {
  await using world = await withServer([{ text: 'Heard.' }]);
  const { dash, told } = world;
  await dash.type('!echo for both of us');
  await dash.press('Enter');
  await dash.shows(/✓ ! echo for both of us\s+for both of us/);
  await dash.type('!!echo for me alone; exit 3');
  await dash.press('Enter');
  await dash.shows(/✗ !! echo for me alone; exit 3\s+for me alone\s+\[exit code 3\]/);
  await dash.type('!sleep 600');
  await dash.press('Enter');
  await dash.shows('… ! sleep 600');
  await dash.press('Escape');
  await dash.shows(/✗ ! sleep 600\s+\[stopped\]/);
  await dash.type('what did I run?');
  await dash.press('Enter');
  await dash.shows('Heard.');
  expect(JSON.stringify(told(0))).toMatch(/for both of us[^]*what did I run/);
  expect(JSON.stringify(told(0))).not.toContain('for me alone');
  await dash.press('C-d');
  await dash.shows('ended with 0');
});

test('a prompt is written in `$EDITOR`, on the terminal that it has for itself', async () => {
  const directory = await temporaryDirectory();
  const editor = join(directory, 'editor.sh');
  // Shows what it was given, waits for a line from the terminal, and writes that below it.
  await writeFile(editor, '#!/bin/sh\necho "editing: $(cat "$1")"\nread line\nprintf "%s\\n" "$line" >> "$1"\n');
  await chmod(editor, 0o700);
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: 'One.' }] }, env: { EDITOR: editor } });
  await dash.shows(READY);
  await dash.type('begun here ');
  await dash.press('C-g');
  await dash.shows('editing: begun here');
  await dash.type('ended there');
  await dash.press('Enter');
  await dash.shows(/^ begun here ended there/m);
  await dash.press('Enter');
  await dash.shows('One.');
});

test('an image from the clipboard goes with its mark', async () => {
  const directory = await temporaryDirectory();
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  await writeFile(join(directory, 'image.png'), Buffer.from(png, 'base64'));
  await writeFile(join(directory, 'wl-paste'), `#!/bin/sh\ncat '${join(directory, 'image.png')}'\n`);
  await chmod(join(directory, 'wl-paste'), 0o700);
  await using world = await withServer([{ text: 'A dot.' }], { env: { PATH: `${directory}:${process.env['PATH']}` } });
  const { dash, said } = world;
  await dash.type('what is ');
  await dash.press('C-v');
  await dash.shows('what is [image 1]');
  await dash.press('Enter');
  await dash.shows('A dot.');
  expect(JSON.stringify(said(0))).toContain(png);
  // the file was only read
  expect((await readFile(join(directory, 'image.png'))).toString('base64')).toBe(png);
});

test('keys are bound anew by `keybindings.json`, also after a reload', async () => {
  await using dash = await startDash({
    columns: 80,
    script: { turns: [{ text: 'One.' }] },
    home: { 'keybindings.json': JSON.stringify({ 'app.model.select': 'f2', 'tui.input.submit': 'f3' }) },
  });
  await dash.shows(READY);
  await dash.press('F2');
  await dash.shows('which model?');
  await dash.press('Escape');
  await dash.hides('which model?');
  await dash.type('hello');
  await dash.press('F3');
  await dash.shows('One.');
  await dash.hides('(esc stops)');
  await writeFile(join(dash.home, 'keybindings.json'), JSON.stringify({ 'app.model.select': 'f4' }));
  await dash.type('/reload');
  await dash.press('F3');
  await dash.shows('reloaded');
  await dash.press('F4');
  await dash.shows('which model?');
});

test('a package has several lines written, and Escape writes none', async () => {
  const handler = "async (_, ctx) => ctx.ui.notify('answer: ' + JSON.stringify(await ctx.ui.editor('what happened?', 'first\\nsecond')))";
  await using dash = await startDash({
    columns: 80,
    script: { turns: [{ text: 'One.' }] },
    files: {
      'asks/package.json': JSON.stringify({ name: 'asks', version: '1.0.0', keywords: ['pi-package'], pi: { extensions: ['./index.ts'] } }),
      'asks/index.ts': `export default function (dash) {\n  dash.registerCommand('asks', { handler: ${handler} });\n}\n`,
    },
    before: ({ run }) => run('install', './asks', '--yes', '--grant', 'summary'),
  });
  await dash.shows(READY);
  await dash.type('/asks');
  await dash.press('Enter');
  await dash.shows(/what happened\?[^]*first[^]*second/);
  await dash.press('C-j');
  await dash.type('third');
  await dash.shows('third');
  await dash.press('Enter');
  await dash.shows('answer: "first\\nsecond\\nthird"');
  await dash.type('/asks');
  await dash.press('Enter');
  await dash.shows(/answer[^]*what happened\?/);
  await dash.press('Escape');
  await dash.shows('answer: undefined');
});

test('a command that does not exist is not sent to the model: it is said, and stays where it can be mended', async () => {
  await using terminal = await startDash({ columns: 80, script: { turns: [{ text: 'an answer' }], repeat: true }, files: { 'a.txt': '' } });
  await terminal.shows(READY);
  await terminal.type('/hotkies');
  await terminal.press('Enter');
  await terminal.shows('there is no command `/hotkies`; did you mean `/hotkeys`?');
  expect(await terminal.screen()).not.toContain('> /hotkies');
  await terminal.press('BSpace', 'BSpace', 'BSpace');
  await terminal.type('eys');
  await terminal.press('Enter');
  await terminal.shows('the next model');
  // a file, and a sentence
  for (const said of ['/etc', '/hotkies are what?']) {
    await terminal.type(said);
    await terminal.press('Enter');
    await terminal.shows(`> ${said}`);
    await terminal.hides('(esc stops)');
  }
});
