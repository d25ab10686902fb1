import { expect, test } from 'vitest';
import { describeExtensionError } from '../../host/describe-extension-error.ts';

const told = (event: string, error: string, where?: { path: string; line?: number }): string =>
  describeExtensionError({ extensionPath: 'draws', event, error, code: 'GUEST_ERROR', ...(where && { where }) });

test.each([
  ['command:asks', 'draws: /asks failed: no', 'draws: /asks failed: no'],
  ['command:hangs', 'draws: `a key` did not end within 2000 ms', 'draws: /hangs: `a key` did not end within 2000 ms'],
  ['session_start', 'draws: session_start failed: no', 'draws: session_start failed: no'],
  ['tool_call', 'no', 'draws: tool_call: no'],
])('what failed in %s is said once', (event, error, expected) => expect(told(event, error)).toBe(expected));

test('the place stands behind it', () => expect(told('tool_call', 'no', { path: 'a.ts' })).toBe('draws: tool_call: no (a.ts:1)'));
