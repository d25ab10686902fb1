import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DASH = join(import.meta.dirname, '../../bin/dash.js');
const COUNTER = fileURLToPath(new URL('../support/count-objects.mjs', import.meta.url));

const source = (tool: string, version: number): string => `export default (pi) => {
  pi.registerTool({ name: '${tool}', description: 'version ${version}', parameters: { type: 'object', properties: {} }, async execute() { return '${version}'; } });
};
`;

interface Agent {
  ask(record: object): Promise<void>;
  /** How many objects are alive in it at this moment. */
  alive(): Promise<number>;
}

/** An agent in rpc mode with two linked packages, until the test is over. */
async function startAgent(root: string, packages: readonly string[]): Promise<Agent> {
  const [home, cwd] = [join(root, 'home'), join(root, 'workspace')];
  for (const path of [home, cwd]) await mkdir(path);
  const provider = { id: 'local', baseUrl: 'http://127.0.0.1:9/v1', api: 'openai-completions', models: [{ id: 'm' }] };
  await writeFile(join(home, 'models.json'), JSON.stringify({ providers: [provider] }));
  const env = { PATH: process.env['PATH'], HOME: root, DASH_HOME: home };
  execFileSync(process.execPath, [DASH, 'install', ...packages, '--user', '--quiet'], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const child = spawn(process.execPath, ['--import', COUNTER, DASH, '--mode', 'rpc', '--model', 'local/m'], { cwd, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`the agent ended with ${code}`))));
  ended.catch(() => undefined);
  const answers = new Map<string, () => void>();
  let counted: (count: number) => void = () => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { type, id }: { readonly type?: string; readonly id?: string } = JSON.parse(line);
    if (type === 'response' && id !== undefined) answers.get(id)?.();
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, count] = /^objects: (\d+)$/.exec(line) ?? [];
    if (count !== undefined) counted(Number(count));
  });
  let asked = 0;
  return {
    async ask(record) {
      const id = String((asked += 1));
      const { promise, resolve } = Promise.withResolvers<void>();
      answers.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ ...record, id })}\n`);
      await Promise.race([promise, ended]);
    },
    async alive() {
      const { promise, resolve } = Promise.withResolvers<number>();
      counted = resolve;
      child.kill('SIGUSR2');
      return Promise.race([promise, ended]);
    },
  };
}

test('an agent that reloaded many times holds no more than one that reloaded a few times', { timeout: 300_000 }, async () => {
  const root = await temporaryDirectory();
  const packages = ['changing', 'staying'].map((name) => join(root, name));
  for (const [index, path] of packages.entries()) {
    await mkdir(path);
    await writeFile(join(path, 'package.json'), JSON.stringify({ name: `reloaded-${index}`, version: '1.0.0', dash: { extensions: ['index.ts'] } }));
    await writeFile(join(path, 'index.ts'), source(`tool_${index}`, 0));
  }
  const agent = await startAgent(root, packages);
  await agent.ask({ type: 'get_state' });
  let version = 0;
  const reload = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await writeFile(join(root, 'changing', 'index.ts'), source('tool_0', (version += 1)));
      await agent.ask({ type: 'prompt', message: '/reload' });
    }
  };
  await reload(8);
  const few = await agent.alive();
  const rounds = 30;
  await reload(rounds);
  const many = await agent.alive();
  // A process that is kept ready, or not just now, makes a difference of a hundred or two; what one reload left behind once was thirty.
  expect(many - few).toBeLessThan(rounds * 10);
});
