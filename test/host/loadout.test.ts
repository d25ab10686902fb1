import { afterEach, describe, expect, it } from 'vitest';
import type { ModelPort } from '../../host/index.ts';
import type { Transcript } from '../../host/model/port.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import { ask } from '../support/in-test-host.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

const HELPER = `export default (pi) => {
  const tool = (name, more) => pi.registerTool({ name, description: 'does ' + name, parameters: { type: 'object', properties: {} }, execute: async () => ({ content: [{ type: 'text', text: 'did ' + name }], details: {} }), ...more });
  tool('one', { promptGuidelines: ['use one once'], namespace: 'numbers' });
  tool('two');
  pi.registerCommand('narrow', { handler: () => pi.setActiveTools(['read', 'one', 'all']) });
};`;
/** As pi documents it: one tool that stands before the others. */
const orchestrator = (answer: string): string => `export default (pi) => {
  let asked = 0;
  pi.registerTool({
    name: 'all', description: 'before it was asked', parameters: { type: 'object', properties: {} },
    prepareLoadout(loadout) { asked += 1; const { declared, callable, registered } = loadout; ${answer} },
    execute: async () => ({ content: [{ type: 'text', text: 'asked ' + asked }], details: {} }),
  });
};`;
const HIDES = `
  const own = declared.filter(({ name }) => ['one', 'two'].includes(name));
  return {
    descriptions: { all: own.map(({ name, call }) => [name, call, loadout.getExposure(name), loadout.getNamespace(name) ?? '-', ...loadout.getPromptGuidelines(name)].join(' ')).join('; '), nothing: 'x' },
    hiddenDeclarations: ['one', 'two', 'nothing'],
  };`;

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

async function start(script: Script, answer: string, granted: readonly string[]) {
  const port = createScriptedModel(script);
  const seen: Transcript[] = [];
  const models: ModelPort = {
    ...port,
    stream: (model, transcript, options) => {
      seen.push(transcript);
      return port.stream(model, transcript, options);
    },
  };
  world = await startSandboxedHost(
    script,
    [
      { name: 'helper', text: HELPER, granted: ['session:control'] },
      { name: 'orchestrator', text: orchestrator(answer), granted },
    ],
    { models, approval: 'none' },
  );
  const told = () => seen.map(({ tools }) => Object.fromEntries(tools.map(({ name, description }) => [name, description])));
  const problems = () => world?.events.flatMap((event) => (event.type === 'extension_error' ? [[event.extensionPath, event.event, event.code]] : []));
  return { host: world.host, seen, told, problems };
}

const CALLS: Script = {
  turns: [
    {
      toolCalls: [
        { name: 'two', arguments: {} },
        { name: 'write', arguments: { path: 'x', content: 'y' } },
      ],
    },
    { text: 'done' },
    { text: 'again' },
    { toolCalls: [{ name: 'all', arguments: {} }] },
    { text: 'end' },
  ],
};

describe('`prepareLoadout`', () => {
  it('changes what the model is told of tools, and not which can be called, nor what is asked about a call', async () => {
    const { host, seen, told } = await start(CALLS, HIDES, ['prompt:modify']);
    await ask(host, 'go');
    expect(told()[0]).toMatchObject({ all: 'one helper/one direct numbers use one once; two helper/two direct -', read: expect.any(String) });
    expect(Object.keys(told()[0] ?? {}).filter((name) => ['one', 'two', 'nothing'].includes(name))).toEqual([]);
    expect(seen[0]?.systemPrompt).not.toMatch(/^- (one:|use one once)/m);
    const results = host.conversation.messages.flatMap((message) => (message.role === 'toolResult' ? [[message.toolName, message.isError]] : []));
    expect(results).toEqual([
      ['two', false],
      ['write', true],
    ]);
    // asked again only where other tools are active
    await ask(host, 'more');
    await host.prompt('/narrow');
    await ask(host, 'now');
    expect(told().at(-1)).toMatchObject({ all: 'one helper/one direct numbers use one once' });
    expect(host.conversation.messages.findLast(({ role }) => role === 'toolResult')).toMatchObject({ content: [{ text: 'asked 2' }] });
  });

  it.for([
    ['without the permission', HIDES, [], 'PERMISSION_DENIED'],
    ['that throws', "throw new Error('no')", ['prompt:modify'], 'GUEST_ERROR'],
    ['that answers something else', "return { descriptions: ['x'], hiddenDeclarations: 'one' }", ['prompt:modify'], 'GUEST_ERROR'],
  ] as const)('%s changes nothing, and it is said', async ([, answer, granted, code]) => {
    const { host, told, problems } = await start({ turns: [{ text: 'done' }] }, answer, granted);
    await ask(host, 'go');
    expect(told()[0]).toMatchObject({ one: 'does one', two: 'does two', all: 'before it was asked' });
    expect(problems()).toEqual([['orchestrator', 'prepareLoadout', code]]);
  });
});
