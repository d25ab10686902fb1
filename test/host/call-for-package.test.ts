import { describe, expect, test } from 'vitest';
import { NO_DELEGATION, type HostPorts } from '../../sandbox/index.ts';
import { ask, startTestHost, type TestPackage } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

/** Package `a` has a tool that calls another tool, as its sandbox would after the broker's yes. */
const caller = (owner: string, name: string, args: unknown = {}): TestPackage => ({
  name: 'a',
  granted: ['tools:intercept'],
  extension: (ports: HostPorts) => ({
    tools: {
      relay: async (_args, { signal }) => {
        const delegation = { ...NO_DELEGATION, callers: ['a'] };
        const answer = await ports.agent
          .callTool(
            { package: owner, name, args, delegation, pauseCaller: () => ({ [Symbol.dispose]: () => undefined }) },
            signal ?? new AbortController().signal,
          )
          .catch((error: { code: string }) => error.code);
        return says(JSON.stringify(answer));
      },
    },
    on: [['tool_call', ({ toolName }) => (toolName === 'relay' ? undefined : { block: true, reason: 'the caller judges itself' })]],
  }),
});

const callee: TestPackage = {
  name: 'b',
  extension: {
    tools: { work: (args, { delegation }) => says(`${JSON.stringify(args)} for ${delegation?.callers.join()}`) },
  },
};

const guard: TestPackage = {
  name: 'c',
  granted: ['tools:intercept'],
  extension: { on: [['tool_call', ({ toolName }) => (toolName === 'work' ? { block: true, reason: 'not today' } : undefined)]] },
};

const script = { turns: [{ toolCalls: [{ name: 'relay', arguments: {} }] }, { text: 'done' }] };

async function answerTo(packages: readonly TestPackage[]): Promise<string> {
  await using scene = await startTestHost(script, packages);
  await ask(scene.host, 'go');
  const result = scene.host.conversation.messages.find(({ role }) => role === 'toolResult');
  return JSON.stringify(result);
}

describe('a tool called by a package', () => {
  test('runs for it, and the caller is no judge of its own call', async () => {
    const answer = await answerTo([caller('b', 'work', { n: 1 }), callee]);
    expect(answer).toContain('for a');
    expect(answer).not.toContain('judges itself');
  });

  test('is seen and stopped by the interceptors of others, like a call of the model', async () => {
    expect(await answerTo([caller('b', 'work'), callee, guard])).toContain('not today');
  });

  test('of the host is approved as for the model: without a user nothing outside of the workspace is read', async () => {
    const answer = await answerTo([caller('host', 'read', { path: '/etc/passwd' })]);
    expect(answer).not.toContain('root:');
    expect(answer).toContain('isError');
  });

  test('that is not there is said to be not there', async () => {
    expect(await answerTo([caller('b', 'nothing'), callee])).toContain('UNKNOWN_TOOL');
    expect(await answerTo([caller('host', 'nothing')])).toContain('UNKNOWN_TOOL');
  });
});
