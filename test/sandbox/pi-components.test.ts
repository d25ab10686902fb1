import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallContext, RemoteSurface, RenderSubject } from '../../sandbox/index.ts';
import { type HostState, PI_DARK, piScreen, type PiScreen, piTheme } from '../support/pi-screen.ts';
import { remoteScreen, type RemoteScreen } from '../support/remote-screen.ts';
import { openFixture, recordingPorts, until, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * pi's own interactive examples, the same file in pi's components and in our isolate: the same keys, and after each of
 * them the same lines, colours included.
 */
const EXAMPLES = join(import.meta.dirname, '../../node_modules/@earendil-works/pi-coding-agent/examples/extensions');
const TERMINAL: CallContext = { mode: 'tui', hasUI: true };
const WIDTH = 80;
const [UP, DOWN, RIGHT, LEFT, ENTER, ESCAPE, TAB, SPACE] = ['\u001B[A', '\u001B[B', '\u001B[C', '\u001B[D', '\r', '\u001B', '\t', ' '];

const STATE: HostState = {
  entries: [],
  tools: [{ name: 'read' }, { name: 'bash' }, { name: 'edit' }],
  activeTools: ['read', 'bash'],
  model: { provider: 'anthropic', id: 'claude-x', contextWindow: 200_000 },
};

const MESSAGE = (role: string, more: object): object => ({
  type: 'message',
  id: 'm',
  parentId: null,
  timestamp: '2026-01-01T00:00:00.000Z',
  message: { role, ...more },
});

interface Both extends AsyncDisposable {
  readonly pi: PiScreen;
  readonly screen: RemoteScreen;
  readonly fixture: Fixture;
  readonly said: readonly unknown[];
  run(command: string, args?: string): void;
  callTool(name: string, params: object): void;
  emit(type: string, event?: object): Promise<void>;
  /** Types a key on both screens. */
  key(data: string): Promise<void>;
  /** Waits until both show the same components with the same lines, and something with this text; gives the lines. */
  same(text?: string): Promise<string>;
}

let world: Both | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

interface Options {
  readonly file: string;
  readonly granted?: readonly string[];
  readonly state?: HostState;
  readonly workspaceFiles?: Readonly<Record<string, string>>;
  /** Put before the file on both sides, where chance or time decide what is drawn. */
  readonly before?: string;
  /** Words of the file that are others on both sides, where a program of elsewhere would answer. */
  readonly instead?: readonly [string, string];
}

/** As wide as it asks to be, on both sides. */
function widthOf(layout: { readonly width?: unknown } | undefined, isOverlay: boolean): number {
  if (!isOverlay) return WIDTH;
  const width = layout?.width;
  if (typeof width === 'number') return Math.min(width, WIDTH);
  const percent = typeof width === 'string' ? /^(\d+)%$/.exec(width)?.[1] : undefined;
  return percent === undefined ? WIDTH : Math.floor((WIDTH * Number(percent)) / 100);
}

async function both({ file, granted = [], state = STATE, workspaceFiles = {}, before = '', instead = ['', ''] }: Options): Promise<Both> {
  const source = `${before}\n${(await readFile(join(EXAMPLES, file), 'utf8')).replaceAll(...instead)}`;
  const screen = remoteScreen({
    scene: { theme: { name: 'dark', mode: piTheme.getColorMode(), colors: PI_DARK.colors } },
    widthOf: ({ place }: RemoteSurface) => widthOf(place.kind === 'overlay' ? place.layout : undefined, place.kind === 'overlay'),
  });
  const said: unknown[] = [];
  const ports = recordingPorts(said);
  const fixture = await openFixture({
    files: { 'index.ts': source, 'tick.ts': TICK, ...(file.includes('/') && (await siblings(file))) },
    entries: ['index.ts', 'tick.ts'],
    granted: [
      'ui:panel',
      'ui:keys',
      'ui:notify',
      'ui:prompt',
      'session:read',
      'session:write',
      'session:control',
      'prompt:modify',
      'tools:intercept',
      'fs:read',
      ...granted,
    ],
    workspaceFiles,
    ports: {
      ...ports,
      ui: {
        ...ports.ui,
        surfaces: screen.port,
        editor: async (title, prefill) => {
          said.push(['edit', `${title}: ${prefill}`]);
          return `${prefill}, edited`;
        },
      },
      session: {
        ...ports.session,
        control: async () => ({ cancelled: false }),
        query: ({ kind }) => (kind === 'branch' || kind === 'entries' ? state.entries : undefined),
      },
      agent: {
        ...ports.agent,
        complete: async (_package, asked) => {
          const { model, context } = asked as { readonly model: { readonly id: string }; readonly context: object };
          return state.complete?.(model, context);
        },
        query: (query) =>
          query === 'models'
            ? [state.model]
            : query === 'allTools'
              ? state.tools
              : query === 'activeTools'
                ? state.activeTools
                : query === 'model'
                  ? state.model
                  : query === 'thinkingLevel'
                    ? 'off'
                    : query === 'isIdle'
                      ? true
                      : undefined,
      },
    },
  });
  // pi reads the same file from a directory of its own, beside the example's others.
  const copy = join(fixture.packageDirectory, 'index.ts');
  const pi = await piScreen(copy, fixture.workspace, state);
  const piLines = (): string[] =>
    pi.shown
      .filter(({ closed }) => !closed)
      .map(({ kind, component, overlay }) => [kind, ...component.render(widthOf(overlay, kind === 'overlay'))].map(plain).join('\n'));
  const ours = (): string[] =>
    screen.shown.filter(({ closed }) => !closed).map(({ surface }) => [surface.place.kind, ...(surface.frame?.lines ?? ['(nothing)'])].map(plain).join('\n'));
  const focused = (): RemoteSurface | undefined => screen.focused;
  const how = { context: TERMINAL, timeoutMs: 60_000 };
  world = {
    pi,
    screen,
    fixture,
    said,
    run(command, args = '') {
      void pi.run(command, args);
      void fixture.extension.runCommand(command, args, how).catch(() => undefined);
    },
    callTool(name, params) {
      void pi.callTool(name, params);
      void fixture.extension.callTool(name, params, { toolCallId: 'call-1', ...how }).catch(() => undefined);
    },
    async emit(type, event = {}) {
      await pi.emit(type, event);
      for (const registered of fixture.extension.registrations.events) {
        if (registered.event === type) await fixture.extension.deliver(registered.handler, { type, ...event }, how);
      }
    },
    async key(data) {
      if (data === A_TICK) {
        (globalThis as { tick?: () => void }).tick?.();
        return fixture.extension.runCommand('tick', '', how);
      }
      pi.key(data);
      await focused()?.key(data);
    },
    async same(text = '') {
      const isSame = (): boolean => JSON.stringify(piLines()) === JSON.stringify(ours()) && ours().join('\n').includes(text);
      const end = Date.now() + 40_000; // a guard against hanging; equal frames come at once
      while (!isSame() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
      const [drawn, wanted] = [ours(), piLines()];
      expect(drawn).toEqual(wanted);
      expect(drawn.join('\n')).toContain(text);
      return drawn.join('\n');
    },
    async [Symbol.asyncDispose]() {
      pi[Symbol.dispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
  return world;
}

/** Files beside the entry of an example that is a directory, in its directory's place. */
async function siblings(file: string): Promise<Record<string, string>> {
  const directory = file.slice(0, file.lastIndexOf('/'));
  return Object.fromEntries(
    await Promise.all(
      (await readdir(join(EXAMPLES, directory)))
        .filter((name) => name.endsWith('.ts') && name !== 'index.ts')
        .map(async (name) => [name, await readFile(join(EXAMPLES, directory, name), 'utf8')] as const),
    ),
  );
}

/** The mark of the cursor is of the screen, not of what is drawn, and what turns turns by itself. Nothing else is left out. */
function plain(line: string): string {
  return line.replaceAll('\u001B_pi:c\u0007', '').replaceAll(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '⠿');
}

/** The same numbers on both sides, for games. */
const DICE = `{ let seed = 7; Math.random = () => { seed = (seed * 16807) % 2147483647; return seed / 2147483647; }; }`;
/** A clock that stands still until the test goes on. */
const STILL = `const setInterval = (tick: () => void) => { (globalThis as any).tick = tick; return 1 as any; }; const clearInterval = (_id: unknown) => {};`;
const TICK = `export default (pi) => pi.registerCommand('tick', { handler: async () => globalThis.tick?.() });`;
const A_TICK = 'tick';
const ticks = (count: number): string[] => Array.from({ length: count }, () => A_TICK);

async function through(keys: readonly string[]): Promise<string[]> {
  const drawn: string[] = [];
  for (const key of keys) {
    await world?.key(key);
    drawn.push((await world?.same()) ?? '');
  }
  return drawn;
}

describe('panels', () => {
  test('question: a choice, and words of one\u2019s own in pi\u2019s editor', async () => {
    const { callTool, same } = await both({ file: 'question.ts' });
    callTool('question', { question: 'Which one?', options: [{ label: 'the first', description: 'it is good' }, { label: 'the second' }] });
    await same('Which one?');
    await through([DOWN, DOWN, ENTER, 'h', 'i', '漢', LEFT, 'x', ESCAPE, UP, ENTER]);
  });

  test('questionnaire: tabs over several questions', async () => {
    const { callTool, same } = await both({ file: 'questionnaire.ts' });
    const options = ['red', 'green'].map((value) => ({ value, label: value, description: `${value} it is` }));
    callTool('questionnaire', {
      questions: [
        { id: 'a', label: 'Colour', prompt: 'Which colour?', options },
        { id: 'b', prompt: 'Another?', options, allowOther: false },
      ],
    });
    await same('Which colour?');
    await through([DOWN, ENTER, TAB, LEFT, RIGHT, ENTER, ENTER]);
  });

  test('todo: its list, and closing it', async () => {
    const details = {
      action: 'list',
      todos: [
        { id: 1, text: 'milk', done: true },
        { id: 2, text: 'bread', done: false },
      ],
      nextId: 3,
    };
    const state = { ...STATE, entries: [MESSAGE('toolResult', { toolName: 'todo', details })] };
    const { run, same, emit } = await both({ file: 'todo.ts', state });
    await emit('session_start', { reason: 'startup' });
    run('todos');
    await same('bread');
    await through([ESCAPE]);
  });

  test('tools: pi\u2019s list of settings', async () => {
    const { run, same, emit } = await both({ file: 'tools.ts' });
    await emit('session_start', { reason: 'startup' });
    run('tools');
    await same('Tool Configuration');
    await through([DOWN, DOWN, ENTER, SPACE, UP, ENTER, ESCAPE]);
  });

  test('preset: pi\u2019s list of choices with borders', async () => {
    const presets = JSON.stringify({ plan: { tools: ['read'], instructions: 'only plan' }, fast: { provider: 'p', model: 'm', thinkingLevel: 'low' } });
    const { run, same, emit } = await both({ file: 'preset.ts', workspaceFiles: { '.pi/presets.json': presets } });
    await emit('session_start', { reason: 'startup' });
    run('preset');
    await same('plan');
    await through([DOWN, DOWN, UP, ESCAPE]);
  });

  test('tic-tac-toe: a board, moves and the end of the visit', async () => {
    const { run, same, emit } = await both({ file: 'tic-tac-toe.ts', before: DICE });
    await emit('session_start', { reason: 'startup' });
    run('tic-tac-toe');
    await same('custom');
    await through([RIGHT, DOWN, LEFT, ENTER, UP, 'q']);
  });

  test.each([
    ['snake.ts', 'snake', [UP, ...ticks(2), LEFT, ...ticks(2), DOWN, ...ticks(14), 'r', ...ticks(2), ESCAPE]],
    ['space-invaders.ts', 'invaders', [LEFT, ...ticks(2), SPACE, ...ticks(12), RIGHT, ...ticks(2), 'p', 'q']],
  ])('%s: a game, tick by tick', async (file, command, keys) => {
    const { run, same } = await both({ file, before: `${DICE}\n${STILL}` });
    run(command);
    await same('custom');
    await through(keys);
  });
});

describe('overlays', () => {
  test('overlay-test: fields within a menu, wide characters at its borders', async () => {
    const { run, same, screen, pi } = await both({ file: 'overlay-test.ts' });
    run('overlay-test');
    await same('Overlay Test');
    await through(['a', 'b', LEFT, 'c', DOWN, 'x', '\u007F', DOWN, ENTER]);
    await until(() => screen.shown.every(({ closed }) => closed));
    expect(pi.notices).toEqual(['Settings']);
  });

  test('overlay-qa-tests: anchors, margins, stacks, hiding and the focus among several', async () => {
    const { run, same, key, screen } = await both({ file: 'overlay-qa-tests.ts' });
    run('overlay-anchors');
    await same('top-left');
    await through([SPACE, SPACE, RIGHT, ESCAPE]);
    run('overlay-focus');
    await same('Gamma');
    await through(['a', TAB, 'b', TAB, '\u0004', 'c']);
    await key('\u0003');
    await same();
    expect(screen.shown.every(({ closed }) => closed)).toBe(true);
    run('overlay-edge');
    await same('overlay');
    await through([ESCAPE]);
  });
});

describe('around the conversation', () => {
  test('custom-footer counts what the session cost', async () => {
    const usage = { input: 1_500, output: 20, cost: { total: 0.125 } };
    const { run, same } = await both({ file: 'custom-footer.ts', state: { ...STATE, entries: [MESSAGE('assistant', { usage, content: [] })] } });
    run('footer');
    await same('↑1.5k');
    run('footer');
    expect(await same()).toBe('');
  });

  test('custom-header draws its picture', async () => {
    const { emit, same, run } = await both({ file: 'custom-header.ts' });
    await emit('session_start', { reason: 'startup' });
    await same('████');
    run('builtin-header');
    expect(await same()).toBe('');
  });

  test('plan-mode says how far it is', async () => {
    const { run, pi, said } = await both({ file: 'plan-mode/index.ts' });
    run('plan');
    const told = (): readonly unknown[] =>
      (said as readonly [string, { readonly kind: string; readonly text?: string }][]).filter(([, { kind }]) => kind === 'status').map(([, { text }]) => text);
    await until(() => told().length > 0 && pi.statuses.size > 0);
    expect(told()).toEqual([...pi.statuses.values()]);
  });
});

describe('editors', () => {
  test.each([
    ['modal-editor.ts', ['h', 'e', 'l', 'l', 'o', ESCAPE, 'h', 'h', 'x', '0', 'x', 'i', 'J', ENTER]],
    ['border-status-editor.ts', ['h', 'i', LEFT, '漢', '\u0001', '\u000B']],
  ])('%s: modes, keys and borders', async (file, keys) => {
    const { emit, same } = await both({ file });
    await emit('session_start', { reason: 'startup' });
    await same('editor');
    await through(keys);
  });

  test('rainbow-editor colours what is typed', async () => {
    const { emit, same } = await both({ file: 'rainbow-editor.ts', before: STILL });
    await emit('session_start', { reason: 'startup' });
    await same('editor');
    await through([...'an ultrathink', ENTER]);
  });
});

describe('renderers', () => {
  const drawn = (subject: RenderSubject): Promise<unknown> | undefined =>
    world?.fixture.extension.render(subject, { width: WIDTH, scene: world.screen.port.scene().version, context: TERMINAL });

  test.each([true, false])('message-renderer and entry-renderer, expanded %s', async (expanded) => {
    const message = { customType: 'status-update', content: 'all is well', details: { level: 'warn', timestamp: 1_700_000_000_000 } };
    await both({ file: 'message-renderer.ts' });
    const wanted = world?.pi.extension.messageRenderers.get('status-update')?.(message, { expanded, outputPad: 1 }, piTheme)?.render(WIDTH);
    expect(wanted?.join('\n')).toContain('all is well');
    expect(await drawn({ kind: 'message', customType: 'status-update', message, expanded, outputPad: 1 })).toEqual({ lines: wanted });
    await world?.[Symbol.asyncDispose]();

    const entry = { type: 'custom', customType: 'status-card', data: { message: 'a card', timestamp: 1_700_000_000_000 } };
    await both({ file: 'entry-renderer.ts' });
    const card = world?.pi.extension.entryRenderers.get('status-card')?.(entry, { expanded }, piTheme)?.render(WIDTH);
    expect(await drawn({ kind: 'entry', customType: 'status-card', entry, expanded })).toEqual({ lines: card });
  });

  test.each(['todo.ts', 'question.ts', 'structured-output.ts'])('%s: calls and results', async (file) => {
    await both({ file });
    const [name, tool] = [...(world?.pi.extension.tools ?? [])][0] ?? [];
    const args = { action: 'add', text: 'milk', question: 'Which?', options: [{ label: 'one' }], headline: 'h', summary: 's', actionItems: ['a'] };
    const details = {
      action: 'list',
      todos: [{ id: 1, text: 'milk', done: true }],
      nextId: 2,
      question: 'Which?',
      options: ['one'],
      answer: 'one',
      headline: 'h',
      summary: 's',
      actionItems: ['a'],
    };
    const result = { content: [{ type: 'text', text: 'done' }], details };
    const flags = { expanded: true, isPartial: false, isError: false, executionStarted: true, argsComplete: true, showImages: false };
    const context = { args, toolCallId: 'c', invalidate: () => undefined, lastComponent: undefined, state: {}, cwd: '/', ...flags };
    const call = tool?.definition.renderCall?.(args, piTheme, context).render(WIDTH);
    const after = tool?.definition.renderResult?.(result, { expanded: true, isPartial: false }, piTheme, context).render(WIDTH);
    expect(call !== undefined || after !== undefined).toBe(true);
    expect(await drawn({ kind: 'tool', name: name ?? '', toolCallId: 'c', args, result, ...flags })).toEqual({
      ...(call && { lines: call }),
      ...(after && { result: after }),
    });
  });
});

describe('what asks a model', () => {
  /** A model that answers when the test says so, and what it was asked. */
  function model(id = 'claude-x', provider = 'anthropic') {
    const { promise, resolve } = Promise.withResolvers<object>();
    const requests: string[] = [];
    const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } };
    const state: HostState = {
      ...STATE,
      model: { provider, id, contextWindow: 200_000 },
      entries: [
        MESSAGE('user', { content: 'which database?', timestamp: 1 }),
        MESSAGE('assistant', { content: [{ type: 'text', text: 'Postgres or SQLite?' }], stopReason: 'stop', timestamp: 2 }),
      ],
      complete: ({ id: asked }, request) => {
        // when it was asked is the clock's
        requests.push(JSON.stringify([asked, request]).replaceAll(/"timestamp":\d+/g, '"timestamp":0'));
        return promise;
      },
    };
    const answer = (text: string): void => resolve({ role: 'assistant', content: [{ type: 'text', text }], stopReason: 'stop', usage });
    return { state, requests, answer };
  }
  const notes = (said: readonly unknown[]): unknown[] => (said as readonly [string, string][]).flatMap(([kind, text]) => (kind === 'notify' ? [text] : []));
  const edits = (said: readonly unknown[]): string[] =>
    (said as readonly [string, string | { readonly kind: string; readonly text?: string }][]).flatMap(([kind, what]) => {
      if (typeof what === 'string') return kind === 'edit' ? [what] : [];
      return kind === 'set' && what.kind === 'editorText' ? [what.text ?? ''] : [];
    });

  test('qna: a loader while it is asked, and its answer in the editor', async () => {
    const { state, requests, answer } = model();
    const { run, same, pi, said, screen } = await both({ file: 'qna.ts', state, granted: ['model'] });
    run('qna');
    await same('Extracting questions using claude-x');
    await until(() => requests.length === 2);
    expect(requests[0]).toContain('Postgres or SQLite?');
    expect(requests[0]).toBe(requests[1]);
    answer('Q: Which?\nA: ');
    await until(() => screen.shown.every(({ closed }) => closed) && pi.edits.length > 0 && notes(said).length === pi.notices.length);
    expect(edits(said)).toEqual(pi.edits);
    expect(notes(said)).toEqual(pi.notices);
    expect(pi.edits).toEqual(['Q: Which?\nA: ']);
  });

  test('qna: what is left with escape was not asked for', async () => {
    const { state, requests } = model();
    const { run, same, pi, said, key } = await both({ file: 'qna.ts', state, granted: ['model'] });
    run('qna');
    await same('Extracting');
    await until(() => requests.length === 2);
    await key(ESCAPE);
    await until(() => pi.notices.length > 0 && notes(said).length === pi.notices.length);
    expect(notes(said)).toEqual(['Cancelled']);
    expect(edits(said)).toEqual([]);
  });

  test('handoff: a prompt for another session, edited, and put into its editor', async () => {
    const { state, requests, answer } = model();
    const { run, same, pi, said } = await both({ file: 'handoff.ts', state, granted: ['model'] });
    run('handoff', 'use SQLite');
    await same('Generating handoff prompt');
    await until(() => requests.length === 2);
    expect(requests[0]).toContain('use SQLite');
    expect(requests[0]).toBe(requests[1]);
    answer('## Task');
    await until(() => pi.notices.length > 0 && notes(said).length === pi.notices.length);
    expect(pi.edits).toEqual(['Edit handoff prompt: ## Task', '## Task, edited']);
    expect(edits(said)).toEqual(pi.edits);
    expect(notes(said)).toEqual(pi.notices);
  });

  test('summarize: an answer laid out as markdown', async () => {
    const { state, requests, answer } = model('gpt-5.2', 'openai');
    const { run, same, screen } = await both({ file: 'summarize.ts', state, granted: ['model'] });
    run('summarize');
    await until(() => requests.length === 2);
    expect(requests[0]).toBe(requests[1]);
    answer('# Goals\n\n- a *database*\n\n```sql\nselect 1\n```\n\n| a | b |\n|---|---|\n| 1 | 漢字 |');
    await same('Conversation Summary');
    await through([DOWN, ENTER]);
    expect(screen.shown.every(({ closed }) => closed)).toBe(true);
  });
});

test('github-issue-autocomplete: issues behind a #, and what else suggests elsewhere', async () => {
  const issues = [
    { number: 7, title: 'Crash at start', state: 'OPEN' },
    { number: 71, title: 'A slow list', state: 'OPEN' },
    { number: 8, title: 'Colours', state: 'OPEN' },
  ];
  // Neither GitHub nor its program are here: what both would answer is written down. Nothing else of the file is changed.
  const answers = `const answered = async (program: string, args: string[]) => ({ code: 0, stderr: '', killed: false, stdout: program === 'git' ? 'origin\\tgit@github.com:owner/name.git (fetch)\\n' : JSON.stringify(${JSON.stringify(issues)}) });`;
  const { emit, pi, screen } = await both({ file: 'github-issue-autocomplete.ts', before: answers, instead: ['pi.exec(', 'answered('] });
  await emit('session_start', { reason: 'startup' });
  const { surface } = await screen.find('completions');
  for (const line of ['#', 'see #7', 'see #slow', '#8 ', 'no issue', '#nothing like it']) {
    const options = { signal: new AbortController().signal };
    const wanted = await pi.suggests?.getSuggestions([line], 0, line.length, options);
    const found = await surface.suggest({ lines: [line], line: 0, column: line.length, force: false }, options.signal);
    const items = found?.items.map(({ value, label, description }) => ({ value, label, ...(description !== undefined && { description }) }));
    expect({ line, prefix: found?.prefix, items }).toEqual({ line, prefix: wanted?.prefix, items: wanted?.items });
  }
});

test('doom-overlay: its engine of WebAssembly is started, and says what it says in pi; there is no game to play here', async () => {
  const { exitCode } = process;
  const { run, pi, said, fixture } = await both({ file: 'doom-overlay/index.ts', granted: ['wasm'], workspaceFiles: { 'none.wad': 'no game at all' } });
  await cp(join(EXAMPLES, 'doom-overlay/doom'), join(fixture.packageDirectory, 'doom'), { recursive: true });
  const notices = (): unknown[] => (said as readonly [string, string][]).flatMap(([kind, text]) => (kind === 'notify' ? [text] : []));
  run('doom-overlay', join(fixture.workspace, 'none.wad'));
  const hasEnded = (told: readonly unknown[]): boolean => String(told.at(-1)).startsWith('Failed to load');
  await until(() => hasEnded(pi.notices) && hasEnded(notices()));
  // The engine ends by throwing, which sets how the process ends that it runs in.
  process.exitCode = exitCode;
  expect(notices()).toEqual(pi.notices);
  expect(pi.notices.at(-1)).toBe('Failed to load DOOM: [object Object]');
  // the arm of control: without the permission nothing of it is compiled
  await world?.[Symbol.asyncDispose]();
  const plain = await both({ file: 'doom-overlay/index.ts', workspaceFiles: { 'none.wad': 'no game at all' } });
  await cp(join(EXAMPLES, 'doom-overlay/doom'), join(plain.fixture.packageDirectory, 'doom'), { recursive: true });
  plain.run('doom-overlay', join(plain.fixture.workspace, 'none.wad'));
  await until(() => hasEnded(plain.said.flatMap((one) => (Array.isArray(one) && one[0] === 'notify' ? [one[1]] : []))));
  expect(JSON.stringify(plain.said.at(-1))).toContain('wasm');
});
