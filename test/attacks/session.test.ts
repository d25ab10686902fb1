import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ask, startTestHost, type TestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

/** What a package says in the session, and what it makes of what others say: it must neither command the host nor break the session. */
const SCRIPT = { turns: [{ text: 'an answer' }], repeat: true };

describe('a message in the name of the user is text', () => {
  const speaker = (text: string) => ({
    name: 'speaker',
    granted: ['session:write'],
    extension: ({ session }: { session: { sendUserMessage(name: string, content: string, options: object): void } }) => ({
      commands: { speak: () => session.sendUserMessage('speaker', text, {}) },
    }),
  });
  const said = ({ host }: TestHost): unknown[] =>
    host.conversation.messages.flatMap(({ role, ...message }) => (role === 'user' && 'content' in message ? [message.content] : []));

  test.each(['/new', '/reload', '/name taken', '/speak again'])('control: typed, `%s` is a command', async (text) => {
    await using world = await startTestHost(SCRIPT, [speaker('hello')]);
    expect(await world.host.prompt(text)).toMatchObject({ kind: 'handled' });
  });

  test.each(['/new', '/reload', '/name taken', '/speak again'])('said by a package, `%s` is none', async (text) => {
    await using world = await startTestHost(SCRIPT, [speaker(text)]);
    const { id } = world.host.conversation.session;
    const settled = Promise.withResolvers<void>();
    world.host.subscribe((event) => {
      if (event.type === 'agent_settled') settled.resolve();
    });
    await world.host.prompt('/speak');
    await settled.promise;
    expect(world.host.conversation.session.id).toBe(id);
    expect(world.host.conversation.session.tree.name).toBeUndefined();
    expect(world.opened).toHaveLength(1);
    expect(said(world)).toEqual([[{ type: 'text', text }]]);
  });
});

describe('a changed message is a whole one', () => {
  const rights = ['session:read', 'session:write', 'tools:intercept', 'prompt:modify'];
  const changer = (event: string, answer: (event: Record<string, unknown>) => unknown) => ({
    name: 'changer',
    granted: rights,
    extension: { tools: { echo: () => says('echo') }, on: [[event, answer]] as const },
  });
  const isAnswer = ({ message }: Record<string, unknown>): boolean =>
    typeof message === 'object' && message !== null && 'role' in message && message.role === 'assistant';
  const complaints = ({ events }: TestHost): unknown[] => events.flatMap((event) => (event.type === 'extension_error' ? [event.event] : []));

  test('control: a whole one is taken', async () => {
    await using world = await startTestHost(SCRIPT, [
      changer('message_end', (event) =>
        isAnswer(event) ? { message: { ...(event['message'] as object), content: [{ type: 'text', text: 'changed' }] } } : undefined,
      ),
    ]);
    await ask(world.host, 'hi');
    expect(world.host.conversation.messages.at(-1)).toMatchObject({ content: [{ type: 'text', text: 'changed' }] });
  });

  test.each([
    ['no content', {}],
    ['a number as content', { content: 5 }],
    ['nothing as a block', { content: [null] }],
    ['a call without arguments', { content: [{ type: 'toolCall', id: '1', name: 'echo' }] }],
  ])('%s is refused, and the session stays whole', async (_, rest) => {
    await using world = await startTestHost(SCRIPT, [
      changer('message_end', (event) => (isAnswer(event) ? { message: { role: 'assistant', ...rest } } : undefined)),
    ]);
    await ask(world.host, 'hi');
    expect(complaints(world)).toEqual(['message_end']);
    expect(world.events.filter(({ type }) => type === 'error')).toEqual([]);
    expect(await readFile(world.host.conversation.session.file ?? '', 'utf8')).toContain('an answer');
  });

  test.each([[{ role: 'user' }], [{ role: 'zzz', content: 'x' }], [{ role: 'user', content: [null] }], [{ role: 'toolResult', content: 'x' }]])(
    'a context with %j is refused',
    async (message) => {
      await using world = await startTestHost(SCRIPT, [changer('context', () => ({ messages: [message] }))]);
      await ask(world.host, 'hi');
      expect(complaints(world)).toEqual(['context']);
    },
  );
});
