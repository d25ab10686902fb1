import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type DashInTerminal, startDash } from '../support/dash-in-terminal.ts';

const READY = /balanced/;
const DASH = join(import.meta.dirname, '..', '..', 'bin', 'dash.js');
const run = promisify(execFile);

/** The command line, for the same user. */
function dash({ home, project }: DashInTerminal, ...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [DASH, ...args], { cwd: project, env: { PATH: process.env['PATH'], HOME: join(home, '..'), DASH_HOME: home } });
}

async function say(terminal: DashInTerminal, text: string, answer: string): Promise<void> {
  await terminal.type(text);
  await terminal.press('Enter');
  await terminal.shows(answer);
  await terminal.hides('(esc stops)');
}

/** A key counts after half a second of quiet: it is pressed until it does. */
async function answer(terminal: DashInTerminal, key: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await terminal.press(key);
        return (await terminal.screen()).includes('do this from now on?');
      },
      { timeout: 30_000, interval: 800 },
    )
    .toBe(false);
  await terminal.press('C-u'); // what came too late for the question is in the editor
}

describe('the commands of the screen', () => {
  test('/tree goes back to before something that was said, /resume to another session, /fork into a new one', async () => {
    await using terminal = await startDash({ columns: 80, script: { turns: [{ text: 'first answer' }, { text: 'second answer' }, { text: 'third answer' }] } });
    await terminal.shows(READY);
    await say(terminal, 'the first thing', 'first answer');
    await say(terminal, 'the second thing', 'second answer');

    await terminal.type('/tree');
    await terminal.press('Enter');
    await terminal.shows('go to which place?');
    await terminal.type('second thing');
    await terminal.press('Enter');
    await terminal.shows('what was found out on the way that is left');
    await terminal.press('Enter');
    await terminal.hides('second answer');
    // what was said is there to be said again
    await terminal.shows('the second thing');
    await terminal.press('C-c');
    await say(terminal, 'another second thing', 'third answer');

    await terminal.type('/new');
    await terminal.press('Enter');
    await terminal.hides('third answer');
    await terminal.type('/resume');
    await terminal.press('Enter');
    await terminal.shows('go on with which session?');
    await terminal.press('Enter');
    await terminal.shows('third answer');
    expect(await terminal.screen()).not.toContain('second answer');

    await terminal.type('/fork');
    await terminal.press('Enter');
    await terminal.shows('go on from before which words of yours?');
    await terminal.press('Up', 'Enter');
    await terminal.hides('first answer');
    await terminal.shows('the first thing');
  });

  test('a key opens the models, typing finds one, and the footer names it', async () => {
    await using terminal = await startDash({ columns: 80, env: { ANTHROPIC_API_KEY: 'sk-not-a-key' } });
    await terminal.shows(READY);
    await terminal.press('C-l');
    await terminal.shows('which model?');
    await terminal.type('haiku-4-5');
    await terminal.shows(/›.*haiku-4-5/);
    await terminal.press('Enter');
    await terminal.hides('which model?');
    await terminal.shows(/haiku-4-5[^/]*$/);
    await terminal.type('/hotkeys');
    await terminal.press('Enter');
    await terminal.shows('show or fold what tools said');
  });

  test('/permissions grants by a letter only, and takes back; /why tells who granted it', async () => {
    await using terminal = await startDash({
      columns: 80,
      script: { turns: [{ text: 'nothing' }] },
      files: {
        'pkg/package.json': JSON.stringify({
          name: 'weather',
          version: '1.0.0',
          keywords: ['dash-package'],
          dash: { extensions: ['./index.ts'], permissions: ['net:api.weather.gov', 'fs:read:~/notes'] },
        }),
        'pkg/index.ts': 'export default () => {};',
      },
    });
    await terminal.shows(READY);
    await dash(terminal, 'install', './pkg', '--grant', 'summary');
    const granted = async (): Promise<string[]> => JSON.parse((await dash(terminal, 'permissions', 'list', '--json')).stdout).packages[0].permissions.granted;
    expect(await granted()).not.toContain('fs:read:~/notes');

    const open = async (): Promise<void> => {
      await terminal.type('/permissions weather');
      await terminal.press('Enter');
      await terminal.shows('weather 1.0.0');
      await terminal.type('notes');
      await terminal.press('Enter');
    };
    await open();
    await terminal.shows('may “weather” do this from now on?');
    await answer(terminal, 'Enter'); // what is no letter of a yes is a no
    expect(await granted()).not.toContain('fs:read:~/notes');

    await open();
    await terminal.shows('may “weather” do this from now on?');
    await answer(terminal, 'y');
    await terminal.shows('granted `fs:read:~/notes`');
    expect(await granted()).toContain('fs:read:~/notes');

    await terminal.type('/packages');
    await terminal.press('Enter');
    await terminal.shows('✓ weather 1.0.0');
    await terminal.press('Enter');
    // the list is there again: between the two nothing would hear the key
    await terminal.shows(/→ +weather 1\.0\.0/);
    await terminal.press('Escape');
    await terminal.shows('weather is off');
    expect(JSON.parse((await dash(terminal, 'list', '--json')).stdout).packages[0].enabled).toBe(false);

    await terminal.type('/why weather');
    await terminal.press('Enter');
    await terminal.shows('granted fs:read:~/notes: by `/permissions`');
    await open();
    await terminal.shows('took back `fs:read:~/notes`');
    expect(await granted()).not.toContain('fs:read:~/notes');
  });
});

describe('/login', () => {
  test('keeps a key that nobody sees, and who had no model has one at once; /logout forgets it', async () => {
    await using terminal = await startDash({ columns: 80 });
    await terminal.shows('no model');
    await terminal.type('/login');
    await terminal.press('Enter');
    await terminal.shows('log in at which provider?');
    await terminal.type('anthropic');
    await terminal.press('Enter');
    await terminal.shows('the key of anthropic');
    await terminal.type('sk-not-a-key');
    await terminal.shows('••••••••••••');
    expect(await terminal.everything()).not.toContain('sk-not-a-key');
    await terminal.press('Enter');
    await terminal.shows('kept the login at anthropic');
    await terminal.hides('no model ·');
    expect(JSON.parse(await readFile(join(terminal.home, 'credentials.json'), 'utf8')).keys).toEqual({ anthropic: 'sk-not-a-key' });
    expect((await stat(join(terminal.home, 'credentials.json'))).mode & 0o777).toBe(0o600);

    await terminal.type('/logout anthropic');
    await terminal.press('Enter');
    await terminal.shows('forgot the login at anthropic');
    expect(JSON.parse(await readFile(join(terminal.home, 'credentials.json'), 'utf8')).keys).toEqual({});
  });
});

const GATEWAY = {
  'gateway/package.json': JSON.stringify({ name: 'gateway', version: '1.0.0', keywords: ['dash-package'], dash: { extensions: ['./index.ts'] } }),
  'gateway/index.ts': `export default (pi) => pi.registerProvider('company', {
    baseUrl: 'https://llm.example.com', api: 'openai-completions',
    models: [{ id: 'm', name: 'M', reasoning: false, input: ['text'], cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 }, contextWindow: 1000, maxTokens: 100 }],
    oauth: {
      name: 'Company',
      async login({ onAuth, onPrompt }) {
        onAuth({ url: 'https://example.com/authorize', instructions: 'allow it there' });
        const access = await onPrompt({ message: 'paste the code' });
        return { access, refresh: '', expires: Date.now() + 3600000 };
      },
      refreshToken: async (login) => login,
      getApiKey: (login) => login.access,
    },
  });`,
};

test('/login at a provider of a package names the package in all that is shown and asked, and /model says whose a model is', async () => {
  await using terminal = await startDash({ columns: 80, script: { turns: [{ text: 'nothing' }] }, files: GATEWAY });
  await terminal.shows(READY);
  await dash(terminal, 'install', './gateway', '--grant', 'summary', '--grant', 'provider:llm.example.com');
  await terminal.type('/reload');
  await terminal.press('Enter');
  await terminal.shows('changed gateway');
  await terminal.type('/login company');
  await terminal.press('Enter');
  await terminal.shows(/^ │ gateway: log in to company: allow it there\n │ open https:\/\/example\.com\/authorize$/m);
  await terminal.shows(/^╭─ gateway ─+\n│ ─+\n│ +log in to company: paste the code$/m);
  await terminal.type('the-code');
  await terminal.press('Enter');
  await terminal.shows('kept the login at company; only gateway is handed it');
  await terminal.type('/model');
  await terminal.press('Enter');
  await terminal.shows(/company\/m +of gateway, M, \$1 in/);
  await terminal.press('Escape');
  // with what is typed at once it would be one key
  await terminal.hides('which model?');
  await terminal.type('/logout company');
  await terminal.press('Enter');
  await terminal.shows('forgot the login at company');
});

test("/settings changes one of the user's settings, and takes it back", async () => {
  await using terminal = await startDash({ columns: 80, script: { turns: [{ text: 'nothing' }] } });
  await terminal.shows(READY);
  const change = async (to: string): Promise<void> => {
    await terminal.type('images.block');
    await terminal.press('Enter');
    // the list says what it does, too: only the question names both
    await terminal.shows('images.block: keeps every image from models');
    await terminal.type(to);
    await terminal.press('Enter');
  };
  await terminal.type('/settings');
  await terminal.press('Enter');
  await terminal.shows('your settings');
  await change('true');
  await terminal.shows('images.block = true ●');
  expect(JSON.parse(await readFile(join(terminal.home, 'settings.json'), 'utf8'))).toEqual({ images: { block: true } });
  await change('as usual');
  await terminal.shows('images.block = false');
  expect(JSON.parse(await readFile(join(terminal.home, 'settings.json'), 'utf8'))).toEqual({});

  // what it cannot be is said, and the list is there for another try
  await terminal.type('maxCost');
  await terminal.press('Enter');
  await terminal.shows('enter answers');
  await terminal.type('plenty');
  await terminal.press('Enter');
  await terminal.shows('`maxCost` cannot be that: expected number');
  await terminal.shows('your settings');
  expect(JSON.parse(await readFile(join(terminal.home, 'settings.json'), 'utf8'))).toEqual({});
  await terminal.press('Escape');
  await terminal.shows(READY);
});

test('/scoped-models keeps which models a key cycles through; /trust lets the project speak', async () => {
  await using terminal = await startDash({ columns: 80, env: { ANTHROPIC_API_KEY: 'sk-not-a-key' }, files: { 'AGENTS.md': 'Say please.' } });
  await terminal.shows('trust this project?');
  // a key counts after half a second of quiet
  await expect.poll(async () => (await terminal.press('n'), READY.test(await terminal.screen())), { timeout: 30_000, interval: 800 }).toBe(true);
  await terminal.press('C-u');
  await terminal.type('/scoped-models');
  await terminal.press('Enter');
  await terminal.shows('cycled through: all of them');
  await terminal.type('haiku-4-5');
  await terminal.shows(/→.*haiku-4-5/);
  await terminal.press('Enter');
  await terminal.shows('cycled through: 1 of');
  await terminal.press('Escape');
  await terminal.hides('cycled through: 1 of');
  await expect
    .poll(async () => JSON.parse(await readFile(join(terminal.home, 'settings.json'), 'utf8').catch(() => '{}')), { timeout: 30_000 })
    .toEqual({ enabledModels: [expect.stringContaining('haiku-4-5')] });

  await terminal.type('/trust');
  await terminal.press('Enter');
  await terminal.shows('is not trusted, with');
  await expect
    .poll(async () => (await terminal.press('y'), (await terminal.screen()).includes('is not trusted, with')), { timeout: 30_000, interval: 800 })
    .toBe(false);
  await terminal.shows('is trusted, and taken up with');
  expect((await dash(terminal, 'trust', '--dry-run', '--json')).stdout).toContain('"trusted": true');
});
