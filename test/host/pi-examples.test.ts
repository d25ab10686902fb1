import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/in-test-host.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const results = ({ host }: SandboxedHost): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
const FIXTURE_BASH = `import { Type } from 'typebox';
export default (pi) => pi.registerTool({ name: 'bash', label: 'bash', description: 'd', parameters: Type.Object({ command: Type.String() }), execute: async (id, { command }) => ({ content: [{ type: 'text', text: 'ran ' + command }], details: {} }) });`;

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

describe("pi's own examples in the real sandbox", () => {
  it('hello answers the model', async () => {
    world = await startSandboxedHost({ turns: [{ toolCalls: [call('hello', { name: 'Ada' })] }, {}] }, [{ name: 'hello', from: 'hello.ts' }]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['Hello, Ada!']);
  });

  it('permission-gate blocks what is dangerous, when there is nobody to ask', async () => {
    const calls = [call('bash', { command: 'sudo reboot' }), call('bash', { command: 'ls' })];
    world = await startSandboxedHost({ turns: [{ toolCalls: calls }, {}] }, [
      { name: 'shell', text: FIXTURE_BASH, granted: ['tools:override:bash'] },
      { name: 'gate', from: 'permission-gate.ts', granted: ['tools:intercept'] },
    ]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['Dangerous command blocked (no UI for confirmation)', 'ran ls']);
  });

  it('todo keeps its list in the session, along each branch', async () => {
    const add = (text: string) => ({ toolCalls: [call('todo', { action: 'add', text })] });
    const list = { toolCalls: [call('todo', { action: 'list' })] };
    world = await startSandboxedHost({ turns: [add('milk'), {}, add('bread'), {}, list, {}] }, [{ name: 'todo', from: 'todo.ts', granted: ['session:read'] }]);
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
    world = await startSandboxedHost({ turns: [turn, {}, turn, {}, turn, {}] }, [{ name: 'linked', text: tool('one') }]);
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
