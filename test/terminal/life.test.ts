import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDash } from '../support/dash-in-terminal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startTmux } from '../support/tmux.ts';

const READY = /balanced/;
const DASH = join(import.meta.dirname, '..', '..', 'bin', 'dash.js');
const SANE = { cursor: '1', wraps: '1', line: 'icanon' };

/** Dash behind a shell that writes down its id before it becomes Dash. */
async function world() {
  const home = await temporaryDirectory();
  await writeFile(join(home, 'script.json'), JSON.stringify({ turns: [{ text: 'Hello.' }] }));
  const dash = `${process.execPath} ${DASH} --model scripted:${home}/script.json`;
  const options = { columns: 80, cwd: home, env: { PATH: process.env['PATH'] ?? '', HOME: home, DASH_HOME: join(home, 'dash'), LANG: 'C.UTF-8', PS1: '$ ' } };
  return { home, dash, options, pid: async () => Number(await readFile(join(home, 'pid'), 'utf8')) };
}

test('a signal to end gives the terminal back', async () => {
  const { home, dash, options, pid } = await world();
  await using terminal = await startTmux(['sh', '-c', `echo $$ > '${home}/pid'; exec ${dash}`], options);
  await terminal.shows(READY);
  process.kill(await pid(), 'SIGTERM');
  expect(await terminal.shows(/ended with \d+\n(?:-)?icanon/)).toMatch(/ended with 0\nicanon/);
  expect(await terminal.modes()).toEqual({ cursor: SANE.cursor, wraps: SANE.wraps });
});

test('a crash gives the terminal back, and says what happened', async () => {
  const { home, options } = await world();
  const mode = join(import.meta.dirname, '..', 'support', 'crashing-screen.ts');
  await using terminal = await startTmux([process.execPath, mode], { ...options, cwd: home });
  const end = await terminal.shows(/ended with \d+\n(?:-)?icanon/);
  expect(end).toMatch(/it broke[^]*ended with 1\nicanon/);
  expect(await terminal.modes()).toEqual({ cursor: SANE.cursor, wraps: SANE.wraps });
});

test('a terminal that goes away ends the program, in order', async () => {
  const { home, dash, options, pid } = await world();
  const terminal = await startTmux(['sh', '-c', `echo $$ > '${home}/pid'; exec ${dash} 2> '${home}/errors'`], options);
  await terminal.shows(READY);
  const id = await pid();
  await terminal[Symbol.asyncDispose]();
  await expect.poll(() => isAlive(id), { timeout: 30_000, interval: 50 }).toBe(false);
  expect(await readFile(join(home, 'errors'), 'utf8')).toBe('');
});

test('the shell has the terminal while Dash is suspended, and Dash has it after `fg`', async () => {
  const { dash, options } = await world();
  await using terminal = await startTmux(['bash', '--norc', '-i'], options);
  await terminal.shows(/^\$/m);
  await terminal.type(dash);
  await terminal.press('Enter');
  await terminal.shows(READY);
  await terminal.type('half a thought');
  await terminal.press('C-z');
  await terminal.shows('Stopped');
  await terminal.type('echo shell-$((40+2))');
  await terminal.press('Enter');
  await terminal.shows('shell-42');
  await terminal.type('fg');
  await terminal.press('Enter');
  // what was typed is still there, and goes on
  await terminal.shows(/shell-42[^]*half a thought/);
  await terminal.type(' and the rest');
  await terminal.shows('half a thought and the rest');
  await terminal.press('Enter');
  await terminal.shows('Hello.');
});

test('another width lays everything out again, once', async () => {
  const words = 'a sentence that needs more than one line on a narrow terminal';
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: `${words}.` }] } });
  await dash.shows(READY);
  await dash.type('say it');
  await dash.press('Enter');
  await dash.shows(`${words}.`);
  await dash.hides('(esc stops)');
  const wide = await dash.golden();
  await dash.resize(40, 30);
  await dash.shows(/a sentence that needs more than one\s*\n\s*line on a narrow terminal\./);
  await dash.resize(80, 30);
  await dash.shows(`${words}.`);
  expect(await dash.golden()).toBe(wide);
  expect((await dash.everything()).split(words)).toHaveLength(2);
});

test('a terminal that is dumb, or a mode that is plain, has no screen', async () => {
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: 'Hello.' }] }, args: ['--mode', 'plain'] });
  await dash.shows(/^>/m);
  await dash.type('hello');
  await dash.press('Enter');
  expect(await dash.shows('Hello.')).not.toMatch(READY);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
