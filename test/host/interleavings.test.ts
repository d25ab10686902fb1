import { SessionManager } from '@earendil-works/pi-coding-agent';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toolCallsOf } from '../../host/model/messages.ts';
import type { Script } from '../../host/model/scripted.ts';
import { readSession } from '../../host/session/session-file.ts';
import { type AgentMessage, toModelMessages } from '../../host/loop/transcript.ts';
import { startTestHost, type TestPackage } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const ACTIONS = ['answer', 'throw', 'steer', 'follow', 'abort', 'reload', 'replace', 'say'] as const;
type Action = (typeof ACTIONS)[number];

/** Every call has exactly one result, before anybody says anything else. */
function expectWellFormed(messages: readonly AgentMessage[]): void {
  let owed: readonly string[] = [];
  for (const message of messages) {
    if (message.role === 'toolResult') {
      expect(owed[0]).toBe(message.toolCallId);
      owed = owed.slice(1);
    } else {
      expect(owed).toEqual([]);
      owed = message.role === 'assistant' ? toolCallsOf(message).map(({ id }) => id) : [];
    }
  }
  expect(owed).toEqual([]);
}

it('a session stays well-formed whatever happens while a run goes on: steering, aborts, failures, reloads, in any order', async () => {
  const turn = fc.record({
    text: fc.option(fc.constant('words and more words'), { nil: undefined }),
    actions: fc.array(fc.constantFrom(...ACTIONS), { maxLength: 4 }),
    error: fc.option(fc.constantFrom('529 overloaded', 'invalid', 'prompt is too long'), { nil: undefined, freq: 6 }),
  });
  const between = fc.array(
    fc.tuple(fc.nat({ max: 40 }), fc.constantFrom<Action | 'compact'>('steer', 'follow', 'abort', 'reload', 'replace', 'say', 'compact')),
    {
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 6 }), between, async (turns, interruptions) => {
      const script: Script = { turns: turns.map(({ text, actions, error }) => ({ text, error, toolCalls: actions.map((name) => ({ name })) })), repeat: true };
      let hash = 1;
      let budget = 12;
      const act = (action: Action | 'compact'): void => {
        const { host } = world;
        // what asks for more may not ask for ever
        if ((action === 'steer' || action === 'follow' || action === 'say') && (budget -= 1) < 0) return;
        if (action === 'steer') host.steer('this way');
        if (action === 'follow') host.followUp('and then');
        if (action === 'abort') void host.conversation.abort();
        if (action === 'compact') void host.conversation.compact().catch(() => undefined);
        if (action === 'replace') world.packages = [pkg(`${(hash += 1)}`)];
        if (action === 'reload' || action === 'replace') void host.reload();
        if (action === 'say') host.conversation.add('p', { role: 'custom', customType: 'note', content: 'by the way', display: true, timestamp: 1 }, {});
      };
      const pkg = (build: string): TestPackage => ({
        name: 'p',
        hash: build,
        extension: {
          tools: Object.fromEntries(
            ACTIONS.map((action) => [
              action,
              async () => {
                if (action === 'throw') throw new Error('broken');
                act(action);
                await Promise.resolve();
                return says(`${action} of build ${build}`);
              },
            ]),
          ),
        },
      });
      await using world = await startTestHost(script, [pkg('1')]);
      world.host.conversation.autoRetry = false;
      const waiting = new Map(interruptions);
      let seen = 0;
      let requests = 0;
      world.host.subscribe(({ type }) => {
        const action = waiting.get((seen += 1));
        if (action !== undefined) act(action);
        // the script begins again at its end, so somebody has to stop
        if (type === 'turn_start' && (requests += 1) > 15) void world.host.conversation.abort();
      });
      const outcome = await world.host.prompt('go');
      expect(outcome.kind).toBe('started');
      await world.host.settle();
      await world.host.reload();
      await world.host.settle();

      const { session, messages } = world.host.conversation;
      expectWellFormed(messages);
      expectWellFormed(toModelMessages(messages) as readonly AgentMessage[]);
      expect(world.host.conversation.isStreaming).toBe(false);
      const { entries, diagnostics } = await readSession(session.file ?? '');
      expect(diagnostics).toEqual([]);
      expect(plain(entries)).toEqual(plain(session.tree.entries));
      expect(plain(SessionManager.open(session.file ?? '').buildSessionContext().messages)).toEqual(plain(messages));
      const count = (type: string): number => world.events.filter((event) => event.type === type).length;
      expect(count('agent_start')).toBe(count('agent_end'));
      expect(count('turn_start')).toBe(count('turn_end'));
      expect(count('message_start')).toBe(count('message_end'));
      expect(count('tool_execution_start')).toBe(count('tool_execution_end'));
      expect(count('compaction_start')).toBe(count('compaction_end'));
      expect(world.events.filter(({ type }) => type === 'error')).toEqual([]);
    }),
    {
      numRuns: 200,
      // compaction asked for while another begins
      examples: [
        [
          [
            { text: undefined, actions: [], error: '529 overloaded' },
            { text: undefined, actions: [], error: undefined },
          ],
          [
            [11, 'compact'],
            [1, 'steer'],
            [12, 'compact'],
          ],
        ],
      ],
    },
  );
});
