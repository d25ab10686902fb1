import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { endOrphans } from '../../sandbox/index.ts';
import { startedAt } from '../../sandbox/os-layer/index.ts';
import { layer, openConfinedScene } from '../support/confined-scene.ts';
import { temporaryDirectory, until, writeFiles } from '../support/sandbox-fixture.ts';

/** Who lives how long, as whom, and with which descriptors. */
const AGENT = fileURLToPath(new URL('../support/confined-agent.ts', import.meta.url));

/** `directory` holds what the agent leaves when it is killed. */
function agent(
  directory: string,
  how: 'confined' | 'naively',
  script: string,
  descriptors: Readonly<Record<number, number>> = {},
): ChildProcess & { text(): string } {
  const highest = Math.max(2, ...Object.keys(descriptors).map(Number));
  const stdio = Array.from({ length: highest + 1 }, (_, index) => (index === 1 ? 'pipe' : index === 2 ? 'inherit' : (descriptors[index] ?? 'ignore')));
  const child = spawn(process.execPath, [AGENT, how, script], { stdio, env: { ...process.env, TMPDIR: directory } });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return Object.assign(child, { text: () => text });
}

/** Processes that have `mark` in their command line. */
function marked(mark: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && argumentsOf(pid).includes(mark));
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Ends what has `mark` in its command line; the end of one of them may be the end of the next. */
function end(mark: string): void {
  for (const pid of marked(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

let nextMark = 70_000 + (process.pid % 10_000);

describe.skipIf(layer.kind !== 'live')('the life of a confined program (skipped where the probe of `dash sandbox layers` fails)', () => {
  test('a grandchild that left its session does not outlive the program', async () => {
    const mark = String(nextMark++);
    await using scene = await openConfinedScene(['fs:read']);
    await scene.confined(`setsid -f sleep ${mark} </dev/null >/dev/null 2>&1; setsid sh -c 'nohup sleep ${mark} >/dev/null 2>&1 &'; echo done`);
    await until(() => marked(mark).length === 0);

    const control = spawn('sh', ['-c', `setsid -f sleep ${mark} </dev/null >/dev/null 2>&1`], { stdio: 'ignore' });
    await new Promise((resolve) => control.on('exit', resolve));
    await until(() => marked(mark).length === 1);
    end(mark);
  });

  test('kill -9 of the agent ends all descendants', async () => {
    const mark = String(nextMark++);
    await using directory = await temporaryDirectory();
    const child = agent(directory.path, 'confined', `setsid -f sleep ${mark} </dev/null >/dev/null 2>&1; sleep ${mark}`);
    await until(() => marked(mark).length >= 2, 30_000);
    child.kill('SIGKILL');
    await until(() => marked(mark).length === 0);
    await new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.on('exit', resolve) : resolve(undefined)));

    const control = agent(directory.path, 'naively', `setsid -f sleep ${mark} </dev/null >/dev/null 2>&1; sleep ${mark}`);
    await until(() => marked(mark).length >= 2, 30_000);
    control.kill('SIGKILL');
    await new Promise((resolve) => control.on('exit', resolve));
    expect(marked(mark).length).toBeGreaterThanOrEqual(2);
    end(mark);
  });

  /** Kills an agent while its program is being confined. @returns whether the program runs all the same */
  const dieMeanwhile = async (how: 'at once' | 'gated', mark: string, milliseconds: number): Promise<boolean> => {
    await using directory = await temporaryDirectory();
    const script = fileURLToPath(new URL('../support/dying-agent.ts', import.meta.url));
    const dying = spawn(process.execPath, [script, how, directory.path, mark, String(milliseconds)], { stdio: ['ignore', 'ignore', 'inherit'] });
    await new Promise((resolve) => dying.on('exit', resolve));
    for (let seen = ''; ;) {
      const now = marked(mark).join();
      if (now === seen) break; // it has become what it will be
      seen = now;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return isRunning(mark);
  };
  const isRunning = (mark: string): boolean => marked(mark).some((pid) => argumentsOf(pid)[0] === '/bin/sleep');

  test('an agent that dies while its program is being confined does not leave it running', async () => {
    const mark = String(nextMark++);
    const delays = [0, 1, 2, 3, 4, 6, 8, 10];
    for (const milliseconds of delays) {
      await dieMeanwhile('gated', mark, milliseconds);
      await until(() => !isRunning(mark), 30_000);
    }
    // What may be left waits for a word that nobody says any more, and runs nothing.
    endOrphans();
    await until(() => marked(mark).length === 0, 30_000);

    // Control arm: bubblewrap's own tie to who started it comes after the mounts, which is too late.
    const control = String(nextMark++);
    let survived = false;
    for (let tries = 0; tries < 40 && !survived; tries++) survived = await dieMeanwhile('at once', control, delays[tries % delays.length] ?? 0);
    expect(survived).toBe(true);
    end(control);
  });

  test('what waits for an agent that is gone is ended, and what belongs to one that lives is not', async () => {
    const gone = spawn('true', { stdio: 'ignore' });
    const stamp = `${gone.pid}-${startedAt(gone.pid ?? 0) ?? 1}`;
    await new Promise((resolve) => gone.on('exit', resolve));
    const waiting = (agent: string, mark: string): ChildProcess =>
      spawn(layer.kind === 'live' ? layer.tools.bubblewrap : '', ['--ro-bind', '/', '/', '--die-with-parent', 'sleep', mark], {
        stdio: 'ignore',
        env: { PATH: process.env['PATH'], DASH_CONFINED_BY: agent },
      });
    const [orphaned, owned] = [String(nextMark++), String(nextMark++)];
    const children = [waiting(stamp, orphaned), waiting(`${process.pid}-${startedAt(process.pid)}`, owned)];
    await until(() => marked(orphaned).length >= 2 && marked(owned).length >= 2, 30_000);
    expect(endOrphans()).toBeGreaterThanOrEqual(1);
    await until(() => marked(orphaned).length === 0);
    expect(marked(owned).length).toBeGreaterThanOrEqual(2);
    for (const child of children) child.kill('SIGKILL');
    await until(() => marked(owned).length === 0);
  });

  test('a descriptor that somebody left open in the agent does not reach the program', async () => {
    await using directory = await temporaryDirectory();
    await writeFiles(directory.path, { secret: 'read-by-descriptor' });
    // 251 is beyond what Node closes by itself when it starts.
    const script = 'cat /proc/self/fd/251; ls -l /proc/self/fd';
    for (const [how, leaks] of [
      ['confined', false],
      ['naively', true],
    ] as const) {
      const descriptor = openSync(join(directory.path, 'secret'), 'r');
      const child = agent(directory.path, how, script, { 251: descriptor });
      await new Promise((resolve) => child.on('close', resolve));
      closeSync(descriptor);
      expect(child.text()).toContain('agent ready');
      expect(child.text().includes('read-by-descriptor')).toBe(leaks);
    }
  });

  test.skipIf(process.getuid?.() !== 0)('an agent that runs as root runs programs as the owner of the workspace (only root can show it)', async () => {
    await using scene = await openConfinedScene(['fs:read', 'fs:write:./output']);
    const { workspace, data, tmp } = scene.places;
    for (const path of [workspace, join(workspace, 'output'), data, tmp]) chownSync(path, 12_345, 12_345);
    const script =
      'id -u; id -G; echo mine > output/mine.txt && echo written; cat .env >/dev/null 2>&1 || echo held; grep -E "^(CapEff|CapPrm)" /proc/self/status';
    const { stdout } = await scene.confined(script);
    expect(stdout).toBe('12345\n12345\nwritten\nheld\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n');
    expect(statSync(join(workspace, 'output/mine.txt')).uid).toBe(12_345);
    expect((await scene.naively('id -u')).stdout).toBe('0\n');
  });
});
