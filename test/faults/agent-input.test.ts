import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSession } from '../../host/session/session-file.ts';
import { startJourney } from '../support/journey.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DASH = join(import.meta.dirname, '../../bin/dash.js');

/** A home and a workspace, and the program on them. */
async function scene(home?: string) {
  const root = home ?? (await temporaryDirectory());
  const cwd = join(root, 'work');
  mkdirSync(cwd, { recursive: true });
  const dash = (script: object, ...args: string[]) => {
    const model = join(cwd, 'script.json');
    writeFileSync(model, JSON.stringify(script));
    const env = { PATH: process.env['PATH'], HOME: root, DASH_HOME: join(root, '.dash') };
    return spawnSync(process.execPath, [DASH, '--model', `scripted:${model}`, ...args], { cwd, env, encoding: 'utf8', input: '', timeout: 120_000 });
  };
  const session = (): string => {
    const directory = join(root, '.dash/sessions');
    return join(directory, readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith('.jsonl')) ?? '');
  };
  return { root, cwd, dash, session };
}

describe('the agent on the command line', () => {
  it('opens a damaged session up to the damage, says which line, and goes on', async () => {
    const { dash, session } = await scene();
    expect(dash({ turns: [{ text: 'the first answer' }] }, '-p', 'first')).toMatchObject({ status: 0 });
    const path = session();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    writeFileSync(path, [...lines, '{"type":"message","id":"half', ''].join('\n'));
    const { status, stdout, stderr } = dash({ turns: [{ text: 'the second answer' }] }, '-p', 'second', '--continue');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'the second answer\n' });
    expect(stderr).toMatch(new RegExp(`not a JSON object and is left out .*jsonl:${lines.length + 1}\\)`));
    const { entries } = await readSession(path);
    expect(entries.flatMap((entry) => (entry.type === 'message' ? [entry.message.role] : []))).toEqual(['user', 'assistant', 'user', 'assistant']);
  });

  it('cuts off a handler that never answers, names it, and gives the answer', async () => {
    const journey = await startJourney();
    await journey.publish('stuck', `export default (pi) => { pi.on('turn_start', () => new Promise(() => {})); };`);
    await journey.install('stuck');
    const script = join(journey.workspace, 'script.json');
    writeFileSync(script, JSON.stringify({ turns: [{ text: 'the answer' }] }));
    const { exitCode, stdout, stderr } = await journey.dash('-p', 'go', '--model', `scripted:${script}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'the answer\n' });
    expect(stderr).toMatch(/^stuck: turn_start: .*(30|deadline|time)/m);
  });
});

const mayMount = (() => {
  const directory = mkdtempSync(join(tmpdir(), 'dash-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
  if (mounted) spawnSync('umount', [directory]);
  rmdirSync(directory);
  return mounted;
})();

describe.skipIf(!mayMount)(`a disk that fills up while the program answers${mayMount ? '' : ' (skipped: this user may not mount)'}`, () => {
  it('is told with its file, and what was acknowledged before is there for the next start', async () => {
    const disk = await temporaryDirectory();
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status).toBe(0);
    try {
      const { dash, session } = await scene(disk);
      expect(dash({ turns: [{ text: 'the first answer' }] }, '-p', 'first')).toMatchObject({ status: 0 });
      const before = readFileSync(session(), 'utf8');
      const fill = {
        name: 'bash',
        arguments: { command: `dd if=/dev/zero of=${join(disk, 'filler')} bs=512 2>&1 | tail -1; head -c 30000 /dev/zero | tr '\\0' x`, unconfined: true },
      };
      const { status, stderr } = dash(
        { turns: [{ text: 'filling', toolCalls: [fill] }, { text: 'never said' }] },
        '-p',
        'now fill it',
        '--continue',
        '--approve',
        'all',
      );
      expect(status).toBe(1);
      expect(stderr).toContain(`cannot write the session \`${session()}\``);
      const after = readFileSync(session(), 'utf8');
      expect(after.startsWith(before)).toBe(true);
      expect(after.endsWith('\n')).toBe(true);
      expect((await readSession(session())).diagnostics).toEqual([]);
      rmSync(join(disk, 'filler'));
      expect(dash({ turns: [{ text: 'the last answer' }] }, '-p', 'after', '--continue')).toMatchObject({ status: 0, stdout: 'the last answer\n' });
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});
