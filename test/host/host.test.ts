import { mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DashError } from '../../format/index.ts';
import { readResources, toolEnvironment } from '../../host/index.ts';
import { findProjectFiles } from '../../host/prompt/project-files.ts';
import { ask, startTestHost, type TestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const results = ({ host }: TestHost): string[] =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult' ? [message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')] : [],
  );
const codes = ({ host }: TestHost): string[] => host.diagnostics.map(({ code }) => code);

describe('a right that is taken back while a package runs', () => {
  it('is felt by the next event: what needs it is not told, what it would change stays', async () => {
    const extension = { on: [['agent_end', () => undefined] as const, ['before_agent_start', () => ({ systemPrompt: 'mine' })] as const] };
    await using world = await startTestHost({ turns: [{ text: 'a' }, { text: 'b' }] }, [{ name: 'p', granted: ['session:read', 'prompt:modify'], extension }]);
    const prompts: string[] = [];
    world.host.subscribe((event) => void (event.type === 'turn_start' && prompts.push(world.host.conversation.systemPrompt)));
    await ask(world.host, 'one');
    world.opened[0]?.lost.add('session:read').add('prompt:modify');
    await ask(world.host, 'two');
    expect(world.opened[0]?.heard.filter((name) => name === 'agent_end')).toHaveLength(1);
    expect(prompts.map((prompt) => prompt === 'mine')).toEqual([true, false]);
  });
});

describe('tools of packages', () => {
  it('answer the model, and wake their package only then', async () => {
    await using world = await startTestHost({ turns: [{ toolCalls: [call('hello', { name: 'Ada' })] }, { text: 'done' }] }, [
      { name: 'greeter', extension: { tools: { hello: (args) => says(JSON.stringify(args)) } } },
    ]);
    expect(world.opened[0]?.pid).toBeUndefined();
    await ask(world.host, 'greet');
    expect(results(world)).toEqual(['{"name":"Ada"}']);
    expect(world.opened[0]?.pid).toBe(1);
    const file = await readFile(world.host.conversation.session.file ?? '', 'utf8');
    expect(file).toContain('"role":"toolResult"');
  });

  it('keep a name by order, and give a second package its own', async () => {
    const tool = (text: string) => ({ tools: { same: () => says(text) } });
    await using world = await startTestHost({ turns: [{ toolCalls: [call('same'), call('second__same')] }, {}] }, [
      { name: 'first', extension: tool('1') },
      { name: '@scope/second', extension: tool('2') },
    ]);
    const names = [...world.host.generation.contributions.tools.keys()];
    expect(names).toEqual(['same', 'scope_second__same']);
    expect(codes(world)).toContain('TOOL_COLLISION');
  });

  it('take the name of a built-in tool only when they are allowed to', async () => {
    const bash = { tools: { bash: () => says('not the shell') } };
    await using without = await startTestHost({ turns: [{}] }, [{ name: 'shell', extension: bash }]);
    expect([...without.host.generation.contributions.tools.keys()]).toEqual(['shell__bash']);
    expect(codes(without)).toContain('TOOL_NAME_TAKEN');
    await using world = await startTestHost({ turns: [{ toolCalls: [call('bash', { command: 'x' })] }, {}] }, [
      { name: 'shell', granted: ['tools:override:bash'], extension: bash },
    ]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['not the shell']);
  });

  it('are dropped when their name is no name', async () => {
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'odd', extension: { tools: { 'no spaces': () => says('') } } }]);
    expect(world.host.generation.contributions.tools.size).toBe(0);
    expect(codes(world)).toContain('INVALID_TOOL_NAME');
    // what cannot be seen in it is shown
    await using unseen = await startTestHost({ turns: [{}] }, [{ name: 'odd', extension: { tools: { 'dep\u200Bloy': () => says('') } } }]);
    expect(unseen.host.diagnostics.map(({ message }) => message)).toContainEqual(expect.stringContaining('registers a tool `dep\\u{200b}loy`'));
  });
});

describe('events of packages', () => {
  const guard = (verdict: () => unknown) => ({ on: [['tool_call', verdict]] as const });
  const target = { name: 'target', extension: { tools: { act: (args: unknown) => says(JSON.stringify(args)) } } };
  const script = { turns: [{ toolCalls: [call('act', { n: 1 })] }, {}] };

  it('block a call, and block it too when the guard breaks', async () => {
    await using blocked = await startTestHost(script, [
      target,
      { name: 'guard', granted: ['tools:intercept'], extension: guard(() => ({ block: true, reason: 'not this one' })) },
    ]);
    await ask(blocked.host, 'go');
    expect(results(blocked)).toEqual(['not this one']);
    await using broken = await startTestHost(script, [
      target,
      {
        name: 'guard',
        granted: ['tools:intercept'],
        extension: guard(() => {
          throw new Error('oops');
        }),
      },
    ]);
    await ask(broken.host, 'go');
    expect(results(broken)[0]).toMatch(/blocked: .*oops/);
    expect(broken.events).toContainEqual(expect.objectContaining({ type: 'extension_error', extensionPath: 'guard', event: 'tool_call' }));
  });

  it('do not reach a package without the permission', async () => {
    await using world = await startTestHost(script, [target, { name: 'guard', extension: guard(() => ({ block: true })) }]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['{"n":1}']);
    expect(world.opened[1]?.heard).toEqual([]);
    expect(world.host.diagnostics).toContainEqual(expect.objectContaining({ code: 'PERMISSION_DENIED', message: expect.stringContaining('tools:intercept') }));
  });

  it('bring back what a handler changed in place, and chain from package to package', async () => {
    const add = (event: Record<string, unknown>) => {
      event['input'] = { ...(event['input'] as object), [`k${Object.keys(event['input'] as object).length}`]: true };
    };
    const extension = {
      on: [
        ['tool_call', add],
        ['tool_call', add],
      ] as const,
    };
    await using world = await startTestHost(script, [
      target,
      { name: 'a', granted: ['tools:intercept'], extension },
      { name: 'b', granted: ['tools:intercept'], extension },
    ]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['{"n":1,"k1":true,"k2":true,"k3":true,"k4":true}']);
  });

  it('change results one after the other, and a throwing one is skipped', async () => {
    const append = (text: string) => (event: Record<string, unknown>) => ({ content: [...(event['content'] as object[]), { type: 'text', text }] });
    const extension = {
      on: [
        ['tool_result', append('+1')],
        [
          'tool_result',
          () => {
            throw new Error('no');
          },
        ],
        ['tool_result', append('+2')],
      ] as const,
    };
    await using world = await startTestHost(script, [target, { name: 'after', granted: ['tools:intercept'], extension }]);
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['{"n":1}+1+2']);
    expect(world.events.filter(({ type }) => type === 'extension_error')).toHaveLength(1);
  });

  it('of project trust are never delivered, and unknown ones are named', async () => {
    await using world = await startTestHost({ turns: [{}] }, [
      {
        name: 'nosy',
        extension: {
          on: [
            ['project_trust', () => ({ trusted: 'yes' })],
            ['made_up', () => undefined],
          ],
        },
      },
    ]);
    await ask(world.host, 'go');
    expect(world.opened[0]?.heard).toEqual([]);
    expect(codes(world)).toEqual(expect.arrayContaining(['EVENT_NOT_DELIVERED', 'UNKNOWN_EVENT']));
  });

  it('let a reader see the context, and drop what it may not change', async () => {
    const seen: unknown[] = [];
    const extension = {
      on: [
        [
          'context',
          (event: Record<string, unknown>) => {
            seen.push(event['messages']);
            return { messages: [] };
          },
        ],
      ] as const,
    };
    await using world = await startTestHost({ turns: [{ text: 'hi' }] }, [{ name: 'reader', granted: ['session:read'], extension }]);
    await ask(world.host, 'go');
    expect(seen).toHaveLength(1);
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'extension_error', code: 'PERMISSION_DENIED' }));
    expect(world.host.conversation.messages).toHaveLength(2);
  });

  it('tell a package of a run in order', async () => {
    const names = [
      'session_start',
      'before_agent_start',
      'agent_start',
      'turn_start',
      'message_start',
      'message_end',
      'tool_execution_start',
      'tool_execution_end',
      'turn_end',
      'agent_end',
      'agent_settled',
      'session_shutdown',
    ];
    const world = await startTestHost(script, [
      target,
      { name: 'listener', granted: ['session:read'], extension: { on: names.map((name) => [name, () => undefined] as const) } },
    ]);
    await ask(world.host, 'go');
    await world[Symbol.asyncDispose]();
    expect(world.opened[1]?.heard).toEqual([
      'session_start',
      'before_agent_start',
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
      'session_shutdown',
    ]);
  });

  it('may change the system prompt and add a message, with the permissions', async () => {
    const prompts: string[] = [];
    const extension = {
      on: [
        [
          'before_agent_start',
          (event: Record<string, unknown>) => ({
            systemPrompt: `${String(event['systemPrompt'])}\nBe brief.`,
            message: { customType: 'note', content: 'remember', display: false },
          }),
        ],
      ] as const,
    };
    const granted = ['session:read', 'prompt:modify'];
    await using world = await startTestHost({ turns: [{ text: 'ok' }] }, [{ name: 'p', granted, extension }], {
      models: {
        models: async () => [
          {
            id: 'm',
            name: 'm',
            provider: 'p',
            api: 'a',
            baseUrl: '',
            reasoning: false,
            input: ['text'],
            cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
            contextWindow: 100_000,
            maxTokens: 1,
          },
        ],
        async *stream(model, { systemPrompt, messages }) {
          prompts.push(systemPrompt, JSON.stringify(messages.at(-1)));
          yield {
            type: 'error',
            reason: 'error',
            error: {
              role: 'assistant',
              content: [],
              api: '',
              provider: model.provider,
              model: model.id,
              usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
              stopReason: 'error',
              errorMessage: 'enough',
              timestamp: 0,
            },
          };
        },
      },
    });
    await ask(world.host, 'go');
    expect(prompts[0]).toMatch(/\nBe brief\.$/);
    expect(prompts[1]).toContain('remember');
  });

  it('of input change what the user typed, or answer in its place', async () => {
    const extension = {
      on: [
        [
          'input',
          (event: Record<string, unknown>) => (event['text'] === 'ping' ? { action: 'handled' } : { action: 'transform', text: `${String(event['text'])}!` }),
        ],
      ] as const,
    };
    await using world = await startTestHost({ turns: [{ text: 'ok' }] }, [{ name: 'i', granted: ['session:read', 'prompt:modify'], extension }]);
    expect(await world.host.prompt('ping')).toEqual({ kind: 'handled' });
    await ask(world.host, 'hey');
    expect(world.host.conversation.messages[0]).toMatchObject({ content: [{ text: 'hey!' }] });
  });
});

describe('reload', () => {
  const answering = (text: string) => ({ tools: { t: () => says(text) } });

  it('keeps what did not change, swaps what did, and lets calls in flight finish on the old build', async () => {
    const reached = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = {
      tools: {
        t: async () => {
          reached.resolve();
          await release.promise;
          return says('old');
        },
      },
    };
    await using world = await startTestHost({ turns: [{ toolCalls: [call('t')] }, { toolCalls: [call('t')] }, {}] }, [
      { name: 'p', extension: slow },
      { name: 'q', extension: { tools: { other: () => says('q') } } },
    ]);
    const running = ask(world.host, 'go');
    await reached.promise;
    world.packages = [
      { name: 'p', hash: '2', extension: answering('new') },
      { name: 'q', extension: { tools: {} } },
    ];
    const { generation, changed } = await world.host.reload();
    expect({ generation, changed }).toEqual({ generation: 2, changed: ['p'] });
    expect(world.opened).toHaveLength(3);
    expect(world.opened[0]?.closed).toBe(false);
    release.resolve();
    await running;
    expect(results(world)).toEqual(['old', 'new']);
    expect(world.opened.map(({ closed }) => closed)).toEqual([true, false, false]);
  });

  it("keeps the last good build of a package that breaks, and names the author's line", async () => {
    await using world = await startTestHost({ turns: [{ toolCalls: [call('t')] }, {}, { toolCalls: [call('t')] }, {}] }, [
      { name: 'p', extension: answering('good') },
    ]);
    world.packages = [
      {
        name: 'p',
        hash: '2',
        extension: () => {
          throw new DashError('COMPILE_FAILED', 'unexpected `}`', { where: { path: 'src/index.ts', line: 14 } });
        },
      },
    ];
    const { diagnostics, changed } = await world.host.reload();
    expect(changed).toEqual([]);
    expect(diagnostics).toContainEqual(expect.objectContaining({ severity: 'error', code: 'COMPILE_FAILED', where: { path: 'src/index.ts', line: 14 } }));
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['good']);
    const outcome = await world.host.prompt('/reload');
    expect(outcome).toMatchObject({ kind: 'handled', message: expect.stringContaining('src/index.ts:14') });
    world.packages = [{ name: 'p', hash: '3', extension: answering('mended') }];
    expect((await world.host.reload()).diagnostics).toEqual([]);
    await ask(world.host, 'again');
    expect(results(world)).toEqual(['good', 'mended']);
  });

  it('starts without a package that never built, and takes it in when it does', async () => {
    await using world = await startTestHost({ turns: [{ toolCalls: [call('t')] }, {}] }, [
      {
        name: 'p',
        extension: () => {
          throw new DashError('COMPILE_FAILED', 'no');
        },
      },
    ]);
    expect(codes(world)).toContain('COMPILE_FAILED');
    world.packages = [{ name: 'p', extension: answering('at last') }];
    await world.host.reload();
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['at last']);
  });

  it('says goodbye and hello only to builds that come and go', async () => {
    const listening = {
      on: [
        ['session_start', () => undefined],
        ['session_shutdown', () => undefined],
      ] as const,
    };
    await using world = await startTestHost({ turns: [{}] }, [
      { name: 'stays', extension: listening },
      { name: 'changes', extension: listening },
      { name: 'goes', extension: listening },
    ]);
    world.packages = [
      { name: 'stays', extension: listening },
      { name: 'changes', hash: '2', extension: listening },
    ];
    await world.host.reload();
    expect(world.opened.map(({ name, heard }) => [name, heard])).toEqual([
      ['stays', ['session_start']],
      ['changes', ['session_start', 'session_shutdown']],
      ['goes', ['session_start', 'session_shutdown']],
      ['changes', ['session_start']],
    ]);
  });

  it('stays flat over many reloads', async () => {
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'p', extension: answering('0') }]);
    for (let round = 1; round <= 20; round += 1) {
      world.packages = [{ name: 'p', hash: String(round + 1), extension: answering(String(round)) }];
      await world.host.reload();
    }
    expect(world.opened.filter(({ closed }) => !closed)).toHaveLength(1);
  });
});

describe('commands, skills and prompts', () => {
  it('of two packages with one name are numbered', async () => {
    const ran: string[] = [];
    const command = (text: string) => ({ commands: { deploy: (args: string) => void ran.push(`${text} ${args}`), reload: () => undefined } });
    await using world = await startTestHost({ turns: [{}] }, [
      { name: 'a', extension: command('a') },
      { name: 'b', extension: command('b') },
    ]);
    await world.host.prompt('/deploy:2 now');
    expect(ran).toEqual(['b now']);
    expect(
      world.host
        .commands()
        .filter(({ source }) => source === 'extension')
        .map(({ name }) => name),
    ).toEqual(['deploy:1', 'deploy:2', 'reload:1', 'reload:2']);
  });

  it('are filled in and wrapped', async () => {
    await using world = await startTestHost({ turns: [{ text: 'a' }, { text: 'b' }] });
    await mkdir(join(world.home, 'prompts'));
    await writeFile(join(world.home, 'prompts', 'review.md'), 'Review $1 well');
    await mkdir(join(world.home, 'skills', 'sing'), { recursive: true });
    await writeFile(join(world.home, 'skills', 'sing', 'SKILL.md'), '---\nname: sing\ndescription: how to sing\n---\nLa la.');
    await world.host.reload();
    expect(world.host.conversation.systemPrompt).toContain('<name>sing</name>');
    await ask(world.host, '/review "my file"');
    await ask(world.host, '/skill:sing loudly');
    const texts = world.host.conversation.messages.flatMap((message) => (message.role === 'user' ? [JSON.stringify(message.content)] : []));
    expect(texts[0]).toContain('Review my file well');
    expect(texts[1]).toMatch(/La la.*loudly/);
  });
});

describe("the host's own tools", () => {
  it('read the workspace without being asked, and nothing else happens without approval', async () => {
    const calls = [
      call('read', { path: 'a.txt' }),
      call('read', { path: '/etc/hostname' }),
      call('read', { path: '.env' }),
      call('write', { path: 'b.txt', content: 'x' }),
      call('bash', { command: 'touch c.txt' }),
    ];
    await using world = await startTestHost({ turns: [{ toolCalls: calls }, {}] });
    await writeFile(join(world.cwd, 'a.txt'), 'hello');
    await writeFile(join(world.cwd, '.env'), 'SECRET=1');
    await ask(world.host, 'go');
    const [read, outside, secret, write, bash] = results(world);
    expect(read).toBe('hello');
    for (const refused of [outside, secret, write]) expect(refused).toMatch(/not approved/);
    expect(bash).toMatch(/not approved/);
    await expect(readFile(join(world.cwd, 'b.txt'))).rejects.toThrow(/ENOENT/);
    await expect(readFile(join(world.cwd, 'c.txt'))).rejects.toThrow(/ENOENT/);
  });

  it('write in the workspace with `--approve edits`, but not what runs later', async () => {
    const calls = [
      call('write', { path: 'src/b.txt', content: 'one two' }),
      call('edit', { path: 'src/b.txt', edits: [{ oldText: 'two', newText: 'three' }] }),
      call('write', { path: 'package.json', content: '{}' }),
      call('write', { path: '../out.txt', content: '' }),
    ];
    await using world = await startTestHost({ turns: [{ toolCalls: calls }, {}] }, [], { approval: 'edits' });
    await ask(world.host, 'go');
    expect(results(world).map((text) => /declined|not approved/.test(text))).toEqual([false, false, true, true]);
    expect(await readFile(join(world.cwd, 'src', 'b.txt'), 'utf8')).toBe('one three');
  });

  it("run commands with `--approve all`, without keys and marked as a tool's", async () => {
    await using world = await startTestHost(
      { turns: [{ toolCalls: [call('bash', { command: 'echo $DASH_TOOL_PROCESS/$OPENAI_API_KEY/$PLAIN; exit 3' })] }, {}] },
      [],
      {
        approval: 'all',
        env: { PATH: process.env['PATH'], OPENAI_API_KEY: 'k', PLAIN: 'p' },
      },
    );
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['1//p\n\n[exit code 3]']);
    expect(toolEnvironment({ GITHUB_TOKEN: 'x', MY_PASSWORD: 'y', HOME: '/h' })).toEqual({ HOME: '/h', DASH_TOOL_PROCESS: '1' });
  });

  it('do not let a search look into files with secrets', async () => {
    await using world = await startTestHost(
      { turns: [{ toolCalls: [call('grep', { pattern: 'needle' }), call('find', { pattern: '*.txt' }), call('ls')] }, {}] },
      [],
      { tools: ['grep', 'find', 'ls'] },
    );
    await writeFile(join(world.cwd, '.env'), 'needle=1');
    await writeFile(join(world.cwd, 'a.txt'), 'a needle here');
    await ask(world.host, 'go');
    expect(results(world)).toEqual(['a.txt:1: a needle here', 'a.txt', '.env\na.txt']);
  });

  it('read the files of a skill wherever it lies, and what a link in it points to only when that is free too', async () => {
    const home = await temporaryDirectory();
    const directory = join(home, 'sing');
    await mkdir(directory);
    await writeFile(join(directory, 'SKILL.md'), '---\nname: sing\ndescription: how to sing\n---\nLa la.');
    await writeFile(join(home, 'beside.txt'), 'beside');
    await symlink('/etc/hostname', join(directory, 'link'));
    const reads = [join(directory, 'SKILL.md'), join(home, 'beside.txt'), join(directory, 'link')].map((path) => call('read', { path }));
    await using world = await startTestHost({ turns: [{ toolCalls: reads }, {}] }, [{ name: 'choir', dir: home, resources: { skills: ['sing/SKILL.md'] } }]);
    await ask(world.host, 'go');
    expect(results(world).map((text) => text.includes('not approved'))).toEqual([false, true, true]);
  });

  it('cut long files and say how to read on', async () => {
    await using world = await startTestHost({
      turns: [{ toolCalls: [call('read', { path: 'long.txt' }), call('read', { path: 'long.txt', offset: 2001, limit: 1 })] }, {}],
    });
    await writeFile(join(world.cwd, 'long.txt'), Array.from({ length: 3000 }, (_, index) => `line ${index + 1}`).join('\n'));
    await ask(world.host, 'go');
    const [first, second] = results(world);
    expect(first).toMatch(/line 2000\n\n\[1000 more lines; read on with offset=2001\]$/);
    expect(second).toMatch(/^line 2001\n\n\[999 more/);
  });
});

describe('what packages may do with the session', () => {
  it('goes through the ports: entries, messages, names, another prompt', async () => {
    const idle: unknown[] = [];
    await using world = await startTestHost({ turns: [{ text: 'one' }, { text: 'two' }] }, [
      {
        name: 'p',
        granted: ['session:read'],
        extension: ({ session, agent }) => ({
          on: [
            [
              'agent_end',
              () => {
                if (session.query({ kind: 'sessionName' }) !== undefined) return;
                session.setName('named');
                session.appendEntry('p', 'state', { n: 1 });
                session.sendUserMessage('p', 'and again', { deliverAs: 'followUp' });
                idle.push(agent.query('isIdle'));
              },
            ],
          ],
        }),
      },
    ]);
    await ask(world.host, 'go');
    expect(idle).toEqual([false]);
    const { session } = world.host.conversation;
    expect(session.tree.name).toBe('named');
    expect(session.tree.entries.map(({ type }) => type)).toContain('custom');
    expect(world.host.conversation.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(world.events.filter(({ type }) => type === 'agent_settled')).toHaveLength(1);
  });

  it('never opens a file that is not a session of this user', async () => {
    let refused: unknown;
    await using world = await startTestHost({ turns: [{}] }, [
      {
        name: 'p',
        extension: ({ session }) => ({
          commands: {
            steal: async () => {
              refused = await session.control('p', { kind: 'switchSession', path: '/etc/passwd' }).catch((error: unknown) => error);
            },
          },
        }),
      },
    ]);
    await world.host.prompt('/steal');
    expect(refused).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('forks, jumps and begins anew', async () => {
    await using world = await startTestHost({ turns: [{ text: 'one' }, { text: 'two' }] });
    await ask(world.host, 'first');
    await ask(world.host, 'second');
    const { host } = world;
    const second = host.conversation.session.tree.branch().findLast((entry) => entry.type === 'message' && entry.message.role === 'user');
    await host.sessions.navigate(second?.id ?? '');
    expect(host.conversation.messages).toHaveLength(2);
    await host.sessions.navigate(host.conversation.session.tree.entries.at(-1)?.id ?? '');
    const parent = host.conversation.session.file;
    expect(await host.sessions.fork(second?.id ?? '', 'before')).toEqual({ cancelled: false, text: 'second' });
    expect(host.conversation.messages).toHaveLength(2);
    expect(host.conversation.session.tree.header.parentSession).toBe(parent);
    await host.prompt('/new');
    expect(host.conversation.messages).toHaveLength(0);
  });
});

describe('prompts and themes that no package brings', () => {
  it('are the user’s before those of a trusted project, and no link of a project leaves it', async () => {
    const home = await realpath(await temporaryDirectory());
    const cwd = join(home, 'work');
    const write = async (path: string, text: string) => {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), text);
    };
    await mkdir(join(cwd, '.git'), { recursive: true });
    await write('.dash/prompts/greet.md', 'Greet $1 politely');
    await write('.pi/agent/prompts/part.md', 'Say farewell');
    await write('.claude/commands/README.md', 'no command');
    await write('work/.dash/prompts/greet.md', 'Greet $1 rudely');
    await write('work/.claude/commands/ship.md', '---\nargument-hint: <version>\n---\nShip $1');
    await write('work/.dash/themes/dusk.json', JSON.stringify({ name: 'dusk', colors: { text: '#ffffff' } }));
    await write('key.md', 'secret');
    await symlink(join(home, 'key.md'), join(cwd, '.dash/prompts/key.md'));
    const places = { dashHome: join(home, '.dash'), home, cwd };
    const read = async (trusted: boolean) => {
      const { prompts, themes, diagnostics } = await readResources({ ...places, trusted }, []);
      return {
        prompts: prompts.map(({ name, origin }) => `${name} of ${origin}`),
        themes: themes.map(({ name }) => name),
        codes: diagnostics.map(({ code }) => code),
      };
    };
    expect(await read(false)).toEqual({ prompts: ['greet of user', 'part of user'], themes: [], codes: [] });
    expect(await read(true)).toEqual({
      prompts: ['greet of user', 'part of user', 'ship of project'],
      themes: ['dusk'],
      codes: ['SKILL_LINK_OUTSIDE', 'PROMPT_COLLISION'],
    });
    // who is asked for trust is told of them
    expect([...(await findProjectFiles(places)).items.keys()].toSorted()).toEqual([
      '.claude/commands/ship.md',
      '.dash/prompts/greet.md',
      '.dash/themes/dusk.json',
    ]);
    await rm(home, { recursive: true });
  });
});

describe('skills that come while the host runs', () => {
  it('are there after a reload, as commands and in the list', async () => {
    await using world = await startTestHost({ turns: [{ text: 'ok' }] });
    expect(world.host.commands().map(({ name }) => name)).not.toContain('skill:tidy');
    await mkdir(join(world.home, 'skills', 'tidy'), { recursive: true });
    await writeFile(join(world.home, 'skills', 'tidy', 'SKILL.md'), '---\nname: tidy\ndescription: Tidies up.\n---\nPut things away.\n');
    await world.host.reload();
    expect(world.host.commands().map(({ name }) => name)).toContain('skill:tidy');
    expect(world.host.conversation.systemPrompt).toContain('<name>tidy</name>');
    await ask(world.host, '/skill:tidy the desk');
    expect(JSON.stringify(world.host.conversation.messages[0])).toContain('Put things away.');
  });

  it('are started by their whole name, also when it holds spaces', async () => {
    await using world = await startTestHost({ turns: [{ text: 'ok' }, { text: 'ok' }] });
    for (const [directory, name] of [
      ['pdf', 'PDF'],
      ['pdf-forms', 'PDF Forms'],
    ] as const) {
      await mkdir(join(world.home, 'skills', directory), { recursive: true });
      await writeFile(join(world.home, 'skills', directory, 'SKILL.md'), `---\nname: ${name}\ndescription: x\n---\nThe body of ${directory}.\n`);
    }
    await world.host.reload();
    await ask(world.host, '/skill:PDF Forms of the tax office');
    await ask(world.host, '/skill:PDF of the tax office');
    const [first, second] = world.host.conversation.messages.filter(({ role }) => role === 'user').map((message) => JSON.stringify(message));
    expect(first).toMatch(/The body of pdf-forms\..*of the tax office/);
    expect(second).toMatch(/The body of pdf\..*of the tax office/);
  });

  it('are found with a tool when they do not all fit into the list', async () => {
    const home = await temporaryDirectory();
    await writeFile(join(home, 'settings.json'), JSON.stringify({ skills: { budget: 100 } }));
    for (const [name, description] of [
      ['tidy', 'Tidies up desks and rooms.'],
      ['sing', 'Sings songs in all the voices of a choir, high and low, and knows the words to most of them.'],
    ]) {
      await mkdir(join(home, 'skills', String(name)), { recursive: true });
      await writeFile(join(home, 'skills', String(name), 'SKILL.md'), `---\nname: ${name}\ndescription: ${description}\n---\n${'word '.repeat(50)}`);
    }
    await using world = await startTestHost({ turns: [{ toolCalls: [call('find_skill', { query: 'a song' })] }, { text: 'ok' }] }, [], { dashHome: home });
    await ask(world.host, 'tidy my desk');
    expect(results(world)).toEqual([expect.stringContaining('<name>sing</name>')]);
  });
});
