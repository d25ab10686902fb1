import { describe, expect, test } from 'vitest';
import { ask, startTestHost, type TestPackage } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

const worker: TestPackage = { name: 'worker', extension: { tools: { work: () => says('worked') } } };
const guard = (answer: boolean): TestPackage => ({
  name: 'guard',
  asks: { areas: ['tools:intercept'], answer },
  extension: { on: [['tool_call', () => ({ block: true, reason: 'not today' })]] },
});
const script = { turns: [{ toolCalls: [{ name: 'work', arguments: {} }] }, { text: 'done' }] };

describe('a handler whose right is asked for when its event comes', () => {
  test.each([
    [true, 'not today'],
    [false, 'worked'],
  ])('answered with %s', async (answer, expected) => {
    await using scene = await startTestHost(script, [worker, guard(answer)]);
    await ask(scene.host, 'go');
    expect(JSON.stringify(scene.host.conversation.messages.find(({ role }) => role === 'toolResult'))).toContain(expected);
    const opened = scene.opened.find(({ name }) => name === 'guard');
    expect(opened?.asked).toEqual(['tool_call']);
    expect(opened?.heard).toEqual(answer ? ['tool_call'] : []);
    expect(scene.host.diagnostics.map(({ message }) => message)).toContainEqual(expect.stringContaining('is asked for `tools:intercept` when it happens'));
  });
});
