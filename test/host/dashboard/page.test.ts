import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, type Page } from '../../support/browser.ts';
import { HOSTILE, type Scene, startScene } from '../../support/dashboard-scene.ts';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** `UPDATE_SCREENSHOTS=1 npx vitest run --project unit test/host/dashboard` draws the pictures of the documentation anew. */
const PICTURES = process.env['UPDATE_SCREENSHOTS'] === '1' ? join(import.meta.dirname, '../../../docs/images') : undefined;

const text = (selector: string): string => `(document.querySelector(${JSON.stringify(selector)})?.textContent ?? '')`;
const has = (selector: string): string => `document.querySelector(${JSON.stringify(selector)}) !== null`;

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
    expect(await page.evaluate("document.querySelectorAll('#happenings [data-kind=model]').length")).toBe(0);
    expect(await page.evaluate("document.querySelectorAll('#happenings [data-kind=tool]').length")).toBeGreaterThan(0);
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

  it.each(['light', 'dark'])('has nothing that axe finds wrong, in %s and narrow, too', async (scheme) => {
    await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await page.call('Emulation.setScrollbarsHidden', { hidden: true });
    for (const width of [1_180, 400]) {
      await page.call('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
      const views = [
        ['now', '#now', '.card'],
        ['use', '#use', '.figures'],
        ['sessions', '#sessions', '#sessions li'],
        ['branches', `#session/${scene.forked}`, '#sides'],
      ] as const;
      for (const [name, hash, selector] of views) {
        await go(hash, selector);
        await page.evaluate(AXE);
        const found = await page.evaluate(
          'axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + failureSummary).join(" ")))',
        );
        expect(found, `${name} at ${width}`).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} at ${width}`).toBe(true);
        if (PICTURES !== undefined && width === 1_180) await writeFile(join(PICTURES, `dashboard-${name}-${scheme}.png`), await page.screenshot());
      }
    }
  });
});
