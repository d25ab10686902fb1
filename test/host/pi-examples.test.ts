import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DashError, type ModuleGraph, parsePermissionSet, mergeRegistrations } from '../../format/index.ts';
import { createHost, type Host, type HostEvent, type LoadedPackage, type OpenPackage } from '../../host/index.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import { AuditTrail, capturePackage, compilePackage, openPackage } from '../../sandbox/index.ts';
import { ask } from '../support/in-test-host.ts';

/** Linked directories in the real sandbox: the host with nothing taken out. */
interface World extends AsyncDisposable {
  readonly host: Host;
  readonly events: HostEvent[];
  readonly directories: Readonly<Record<string, string>>;
}

interface Source {
  readonly name: string;
  /** A file to copy, or its text. */
  readonly from?: string;
  readonly text?: string;
  readonly granted?: readonly string[];
}

const EXAMPLES = join(import.meta.dirname, '../../node_modules/@earendil-works/pi-coding-agent/examples/extensions');

async function start(script: Script, sources: readonly Source[]): Promise<World> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'dash-examples-'));
  const directories: Record<string, string> = {};
  for (const { name, from, text = '' } of sources) {
    const dir = await mkdtemp(join(root, `${name}-`));
    directories[name] = dir;
    await writeFile(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    if (from === undefined) await writeFile(join(dir, 'index.ts'), text);
    else await copyFile(join(EXAMPLES, from), join(dir, 'index.ts'));
  }
  const bundles = { directory: join(root, 'bundles') };
  const audit = new AuditTrail(join(root, 'audit'));
  const cwd = await mkdtemp(join(root, 'workspace-'));
  const dashHome = await mkdtemp(join(root, 'home-'));

  const open: OpenPackage = async ({ name, version, contentHash, dir, granted }, ports) => {
    const graph: ModuleGraph = { root: name, nodes: { [name]: { name, version, dir, dependencies: {} } } };
    const compiled = await compilePackage({ graph, entries: ['index.ts'] }, bundles);
    const [failure] = compiled.failures;
    if (failure !== undefined) throw new DashError('COMPILE_FAILED', failure.error.message, { where: failure.error.where });
    const { captureOutcomes: captures } = await capturePackage({ name, version, contentHash, graph, compiled }, bundles);
    const captured = captures.every((capture) => capture.kind === 'ok') ? mergeRegistrations(captures.map(({ registrations }) => registrations)) : undefined;
    return openPackage(
      { name, version, contentHash, graph, compiled, granted, captured },
      { ports, audit, bundles, workspace: cwd, home: root, dashHome, environment: {} },
    );
  };
  const read = async (): Promise<readonly LoadedPackage[]> =>
    Promise.all(
      sources.map(async ({ name, granted = [] }) => ({
        id: `path:${directories[name]}`,
        name,
        version: '1.0.0',
        dir: directories[name] ?? '',
        linked: true,
        contentHash: createHash('sha256')
          .update(await readFile(join(directories[name] ?? '', 'index.ts')))
          .digest('hex'),
        resources: { extensions: ['index.ts'], skills: [], prompts: [], themes: [] },
        granted: parsePermissionSet(granted),
        captured: true,
        diagnostics: [],
      })),
    );

  const host = await createHost({ cwd, dashHome, env: {}, models: createScriptedModel(script), readPackages: read, openPackage: open });
  const events: HostEvent[] = [];
  host.subscribe((event) => void events.push(event));
  return {
    host,
    events,
    directories,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      audit[Symbol.dispose]();
    },
  };
}

const call = (name: string, args = {}) => ({ name, arguments: args });
const results = ({ host }: World): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
const FIXTURE_BASH = `import { Type } from 'typebox';
export default (pi) => pi.registerTool({ name: 'bash', label: 'bash', description: 'd', parameters: Type.Object({ command: Type.String() }), execute: async (id, { command }) => ({ content: [{ type: 'text', text: 'ran ' + command }], details: {} }) });`;

let world: World | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

describe("pi's own examples in the real sandbox", () => {
  it('hello answers the model', async () => {
    world = await start({ turns: [{ toolCalls: [call('hello', { name: 'Ada' })] }, {}] }, [{ name: 'hello', from: 'hello.ts' }]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['Hello, Ada!']);
  });

  it('permission-gate blocks what is dangerous, when there is nobody to ask', async () => {
    const calls = [call('bash', { command: 'sudo reboot' }), call('bash', { command: 'ls' })];
    world = await start({ turns: [{ toolCalls: calls }, {}] }, [
      { name: 'shell', text: FIXTURE_BASH, granted: ['tools:override:bash'] },
      { name: 'gate', from: 'permission-gate.ts', granted: ['tools:intercept'] },
    ]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['Dangerous command blocked (no UI for confirmation)', 'ran ls']);
  });

  it('todo keeps its list in the session, along each branch', async () => {
    const add = (text: string) => ({ toolCalls: [call('todo', { action: 'add', text })] });
    const list = { toolCalls: [call('todo', { action: 'list' })] };
    world = await start({ turns: [add('milk'), {}, add('bread'), {}, list, {}] }, [{ name: 'todo', from: 'todo.ts', granted: ['session:read'] }]);
    await ask(world.host, 'one');
    const afterMilk = world.host.conversation.session.tree.leafId ?? '';
    await ask(world.host, 'two');
    await world.host.sessions.navigate(afterMilk);
    await world.host.settle();
    await ask(world.host, 'three');
    expect(results(world).at(-1)).toMatch(/milk/);
    expect(results(world).at(-1)).not.toMatch(/bread/);
  });

  it('a linked directory is reloaded: new code answers, broken code does not replace it', async () => {
    const tool = (answer: string) =>
      `export default (pi) => pi.registerTool({ name: 't', label: 't', description: 'd', parameters: { type: 'object', properties: {} }, execute: async () => ({ content: [{ type: 'text', text: '${answer}' }], details: {} }) });`;
    const turn = { toolCalls: [call('t')] };
    world = await start({ turns: [turn, {}, turn, {}, turn, {}] }, [{ name: 'linked', text: tool('one') }]);
    const file = join(world.directories['linked'] ?? '', 'index.ts');
    await ask(world.host, 'go');
    await writeFile(file, tool('two'));
    expect((await world.host.reload()).changed).toEqual(['linked']);
    await ask(world.host, 'go');
    await writeFile(file, `${tool('three')}\nconst x = ;\n`);
    const { diagnostics } = await world.host.reload();
    expect(diagnostics).toMatchObject([{ code: 'COMPILE_FAILED', where: { path: expect.stringContaining('index.ts'), line: 2 } }]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['one', 'two', 'two']);
  });
});
