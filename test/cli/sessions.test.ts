import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionManager } from '@earendil-works/pi-coding-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'dash-sessions-cli-'));
const project = join(base, 'project');
const script = join(base, 'script.json');

function dash(args: readonly string[], cwd = project) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: join(base, 'home'), DASH_HOME: join(base, 'home/.dash') },
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr };
}
function json(...args: string[]) {
  const { stdout, stderr, status } = dash([...args, '--json']);
  return { status, stderr, document: JSON.parse(stdout) };
}
const ask = (prompt: string, ...flags: string[]) => dash(['-p', prompt, '--model', `scripted:${script}`, ...flags]);

beforeAll(() => {
  mkdirSync(project, { recursive: true });
  mkdirSync(join(base, 'elsewhere'));
  writeFileSync(script, JSON.stringify({ turns: [{ text: 'an <script>alert(1)</script> answer' }], repeat: true }));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('`dash session`', () => {
  it('says that there is none, and names no file', () => {
    expect(json('session', 'list').document).toEqual({ sessions: [] });
    expect(json('session', 'show')).toMatchObject({ status: 7, document: { error: { code: 'SESSION_NOT_FOUND' } } });
  });

  it('lists, shows and exports what was said, and goes on with it', () => {
    expect(ask('what is this?').stdout).toContain('answer');
    expect(ask('and that?', '--continue').status).toBe(0);
    const { sessions } = json('session', 'list').document;
    expect(sessions).toMatchObject([{ messages: 4, firstMessage: 'what is this?', cwd: project }]);
    const shown = json('session', 'show', sessions[0].id.slice(0, 6)).document;
    expect(shown.context.messages.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(shown.leaf).toBe(shown.entries.at(-1).id);
    expect(dash(['session', 'show']).stdout).toContain('> and that?');
    expect(json('session', 'export').document).toEqual(shown);

    const page = join(base, 'out.html');
    expect(dash(['session', 'export', '-o', page]).status).toBe(0);
    expect(statSync(page).mode & 0o777).toBe(0o600);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('an &lt;script&gt;alert(1)&lt;/script&gt; answer');
    expect(html).not.toMatch(/<script|\son\w+=|javascript:|<(?:link|iframe|object|base|form)\b|src="(?!data:image)/i);
    expect(dash(['session', 'export', '-o', join(base, 'out.pdf')])).toMatchObject({ status: 2 });
  });

  it('forks into a file of its own, and resumes what is named', () => {
    const [{ id }] = json('session', 'list').document.sessions;
    expect(ask('on my own', '--fork', id).status).toBe(0);
    const { sessions } = json('session', 'list').document;
    expect(sessions).toMatchObject([
      { messages: 6, parentSession: expect.stringContaining(id) },
      { messages: 4, id },
    ]);
    expect(ask('back here', '--resume', id).status).toBe(0);
    expect(json('session', 'show', id).document.context.messages).toHaveLength(6);
    expect(dash(['--resume', '-p', 'x', '--model', `scripted:${script}`])).toMatchObject({ status: 2, stderr: expect.stringContaining('dash session list') });
  });

  it("takes one of pi's over, and gives nobody what a package kept in it", () => {
    const manager = SessionManager.create(join(base, 'elsewhere'), join(base, 'pi'));
    manager.appendMessage({ role: 'user', content: 'from pi', timestamp: 1 });
    manager.appendCustomEntry('state', { secret: 1 });
    manager.appendMessage({
      role: 'assistant',
      content: [{ type: 'text', text: 'pi answers' }],
      api: 'openai-completions',
      provider: 'p',
      model: 'm',
      usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
      stopReason: 'stop',
      timestamp: 2,
    });
    const { path } = json('session', 'import', manager.getSessionFile() ?? '').document;
    const { entries, context } = json('session', 'show', path).document;
    expect(context.messages).toEqual(JSON.parse(JSON.stringify(manager.buildSessionContext().messages)));
    expect(entries.find(({ type }: { type: string }) => type === 'custom')).toMatchObject({ customType: 'imported:state' });
    expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '')).toMatchObject({ cwd: project });
  });

  it('opens a damaged file up to the damage, and changes nothing in it by looking', () => {
    const directory = join(base, 'home/.dash/sessions');
    const name = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith('.jsonl')) ?? '';
    const lines = readFileSync(join(directory, name), 'utf8').trim().split('\n');
    const damaged = join(base, 'damaged.jsonl');
    writeFileSync(damaged, [...lines, '{"type":"message","id":"half', '\0\0\0\0'].join('\n'));
    const before = readFileSync(damaged);
    const { status, stderr, document } = json('session', 'show', damaged);
    expect(status).toBe(0);
    expect(document.entries).toHaveLength(lines.length - 1);
    expect(stderr).toMatch(/damaged\.jsonl/);
    expect(readFileSync(damaged)).toEqual(before);
    writeFileSync(damaged, 'no session\n');
    expect(json('session', 'show', damaged)).toMatchObject({ status: 1, document: { error: { code: 'SESSION_CORRUPT' } } });
  });
});
