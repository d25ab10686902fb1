import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openModels, THINKING_LEVELS } from '../../host/index.ts';
import { handOff } from '../../host/model/handoff.ts';
import { type AssistantMessage, NO_USAGE } from '../../host/model/messages.ts';
import { type CompletionsServer, startCompletionsServer, type WireAnswer } from '../support/completions-server.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What has surprised people who built agents or extensions for them: a test for each. */
const call = (name: string, args = {}) => ({ name, arguments: args });
const resultsOf = (host: SandboxedHost['host']): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
let world: SandboxedHost | undefined;
let server: CompletionsServer | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  world = undefined;
  server = undefined;
});

async function wire(answers: readonly WireAnswer[], env: Record<string, string> = { LOCAL_KEY: 'k' }) {
  server = await startCompletionsServer(answers);
  const dashHome = await temporaryDirectory();
  const models = [{ id: 'small' }];
  await writeFile(
    join(dashHome, 'models.json'),
    JSON.stringify({ providers: [{ id: 'local', baseUrl: server.baseUrl, api: 'openai-completions', apiKeyEnv: 'LOCAL_KEY', models }] }),
  );
  return { dashHome, models: await openModels({ reference: undefined, dashHome, env }) };
}

describe('tools', () => {
  it('1: have TypeBox schemas, of either typebox, which reach the provider as plain JSON Schema', async () => {
    const text = `import { Type } from 'typebox';
      import { Type as Older } from '@sinclair/typebox';
      export default (pi) => {
        pi.registerTool({ name: 'newer', description: 'd', parameters: Type.Object({ a: Type.Optional(Type.Number()) }), execute: (args) => args });
        pi.registerTool({ name: 'older', description: 'd', parameters: Older.Object({ b: Older.String() }), execute: (args) => args });
      };`;
    const toolCalls = [
      { id: 'c1', name: 'newer', arguments: '{"a":"3"}' },
      { id: 'c2', name: 'older', arguments: '{"b":7.5}' },
      { id: 'c3', name: 'older', arguments: '{}' },
    ];
    world = await startSandboxedHost({ turns: [] }, [{ name: 'p', text }], await wire([{ toolCalls }, { text: 'done' }]));
    await ask(world.host, 'go');
    const tools = server?.requests[0]?.body.tools?.map((tool) => tool['function']);
    expect(tools).toContainEqual(expect.objectContaining({ name: 'newer', parameters: { type: 'object', properties: { a: { type: 'number' } } } }));
    expect(tools).toContainEqual(
      expect.objectContaining({ name: 'older', parameters: { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] } }),
    );
    // What can be read without loss is; what is missing is told in words.
    expect(resultsOf(world.host).slice(0, 2)).toEqual(['{"a":3}', '{"b":"7.5"}']);
    expect(resultsOf(world.host)[2]).toMatch(/invalid arguments for `older`/);
  });

  it('2: get their arguments as an object, and nothing else as arguments', async () => {
    const seen: unknown[] = [];
    await using host = await startTestHost(
      { turns: [] },
      [{ name: 'p', extension: { tools: { act: (args) => (seen.push(args), says('ok')) } } }],
      await wire([
        {
          toolCalls: [
            { id: 'c1', name: 'act', arguments: '{"deep":{"list":[1]}}' },
            { id: 'c2', name: 'act', arguments: '' },
          ],
        },
        { text: 'done' },
      ]),
    );
    await ask(host.host, 'go');
    expect(seen).toEqual([{ deep: { list: [1] } }, {}]);
  });

  it('7: are prepared one after the other, also where they run side by side', async () => {
    const order: string[] = [];
    const guard = async (event: Record<string, unknown>) => {
      const { n } = event['input'] as { n: number };
      order.push(`ask ${n}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`answered ${n}`);
    };
    await using host = await startTestHost({ turns: [{ toolCalls: [1, 2, 3].map((n) => call('act', { n })) }, {}] }, [
      { name: 'p', extension: { tools: { act: (args) => (order.push(`run ${(args as { n: number }).n}`), says('ok')) } } },
      { name: 'guard', granted: ['tools:intercept'], extension: { on: [['tool_call', guard]] } },
    ]);
    await ask(host.host, 'go');
    expect(order.slice(0, 6)).toEqual(['ask 1', 'answered 1', 'ask 2', 'answered 2', 'ask 3', 'answered 3']);
    expect(order.slice(6)).toEqual(['run 1', 'run 2', 'run 3']);
  });
});

describe('models', () => {
  const answer = (content: AssistantMessage['content']): AssistantMessage => ({
    role: 'assistant',
    content,
    api: 'anthropic-messages',
    provider: 'anthropic',
    model: 'a',
    usage: NO_USAGE,
    stopReason: 'stop',
    timestamp: 0,
  });

  it('3: think in a field `thinking`, `redacted` where only their provider can read it', () => {
    const message = answer([
      { type: 'thinking', thinking: 'hm', thinkingSignature: 'signed' },
      { type: 'thinking', thinking: '', redacted: true },
      { type: 'text', text: 'yes' },
    ]);
    expect(handOff([message], { provider: 'anthropic', api: 'anthropic-messages', id: 'a' })).toEqual([message]);
    expect(handOff([message], { provider: 'openai', api: 'openai-responses', id: 'b' })).toMatchObject([
      {
        content: [
          { type: 'text', text: '<thinking>\nhm\n</thinking>' },
          { type: 'text', text: 'yes' },
        ],
      },
    ]);
  });

  it('4: have no level "off": it is the absence of one', async () => {
    expect(THINKING_LEVELS).toEqual(['minimal', 'low', 'medium', 'high', 'xhigh']);
    await using host = await startTestHost({ turns: [{ text: 'ok' }] }, []);
    host.host.conversation.setThinking(undefined);
    expect(host.host.conversation.thinking).toBeUndefined();
  });

  it('10: begin with one that can do the work, where nobody chose', async () => {
    const models = await openModels({ reference: undefined, dashHome: tmpdir(), env: { ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k' } });
    const [first] = await models.models();
    expect(first?.provider).toBe('anthropic');
    expect(first?.contextWindow).toBeGreaterThan(100_000);
    expect(first?.reasoning).toBe(true);
  });

  it('12: get one conversation whoever wrote its parts: ids of calls and results stay together', () => {
    const [message] = handOff([answer([{ type: 'toolCall', id: 'toolu_1|x', name: 'act', arguments: { a: 1 }, thoughtSignature: 'theirs' }])], {
      provider: 'google',
      api: 'google-generative-ai',
      id: 'g',
    });
    expect(message).toMatchObject({ content: [{ id: 'toolu_1|x', name: 'act', arguments: { a: 1 } }] });
    expect(JSON.stringify(message)).not.toMatch(/theirs/);
  });

  it('13: are asked under our own name: no other client is impersonated', async () => {
    await using host = await startTestHost({ turns: [] }, [], await wire([{ text: 'ok' }]));
    await ask(host.host, 'go');
    const [request] = server?.requests ?? [];
    expect(JSON.stringify(request?.headers)).not.toMatch(/claude-cli|claude-code|codex|copilot|cursor|gemini-cli/i);
    expect(JSON.stringify(request?.body.messages[0])).not.toMatch(/You are (Claude Code|Codex)/);
  });
});

describe('handlers', () => {
  it('5 and 6: may be asynchronous, and may answer nothing', async () => {
    const text = `export default (pi) => {
      const later = () => new Promise((resolve) => setTimeout(resolve, 1));
      pi.on('context', async (event) => { await later(); event.messages.push({ role: 'user', content: [{ type: 'text', text: 'late word' }], timestamp: 0 }) });
      for (const name of ['context', 'input', 'tool_call', 'tool_result', 'before_agent_start', 'message_end', 'turn_end', 'agent_before_settle']) pi.on(name, async () => { await later() });
    };`;
    const granted = ['session:read', 'session:write', 'prompt:modify', 'tools:intercept'];
    world = await startSandboxedHost(
      { turns: [] },
      [{ name: 'p', text, granted }],
      await wire([{ toolCalls: [{ id: 'c', name: 'ls', arguments: '{}' }] }, { text: 'ok' }]),
    );
    await ask(world.host, 'go');
    expect(world.events.filter(({ type }) => type === 'extension_error')).toEqual([]);
    expect(JSON.stringify(server?.requests[0]?.body.messages)).toMatch(/late word/);
    expect(world.host.conversation.messages.at(-1)).toMatchObject({ role: 'assistant', stopReason: 'stop' });
  });

  it('15: chain as the table in docs/events.md says', async () => {
    const { EXTENSION_EVENTS } = await import('../../host/bus/extension-events.ts');
    const page = await readFile(join(import.meta.dirname, '../../docs/events.md'), 'utf8');
    const documented = Object.fromEntries([...page.matchAll(/^\| `(\w+)` \| (\w+) \| ([\d.]+) s \|/gm)].map(([, name, ...cells]) => [name, cells.join(' ')]));
    const actual = Object.entries(EXTENSION_EVENTS).map(([name, { chaining, deadlineMs }]) => [name, `${chaining} ${deadlineMs / 1000}`]);
    expect(documented).toEqual(Object.fromEntries(actual));
  });

  it('16: cannot act while the factory runs: registrations only', async () => {
    const text = (action: string) => `export default (pi) => { ${action}; pi.registerCommand('x', { handler: () => undefined }) };`;
    for (const action of [`pi.sendUserMessage('hello')`, `pi.appendEntry('x')`, `pi.setActiveTools([])`, `pi.getSessionName()`]) {
      await using host = await startSandboxedHost({ turns: [] }, [
        { name: 'p', text: text(action), captured: false, granted: ['session:read', 'session:write', 'session:control'] },
      ]);
      await host.host.prompt('/x').catch(() => undefined);
      const said = [
        ...host.host.diagnostics.map(({ message }) => message),
        ...host.events.flatMap((event) => (event.type === 'extension_error' ? [event.error] : [])),
      ].join();
      expect(said).toMatch(/cannot be called while the extension is loading/);
    }
  });

  it('that hang are cut off and named, and the run goes on', async () => {
    const text = `export default (pi) => { pi.on('session_start', () => undefined); pi.on('session_shutdown', () => { for (;;); }); };`;
    world = await startSandboxedHost({ turns: [{ text: 'ok' }] }, [{ name: 'stuck', text }]);
    await ask(world.host, 'go');
    const { host, events } = world;
    world = undefined;
    await host[Symbol.asyncDispose]();
    expect(host.conversation.messages).toHaveLength(2);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'extension_error', extensionPath: 'stuck', event: 'session_shutdown', code: 'DEADLINE_EXCEEDED' }),
    );
  });
});

describe('the host', () => {
  it('8: a line that a package draws fits the width it was given', async () => {
    const text = `import { truncateToWidth, visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
      import { Type } from 'typebox';
      export default (pi) => pi.registerTool({ name: 'draw', description: 'd', parameters: Type.Object({}), execute: () => {
        const line = '\\u001b[31m日本語のとても長い行 and more 👩‍👩‍👧\\u001b[0m';
        return [10, 3, 1].map((width) => [visibleWidth(truncateToWidth(line, width)) <= width, wrapTextWithAnsi(line, Math.max(width, 2)).every((each) => visibleWidth(each) <= Math.max(width, 2))]);
      } });`;
    world = await startSandboxedHost({ turns: [{ toolCalls: [call('draw')] }, {}] }, [{ name: 'p', text }]);
    await ask(world.host, 'go');
    expect(resultsOf(world.host)).toEqual(['[[true,true],[true,true],[true,true]]']);
  });

  it('9: can be embedded without a session file, and then leaves none', async () => {
    await using host = await startTestHost({ turns: [{ text: 'ok' }] }, [], { session: { kind: 'memory' } });
    await ask(host.host, 'go');
    expect(host.host.conversation.messages).toHaveLength(2);
    expect(host.host.conversation.session.file).toBeUndefined();
    expect(await readdir(host.home)).toEqual([]);
  });

  it('11: the loop writes nothing: it knows no files and no sessions', async () => {
    const imports = async (file: string): Promise<string> =>
      (await readFile(join(import.meta.dirname, '../../host/loop', file), 'utf8')).replaceAll(/^(?!import).*$/gm, '');
    for (const file of ['agent-loop.ts', 'tool-call.ts', 'transcript.ts']) expect(await imports(file)).not.toMatch(/node:fs|session|sqlite|process/);
  });

  it('14: cuts a context only where no call is parted from its result', async () => {
    const { planCompaction } = await import('../../host/session/plan-compaction.ts');
    const { Session } = await import('../../host/session/session.ts');
    const session = Session.inMemory('/w');
    const text = 'x'.repeat(400);
    for (let turn = 0; turn < 6; turn += 1) {
      session.appendMessage({ role: 'user', content: [{ type: 'text', text }], timestamp: turn });
      session.appendMessage({
        role: 'assistant',
        content: [{ type: 'toolCall', id: `c${turn}`, name: 't', arguments: {} }],
        api: 'a',
        provider: 'p',
        model: 'm',
        usage: NO_USAGE,
        stopReason: 'toolUse',
        timestamp: turn,
      });
      session.appendMessage({ role: 'toolResult', toolCallId: `c${turn}`, toolName: 't', content: [{ type: 'text', text }], isError: false, timestamp: turn });
    }
    for (const keep of [1, 100, 150, 250, 400, 600]) {
      const plan = planCompaction(session.tree.path(), keep);
      const kept = plan && session.tree.entry(plan.firstKeptEntryId);
      if (kept !== undefined) expect(kept.type === 'message' && kept.message.role).not.toBe('toolResult');
    }
  });

  it('17: a tool of the host is replaced only by who was allowed to replace it', async () => {
    const tool = { tools: { read: () => says('mine') } };
    const script = { turns: [{ toolCalls: [call('read', { path: 'x' })] }, {}] };
    await using without = await startTestHost(script, [{ name: 'p', extension: tool }]);
    await ask(without.host, 'go');
    await using allowed = await startTestHost(script, [{ name: 'p', granted: ['tools:override:read'], extension: tool }]);
    await ask(allowed.host, 'go');
    expect([resultsOf(without.host)[0], resultsOf(allowed.host)[0]]).toEqual([expect.stringMatching(/ENOENT/), 'mine']);
    expect(without.host.diagnostics).toContainEqual(expect.objectContaining({ code: 'TOOL_NAME_TAKEN' }));
  });

  it('none of its modules writes when it is only imported', () => {
    const module = join(import.meta.dirname, '../../host/index.ts');
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(module)}); console.log('quiet')`], {
      encoding: 'utf8',
    });
    expect(printed).toBe('quiet\n');
  });
});
