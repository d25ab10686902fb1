import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { HostEvent } from '../../host/index.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { type SandboxedHost, type Source, startSandboxedHost } from '../support/sandboxed-host.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const results = ({ host }: SandboxedHost): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
const toolsOf = ({ host }: SandboxedHost): string[] => [...host.generation.contributions.tools.keys()];
const errors = (events: readonly HostEvent[]) => events.flatMap((event) => (event.type === 'extension_error' ? [event.error] : []));

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

const PI_EXAMPLE = (granted: readonly string[]): Source => ({ name: 'echoes', from: 'dynamic-tools.ts', granted: ['ui:notify', ...granted] });

describe('pi\u2019s example of dynamic tools, unchanged', () => {
  it('offers its tools under names of its own, from the next turn on', async () => {
    world = await startSandboxedHost(
      {
        turns: [
          { toolCalls: [call('echoes__echo_session', { message: 'hello' })] },
          { text: 'done' },
          { toolCalls: [call('echoes__loud', { message: 'again' })] },
          { text: 'done' },
        ],
      },
      [PI_EXAMPLE(['tools:dynamic'])],
    );
    await ask(world.host, 'echo');
    await ask(world.host, '/add-echo-tool loud');
    await ask(world.host, 'louder');
    expect(results(world)).toEqual(['[session] hello', '[loud] again']);
    expect(errors(world.events)).toEqual([]);
  });

  it('says what is missing, and goes on without', async () => {
    world = await startSandboxedHost({ turns: [{ toolCalls: [call('echoes__echo_session', { message: 'hello' })] }, { text: 'done' }] }, [PI_EXAMPLE([])]);
    await ask(world.host, 'echo');
    expect(results(world)[0]).toContain('there is no tool `echoes__echo_session`');
    expect(errors(world.events)).toEqual([expect.stringContaining('`dash permissions grant echoes tools:dynamic` allows it')]);
  });

  it('keeps them over a reload that does not touch it, and loses them with the build that registered them', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'hello' }] }, [PI_EXAMPLE(['tools:dynamic'])]);
    await ask(world.host, 'hello');
    await ask(world.host, '/add-echo-tool loud');
    await world.host.reload();
    expect(toolsOf(world)).toEqual(['echoes__echo_session', 'echoes__loud']);
    const quiet = `export default (pi) => { pi.registerCommand('add-echo-tool', { handler: async () => {} }); };`;
    await writeFile(join(world.directories['echoes'] ?? '', 'index.ts'), quiet);
    await world.host.reload();
    expect(toolsOf(world)).toEqual([]);
  });
});

describe('the names of late tools', () => {
  const late = (name: string) => ({ name, description: 'late', parameters: { type: 'object' } });

  it('never take the place of another tool', async () => {
    await using test = await startTestHost({ turns: [] }, [
      { name: 'a', extension: { tools: { b__read: () => says('first') } } },
      { name: '@a/b', extension: (ports) => ({ tools: {}, commands: { go: () => ports.agent.toolsChanged('@a/b') } }) },
    ]);
    const [, second] = test.opened;
    if (second === undefined) throw new Error('two packages');
    second.lateTools = [late('read'), late('x'.repeat(48))];
    await ask(test.host, '/go');
    expect([...test.host.generation.contributions.tools.keys()]).toEqual(['b__read', 'a_b__read', `a_b__${'x'.repeat(48)}`]);
  });

  it('are left to the tool that was there first, with a diagnostic', async () => {
    await using test = await startTestHost({ turns: [] }, [
      { name: 'one', extension: { tools: { two__read: () => says('first') } } },
      { name: 'two', extension: (ports) => ({ commands: { go: () => ports.agent.toolsChanged('two') } }) },
    ]);
    const [, second] = test.opened;
    if (second === undefined) throw new Error('two packages');
    second.lateTools = [late('read')];
    await ask(test.host, '/go');
    expect(test.host.generation.contributions.tools.get('two__read')?.package).toBe('one');
    expect(test.host.diagnostics.map(({ code }) => code)).toContain('TOOL_COLLISION');
  });

  it('may be said as the package says them, by the package', async () => {
    const add = `pi.registerTool({ name: 'sum', description: 'd', parameters: { type: 'object' }, execute: async () => 'one' });
      pi.setActiveTools(['read', 'sum']);`;
    world = await startSandboxedHost({ turns: [{ toolCalls: [call('p__sum')] }, { text: 'done' }] }, [
      {
        name: 'p',
        granted: ['tools:dynamic', 'session:control'],
        text: `export default (pi) => pi.registerCommand('add', { handler: async () => { ${add} } });`,
      },
    ]);
    await ask(world.host, '/add');
    await ask(world.host, 'add');
    expect(results(world)).toEqual(['one']);
  });

  it('are offered after the tools were narrowed, as in pi; what the user listed stays the limit', async () => {
    const text = `export default (pi) => pi.registerCommand('add', { handler: async () => {
      pi.setActiveTools(['read']);
      pi.registerTool({ name: 'sum', description: 'd', parameters: { type: 'object' }, execute: async () => 'one' });
    } });`;
    const source: Source = { name: 'p', granted: ['tools:dynamic', 'session:control'], text };
    const turns = { turns: [{ toolCalls: [call('p__sum')] }, { text: 'done' }] };
    for (const [tools, answer] of [
      [undefined, 'one'],
      [['read'], 'there is no tool `p__sum`; the tools are `read`'],
    ] as const) {
      await using each = await startSandboxedHost(turns, [source], tools === undefined ? {} : { tools });
      await ask(each.host, '/add');
      await ask(each.host, 'add');
      expect(results(each)).toEqual([answer]);
    }
  });
});
