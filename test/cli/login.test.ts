import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'dash-login-cli-'));
const home = join(base, '.dash');
afterAll(() => rmSync(base, { recursive: true, force: true }));

function dash(args: readonly string[], { input = '', env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), ...args, '--json'], {
    cwd: base,
    env: { PATH: process.env['PATH'], HOME: base, DASH_HOME: home, ...env },
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr, document: JSON.parse(stdout) };
}
const providers = (options = {}): string[] =>
  [...new Set(dash(['models'], options).document.models.map(({ provider }: { provider: string }) => provider))] as string[];

it('`dash login` keeps a key where only its owner reads it, `dash models` lists what it opens, `dash logout` forgets it', () => {
  expect(providers()).toEqual([]);
  expect(dash(['login', 'anthropic'], { input: 'sk-the-key\n' })).toMatchObject({ status: 0, document: { provider: 'anthropic', loggedIn: true } });
  const path = join(home, 'credentials.json');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toContain('sk-the-key');
  const listed = dash(['models', 'claude', 'sonnet']);
  expect(listed.document.models[0]).toMatchObject({ provider: 'anthropic', id: expect.stringContaining('sonnet') });
  expect(listed.stdout).not.toContain('sk-the-key');
  expect(providers({ env: { OPENAI_API_KEY: 'k' } })).toEqual(['anthropic', 'openai', 'auto']);
  expect(dash(['login', 'antropic'], { input: 'k' })).toMatchObject({ status: 2, document: { error: { hint: 'did you mean `anthropic`?' } } });
  expect(dash(['login', 'openai'])).toMatchObject({ status: 2, document: { error: { code: 'INPUT_REQUIRED' } } });
  // no tool of an agent logs in, out, or trusts
  for (const args of [['login', 'openai'], ['logout', 'anthropic'], ['trust'], ['trust', '--revoke']])
    expect(dash(args, { input: 'k', env: { DASH_TOOL_PROCESS: '1' } })).toMatchObject({ document: { error: { code: 'DELEGATED_CONSENT' } } });
  expect(dash(['logout', 'anthropic'])).toMatchObject({ status: 0 });
  expect(providers()).toEqual([]);
});

it('says which variable a model needs, and keeps a damaged file to itself', () => {
  mkdirSync(join(base, 'work'), { recursive: true });
  const { status, document } = dash(['-p', 'hello', '--model', 'openai/gpt-5.5']);
  expect(status).not.toBe(0);
  expect(document).toMatchObject({ error: { code: 'NO_MODEL', hint: 'set OPENAI_API_KEY, or run `dash login openai`' } });
  writeFileSync(join(home, 'credentials.json'), '{"version":1,"keys":{"openai":"sk-broken');
  const broken = dash(['models']);
  expect(broken).toMatchObject({ document: { error: { code: 'SETTINGS_INVALID' } } });
  expect(broken.stdout + broken.stderr).not.toContain('sk-broken');
});
