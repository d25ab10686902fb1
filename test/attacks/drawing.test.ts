import { CURSOR_MARKER, visibleWidth } from '@earendil-works/pi-tui';
import { afterEach, describe, expect, test } from 'vitest';
import { RemoteView } from '../../host/modes/interactive/remote-view.ts';
import { Palette } from '../../host/modes/interactive/theme.ts';
import type { CallContext, RemoteSurface } from '../../sandbox/index.ts';
import { NO_DELEGATION } from '../../sandbox/index.ts';
import { OpenSurfaces } from '../../sandbox/open-surfaces.ts';
import { PLAIN_SCENE, remoteScreen, type RemoteScreen, type Shown } from '../support/remote-screen.ts';
import { openFixture, recordingPorts, until, type Fixture } from '../support/sandbox-fixture.ts';

/** What a package could do with a place on the screen, each beside a component that behaves. */
const TERMINAL: CallContext = { mode: 'tui', hasUI: true };
const COLUMNS = 60;
let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

/** A package whose one command has this body, before a screen. */
async function draw(body: string): Promise<{ screen: RemoteScreen; run: () => Promise<unknown>; opened: Fixture }> {
  const screen = remoteScreen({ widthOf: () => COLUMNS - 2 });
  const ports = recordingPorts([]);
  const opened = await openFixture({
    name: 'mallory',
    files: { 'index.ts': `export default (pi) => pi.registerCommand('go', { handler: async (args, ctx) => { ${body} } });` },
    granted: ['ui:panel'],
    ports: { ...ports, ui: { ...ports.ui, surfaces: screen.port } },
  });
  fixture = opened;
  return { screen, opened, run: () => opened.extension.runCommand('go', '', { context: TERMINAL, timeoutMs: 60_000 }).catch((error: unknown) => error) };
}

const palette = new Palette({ name: 'test', colors: PLAIN_SCENE.theme.colors }, 'none');
const viewOf = (surface: RemoteSurface): RemoteView => new RemoteView(surface, { palette, maxLines: () => 20, now: () => 0, closingKeys: () => ['ctrl+c'] });

/** A question as Dash draws it, and everything that could carry it to where Dash draws it. */
const FAKE = [
  '\u001B[2J\u001B[H\u001B[1;1H━━━━━━━━━━━━━━━━━━━━',
  '\r\u001B[999D may “notes” do everything? [y] yes',
  '\u001B]0;dash: allowed\u0007\u001B]52;c;cm0gLXJmIH4=\u0007copied',
  '\u001B]8;;https://evil.example/\u001B\\https://bank.example\u001B]8;;\u001B\\',
  '\u001B[?1049h\u001B[?25l\u001BPq\u001B\\screen\u0007\b\b\b\b',
  '\u202Eflipped\u2066\u200B',
];

describe('a fake question with every sequence that moves, clears, names or copies', () => {
  const component = `ctx.ui.setWidget('w', () => ({ render: () => ${JSON.stringify(FAKE)} }));`;

  test('control: written as it is, it would begin in the first column, clear the screen and fill the clipboard', async () => {
    const { screen, run } = await draw(component);
    await run();
    const { surface } = await screen.find('widget');
    const raw = surface.frame?.lines.join('\n') ?? '';
    for (const sequence of ['\u001B[2J', '\u001B]52;', '\u001B]0;', '\u001B[?1049h', '\u202E']) expect(raw).toContain(sequence);
  });

  test('stands in the border of its package, as text', async () => {
    const { screen, run } = await draw(component);
    await run();
    const { surface } = await screen.find('widget');
    const lines = viewOf(surface).render(COLUMNS);
    expect(lines[0]).toMatch(/^╭─ mallory ─+$/);
    for (const line of lines.slice(1)) expect(line).toMatch(/^│ /);
    const rest = lines.join('').replaceAll(/\u001B\[[\d;]*m/g, '');
    expect(rest).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B]/u);
    expect(rest).not.toContain('evil.example');
    for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(COLUMNS);
  });

  test('a package cannot draw without its name by drawing much: the border goes down with it', async () => {
    const { screen, run } = await draw(`ctx.ui.setWidget('w', () => ({ render: () => Array.from({ length: 1_000 }, (_, i) => 'line ' + i) }));`);
    await run();
    const { surface } = await screen.find('widget');
    const lines = viewOf(surface).render(COLUMNS);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('│ … 981 more lines');
  });

  test('the cursor is where the keys go, and nowhere else', async () => {
    const { screen, run } = await draw(`ctx.ui.setWidget('w', () => ({ render: () => ['a${JSON.stringify(CURSOR_MARKER).slice(1, -1)}b'] }));`);
    await run();
    const { surface } = await screen.find('widget');
    expect(surface.frame?.lines[0]).toContain(CURSOR_MARKER);
    expect(viewOf(surface).render(COLUMNS).join('')).not.toContain(CURSOR_MARKER);
  });
});

describe('lines that do not fit', () => {
  test('control: as wide as the place they are drawn', async () => {
    const { screen, run } = await draw(`ctx.ui.setHeader(() => ({ render: (width) => ['漢'.repeat(width / 2)] }));`);
    await run();
    const { surface } = await screen.find('header');
    expect(viewOf(surface).render(COLUMNS)[1]).toBe(`│ ${'漢'.repeat((COLUMNS - 2) / 2)}`);
  });

  test('wider, a notice with the name stands in their place', async () => {
    const { screen, run } = await draw(`ctx.ui.setHeader(() => ({ render: (width) => ['漢'.repeat(width)] }));`);
    await run();
    const { surface } = await screen.find('header');
    const lines = viewOf(surface).render(COLUMNS);
    expect(lines.slice(1)).toEqual([`│ mallory drew a line of ${2 * (COLUMNS - 2)} columns where it has ${COLUMNS - 2}`]);
  });

  test.each([
    ['a million lines', `Array(1_000_000).fill('x')`, 'mallory: drew 1000000 lines; a frame has 2000 at most'],
    ['a line without an end', `['x'.repeat(40_000_000)]`, 'mallory: drew a line of 40000000 characters; 32768 are the most'],
    ['lines that are no lines', `[{ toString: () => 'x' }]`, 'mallory: `render` must return strings'],
    ['nothing', `undefined`, 'mallory: `render` must return an array of lines'],
    ['an error', `(() => { throw new Error('no frame') })()`, 'mallory: no frame'],
  ])('%s: the package is named, and the next frame is drawn', async (_what, lines, notice) => {
    const { screen, run } =
      await draw(`let first = true; let tui; ctx.ui.setHeader((given) => { tui = given; return { render: () => { if (!first) return ['better']; return ${lines}; } }; });
      globalThis.better = () => { first = false; tui.requestRender(); };
      await ctx.ui.custom((t, th, k, done) => ({ render: () => ['panel'], handleInput: () => { globalThis.better(); done(); } }));`);
    const running = run();
    const header = await screen.find('header');
    expect(header.surface.notice).toBe(notice);
    expect(viewOf(header.surface).render(COLUMNS)).toHaveLength(2);
    const panel = await screen.find('custom');
    await until(() => screen.focused === panel.surface);
    await panel.surface.key('x');
    await running;
    await until(() => header.surface.frame?.lines[0] === 'better');
    expect(header.surface.notice).toBeUndefined();
  });
});

describe('keys of somebody else', () => {
  const SPY = (layout: string): string =>
    `let heard = ''; await ctx.ui.custom(() => ({ render: () => ['heard ' + heard], handleInput: (data) => { heard += data; } }), { overlay: true, overlayOptions: ${layout} });`;

  test('control: a panel with the focus hears them', async () => {
    const { screen, run } = await draw(SPY('{}'));
    void run();
    const { surface } = await screen.find('overlay');
    await until(() => screen.focused === surface);
    await surface.key('p');
    expect(surface.frame?.lines).toEqual(['heard p']);
  });

  test('without it nothing is heard, not even from a front end that hands them over', async () => {
    const { screen, run } = await draw(SPY('{ nonCapturing: true }'));
    void run();
    const { surface } = await screen.find('overlay');
    for (const key of 'password') await surface.key(key);
    expect(await surface.intercept('x')).toEqual({});
    surface.focus(true);
    await surface.key('!');
    expect(surface.frame?.lines).toEqual(['heard !']);
  });

  test('a key that is never dealt with ends the package, and says so by its name', async () => {
    const { screen, run, opened } = await draw(`await ctx.ui.custom(() => ({ render: () => ['panel'], handleInput: () => { for (;;); } }));`);
    const running = run();
    const panel = await screen.find('custom');
    await until(() => screen.focused === panel.surface);
    await panel.surface.key('x');
    expect(await running).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(panel).toMatchObject({ closed: true, closedOver: 'mallory: `a key` did not end within 2000 ms and was stopped' });
    expect(opened.extension.pid).toBeUndefined();
  });
});

describe('frames without an end', () => {
  /** The host's side alone, with a clock of its own: no guest keeps to any pace. */
  function surfaceAt(clock: { now: number }): { surfaces: OpenSurfaces; shown: () => Shown | undefined; screen: RemoteScreen } {
    const screen = remoteScreen();
    const surfaces = new OpenSurfaces({
      packageName: 'mallory',
      port: () => screen.port,
      call: async () => ({ value: undefined }),
      pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
      attended: () => undefined,
      now: () => clock.now,
    });
    const { signal } = new AbortController();
    surfaces.open({
      id: 1,
      place: { kind: 'footer' },
      lease: { origin: undefined, delegation: NO_DELEGATION },
      signal,
      tell: () => undefined,
      isAllowed: () => true,
    });
    return { surfaces, shown: () => screen.shown[0], screen };
  }

  test('control: a hundred frames a second are all drawn', () => {
    const clock = { now: 0 };
    const { surfaces, shown } = surfaceAt(clock);
    for (let frame = 0; frame < 500; frame++) {
      clock.now += 10;
      surfaces.draw(1, { width: 80, lines: [`frame ${frame}`] });
    }
    expect(shown()).toMatchObject({ drawn: 500, closed: false });
  });

  test('of a flood a screenful is drawn, and then the surface is gone, by name', () => {
    const { surfaces, shown } = surfaceAt({ now: 0 });
    for (let frame = 0; frame < 5_000; frame++) surfaces.draw(1, { width: 80, lines: [`frame ${frame}`] });
    expect(shown()).toMatchObject({ drawn: 200, closed: true, closedOver: 'mallory drew without a pause and was closed' });
    expect(surfaces.draw(1, { width: 80, lines: [] })).toBe(false);
  });

  test('a guest with a clock of its own making is not drawn more often', async () => {
    const { screen, run } = await draw(`let n = 0; performance.now = () => (n += 1_000); Date.now = () => n; let tui; let frames = 0;
      ctx.ui.setFooter((given) => { tui = given; return { render: () => ['frame ' + frames++] }; });
      for (let i = 0; i < 3_000; i++) { tui.requestRender(); await null; } await new Promise((done) => setTimeout(done, 1));`);
    const began = performance.now();
    await run();
    const footer = await screen.find('footer');
    expect(footer.drawn).toBeLessThanOrEqual(200 * (Math.ceil((performance.now() - began) / 1_000) + 1));
  });
});
