import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { RpcClient } from '@earendil-works/pi-coding-agent';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DashError } from '../../format/index.ts';
import { runJson, runPrint, runReadline, runRpc } from '../../host/index.ts';
import { linesOf } from '../../host/modes/json-lines.ts';
import { startTestHost, type TestHost, type TestPackage } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

describe("rpc mode under pi's own client", () => {
  let client: RpcClient;
  const events: Record<string, unknown>[] = [];
  beforeEach(async () => {
    events.length = 0;
    client = new RpcClient({ cliPath: new URL('../support/rpc-host.ts', import.meta.url).pathname });
    await client.start();
    client.onEvent((event) => events.push(event as unknown as Record<string, unknown>));
  });
  afterEach(() => client.stop());

  it('prompts, steers, follows, aborts, and shows its state', async () => {
    const first = await client.promptAndWait('hi');
    expect(first.filter(({ type }) => type !== 'message_update').map(({ type }) => type)).toEqual([
      'agent_start',
      'turn_start',
      'message_start',
      'message_end',
      'message_start',
      'message_end',
      'tool_execution_start',
      'tool_execution_end',
      'message_start',
      'message_end',
      'turn_end',
      'turn_start',
      'message_start',
      'message_end',
      'turn_end',
      'agent_end',
      'agent_settled',
    ]);
    const fragments = first.flatMap((event) => (event.type === 'message_update' ? [event.assistantMessageEvent] : []));
    expect(JSON.stringify(fragments)).not.toContain('partial');
    expect(fragments).toContainEqual(expect.objectContaining({ type: 'toolcall_start', toolName: 'echo' }));
    expect(await client.getLastAssistantText()).toBe('hello there');

    const settled = client.collectEvents();
    await client.prompt('wait for me');
    await client.steer('this way');
    await client.followUp('and then that');
    await settled;
    const said = (await client.getMessages()).flatMap((message) =>
      message.role === 'user' && Array.isArray(message.content) ? message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])) : [],
    );
    expect(said).toEqual(['hi', 'wait for me', 'this way', 'and then that']);

    const started = new Promise<void>((resolve) => client.onEvent((event) => event.type === 'tool_execution_start' && event.toolName === 'hang' && resolve()));
    await client.prompt('hang');
    await started;
    expect((await client.getState()).isStreaming).toBe(true);
    await client.abort();
    const state = await client.getState();
    expect(state).toMatchObject({ isStreaming: false, thinkingLevel: 'off', model: { provider: 'scripted' }, pendingMessageCount: 0 });
    const file = await readFile(state.sessionFile ?? '', 'utf8');
    expect(file.split('\n')[0]).toContain(state.sessionId);
  });

  it('forks, names, lists and begins anew', async () => {
    await client.promptAndWait('hi');
    const [message] = await client.getForkMessages();
    expect(message?.text).toBe('hi');
    expect(await client.fork(message?.entryId ?? '')).toEqual({ text: 'hi', cancelled: false });
    expect(await client.getMessages()).toEqual([]);
    await client.setSessionName('mine');
    expect((await client.getState()).sessionName).toBe('mine');
    expect((await client.getCommands()).map(({ name }) => name)).toEqual(expect.arrayContaining(['ask', 'reload']));
    const { entries, leafId } = await client.getEntries();
    expect(entries.at(-1)?.id).toBe(leafId);
    expect((await client.getTree()).leafId).toBe(leafId);
    expect(await client.newSession()).toEqual({ cancelled: false });
    await expect(client.setModel('no', 'model')).rejects.toThrow('Model not found: no/model');
    await expect(client.compact()).rejects.toThrow('nothing in this conversation');
  });

  it('compacts, counts, exports, and changes what is tried by itself', async () => {
    await client.promptAndWait('hi');
    const settled = client.collectEvents();
    await client.prompt('wait for me');
    await client.steer('this way');
    await client.followUp('and then that');
    await settled;
    const started = new Promise<void>((resolve) => client.onEvent((event) => event.type === 'tool_execution_start' && event.toolName === 'hang' && resolve()));
    await client.prompt('hang');
    await started;
    // ends the run first, as in pi
    const compacted = await client.compact('the greeting');
    expect(compacted).toMatchObject({ summary: 'in short: hello', tokensBefore: expect.any(Number), firstKeptEntryId: expect.any(String) });
    expect(events.filter(({ type }) => String(type).startsWith('compaction_'))).toMatchObject([
      { reason: 'manual' },
      { result: { summary: 'in short: hello' } },
    ]);
    expect((await client.getMessages())[0]).toMatchObject({ role: 'compactionSummary' });
    expect(await client.getSessionStats()).toMatchObject({ userMessages: 5, toolCalls: 3, toolResults: 3, contextUsage: { contextWindow: 200_000 } });
    const { path } = await client.exportHtml();
    expect(await readFile(path, 'utf8')).toContain('in short: hello');
    await rm(path);
    expect(await client.bash('printf one; exit 3')).toMatchObject({ output: 'one', exitCode: 3, cancelled: false, truncated: false });
    expect(events.find(({ type }) => type === 'bash_execution_update')).toMatchObject({ delta: 'one' });
    expect((await client.getMessages()).at(-1)).toMatchObject({ role: 'bashExecution', command: 'printf one; exit 3', exitCode: 3 });
    const running = client.bash('echo started; sleep 600');
    await new Promise<void>((resolve) => client.onEvent((event) => event.type === 'bash_execution_update' && event.delta.includes('started') && resolve()));
    await client.abortBash();
    expect(await running).toMatchObject({ cancelled: true });
    await client.setAutoCompaction(false);
    await client.setAutoRetry(false);
    await client.abortRetry();
    expect(await client.getState()).toMatchObject({ autoCompactionEnabled: false, isCompacting: false });
    expect(await client.cycleModel()).toBeNull();
    expect(await client.cycleThinkingLevel()).toEqual({ level: 'minimal' });
    expect((await client.getState()).thinkingLevel).toBe('minimal');
  });
});

/** Speaks raw records with a host in this process. */
async function speak(world: TestHost, { hasUI }: { hasUI?: boolean } = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const done = runRpc(world.host, { input, output, ...(hasUI === undefined ? {} : { hasUI }) });
  const lines = linesOf(output)[Symbol.asyncIterator]();
  return {
    done,
    input,
    say: (record: unknown) => input.write(`${typeof record === 'string' ? record : JSON.stringify(record)}\n`),
    /** The next record that has these fields. */
    async hear(fields: Record<string, unknown>): Promise<Record<string, unknown>> {
      for (;;) {
        const { value, done: ended } = await lines.next();
        if (ended === true) throw new Error('the output ended');
        const record: Record<string, unknown> = JSON.parse(value);
        if (Object.entries(fields).every(([key, wanted]) => record[key] === wanted)) return record;
      }
    },
  };
}

const asking: TestPackage = {
  name: 'p',
  extension: ({ ui }) => ({
    tools: { t: () => says('x') },
    commands: {
      ask: async () => {
        const answers = [
          await ui.select('which?', ['a', 'b'], {}),
          await ui.confirm('sure?', 'really', {}),
          await ui.input('why?', undefined, {}),
          await ui.editor('text', 'pre', {}),
        ];
        ui.notify(JSON.stringify(answers), 'info');
      },
    },
  }),
};

describe('rpc records', () => {
  it('that are broken or unknown are answered, and nothing ends', async () => {
    await using world = await startTestHost({ turns: [{ text: 'still here' }] });
    const rpc = await speak(world);
    rpc.say('{ not json');
    expect(await rpc.hear({ type: 'response' })).toMatchObject({ command: 'parse', success: false });
    for (const [record, error] of [
      [{ type: 'made_up', id: '1' }, /Unknown command: made_up/],
      [{ type: 'constructor', id: '2' }, /Unknown command/],
      [{ type: 'prompt', id: '3' }, /message/],
      [{ type: 'prompt', id: '4', message: 5 }, /message/],
      [[1, 2], /type/],
      [{ type: 'fork', id: '5', entryId: 'none' }, /no entry/],
    ] as const) {
      rpc.say(record);
      const response = await rpc.hear({ type: 'response' });
      expect(response).toMatchObject({ success: false, error: expect.stringMatching(error) });
    }
    rpc.say({ type: 'extension_ui_response', id: 'nobody', value: 'x' });
    rpc.say({ type: 'prompt', id: '6', message: 'line\u2028separator' });
    expect(await rpc.hear({ id: '6' })).toEqual({ id: '6', type: 'response', command: 'prompt', success: true });
    await rpc.hear({ type: 'agent_settled' });
    expect(JSON.stringify(world.host.conversation.messages[0])).toContain('line\u2028separator');
    rpc.input.end();
    expect(await rpc.done).toBe(0);
  });

  it('ask the user, and take answers and dismissals', async () => {
    await using world = await startTestHost({ turns: [{}] }, [asking]);
    const rpc = await speak(world);
    rpc.say({ type: 'prompt', id: 'c', message: '/ask' });
    const select = await rpc.hear({ method: 'select' });
    expect(select).toMatchObject({ type: 'extension_ui_request', title: 'which?', options: ['a', 'b'] });
    rpc.say({ type: 'extension_ui_response', id: select['id'], value: 'b' });
    const confirm = await rpc.hear({ method: 'confirm' });
    rpc.say({ type: 'extension_ui_response', id: confirm['id'], confirmed: true });
    const input = await rpc.hear({ method: 'input' });
    rpc.say({ type: 'extension_ui_response', id: input['id'], cancelled: true });
    const editor = await rpc.hear({ method: 'editor' });
    rpc.say({ type: 'extension_ui_response', id: editor['id'], value: 'typed' });
    expect(await rpc.hear({ method: 'notify' })).toMatchObject({ message: '["b",true,null,"typed"]', notifyType: 'info' });
    await rpc.hear({ id: 'c', success: true });
  });

  it('ask nobody when the client has no user', async () => {
    await using world = await startTestHost({ turns: [{}] }, [asking]);
    const rpc = await speak(world, { hasUI: false });
    rpc.say({ type: 'prompt', message: '/ask' });
    expect(await rpc.hear({ type: 'extension_ui_request' })).toMatchObject({ method: 'notify', message: '[null,false,null,null]' });
  });

  it('say what a reload did', async () => {
    await using world = await startTestHost({ turns: [{}] }, [asking]);
    const rpc = await speak(world);
    world.packages = [{ ...asking, hash: '2' }];
    rpc.say({ type: 'prompt', id: 'r', message: '/reload' });
    expect(await rpc.hear({ type: 'reload' })).toMatchObject({ generation: 2, changed: ['p'] });
    expect(await rpc.hear({ method: 'notify' })).toMatchObject({ message: 'reloaded: generation 2, changed p' });
  });

  it('end when a package asks for it', async () => {
    await using world = await startTestHost({ turns: [{}] }, [
      { name: 'p', extension: ({ session }) => ({ commands: { bye: async () => void (await session.control('p', { kind: 'shutdown' })) } }) },
    ]);
    const rpc = await speak(world);
    rpc.say({ type: 'prompt', message: '/bye' });
    expect(await rpc.done).toBe(0);
  });
});

describe('the beginning of a session', () => {
  it('is told when the client is there: a package may show and ask at once', async () => {
    const asked = Promise.withResolvers<unknown>();
    const extension: TestPackage['extension'] = ({ ui }) => ({
      on: [
        [
          'session_start',
          async (_event, { context: { mode, hasUI } }) => {
            ui.notify(`hello ${mode} ${hasUI}`, 'info');
            asked.resolve(await ui.confirm('sure?', 'really', {}));
            return undefined;
          },
        ],
      ],
    });
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'p', extension }], {}, { begin: false });
    const [input, output] = [new PassThrough(), new PassThrough()];
    const done = runRpc(world.host, { input, output });
    for await (const line of linesOf(output)) {
      const { method, message, id } = JSON.parse(line) as Record<string, unknown>;
      if (method === 'notify') expect(message).toBe('hello rpc true');
      if (method === 'confirm') {
        input.end(`${JSON.stringify({ type: 'extension_ui_response', id, confirmed: true })}\n`);
        break;
      }
    }
    expect(await asked.promise).toBe(true);
    expect(await done).toBe(0);
  });
});

describe('a session that cannot begin', () => {
  it('is told to the client, and ends the mode with its reason', async () => {
    await using world = await startTestHost({ turns: [{}] }, [], {}, { begin: false });
    // what an agent that died left here cannot even be removed: a directory in the place of a file
    await mkdir(join(world.home, 'state', 'commands', '999999999-1-x.json'), { recursive: true });
    const [input, output] = [new PassThrough(), new PassThrough()];
    const done = runRpc(world.host, { input, output }).then(
      () => 'nothing failed',
      (error: unknown) => String(error),
    );
    for await (const line of linesOf(output)) {
      const { method, notifyType, message } = JSON.parse(line) as Record<string, unknown>;
      if (method !== 'notify') continue;
      expect([notifyType, message]).toEqual(['error', expect.stringContaining('999999999-1-x.json')]);
      break;
    }
    expect(await done).toMatch(/999999999-1-x\.json/);
    expect(input.destroyed).toBe(true);
  });
});

describe('a client that is gone', () => {
  it('ends the mode, and the run it began ends well', async () => {
    await using world = await startTestHost({ turns: [{ text: 'nobody listens' }] });
    const input = new PassThrough();
    const output = new PassThrough();
    const done = runRpc(world.host, { input, output });
    output.destroy(new Error('EPIPE'));
    input.write('{"type":"prompt","message":"go"}\n');
    expect(await done).toBe(0);
    await world.host.settle();
    expect(world.events.filter(({ type }) => type === 'error')).toEqual([]);
  });

  it('does not leave a command of a package behind', async () => {
    const stopped = Promise.withResolvers<void>();
    const world = await startTestHost({ turns: [{}] }, [
      {
        name: 'p',
        extension: {
          commands: { wait: (_args, { signal }) => new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(stopped.resolve()))) },
        },
      },
    ]);
    const running = world.host.prompt('/wait');
    await world[Symbol.asyncDispose]();
    await stopped.promise;
    expect(await running).toEqual({ kind: 'handled' });
  });
});

describe('the other modes', () => {
  const collect = (stream: PassThrough): (() => string) => {
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    return () => chunks.join('');
  };

  it('print the last answer, and fail when there is none', async () => {
    await using world = await startTestHost({ turns: [{ toolCalls: [{ name: 't', arguments: {} }], text: 'first' }, { text: 'last' }] }, [asking]);
    const output = new PassThrough();
    const errors = new PassThrough();
    const [out, err] = [collect(output), collect(errors)];
    expect(await runPrint(world.host, { prompt: 'go', output, errors })).toBe(0);
    expect(out()).toBe('last\n');
    expect(await runPrint(world.host, { prompt: 'again', output, errors })).toBe(1);
    expect(err()).toMatch(/SCRIPT_EXHAUSTED/);
  });

  it('say which package does not run', async () => {
    const broken: TestPackage = {
      name: 'p',
      extension: () => {
        throw new DashError('COMPILE_FAILED', 'unexpected `}`', { where: { path: 'index.ts', line: 3 } });
      },
    };
    await using world = await startTestHost({ turns: [{ text: 'hi' }] }, [broken]);
    const errors = new PassThrough();
    const err = collect(errors);
    expect(await runPrint(world.host, { prompt: 'go', output: new PassThrough(), errors })).toBe(0);
    expect(err()).toBe('error: `p` does not run: unexpected `}` (index.ts:3)\n');
  });

  it('print every event as a line of JSON', async () => {
    await using world = await startTestHost({ turns: [{ text: 'hi' }] });
    const output = new PassThrough();
    const out = collect(output);
    expect(await runJson(world.host, { prompt: 'go', output, errors: new PassThrough() })).toBe(0);
    const types = out()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line).type);
    expect(types[0]).toBe('session');
    expect(types.at(-1)).toBe('agent_settled');
  });

  it('talk line by line, and draw no control sequences of a model', async () => {
    await using world = await startTestHost({ turns: [{ text: 'hi \u001b[2J\u202Ethere' }] }, [asking]);
    const input = new PassThrough();
    const output = new PassThrough();
    const out = collect(output);
    const heard = async (text: string): Promise<void> => {
      while (!out().includes(text)) await new Promise((resolve) => output.once('data', resolve));
    };
    const done = runReadline(world.host, { input, output });
    await heard('> ');
    input.write('hello\n');
    await heard('hi there');
    input.write('/ask\n');
    await heard('number: ');
    input.write('2\n');
    await heard('[y/N]');
    input.write('\n');
    await heard('why?');
    input.write('because\n');
    await heard('pre');
    input.write('text\n');
    await heard('["b",false,"because","text"]');
    input.write('/quit\n');
    expect(await done).toBe(0);
    expect(out()).not.toContain('\u001b[2J');
    expect(out()).not.toContain('\u202E');
  });
});
