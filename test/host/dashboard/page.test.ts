import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { serveDashboard } from '../../../host/index.ts';
import { CHROMIUM, openPage, type Page } from '../../support/browser.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { HOSTILE, type Scene, startScene } from '../../support/dashboard-scene.ts';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** `UPDATE_SCREENSHOTS=1 npx vitest run --project unit test/host/dashboard` draws the pictures of the documentation anew. */
const PICTURES = process.env['UPDATE_SCREENSHOTS'] === '1' ? join(import.meta.dirname, '../../../docs/images') : undefined;

const text = (selector: string): string => `(document.querySelector(${JSON.stringify(selector)})?.textContent ?? '')`;
const has = (selector: string): string => `document.querySelector(${JSON.stringify(selector)}) !== null`;

/** What axe finds wrong with what a page shows. */
async function faults(page: Page): Promise<unknown> {
  await page.evaluate(AXE);
  return page.evaluate(
    'axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + failureSummary).join(" ")))',
  );
}

describe.skipIf(CHROMIUM === undefined)('the dashboard in a browser (skipped: no chromium)', () => {
  let scene: Scene;
  let page: Page;
  beforeEach(async () => {
    scene = await startScene({ hostile: PICTURES === undefined });
    page = await openPage(scene.url);
    await page.until(`${text('#status')} === 'live'`);
    await page.until("document.querySelectorAll('.card').length === 4");
  });
  afterEach(async () => {
    await page[Symbol.asyncDispose]();
    await scene.close();
  });

  const go = async (hash: string, selector: string): Promise<void> => {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.until(has(selector));
  };

  it('opens with the address, which forgets its code, and stays open when it is loaded again', async () => {
    expect(await page.evaluate('location.href')).toBe(`${scene.origin}/#now`);
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.call('Page.reload', {});
    await page.until("document.querySelectorAll('.card').length === 4");
    await using second = await openPage(scene.url);
    await second.until(`${text('#status')} === 'locked'`);
    expect(await second.evaluate(text('main'))).toContain('used already');
  });

  it('shows who works, who waits and what happens, as it happens', async () => {
    expect(await page.evaluate("[...document.querySelectorAll('.card .state')].map((state) => state.textContent)")).toEqual([
      'waiting for you',
      'stalled',
      'working',
      'idle',
    ]);
    expect(await page.evaluate('document.title')).toBe('(1) Dash');
    const tool = { table: 'tool_calls', run: 'r', session: scene.forked, package: 'mail', duration_ms: 2_400, is_error: 0 } as const;
    await scene.write([{ ...tool, time: Date.now(), name: 'send_letter' }]);
    await page.until(`${text('#happenings tbody tr')}.includes('send_letter')`);
    await page.evaluate("document.querySelector('input[type=checkbox]').click()");
    expect(await page.evaluate("document.querySelectorAll('#happenings [data-kind=model]:not([hidden])').length")).toBe(0);
    expect(await page.evaluate("document.querySelectorAll('#happenings [data-kind=tool]:not([hidden])').length")).toBeGreaterThan(0);
  });

  it('leaves the focus where it is while much happens', async () => {
    const focused = (): Promise<unknown> =>
      page.evaluate("document.activeElement.closest('tr')?.textContent ?? document.activeElement.getAttribute('aria-label') ?? ''");
    const happen = (name: string): Promise<void> =>
      scene.write([{ table: 'tool_calls', run: 'r', session: scene.forked, package: 'mail', duration_ms: 2_400, is_error: 0, time: Date.now(), name }]);
    await page.evaluate("document.querySelector('#happenings tbody a').focus()");
    const held = await focused();
    await happen('send_letter');
    await page.until(`${text('#happenings tbody tr')}.includes('send_letter')`);
    expect(await focused()).toBe(held);
    // cards that changed are drawn anew, and the one in hand stays in hand
    await page.evaluate("document.querySelector('.card a').focus()");
    await happen('send_another');
    await page.until(`${text('.card')}.includes('4 tool calls')`);
    expect(await page.evaluate("document.activeElement.closest('.card')?.dataset.agent")).toBe('weather');

    await go('#use', '#use [role=region]');
    await page.evaluate("document.querySelector('#use [aria-label=Tools]').focus()");
    await happen('send_a_third');
    await page.until(`${text('#use [aria-label=Tools]')}.includes('send_a_third')`);
    expect(await focused()).toBe('Tools');
  });

  it('keeps a long session short, and shows the rest to who asks for it', async () => {
    const long = scene.writeLong();
    await go(`#session/${long}`, '#tree');
    expect(await page.evaluate("document.querySelectorAll('#tree > li').length")).toBe(13);
    expect(await page.evaluate(text('#tree button'))).toBe('239 questions between');
    await page.evaluate("document.querySelector('#tree button').focus()");
    await page.press('Enter');
    expect(await page.evaluate("document.querySelectorAll('#tree > li').length")).toBe(251);
    expect(await page.evaluate('document.activeElement.textContent')).toContain('question 3');

    expect(await page.evaluate("document.querySelectorAll('.entry').length")).toBe(200);
    await page.evaluate(`document.querySelector("[data-keep='older both']").click()`);
    await page.until("document.querySelectorAll('.entry').length === 502");
    expect(await page.evaluate(text('.entry pre'))).toBe('question 0');

    // somebody works on in it
    const call = { table: 'tool_calls', run: 'r', session: long, package: null, duration_ms: 1, is_error: 0, name: 'ls' } as const;
    expect(await page.evaluate("document.querySelector('#news').hidden")).toBe(true);
    await scene.write([{ ...call, time: Date.now() + 1 }]);
    await page.until("!document.querySelector('#news').hidden");
    await page.evaluate("document.querySelector('#news button').click()");
    await page.until("document.querySelector('#news').hidden");
    expect(await page.evaluate("document.querySelectorAll('.entry').length")).toBe(502);
  });

  it('finds a session by words, on its own side and on the server’s', async () => {
    await go('#sessions', '#sessions li');
    const narrow = (words: string): Promise<unknown> =>
      page.evaluate(
        `(() => { const field = document.querySelector('input[type=search]'); field.value = ${JSON.stringify(words)}; field.dispatchEvent(new Event('input')); })()`,
      );
    await narrow('FORECAST faster');
    await page.until("document.querySelectorAll('#sessions li').length === 1");
    expect(await page.evaluate(text('#sessions a'))).toBe('Make the forecast faster');
    await narrow('nobody said this');
    await page.until(`${text('#sessions')} === 'no session like this'`);
    const asked = await page.evaluate(
      "fetch('/' + localStorage.getItem('area') + '/sessions?words=Faster').then((reply) => reply.json()).then(({ sessions }) => sessions.map(({ name }) => name))",
    );
    expect(asked).toEqual(['Make the forecast faster']);
  });

  it('says when it has ended, and opens again with the address of the next one, in the same tab', async () => {
    const { port } = new URL(scene.origin);
    await scene.close();
    await page.until(`${text('#status')}.startsWith('connection lost')`);
    const next = await serveDashboard({ dashHome: scene.dashHome, port: Number(port) });
    await page.until(`${text('#status')}.startsWith('ended')`);
    await page.evaluate(`location.href = ${JSON.stringify(next.url)}`);
    await page.until(`${text('#status')} === 'live'`);
    await page.until("document.querySelectorAll('.card').length === 4");
    expect(await page.evaluate('location.hash')).toBe('#now');
    await next.close();
  });

  it('shows what others wrote as text, whatever it is', async () => {
    await page.until(`${text('#happenings')}.includes('onerror')`);
    await go('#sessions', '#sessions li');
    const link = `[...document.querySelectorAll('#sessions a')].find((link) => link.textContent === ${JSON.stringify(HOSTILE)})`;
    expect(await page.evaluate(`${link} !== undefined`)).toBe(true);
    await page.evaluate(`${link}.click()`);
    await page.until(has('.entry'));
    expect(await page.evaluate(text('.entry pre'))).toBe(HOSTILE);
    expect(await page.evaluate("document.querySelectorAll('img, body script').length")).toBe(0);
    expect(await page.evaluate('document.title')).not.toContain('owned');
    // and the policy would stop what a mistake let through
    expect(await page.evaluate("(() => { try { document.body.innerHTML = 'x'; return 'taken'; } catch (error) { return error.name; } })()")).toBe('TypeError');
  });

  it('puts two branches side by side, chosen by keys', async () => {
    await go(`#session/${scene.forked}`, '#sides');
    const said = (side: string): Promise<unknown> => page.evaluate(text(`[data-side=${side}] .entry pre`));
    expect([await said('left'), await said('right')]).toEqual(['Keep what was asked for an hour instead.', 'Ask for all days at once.']);
    expect(await page.evaluate(text('details summary'))).toBe('4 entries that both have');
    // the buttons of the first branch follow each other; press its `left`
    await page.evaluate("document.querySelector('#main').focus()");
    for (let tabs = 0; tabs < 1; tabs += 1) await page.press('Tab');
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('left: Ask for all days at once.');
    await page.press('Enter');
    await page.until("document.querySelector('button[data-side=left]').getAttribute('aria-pressed') === 'true'");
    await page.until(`${text('[data-side=left] .entry pre')} === 'Ask for all days at once.'`);
    // who pressed it goes on from there
    await page.until("document.activeElement.getAttribute('aria-label') === 'left: Ask for all days at once.'");
  });

  it('is walked through by keys alone', async () => {
    await page.evaluate('document.activeElement.blur()');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
    await page.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    for (const name of ['Now', 'Use', 'Sessions']) {
      await page.press('Tab');
      expect(await focused()).toBe(name);
    }
    await page.press('Enter');
    await page.until(has('#sessions'));
    expect(await page.evaluate("document.activeElement.id + ' ' + document.querySelector('[aria-current]').textContent")).toBe('main Sessions');
    await page.press('Tab');
    await page.press('Tab');
    await page.press('Enter');
    await page.until('location.hash.startsWith("#session/")');
  });

  it('has nothing that axe finds wrong where little or much is to be seen, and where it is locked or over', { timeout: 180_000 }, async () => {
    await go(`#session/${scene.writeLong()}`, '#tree button');
    await page.evaluate("document.querySelector('#news').hidden = false");
    expect(await faults(page), 'long').toEqual([]);
    await go(`#session/${scene.forked}`, '#sides');
    await page.evaluate("document.querySelector('details').open = true");
    expect(await faults(page), 'what both branches have').toEqual([]);
    await go('#session/nobody', '.empty');
    expect(await faults(page), 'no such session').toEqual([]);
    await go('#sessions', '#sessions li');
    await page.evaluate(
      "(() => { const field = document.querySelector('input[type=search]'); field.value = 'nobody'; field.dispatchEvent(new Event('input')); })()",
    );
    await page.until(`${text('#sessions')} === 'no session like this'`);
    expect(await faults(page), 'nothing found').toEqual([]);
    await using locked = await openPage(scene.url);
    await locked.until(`${text('#status')} === 'locked'`);
    expect(await faults(locked), 'locked').toEqual([]);
    await scene.close();
    await page.until(`${text('#status')}.startsWith('connection lost')`);
    expect(await faults(page), 'over').toEqual([]);

    const empty = await serveDashboard({ dashHome: await temporaryDirectory() });
    onTestFinished(() => empty.close());
    await using first = await openPage(empty.url);
    await first.until(`${text('#agents')}.startsWith('No agent runs now')`);
    expect(await faults(first), 'nobody').toEqual([]);
    for (const [view, words] of [
      ['use', 'no model was asked'],
      ['sessions', 'no session like this'],
    ]) {
      await first.evaluate(`location.hash = '${view}'`);
      await first.until(`${text('main')}.includes('${words}')`);
      expect(await faults(first), `${view} of nothing`).toEqual([]);
    }
  });

  it.each(['light', 'dark'])('has nothing that axe finds wrong, in %s and narrow, too', async (scheme) => {
    await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await page.call('Emulation.setScrollbarsHidden', { hidden: true });
    for (const width of [1_180, 400, 320]) {
      await page.call('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
      const views = [
        ['now', '#now', '.card'],
        ['use', '#use', '.figures'],
        ['sessions', '#sessions', '#sessions li'],
        ['branches', `#session/${scene.forked}`, '#sides'],
      ] as const;
      for (const [name, hash, selector] of views) {
        await go(hash, selector);
        expect(await faults(page), `${name} at ${width}`).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} at ${width}`).toBe(true);
        if (PICTURES !== undefined && width === 1_180) await writeFile(join(PICTURES, `dashboard-${name}-${scheme}.png`), await page.screenshot());
      }
    }
  });
});
