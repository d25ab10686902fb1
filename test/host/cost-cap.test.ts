import { expect, it } from 'vitest';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';

it('a session that has cost what it may asks for nothing more, and says so', async () => {
  const scripted = createScriptedModel({ turns: [{ text: 'one', usage: { input: 1_000_000, output: 0 } }, { text: 'two' }], repeat: true });
  const models = { ...scripted, models: async () => (await scripted.models()).map((model) => ({ ...model, cost: { ...model.cost, input: 3 } })) };
  await using world = await startTestHost({ turns: [{}] }, [], { models, maxCost: 2.5 });
  await ask(world.host, 'first');
  await ask(world.host, 'second');
  const { messages } = world.host.conversation;
  expect(messages.at(1)).toMatchObject({ content: [{ text: 'one' }], usage: { cost: { total: 3 } } });
  expect(messages.at(-1)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringContaining('has cost $3.00 of at most $2.50') });
  expect(world.events.filter(({ type }) => type === 'auto_retry_start')).toEqual([]);
  await world.host.sessions.newSession();
  await ask(world.host, 'in another one');
  expect(world.host.conversation.messages.at(-1)).toMatchObject({ stopReason: 'stop' });
});
