import { describe, expect, test } from 'vitest';
import { context, extensionOf, openFixture, textOf, until } from '../support/sandbox-fixture.ts';

const call = { toolCallId: '1', context };

describe('a package that nobody calls', () => {
  test('is ended after a while, and started by its next call', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ count: `return String(globalThis.n = (globalThis.n ?? 0) + 1)` }) },
      idleMs: 20,
    });
    expect(await fixture.text('count')).toBe('1');
    await until(() => fixture.extension.pid === undefined);
    expect(await fixture.text('count')).toBe('1');
    expect(fixture.failures).toEqual([]);
  });

  // Each of these has something going on; the control arm is the package above, which differs in nothing else.
  test.each([
    ['a timer', `setTimeout(() => {}, 1e6);`, ''],
    ['an interval', `setInterval(() => {}, 1e5);`, ''],
    ['a listener on the bus', `pi.events.on('x', () => {});`, ''],
    ['an event handler', '', `pi.on('turn_end', () => {});`],
  ])('stays for %s', async (_what, inTool, inFactory) => {
    const index = extensionOf({ count: `${inTool} return String(globalThis.n = (globalThis.n ?? 0) + 1)` }).replace(
      'export default (pi) => {',
      `let pi; export default (api) => { pi = api; ${inFactory}`,
    );
    await using fixture = await openFixture({ files: { 'index.ts': index } });
    const patient = fixture.reopen({ idleMs: 1 });
    expect(textOf(await patient.callTool('count', {}, call))).toBe('1');
    const { pid } = patient;
    // As many rounds as a package without them survives none of.
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(patient.pid).toBe(pid);
    expect(textOf(await patient.callTool('count', {}, call))).toBe('2');
  });
});
