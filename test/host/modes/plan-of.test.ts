import { describe, expect, it } from 'vitest';
import { planOf } from '../../../host/modes/acp/plan-of.ts';

describe('the plan in what a tool says for programs', () => {
  it.each([
    [
      'as in the example of pi',
      {
        todos: [
          { id: 1, text: 'a', done: true },
          { id: 2, text: 'b', done: false },
        ],
      },
      ['a completed', 'b pending'],
    ],
    [
      'as others write it',
      { plan: [{ content: 'a', status: 'in_progress' }, { step: 'b', status: 'Completed' }, { title: 'c' }] },
      ['a in_progress', 'b completed', 'c pending'],
    ],
    ['nothing is left to do', { todos: [] }, []],
    ['items without words are none', { todos: [{ text: 'a' }, { text: ' ' }, 7, null] }, ['a pending']],
    ['a list of something else', { plan: [1, 2] }, undefined],
    ['no list', { plan: 'a then b' }, undefined],
    ['nothing', undefined, undefined],
  ])('%s', (_, details, expected) => {
    expect(planOf(details)?.map(({ content, status }) => `${content} ${status}`)).toEqual(expected);
  });

  it('is cut where it has no end, and keeps the priority that it says', () => {
    expect(planOf({ plan: Array.from({ length: 5000 }, () => ({ content: 'x'.repeat(9000) })) })).toHaveLength(200);
    expect(planOf({ plan: [{ content: 'x'.repeat(9000), priority: 'high' }] })?.[0]).toMatchObject({
      priority: 'high',
      content: expect.stringMatching(/^x{400,500}…/),
    });
  });
});
