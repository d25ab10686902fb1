import { describe, expect, test } from 'vitest';
import { type DashInTerminal, startDash } from '../support/dash-in-terminal.ts';
import { type FixtureRegistry, type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';

const READY = /balanced/;

/** Says which one it is; the model is told the same of both, so that only what it may do makes it wait. */
const weather = (version: string, permissions: Readonly<Record<string, string>> = {}): PublishedVersion => ({
  name: 'weather',
  version,
  manifest: { keywords: ['dash-package'], dash: { extensions: ['index.ts'], permissions } },
  files: { 'index.ts': `export default (dash) => { dash.registerCommand('weather', { handler: async (_, ctx) => ctx.ui.notify('this is ${version}') }); };` },
});

const more = weather('1.1.0', { 'net:api.weather.example': 'to ask how the weather is', 'fs:read:~/places': 'to know where you are' });
const asksForMore: PublishedVersion = {
  ...more,
  files: { ...more.files, 'CHANGELOG.md': '# Changelog\n\n## 1.1.0\n\n- asks a service instead of guessing\n\n## 1.0.0\n\n- guesses\n' },
};

interface Scene {
  readonly terminal: DashInTerminal;
  readonly registry: FixtureRegistry;
}

/** Dash with a package, of which a version waits that asks for more. */
async function start(columns: number): Promise<Scene> {
  const registry = await startNpmRegistry(weather('1.0.0'));
  const terminal = await startDash({
    columns,
    script: { turns: [{ text: 'Hello.' }] },
    env: { npm_config_registry: registry.url },
    async before({ run }) {
      await run('install', 'weather');
      registry.publish(asksForMore);
      await run('update');
    },
  });
  await terminal.shows(READY);
  return { terminal, registry };
}

async function open(terminal: DashInTerminal): Promise<void> {
  await terminal.type('/updates');
  await terminal.press('Enter');
  await terminal.shows('take “weather” 1.1.0');
}

async function answer(terminal: DashInTerminal, key: string): Promise<void> {
  await expect.poll(async () => (await terminal.press(key), (await terminal.screen()).includes('[t] take it')), { timeout: 30_000, interval: 800 }).toBe(false);
  await terminal.press('C-u');
}

async function says(terminal: DashInTerminal, expected: string): Promise<void> {
  await terminal.type('/weather');
  await terminal.press('Enter');
  await terminal.shows(expected);
}

const installed = async ({ run }: DashInTerminal): Promise<unknown> => JSON.parse(await run('list', '--json')).packages;

describe.each([{ columns: 80 }, { columns: 40 }])('an update that asks for more, at $columns columns', ({ columns }) => {
  test('is shown with what it newly wants; refused, the old one runs on; taken, the new one runs at once', async () => {
    const { terminal } = await start(columns);
    await using _ = terminal;
    await terminal.shows('1 update waits for you: `/updates`');
    await says(terminal, 'this is 1.0.0');

    await open(terminal);
    await expect(await terminal.golden()).toMatchFileSnapshot(`./golden/updates.${columns}.txt`);
    await answer(terminal, 'n');
    expect(await installed(terminal)).toMatchObject([{ version: '1.0.0', permissions: { granted: [] } }]);
    await says(terminal, 'this is 1.0.0');

    await open(terminal);
    await answer(terminal, 't');
    await terminal.shows(/weather 1\.0\.0 → 1\.1\.0; it\s+runs\s+from/);
    await says(terminal, 'this is 1.1.0');
    await expect(await terminal.golden()).toMatchFileSnapshot(`./golden/updates-taken.${columns}.txt`);
    // what is dangerous is asked when it is used, whatever was said to the update
    expect(await installed(terminal)).toMatchObject([{ version: '1.1.0', permissions: { granted: ['net:api.weather.example'] } }]);
    await terminal.type('/updates');
    await terminal.press('Enter');
    await terminal.shows('no update waits for you');
  });
});

test('an update is taken without what it newly wants', async () => {
  const { terminal } = await start(80);
  await using _ = terminal;
  await open(terminal);
  await answer(terminal, 'w');
  await terminal.shows('it runs from now on');
  await says(terminal, 'this is 1.1.0');
  expect(await installed(terminal)).toMatchObject([
    { version: '1.1.0', permissions: { granted: [], denied: ['fs:read:~/places', 'net:api.weather.example'] } },
  ]);
});

test('what waits by now is not taken in the place of what was shown', async () => {
  const { terminal, registry } = await start(80);
  await using _ = terminal;
  await open(terminal);
  // while the question is open, somebody looks for updates again, and there is a greedier one
  registry.publish(weather('1.2.0', { 'net:*.weather.example': 'to say it to everybody' }));
  await terminal.run('update');
  await answer(terminal, 't');
  await terminal.shows('is not what was shown');
  expect(await installed(terminal)).toMatchObject([{ version: '1.0.0', permissions: { granted: [] } }]);
});
