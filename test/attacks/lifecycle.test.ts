import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { guardAgainstInspectorSignal, sandboxCommand } from '../../sandbox/index.ts';
import { processTree } from '../../sandbox/os-layer/index.ts';
import { programPath } from '../../sandbox/process/runtime-files.ts';
import { context, extensionOf, isAlive, openFixture, temporaryDirectory, textOf, until } from '../support/sandbox-fixture.ts';

/** Processes: signals, orphans, environments, and what is left when somebody dies. */
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess & { text(): string } {
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return Object.assign(child, { text: () => text });
}

const sandbox = (name: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../sandbox', name)).href);

/** A small agent in a process of its own, which opens the package of a fixture and calls one tool. */
async function agentScript(directory: string, fixture: Awaited<ReturnType<typeof openFixture>>, tool: string, after: string): Promise<string> {
  const script = join(directory, 'agent.mjs');
  const { compiled, graph, bundles, workspace, home, dashHome } = fixture;
  await writeFile(
    script,
    `import { AuditTrail, openPackage } from ${sandbox('index.ts')};
     const extension = openPackage({ name: 'probe', version: '1.0.0', contentHash: 'x', graph: ${JSON.stringify(graph)}, compiled: ${JSON.stringify(compiled)}, granted: { permissions: [] }, captured: undefined },
       { ports: { ui: {}, session: {}, agent: {} }, audit: new AuditTrail(${JSON.stringify(join(directory, 'audit'))}), bundles: ${JSON.stringify(bundles)}, workspace: ${JSON.stringify(workspace)}, home: ${JSON.stringify(home)}, dashHome: ${JSON.stringify(dashHome)}, environment: {} });
     await extension.wake();
     console.log('pid=' + extension.pid + ';');
     const call = extension.callTool(${JSON.stringify(tool)}, {}, { toolCallId: '1', context: { mode: 'print', hasUI: false }, timeoutMs: 60000 });
     call.catch(() => {});
     ${after}`,
  );
  return script;
}

const pidOf = async (agent: { text(): string }): Promise<number> => {
  await until(() => /pid=\d+;/.test(agent.text()) || /Error/.test(agent.text()));
  const [, pid] = /pid=(\d+);/.exec(agent.text()) ?? [];
  if (pid === undefined) throw new Error(agent.text());
  return Number(pid);
};

describe('no process outlives its agent', () => {
  const wedged = { wedge: `for (;;);`, sleep: `await new Promise(() => {})`, sync: `for (;;) { try { require('fs').statSync('x') } catch {} }` };

  test.each(Object.keys(wedged))('kill -9 of the agent, while a package does %s', async (tool) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(wedged) } });
    await using directory = await temporaryDirectory();
    const agent = start([await agentScript(directory.path, fixture, tool, `setInterval(() => {}, 1000);`)]);
    const pid = await pidOf(agent);
    expect(await isAlive(pid)).toBe(true);
    agent.kill('SIGKILL');
    await until(async () => !(await isAlive(pid)));
  });

  test('control arm: an ordinary child with a loop does outlive it', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(
      join(directory.path, 'agent.mjs'),
      `import { spawn } from 'node:child_process'; const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }); console.log('pid=' + child.pid + ';');`,
    );
    const agent = start([join(directory.path, 'agent.mjs')]);
    const pid = await pidOf(agent);
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    expect(await isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  test('an agent that exits with a wedged isolate exits, and leaves none', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(wedged) } });
    await using directory = await temporaryDirectory();
    const agent = start([await agentScript(directory.path, fixture, 'wedge', `setTimeout(() => process.exit(7), 200);`)]);
    const pid = await pidOf(agent);
    if (agent.exitCode === null) await once(agent, 'exit');
    expect(agent.exitCode).toBe(7);
    await until(async () => !(await isAlive(pid)));
  });

  test('an idle package does not keep an agent from ending', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) } });
    await using directory = await temporaryDirectory();
    const agent = start([await agentScript(directory.path, fixture, 'hello', `console.log((await call).content[0].text);`)]);
    const pid = await pidOf(agent);
    await until(() => agent.exitCode !== null);
    expect([agent.exitCode, agent.text()]).toEqual([0, expect.stringContaining('hello')]);
    await until(async () => !(await isAlive(pid)));
  });
});

test('twenty reloads leave no process, no descriptor and no timer behind', async () => {
  await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `setInterval(() => {}, 1000); return 'hello'` }) } });
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const pids: number[] = [];
  const reload = async (): Promise<void> => {
    const extension = fixture.reopen();
    expect(textOf(await extension.callTool('hello', {}, { toolCallId: '1', context }))).toBe('hello');
    pids.push(extension.pid ?? 0);
    await extension[Symbol.asyncDispose]();
  };
  await reload();
  const before = { descriptors: descriptors(), active: process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length };
  for (let round = 0; round < 20; round++) await reload();
  expect(new Set(pids).size).toBe(21);
  await until(async () => !(await Promise.all(pids.map(isAlive))).includes(true));
  await until(() => descriptors() <= before.descriptors + 2);
  await until(() => process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length <= before.active + 2);
});

describe('a sandbox process that dies', () => {
  test('in the middle of a call fails that call, and the next finds a new one', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ wait: `await new Promise(() => {})`, hello: `return 'hello'` }) } });
    await fixture.extension.wake();
    const pid = fixture.extension.pid ?? 0;
    const calls = [fixture.call('wait'), fixture.call('wait'), fixture.call('wait')].map((call) =>
      call.then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    setTimeout(() => process.kill(pid, 'SIGKILL'), 50);
    expect(await Promise.all(calls)).toEqual(['SANDBOX_DIED', 'SANDBOX_DIED', 'SANDBOX_DIED']);
    expect(await fixture.text('hello')).toBe('hello');
    expect(fixture.extension.pid).not.toBe(pid);
  });

  test('while it loads fails the start, not the agent', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': `export default async (pi) => { await new Promise((r) => setTimeout(r, 400)); };` } });
    const waking = fixture.extension.wake().then(
      () => 'awake',
      (error: { code: string }) => error.code,
    );
    await until(() => fixture.extension.pid !== undefined);
    process.kill(fixture.extension.pid ?? 0, 'SIGKILL');
    expect(await waking).toBe('SANDBOX_DIED');
  });

  test('does not take another package along', async () => {
    await using one = await openFixture({ name: 'one', files: { 'index.ts': extensionOf({ hello: `return 'one'` }) } });
    await using two = await openFixture({ name: 'two', files: { 'index.ts': extensionOf({ hello: `return 'two'` }) } });
    await Promise.all([one.extension.wake(), two.extension.wake()]);
    process.kill(one.extension.pid ?? 0, 'SIGKILL');
    expect(await two.text('hello')).toBe('two');
  });
});

describe('the inspector', () => {
  const inspected = (agent: { text(): string }): boolean => agent.text().includes('Debugger listening');

  test('control arm: SIGUSR1 opens it in a node without a listener', async () => {
    const agent = start(['--inspect-port=0', '-e', `console.log('up'); setInterval(() => {}, 1000)`]);
    await until(() => agent.text().includes('up'));
    agent.kill('SIGUSR1');
    await until(() => inspected(agent));
  });

  test('does not open in an agent that guards itself, nor in a sandbox process', async () => {
    const agent = start([
      '--inspect-port=0',
      '--input-type=module',
      '-e',
      `const { guardAgainstInspectorSignal } = await import(${sandbox('process/layers.ts')}); guardAgainstInspectorSignal(); process.on('SIGUSR2', () => console.log('still here')); setInterval(() => {}, 1000); console.log('up')`,
    ]);
    await until(() => agent.text().includes('up'));
    agent.kill('SIGUSR1');
    agent.kill('SIGUSR2');
    await until(() => agent.text().includes('still here'));
    expect(inspected(agent)).toBe(false);

    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) } });
    await fixture.extension.wake();
    process.kill(processTree(fixture.extension.pid ?? 0).at(-1) ?? 0, 'SIGUSR1');
    expect(await fixture.text('hello')).toBe('hello');
  });

  test('is guarded before the first child exists, here too', () => {
    guardAgainstInspectorSignal();
    expect(process.listenerCount('SIGUSR1')).toBeGreaterThan(0);
  });
});

describe('the environment', () => {
  const secrets = { GITHUB_TOKEN: 'the-token', Github_Token: 'cased', EDITOR: 'vi', NODE_OPTIONS: '--inspect=0' };

  test('of the agent does not reach a sandbox process, not even its variables for node', async () => {
    const control = start(['-e', `console.log(JSON.stringify(process.env), process.execArgv.length)`], { ...secrets, NODE_OPTIONS: '--no-warnings' });
    await once(control, 'exit');
    expect(control.text()).toContain('the-token'); // control arm: children inherit
    const before = { ...process.env };
    Object.assign(process.env, { GITHUB_TOKEN: 'the-token', NODE_OPTIONS: '--require=/does/not/exist.js', LD_PRELOAD: '' });
    try {
      await using fixture = await openFixture({
        files: {
          'index.ts': extensionOf({
            env: `return JSON.stringify({ env: process.env, argv: process.argv, execArgv: process.execArgv, keys: Reflect.ownKeys(process.env) })`,
          }),
        },
      });
      const text = await fixture.text('env');
      expect(text).not.toMatch(/the-token|does\/not\/exist/);
      const { readFile } = await import('node:fs/promises');
      const environment = await readFile(`/proc/${fixture.extension.pid}/environ`, 'utf8');
      expect(environment).not.toMatch(/the-token|NODE_OPTIONS|LD_PRELOAD/);
    } finally {
      for (const name of ['GITHUB_TOKEN', 'NODE_OPTIONS', 'LD_PRELOAD']) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  test('holds exactly the names that were granted: no case variant, no neighbour, no prototype', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({
          env: `return JSON.stringify({ ...process.env, direct: process.env.GITHUB_TOKEN ?? null, proto: process.env.__proto__ === undefined ? null : 'p', cased: process.env.editor ?? null })`,
        }),
      },
      granted: ['env:EDITOR', 'env:GITHUB_TOKEN', '!env:GITHUB_TOKEN'],
      environment: secrets,
    });
    const text = await fixture.text('env');
    expect(text).not.toMatch(/the-token|cased"?:?"cased|inspect/);
    expect(JSON.parse(text)).toMatchObject({ EDITOR: 'vi', direct: null, cased: null });
  });

  test('is not shown by what the process is started with', () => {
    const { args } = sandboxCommand(programPath('sandbox-process'));
    for (const flag of ['--jitless', '--permission', '--disable-sigusr1', '--allow-addons']) expect(args).toContain(flag);
    expect(args.filter((arg) => arg.startsWith('--allow-'))).toEqual([`--allow-fs-read=${programPath('sandbox-process')}`, '--allow-addons']);
  });

  test('granted later than it was set stays what it was: a guest’s changes reach nobody', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ set: `process.env.PATH = '/evil'; process.env.NODE_OPTIONS = '--inspect'; return 'set'` }) },
    });
    const { PATH } = process.env;
    expect(await fixture.text('set')).toBe('set');
    expect(process.env['PATH']).toBe(PATH);
    const again = fixture.reopen();
    expect(textOf(await again.callTool('set', {}, { toolCallId: '1', context }))).toBe('set');
  });
});
