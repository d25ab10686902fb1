import { expect, test } from 'vitest';
import { completePrompt } from '../../../host/modes/interactive/complete-prompt.ts';

const provider = completePrompt({ cwd: '/', commands: () => [{ name: 'hotkeys' }], argumentsOf: async () => [] });

test('a command that is chosen takes the place of what was typed of it', async () => {
  const { signal } = new AbortController();
  const found = await provider.getSuggestions(['/hotk'], 0, 5, { signal });
  expect(found).toMatchObject({ prefix: '/hotk', items: [{ value: '/hotkeys' }] });
  const [item] = found?.items ?? [];
  if (item === undefined) throw new Error('nothing is offered');
  expect(provider.applyCompletion(['/hotk'], 0, 5, item, '/hotk')).toEqual({ lines: ['/hotkeys '], cursorLine: 0, cursorCol: 9 });
});

test('a list of what stood there before changes nothing of what was typed since', () => {
  const item = { value: '/hotkeys', label: 'hotkeys' };
  for (const typed of ['/hotkeys', '/home'])
    expect(provider.applyCompletion([typed], 0, typed.length, item, '/hotk')).toEqual({ lines: [typed], cursorLine: 0, cursorCol: typed.length });
});
