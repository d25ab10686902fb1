import { afterEach, describe, expect, test } from 'vitest';
import { RemoteView } from '../../host/modes/interactive/remote-view.ts';
import { Palette } from '../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../host/modes/interactive/themes.ts';
import { parsePermissionSet } from '../../format/index.ts';
import { type CallContext, fixedAuthority } from '../../sandbox/index.ts';
import { openFixture, recordingPorts, tool, until, type Fixture, type FixtureOptions } from '../support/sandbox-fixture.ts';
import { PLAIN_SCENE, remoteScreen, type RemoteScreen, type RemoteScreenOptions } from '../support/remote-screen.ts';

const TERMINAL: CallContext = { mode: 'tui', hasUI: true };
let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

interface Scene {
  readonly screen: RemoteScreen;
  readonly fixture: Fixture;
  /** Runs a command as a user types it. */
  run(name: string, args?: string): Promise<void>;
  /** Runs a command that notifies of JSON, and reads that. */
  told(name: string): Promise<unknown>;
  /** What the package said to the ports. */
  said(): readonly unknown[];
}

/** A package whose commands have these bodies, before a screen. */
async function stage(
  commands: Readonly<Record<string, string>>,
  {
    top = '',
    granted = ['ui:panel', 'ui:keys', 'ui:notify'],
    screen: how = {},
    more = '',
    ...options
  }: Partial<FixtureOptions> & { top?: string; more?: string; screen?: RemoteScreenOptions } = {},
): Promise<Scene> {
  const screen = remoteScreen(how);
  const said: unknown[] = [];
  const ports = recordingPorts(said);
  const source = `${top}\nexport default (pi) => {\n${more}\n${Object.entries(commands)
    .map(([name, body]) => `pi.registerCommand(${JSON.stringify(name)}, { handler: async (args, ctx) => { ${body} } });`)
    .join('\n')}\n};`;
  const opened = await openFixture({ files: { 'index.ts': source }, granted, ports: { ...ports, ui: { ...ports.ui, surfaces: screen.port } }, ...options });
  fixture = opened;
  const run: Scene['run'] = (name, args = '') => opened.extension.runCommand(name, args, { context: TERMINAL, timeoutMs: 30_000 });
  return {
    screen,
    fixture: opened,
    run,
    said: () => said,
    told: async (name) => {
      const before = said.length;
      await run(name);
      await until(() => said.length > before);
      return JSON.parse((said.at(-1) as [string, string])[1]);
    },
  };
}

/** Says what it hears and whether it has the focus; done on `q`. */
const LISTENER = `globalThis.answer = await ctx.ui.custom((tui, theme, keys, done) => {
  const heard = [];
  return {
    focused: false,
    render(width) { return ['width ' + width + ' of ' + tui.terminal.columns, theme.fg('accent', 'heard ' + heard.join('')), 'focused ' + this.focused]; },
    handleInput: (data) => { if (data === 'q') done({ heard: heard.join('') }); else if (data === '!') throw new Error('no such key'); else heard.push(data); },
    invalidate: () => {},
    dispose: () => { globalThis.disposed = (globalThis.disposed ?? 0) + 1; },
  };
});`;
const TELL = `ctx.ui.notify(JSON.stringify({ answer: globalThis.answer, disposed: globalThis.disposed ?? 0 }))`;

describe('a panel', () => {
  test('draws at the width it is given, hears keys, and ends with its result', async () => {
    const { screen, run, told } = await stage({ panel: LISTENER, tell: TELL });
    const running = run('panel');
    const panel = await screen.find('custom');
    await until(() => panel.surface.frame?.lines[2] === 'focused true');
    expect(panel.surface.frame?.lines).toEqual(['width 80 of 80', '\u001B[38;2;138;190;183mheard \u001B[39m', 'focused true']);
    await panel.surface.key('a');
    await panel.surface.key('b');
    expect(panel.surface.frame?.lines[1]).toContain('heard ab');
    panel.surface.resize(40);
    await until(() => panel.surface.frame?.lines[0] === 'width 40 of 80');
    await panel.surface.key('q');
    await running;
    await until(() => panel.closed);
    expect(panel.closedOver).toBeUndefined();
    expect(await told('tell')).toEqual({ answer: { heard: 'ab' }, disposed: 1 });
  });

  test('hears no key while it has not the focus', async () => {
    const { screen, run } = await stage({ panel: LISTENER });
    void run('panel').catch(() => undefined);
    const panel = await screen.find('custom');
    await until(() => panel.surface.frame?.lines[2] === 'focused true');
    panel.surface.focus(false);
    await panel.surface.key('x');
    panel.surface.focus(true);
    await panel.surface.key('y');
    expect(panel.surface.frame?.lines[1]).toContain('heard y');
  });

  test('draws in the theme that the user changes to, and knows the new size', async () => {
    const { screen, run } = await stage({ panel: LISTENER });
    void run('panel').catch(() => undefined);
    const panel = await screen.find('custom');
    const { theme } = screen.port.scene();
    screen.change({ columns: 120, theme: { ...theme, colors: { ...theme.colors, accent: 9 } } });
    await until(() => panel.surface.frame?.lines[0] === 'width 80 of 120');
    expect(panel.surface.frame?.lines[1]).toBe('\u001B[38;5;9mheard \u001B[39m');
  });

  test('reads keys as the user bound them, also where nothing of pi\u2019s library is imported', async () => {
    const { screen, run, told } = await stage(
      {
        panel: `globalThis.answer = await ctx.ui.custom((tui, theme, keys, done) => ({ render: () => [keys.getKeys('tui.select.confirm').join()], handleInput: (data) => { if (keys.matches(data, 'tui.select.confirm')) done('confirmed'); } }))`,
        tell: TELL,
      },
      { screen: { scene: { keys: { 'tui.select.confirm': ['ctrl+y'] } } } },
    );
    const running = run('panel');
    const panel = await screen.find('custom');
    expect(panel.surface.frame?.lines).toEqual(['ctrl+y']);
    await until(() => screen.focused === panel.surface);
    await panel.surface.key('\r');
    expect(panel.closed).toBe(false);
    await panel.surface.key('\u0019');
    await running;
    expect(await told('tell')).toMatchObject({ answer: 'confirmed' });
  });

  test('that is closed by the user is disposed of, and whoever waits for it gets nothing', async () => {
    const { screen, run, told } = await stage({ panel: LISTENER, tell: TELL });
    const running = run('panel');
    const panel = await screen.find('custom');
    panel.surface.close();
    await running;
    expect(panel).toMatchObject({ closed: true, closedOver: undefined });
    expect(await told('tell')).toEqual({ disposed: 1 });
  });

  test('that throws on a key says so in its place, and draws again', async () => {
    const { screen, run } = await stage({ panel: LISTENER });
    void run('panel').catch(() => undefined);
    const panel = await screen.find('custom');
    await panel.surface.key('!');
    expect(panel.surface.notice).toBe('probe: no such key');
    await panel.surface.key('a');
    expect(panel.surface.notice).toBeUndefined();
    expect(panel.surface.frame?.lines[1]).toContain('heard a');
  });

  test('may be made later, and is not shown when its maker fails', async () => {
    const { screen, run, told } = await stage({
      later: `globalThis.answer = await ctx.ui.custom(async (tui, theme, keys, done) => { await new Promise((r) => setTimeout(r, 5)); return { render: () => ['late'], handleInput: () => done('done') }; })`,
      fails: `globalThis.answer = await ctx.ui.custom(async () => { throw new Error('no panel'); }).catch((error) => error.message)`,
      tell: TELL,
    });
    const running = run('later');
    const panel = await screen.find('custom');
    expect(panel.surface.frame?.lines).toEqual(['late']);
    await panel.surface.key('x');
    await running;
    expect(await told('tell')).toMatchObject({ answer: 'done' });
    await run('fails');
    expect(await told('tell')).toMatchObject({ answer: 'no panel' });
    expect(screen.shown).toHaveLength(1);
  });

  test('is refused to a package without `ui:panel`, as a denial', async () => {
    const { screen, run, fixture: opened } = await stage({ panel: LISTENER }, { granted: [] });
    await expect(run('panel')).rejects.toMatchObject({ code: 'GUEST_ERROR', message: expect.stringContaining('ui:panel') as unknown });
    expect(screen.shown).toEqual([]);
    expect(opened.denials).toMatchObject([{ capability: 'ui.open', permission: 'ui:panel' }]);
  });

  test('that is granted no longer is closed at its next key', async () => {
    let granted = ['ui:panel'];
    const authority = { ...fixedAuthority(parsePermissionSet([])), granted: () => parsePermissionSet(granted) };
    const { screen, run } = await stage({ panel: LISTENER }, { authority });
    const running = run('panel');
    const panel = await screen.find('custom');
    granted = [];
    await panel.surface.key('a');
    expect(panel).toMatchObject({ closed: true, closedOver: 'probe may no longer draw here' });
    await running;
  });

  test('does not cost its tool the time in which a person thinks', async () => {
    const { screen, fixture: opened } = await stage(
      {},
      {
        more: tool(
          'ask',
          `const answer = await ctx.ui.custom((tui, theme, keys, done) => ({ render: () => ['?'], handleInput: done })); return String(answer);`,
        ),
      },
    );
    const answer = opened.extension.callTool('ask', {}, { toolCallId: '1', context: TERMINAL, timeoutMs: 3_000 });
    const panel = await screen.find('custom');
    await new Promise((resolve) => setTimeout(resolve, 3_700)); // the deadline, its grace, and more
    await panel.surface.key('y');
    expect(await answer).toMatchObject({ content: [{ text: 'y' }], isError: false });
  });

  test('is closed with its package, by name', async () => {
    const { screen, run, fixture: opened } = await stage({ panel: LISTENER });
    const running = run('panel').catch((error: unknown) => error);
    const panel = await screen.find('custom');
    opened.extension.kill();
    expect(await running).toMatchObject({ code: 'SANDBOX_DIED' });
    expect(panel.closed).toBe(true);
  });

  test('draws nothing where nothing is drawn, and its command goes on', async () => {
    const { screen, fixture: opened } = await stage({ panel: `${LISTENER} ctx.ui.notify('went on')` });
    await opened.extension.runCommand('panel', '', { context: { mode: 'rpc', hasUI: true } });
    expect(screen.shown).toEqual([]);
  });

  test('draws nothing in a terminal without a screen, either', async () => {
    const opened = await openFixture({
      files: {
        'index.ts': `export default (pi) => pi.registerCommand('panel', { handler: async (args, ctx) => { ${LISTENER} ctx.ui.setFooter(() => ({ render: () => [] })); ctx.ui.notify(ctx.ui.theme.fg('accent', 'plain')); } });`,
      },
      granted: ['ui:panel', 'ui:notify'],
    });
    fixture = opened;
    await opened.extension.runCommand('panel', '', { context: TERMINAL });
    expect(opened.said).toEqual([['notify', 'plain', 'info']]);
  });
});

describe('what stays on the screen', () => {
  test('a footer knows the branch and the statuses, and is drawn anew when they change', async () => {
    const { screen, run } = await stage({
      on: `ctx.ui.setFooter((tui, theme, data) => { const off = data.onBranchChange(() => tui.requestRender()); return { dispose: off, render: () => [data.getGitBranch() + ' ' + [...data.getExtensionStatuses().values()].join()] }; })`,
      off: `ctx.ui.setFooter(undefined)`,
    });
    await run('on');
    const footer = await screen.find('footer');
    expect(footer.surface.frame?.lines).toEqual(['main ']);
    screen.change({ branch: 'topic', statuses: { a: 'busy' } });
    await until(() => footer.surface.frame?.lines[0] === 'topic busy');
    await run('off');
    await until(() => footer.closed);
  });

  test('a widget of the same key takes the place of the old, drawn or plain', async () => {
    const { screen, run, said } = await stage({
      drawn: `ctx.ui.setWidget('w', (tui, theme) => ({ render: () => ['drawn ' + args], dispose: () => ctx.ui.notify('gone ' + args) }), { placement: 'belowEditor' })`,
      plain: `ctx.ui.setWidget('w', ['plain'])`,
    });
    await run('drawn', '1');
    expect((await screen.find('widget')).surface.place).toEqual({ kind: 'widget', key: 'w', placement: 'belowEditor' });
    await run('drawn', '2');
    await until(() => screen.shown.filter(({ closed }) => closed).length === 1);
    expect((await screen.find('widget')).surface.frame?.lines).toEqual(['drawn 2']);
    await run('plain');
    await until(() => screen.shown.every(({ closed }) => closed));
    expect(said()).toContainEqual(['notify', 'gone 1', 'info']);
    expect(said().at(-1)).toEqual(['set', { kind: 'widget', key: 'w', lines: ['plain'], placement: 'aboveEditor' }]);
  });

  test('a component that asks for a frame again and again draws sixty times a second at most', async () => {
    const { screen, run, told } = await stage({
      on: `let tui; globalThis.answer = []; ctx.ui.setHeader((given) => { tui = given; return { render: () => { globalThis.answer.push(performance.now()); return ['frame ' + globalThis.answer.length]; } }; });
        while (globalThis.answer.length < 10) { for (let i = 0; i < 50; i++) tui.requestRender(); await new Promise((r) => setTimeout(r, 1)); }`,
      tell: TELL,
    });
    await run('on');
    await screen.find('header');
    const { answer } = (await told('tell')) as { answer: number[] };
    const gaps = answer.slice(1).map((at, index) => at - (answer[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15); // the guest's clock counts milliseconds
  });

  test('plain changes of the screen are told as data', async () => {
    const { run, said } = await stage({
      all: `ctx.ui.setWorkingIndicator({ frames: ['*'], intervalMs: 100 }); ctx.ui.setWorkingIndicator(); ctx.ui.setWorkingVisible(false); ctx.ui.setHiddenThinkingLabel('…'); ctx.ui.setToolsExpanded(true);
        ctx.ui.notify(JSON.stringify([ctx.ui.getAllThemes(), ctx.ui.getTheme('other')?.fg('accent', 'x'), ctx.ui.getTheme('none') ?? null, ctx.ui.setTheme('other'), ctx.ui.setTheme('none'), ctx.ui.getToolsExpanded()]))`,
    });
    await run('all');
    expect(said()).toEqual([
      ['set', { kind: 'workingIndicator', indicator: { frames: ['*'], intervalMs: 100 } }],
      ['set', { kind: 'workingIndicator', indicator: undefined }],
      ['set', { kind: 'workingVisible', visible: false }],
      ['set', { kind: 'hiddenThinkingLabel', label: '…' }],
      ['set', { kind: 'toolsExpanded', expanded: true }],
      [
        'notify',
        JSON.stringify([
          [{ name: 'test' }, { name: 'other' }],
          '\u001B[38;2;138;190;183mx\u001B[39m',
          null,
          { success: true },
          { success: false, error: 'there is no theme `none`' },
          false,
        ]),
        'info',
      ],
    ]);
  });
});

describe('overlays', () => {
  test('carry their place as data, take the width of their component, and are hidden and shown by their handle', async () => {
    const { screen, run } = await stage({
      over: `let handle; const shown = ctx.ui.custom((tui, theme, keys, done) => ({ width: 30, render: (width) => ['over ' + width], handleInput: (data) => data === 'h' ? handle.setHidden(true) : done() }), { overlay: true, onHandle: (given) => { handle = given; } }); await shown;`,
      placed: `await ctx.ui.custom((tui, theme, keys, done) => ({ render: () => ['placed'], handleInput: done }), { overlay: true, overlayOptions: () => ({ anchor: 'top-right', width: '50%', margin: { top: 1 }, visible: (columns) => columns > 200, junk: 1 }) });`,
    });
    void run('over').catch(() => undefined);
    const over = await screen.find('overlay');
    expect(over.surface.place).toEqual({ kind: 'overlay', layout: { width: 30 } });
    await over.surface.key('h');
    await until(() => over.signals.length > 0);
    expect(over.signals).toEqual([{ kind: 'hidden', hidden: true }]);
    void run('placed').catch(() => undefined);
    await until(() => screen.shown.length === 2);
    const placed = screen.shown[1];
    await until(() => (placed?.signals.length ?? 0) > 0);
    expect(placed?.surface.place).toEqual({ kind: 'overlay', layout: { width: '50%', anchor: 'top-right', margin: { top: 1 } } });
    expect(placed?.signals).toEqual([{ kind: 'hidden', hidden: true }]); // the screen is too narrow for it
  });

  test('of one component hand the focus round among themselves', async () => {
    const { screen, run } = await stage({
      many: `await ctx.ui.custom((tui, theme, keys, done) => {
        const panel = (name) => { const it = { heard: '', render: () => [name + ' ' + it.heard + ' ' + it.handle.isFocused()], handleInput: (data) => { it.heard += data; } }; it.handle = tui.showOverlay(it, { nonCapturing: true, width: 20 }); return it; };
        const [a, b] = [panel('a'), panel('b')];
        return { render: () => ['controller'], handleInput: (data) => { (data === '1' ? a : b).handle.focus(); } };
      }, { overlay: true });`,
    });
    void run('many').catch(() => undefined);
    await until(() => screen.shown.length === 3 && screen.shown.every(({ drawn }) => drawn > 0));
    const [a, b, controller] = screen.shown;
    expect(controller?.surface.frame?.lines).toEqual(['controller']);
    await controller?.surface.key('1');
    await until(() => a?.surface.frame?.lines[0] === 'a  true');
    await a?.surface.key('x');
    await controller?.surface.key('2'); // not any more: it lost the focus
    await b?.surface.key('y');
    expect([a, b].map((each) => each?.surface.frame?.lines[0])).toEqual(['a x true', 'b  false']);
  });
});

describe('whoever hears more than its own keys', () => {
  test('needs `ui:keys`', async () => {
    const {
      screen,
      run,
      fixture: opened,
    } = await stage(
      {
        keys: `ctx.ui.onTerminalInput(() => ({ consume: true }))`,
        suggest: `ctx.ui.addAutocompleteProvider((current) => current)`,
        editor: `ctx.ui.setEditorComponent(() => ({ render: () => [], getText: () => '', setText: () => {} }))`,
      },
      { granted: ['ui:panel'] },
    );
    for (const command of ['keys', 'suggest', 'editor']) await run(command);
    await until(() => opened.denials.length === 3);
    expect(opened.denials.map(({ permission }) => permission)).toEqual(['ui:keys', 'ui:keys', 'ui:keys']);
    expect(screen.shown).toEqual([]);
  });

  test('may take a key or change it, one after the other, until it stops listening', async () => {
    const { screen, run } = await stage({
      listen: `globalThis.off = ctx.ui.onTerminalInput((data) => data === 'x' ? { consume: true } : data === 'a' ? { data: 'b' } : undefined); ctx.ui.onTerminalInput((data) => data === 'b' ? { data: 'c' } : undefined);`,
      stop: `globalThis.off()`,
    });
    await run('listen');
    const { surface } = await screen.find('keys');
    expect(await surface.intercept('x')).toEqual({ consume: true });
    expect(await surface.intercept('a')).toEqual({ data: 'c' });
    expect(await surface.intercept('z')).toEqual({});
    await run('stop');
    expect(await surface.intercept('x')).toEqual({});
    expect(screen.shown).toHaveLength(1);
  });

  test('adds suggestions to those of the editor, and says what a suggestion makes of the text', async () => {
    const suggestions = { prefix: 'ma', items: [{ value: 'main.ts', label: 'main.ts' }] };
    const { screen, run } = await stage(
      {
        add: `ctx.ui.addAutocompleteProvider((current) => ({
          triggerCharacters: ['#'],
          getSuggestions: async (lines, line, column, options) => {
            if (!lines[line].startsWith('#')) return current.getSuggestions(lines, line, column, options);
            return { prefix: lines[line], items: [{ value: '#12', label: 'issue 12' }] };
          },
          applyCompletion: (lines, line, column, item, prefix) => item.value === '#12' ? { lines: ['fixes #12 '], cursorLine: 0, cursorCol: 10 } : current.applyCompletion(lines, line, column, item, prefix),
        }))`,
      },
      { screen: { suggestions } },
    );
    await run('add');
    const { surface } = await screen.find('completions');
    expect(surface.place).toEqual({ kind: 'completions', triggers: ['#'] });
    const signal = new AbortController().signal;
    expect(await surface.suggest({ lines: ['ma'], line: 0, column: 2, force: false }, signal)).toEqual(suggestions);
    expect(await surface.suggest({ lines: ['#1'], line: 0, column: 2, force: false }, signal)).toEqual({
      prefix: '#1',
      items: [{ value: '#12', label: 'issue 12', applied: { lines: ['fixes #12 '], line: 0, column: 10 } }],
    });
  });

  test('may be the editor: keys in, text out, and actions by name', async () => {
    const { screen, run } = await stage(
      {
        edit: `const { CustomEditor } = require('@earendil-works/pi-coding-agent'); ctx.ui.setEditorComponent((tui, theme, keys) => new CustomEditor(tui, theme, keys));`,
        off: `ctx.ui.setEditorComponent(undefined)`,
      },
      {
        screen: {
          scene: { keys: { 'app.model.select': ['ctrl+l'] }, theme: { ...PLAIN_SCENE.theme, colors: { ...PLAIN_SCENE.theme.colors, borderMuted: 8 } } },
        },
      },
    );
    await run('edit');
    const editor = await screen.find('editor');
    for (const key of ['h', 'i']) await editor.surface.key(key);
    expect(editor.surface.frame?.lines.join('\n')).toContain('hi');
    await editor.surface.key('\u000C'); // Ctrl+L
    await editor.surface.key('\u001B');
    await editor.surface.key('\r');
    await until(() => editor.signals.some(({ kind }) => kind === 'submit'));
    expect(editor.signals).toEqual([
      { kind: 'change', text: 'h' },
      { kind: 'change', text: 'hi' },
      { kind: 'action', action: 'app.model.select' },
      { kind: 'action', action: 'app.interrupt' },
      { kind: 'change', text: '' },
      { kind: 'submit', text: 'hi' },
    ]);
    editor.surface.setText('from the host');
    await until(() => editor.surface.frame?.lines.join('\n').includes('from the host') === true);
    await run('off');
    await until(() => editor.closed);
  });
});

describe('what stands in the conversation', () => {
  const RENDERERS = `pi.registerMessageRenderer('note', (message, { expanded }, theme) => ({ render: (width) => [theme.fg('accent', message.content), 'expanded ' + expanded, 'width ' + width] }));
    pi.registerEntryRenderer('mark', (entry) => entry.data === 'none' ? undefined : ({ render: () => ['entry ' + entry.data] }));
    pi.registerTool({ name: 'weather', description: 'd', parameters: { type: 'object' }, execute: async () => 'sun', renderShell: 'self',
      renderCall: (args, theme, context) => { context.state.calls = (context.state.calls ?? 0) + 1; globalThis.invalidate = context.invalidate; return { render: () => ['call ' + args.city + ' ' + context.state.calls + ' ' + (context.lastComponent !== undefined)] }; },
      renderResult: (result, { isPartial }, theme, context) => { if (result.details === 'bad') throw new Error('no'); return { render: () => ['result ' + result.details + ' ' + isPartial + ' ' + context.state.calls] }; } });`;
  const of = (world: Scene, subject: Parameters<Fixture['extension']['render']>[0]) =>
    world.fixture.extension.render(subject, { width: 33, scene: world.screen.port.scene().version, context: TERMINAL });

  test('messages, entries and tools are drawn by who registered them, and are known without waking it', async () => {
    const world = await stage({ stale: `globalThis.invalidate()` }, { more: RENDERERS });
    expect(world.fixture.extension.registrations.renderers).toEqual([
      { kind: 'message', name: 'note' },
      { kind: 'entry', name: 'mark' },
      { kind: 'tool', name: 'weather', call: true, result: true, ownFrame: true },
    ]);
    expect(world.fixture.extension.pid).toBeUndefined();
    expect(await of(world, { kind: 'message', customType: 'note', message: { content: 'hello' }, expanded: true, outputPad: 1 })).toEqual({
      lines: ['\u001B[38;2;138;190;183mhello\u001B[39m', 'expanded true', 'width 33'],
    });
    expect(await of(world, { kind: 'entry', customType: 'mark', entry: { data: 1 }, expanded: false })).toEqual({ lines: ['entry 1'] });
    expect(await of(world, { kind: 'entry', customType: 'mark', entry: { data: 'none' }, expanded: false })).toBeUndefined();
    const call = {
      kind: 'tool',
      name: 'weather',
      toolCallId: 'c1',
      args: { city: 'Ulm' },
      expanded: false,
      isPartial: true,
      isError: false,
      executionStarted: true,
      argsComplete: true,
      showImages: false,
    } as const;
    expect(await of(world, call)).toEqual({ lines: ['call Ulm 1 false'] });
    expect(await of(world, { ...call, isPartial: false, result: { content: [], details: 'sun' } })).toEqual({
      lines: ['call Ulm 2 true'],
      result: ['result sun false 2'],
    });
    expect(await of(world, { ...call, result: { content: [], details: 'bad' } })).toEqual({ lines: ['call Ulm 3 true'] });
    await world.run('stale');
    await until(() => world.screen.staleCalls.length > 0);
    expect(world.screen.staleCalls).toEqual(['c1']);
  });

  test('a tool is drawn by its package without any permission, unless drawing is denied to it', async () => {
    const call = {
      kind: 'tool',
      name: 'weather',
      toolCallId: 'c1',
      args: { city: 'Ulm' },
      expanded: false,
      isPartial: true,
      isError: false,
      executionStarted: true,
      argsComplete: true,
      showImages: false,
    } as const;
    expect(await of(await stage({}, { more: RENDERERS, granted: [] }), call)).toEqual({ lines: ['call Ulm 1 false'] });
    await fixture?.[Symbol.asyncDispose]();
    expect(await of(await stage({}, { more: RENDERERS, granted: ['!ui:panel'] }), call)).toBeUndefined();
  });

  test('a message or an entry is left to the front end without `ui:panel`', async () => {
    const world = await stage({}, { more: RENDERERS, granted: [] });
    expect(await of(world, { kind: 'entry', customType: 'mark', entry: { data: 1 }, expanded: false })).toBeUndefined();
    expect(world.fixture.extension.pid).toBeUndefined();
  });
});

test('keys that are let go are heard by a component that asks for them, and was there when they were pressed', async () => {
  const body = (extra: string): string => `await ctx.ui.custom((tui, theme, keys, done) => { const heard = []; return { ${extra}
    render: () => [heard.join(' ') || 'nothing'], handleInput: (data) => { heard.push(JSON.stringify(data).slice(-6, -1)); } }; });`;
  const { screen, run } = await stage({ asks: body('wantsKeyRelease: true,'), plain: body('') });
  const view = async (name: string): Promise<{ readonly view: RemoteView; readonly lines: () => string | undefined }> => {
    void run(name).catch(() => undefined);
    const { surface } = await screen.find('custom');
    const options = { palette: new Palette(firstTheme(), 'none'), maxLines: () => 10, now: () => performance.now(), closingKeys: () => ['ctrl+c'] };
    const shown = new RemoteView(surface, options);
    shown.focused = true;
    return { view: shown, lines: () => surface.frame?.lines.join() };
  };
  const [pressA, releaseA, releaseB] = ['\u001B[97;1:1u', '\u001B[97;1:3u', '\u001B[98;1:3u'];

  const asks = await view('asks');
  await until(() => asks.view.wantsKeyRelease);
  for (const key of [releaseB, pressA, releaseA, releaseA, pressA]) asks.view.handleInput(key);
  await until(() => asks.lines()?.split(' ').length === 3);
  expect(asks.lines()).toBe(';1:1u ;1:3u ;1:1u');
  // the focus was somebody else's while it was let go
  asks.view.focused = false;
  asks.view.focused = true;
  for (const key of [releaseA, pressA]) asks.view.handleInput(key);
  await until(() => asks.lines()?.split(' ').length === 4);
  expect(asks.lines()).toBe(';1:1u ;1:3u ;1:1u ;1:1u');

  screen.shown.at(-1)?.surface.close();
  const plain = await view('plain');
  expect(plain.view.wantsKeyRelease).toBe(false);
  for (const key of [pressA, releaseA, pressA]) plain.view.handleInput(key);
  await until(() => plain.lines()?.split(' ').length === 2);
  expect(plain.lines()).toBe(';1:1u ;1:1u');
});

test('letting go of the key that closes does not count as pressing it twice', async () => {
  const { screen, run } = await stage({ panel: `await ctx.ui.custom(() => ({ wantsKeyRelease: true, render: () => ['x'], handleInput: () => undefined }));` });
  void run('panel').catch(() => undefined);
  const panel = await screen.find('custom');
  const view = new RemoteView(panel.surface, { palette: new Palette(firstTheme(), 'none'), maxLines: () => 10, now: () => 0, closingKeys: () => ['ctrl+c'] });
  view.focused = true;
  await until(() => view.wantsKeyRelease);
  view.handleInput('\u001B[99;5:1u');
  view.handleInput('\u001B[99;5:3u');
  expect(panel.closed).toBe(false);
  view.handleInput('\u001B[99;5:1u');
  await until(() => panel.closed);
});
