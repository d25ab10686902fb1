import { expect, it } from 'vitest';
import { ask, startTestHost } from '../support/in-test-host.ts';

it('/session says where a session is written, how long it is, and what it took', async () => {
  const call = { name: 'bash', arguments: { command: 'true' } };
  const usage = (input: number, output: number) => ({ input, output });
  await using world = await startTestHost({
    turns: [
      { text: 'one', toolCalls: [call], usage: usage(100, 20) },
      { text: 'two', usage: usage(200, 30) },
    ],
  });
  await ask(world.host, 'go');
  const { file } = world.host.conversation.session;
  expect(await world.host.prompt('/session')).toMatchObject({
    kind: 'handled',
    message: `${file}: 4 messages\nwith all branches: tool calls 1, tokens 300 in and 50 out, $0.000`,
  });
});
