import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { UserInterface } from '../../host/index.ts';
import { withoutUser } from '../../host/index.ts';
import { ask } from '../support/in-test-host.ts';
import { type SandboxedHost, type Source, startSandboxedHost } from '../support/sandboxed-host.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const results = ({ host }: SandboxedHost): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
const problems = ({ events }: SandboxedHost) => events.filter((event) => event.type === 'extension_error');
const NEEDS = ['session:read', 'session:write', 'session:control', 'ui:notify', 'ui:prompt', 'ui:panel', 'ui:keys', 'agent:spawn', 'model', 'prompt:modify'];

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

/** Somebody who looks, and answers every dialog. */
function someone(): UserInterface & { readonly shown: unknown[] } {
  const shown: unknown[] = [];
  let editor = 'half a sentence';
  return {
    ...withoutUser('rpc', () => undefined),
    hasUI: true,
    shown,
    notify: (message, level) => void shown.push(['notify', message, level]),
    select: async (title, choices) => (shown.push(['select', title]), choices[1]),
    confirm: async (title, message) => (shown.push(['confirm', title, message]), true),
    input: async (title, placeholder) => (shown.push(['input', title, placeholder]), 'typed'),
    editor: async (title, prefill) => (shown.push(['editor', title]), `${prefill}!`),
    set(surface) {
      shown.push(surface);
      if (surface.kind === 'editorText') editor = surface.text;
    },
    editorText: () => editor,
  };
}

/** A package whose command runs `body` and tells what it made of it. */
const commanding = (body: string, granted: readonly string[] = NEEDS): Source => ({
  name: 'p',
  granted,
  text: `export default (dash) => dash.registerCommand('go', { handler: async (args, ctx) => { const say = (value) => dash.appendEntry('said', value ?? null); ${body} } });`,
});
const said = ({ host }: SandboxedHost): unknown[] =>
  host.conversation.session.tree.entries.flatMap((entry) => (entry.type === 'custom' && entry.customType === 'said' ? [entry.data] : []));

describe('the example that must run unchanged', () => {
  const EXAMPLE = `import { Type } from 'typebox';
export default function (dash) {
  dash.registerTool({ name: 'ship', description: 'ships', parameters: Type.Object({ what: Type.String() }), async execute(args) { return { success: true } } });
  dash.registerCommand('deploy', { handler: async args => dash.spawnAgent('deploy', args.service) });
  dash.on('agent_complete', async e => { if (e.result.includes('error')) await dash.notify('the run says error') });
}`;

  it('answers the model with JSON, starts an agent, and tells of a run', async () => {
    const ui = someone();
    world = await startSandboxedHost(
      { turns: [{ toolCalls: [call('ship', { what: 'it' })] }, { text: 'no error at all' }, { text: 'deployed' }] },
      [{ name: 'deployer', text: EXAMPLE, granted: ['session:read', 'ui:notify', 'agent:spawn'] }],
      { ui },
    );
    await ask(world.host, 'ship it');
    expect(results(world)).toEqual(['{"success":true}']);
    expect(ui.shown).toEqual([['notify', 'the run says error', 'info']]);
    expect(await world.host.prompt('/deploy the api')).toEqual({ kind: 'handled' });
    expect(problems(world)).toEqual([]);
    // it ran, and the session pays for it
    expect(world.host.conversation.session.tree.entries).toContainEqual(expect.objectContaining({ type: 'usage', kind: 'agent deploy' }));
  });
});

describe('an agent that a package starts', () => {
  it('has the rights of the package, within what the user lets tools do, and asks nobody', async () => {
    const write = (path: string) => call('write', { path, content: 'x' });
    const ui = someone();
    const spawn = `const { result } = await dash.spawnAgent({ name: 'helper', task: 'write', tools: ['read', 'write', 'bash'] }); say(result);`;
    world = await startSandboxedHost(
      {
        turns: [
          { toolCalls: [write('out/a.txt'), write('b.txt'), call('read', { path: 'b.txt' }), call('bash', { command: 'touch c.txt' }), write('/etc/x')] },
          { text: 'tried' },
        ],
      },
      [commanding(spawn, ['session:write', 'agent:spawn', 'fs:write:./out'])],
      { approval: 'edits', ui },
    );
    await world.host.prompt('/go');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual(['tried']);
    expect(await readFile(join(world.cwd, 'out/a.txt'), 'utf8')).toBe('x');
    for (const file of ['b.txt', 'c.txt']) await expect(readFile(join(world.cwd, file))).rejects.toThrow(/ENOENT/);
    expect(ui.shown).toEqual([]);
    // Its transcript is its own.
    expect(world.host.conversation.messages).toEqual([]);
  });

  it('needs the permission, and ends with the budget', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'never' }] }, [commanding(`await dash.spawnAgent('a', 'b')`, ['session:write'])]);
    await world.host.prompt('/go');
    expect(problems(world)).toMatchObject([{ error: expect.stringMatching(/agent:spawn/) }]);
  });
});

describe('ctx', () => {
  it('reads the session, the models and the system prompt at once', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'hello' }] }, [
      commanding(`
        const manager = ctx.sessionManager;
        say([
          manager.getBranch().length === manager.getEntries().length,
          manager.buildSessionContext().messages.map(({ role }) => role),
          manager.buildContextEntries().at(-1).type,
          manager.buildSessionProjection().entries.length > 0,
          manager.getLeafEntry().id === manager.getLeafId(),
          ctx.modelRegistry.find(ctx.model.provider, ctx.model.id).id === ctx.model.id,
          ctx.modelRegistry.hasConfiguredAuth(ctx.model),
          (await ctx.modelRegistry.getApiKeyAndHeaders(ctx.model)).ok,
          ctx.getSystemPrompt().includes('Working directory'),
          ctx.getSystemPromptOptions().selectedTools.includes('read'),
          ctx.isIdle(), ctx.hasPendingMessages(), ctx.mode, ctx.getContextUsage().contextWindow > 0,
        ]);
      `),
    ]);
    await ask(world.host, 'go');
    await world.host.prompt('/go');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual([[true, ['user', 'assistant'], 'message', true, true, true, true, false, true, true, true, false, 'print', true]]);
  });

  it('asks a model with its own messages', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'forty-two' }] }, [
      commanding(`
        const { content } = await ctx.modelRegistry.complete(ctx.model, { systemPrompt: 'be brief', messages: [{ role: 'user', content: [{ type: 'text', text: '6 by 7?' }], timestamp: 0 }] });
        say(content[0].text);
      `),
    ]);
    await world.host.prompt('/go');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual(['forty-two']);
  });

  it('shows things to whoever looks, and asks them', async () => {
    const ui = someone();
    world = await startSandboxedHost(
      { turns: [] },
      [
        commanding(`
          say([await ctx.ui.select('which?', ['a', 'b']), await ctx.ui.confirm('sure?', 'really'), await ctx.ui.input('why?', 'because'), await ctx.ui.editor('text', 'draft'), ctx.ui.getEditorText()]);
          ctx.ui.setStatus('k', 'busy'); ctx.ui.setWidget('w', ['one', 'two'], { placement: 'belowEditor' }); ctx.ui.setTitle('t'); ctx.ui.setEditorText('new'); ctx.ui.setStatus('k', undefined);
          await dash.notify('done', 'warning');
        `),
      ],
      { ui },
    );
    await world.host.prompt('/go');
    await world.host.settle();
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual([['b', true, 'typed', 'draft!', 'half a sentence']]);
    expect(ui.shown).toEqual([
      ['select', 'which?'],
      ['confirm', 'sure?', 'really'],
      ['input', 'why?', 'because'],
      ['editor', 'text'],
      { kind: 'status', key: 'k', text: 'busy' },
      { kind: 'widget', key: 'w', lines: ['one', 'two'], placement: 'belowEditor' },
      { kind: 'title', text: 't' },
      { kind: 'editorText', text: 'new', paste: false },
      { kind: 'status', key: 'k', text: undefined },
      ['notify', 'done', 'warning'],
    ]);
  });

  it('gives the members of the API: session name, labels, tools, models, thinking, messages, bus', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'hello' }] }, [
      commanding(`
        dash.events.on('ping', (data) => say(['ping', data]));
        dash.events.emit('ping', 1);
        dash.setSessionName('mine');
        const first = ctx.sessionManager.getEntries().find(({ type }) => type === 'message');
        dash.setLabel(first.id, 'start');
        dash.setThinkingLevel('high');
        dash.setActiveTools(['read']);
        dash.sendMessage({ customType: 'note', content: 'remember', display: true });
        say([dash.getSessionName(), ctx.sessionManager.getLabel(first.id), dash.getThinkingLevel(), dash.getActiveTools(), dash.getAllTools().length > 3, dash.getCommands().some(({ name }) => name === 'go'), await dash.setModel(ctx.model)]);
      `),
    ]);
    await ask(world.host, 'go');
    await world.host.prompt('/go');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual([
      ['ping', 1],
      ['mine', 'start', 'high', ['read'], true, true, true],
    ]);
    expect(world.host.conversation.messages.at(-1)).toMatchObject({ role: 'custom', content: 'remember' });
  });
});

describe('a reload', () => {
  it('hands the state of a build to the one that takes its place', async () => {
    const counting = (version: string) => `export default (dash) => {
      let count = 0;
      dash.on('session_start', (event) => { count = event.state?.count ?? 0 });
      dash.on('session_shutdown', (event) => event.reason === 'reload' ? { state: { count } } : undefined);
      dash.registerCommand('count', { handler: () => { count++; dash.appendEntry('said', '${version} ' + count) } });
    };`;
    world = await startSandboxedHost({ turns: [] }, [{ name: 'counter', text: counting('old'), granted: ['session:write'] }]);
    await world.host.begin();
    await world.host.prompt('/count');
    await world.host.prompt('/count');
    await writeFile(join(world.directories['counter'] ?? '', 'index.ts'), counting('new'));
    expect((await world.host.reload()).changed).toEqual(['counter']);
    await world.host.prompt('/count');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual(['old 1', 'old 2', 'new 3']);
  });
});
