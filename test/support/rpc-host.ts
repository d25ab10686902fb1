/** A host in rpc mode as a process of its own, for clients that start one: scripted answers, one package. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runRpc } from '../../host/index.ts';
import { startTestHost } from './in-test-host.ts';
import { says } from './in-test-package.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const script = {
  turns: [
    { thinking: 'a greeting', toolCalls: [call('echo', { n: 1 })], text: 'let me see' },
    { text: 'hello there' },
    { toolCalls: [call('wait')] },
    { text: 'steered' },
    { text: 'followed' },
    { toolCalls: [call('hang')] },
    { text: 'in short: hello' },
    { text: 'after all' },
  ],
};
await using world = await startTestHost(script, [
  {
    name: 'p',
    granted: ['session:read'],
    extension: ({ ui }) => ({
      tools: {
        echo: (args) => says(JSON.stringify(args)),
        // Answers when a client has queued both messages.
        wait: async () => {
          while (world.host.conversation.queues.waiting().steering.length + world.host.conversation.queues.waiting().followUp.length < 2) await sleep(1);
          return says('waited');
        },
        hang: (_, { signal }) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve({ ...says('cut off'), isError: true }))),
      },
      commands: {
        ask: async () => {
          const chosen = await ui.select('which?', ['a', 'b'], {});
          const sure = await ui.confirm('sure?', `take ${chosen}`, {});
          const why = await ui.input('why?', undefined, {});
          ui.notify(`${chosen} ${sure} ${why}`, 'info');
          ui.set({ kind: 'status', key: 'p', text: 'asked' });
        },
      },
    }),
  },
]);
process.exitCode = await runRpc(world.host, { input: process.stdin, output: process.stdout });
