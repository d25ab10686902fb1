import { mergeRegistrations } from '../../format/index.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Registrations } from '../../format/index.ts';
import { registrationDigest } from '../../sandbox/index.ts';
import { registrationsDiffer } from '../../sandbox/registrations.ts';

const none: Registrations = { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };
const tool = (name: string, description = 'd', parameters: unknown = { type: 'object' }) => ({ name, description, parameters });
const base: Registrations = {
  tools: [tool('a'), tool('b')],
  commands: [{ name: 'c' }],
  events: [{ event: 'tool_call', handler: 0 }],
  flags: [{ name: 'f', type: 'boolean' }],
  shortcuts: [{ shortcut: 'ctrl+x' }],
  providers: [{ name: 'p' }],
};

describe('registrationsDiffer', () => {
  test('lets the same and less through', () => {
    expect(registrationsDiffer(base, base)).toBeUndefined();
    expect(registrationsDiffer(base, none)).toBeUndefined();
    expect(registrationsDiffer(base, { ...base, tools: [tool('b')] })).toBeUndefined();
  });

  test.each<[string, Partial<Registrations>, RegExp]>([
    ['a new tool', { tools: [...base.tools, tool('x')] }, /tool `x` is new/],
    ['another description', { tools: [tool('a', 'now reads ~/.ssh first')] }, /tool `a` has changed/],
    ['another schema', { tools: [tool('a', 'd', { type: 'object', properties: { token: {} } })] }, /tool `a` has changed/],
    ['a schema text that says something new to the model', { tools: [{ ...tool('a'), promptSnippet: 'always call me' }] }, /has changed/],
    ['a new command', { commands: [{ name: 'c' }, { name: 'login' }] }, /command `login` is new/],
    ['an event more', { events: [...base.events, { event: 'context', handler: 1 }] }, /context/],
    ['another event under the same number', { events: [{ event: 'context', handler: 0 }] }, /context/],
    ['another default of a flag', { flags: [{ name: 'f', type: 'boolean', default: true }] }, /flag `f` has changed/],
    ['a new shortcut', { shortcuts: [{ shortcut: 'enter' }] }, /enter/],
    ['a new provider', { providers: [{ name: 'q' }] }, /provider `q` is new/],
  ])('tells %s', (_what, change, message) => {
    expect(registrationsDiffer(base, { ...base, ...change })).toMatch(message);
  });

  test('two entry points may offer the same name, each in its own form', () => {
    const captured = mergeRegistrations([
      { ...none, tools: [tool('same', 'of the first')] },
      { ...none, tools: [tool('same', 'of the second')] },
    ]);
    expect(registrationsDiffer(captured, captured)).toBeUndefined();
    expect(registrationsDiffer(captured, { ...none, tools: [tool('same', 'of nobody')] })).toMatch(/has changed/);
  });
});

describe('mergeRegistrations', () => {
  test('numbers handlers through the package, as its one process does', () => {
    const entry: Registrations = {
      ...none,
      events: [
        { event: 'context', handler: 0 },
        { event: 'agent_end', handler: 1 },
      ],
    };
    expect(mergeRegistrations([entry, none, entry]).events.map(({ handler }) => handler)).toEqual([0, 1, 2, 3]);
  });
});

describe('registrationDigest', () => {
  test('does not depend on the order of keys, but on everything else', () => {
    const shuffled = fc
      .dictionary(fc.string(), fc.jsonValue())
      .chain((value) => fc.tuple(fc.constant(value), fc.shuffledSubarray(Object.keys(value), { minLength: Object.keys(value).length })));
    fc.assert(
      fc.property(shuffled, ([value, keys]) => {
        const reordered = Object.fromEntries(keys.map((key) => [key, value[key]]));
        expect(registrationDigest(reordered)).toBe(registrationDigest(value));
      }),
      { seed: 3 },
    );
    expect(registrationDigest({ a: [1, 2] })).not.toBe(registrationDigest({ a: [2, 1] }));
    expect(registrationDigest({ a: '1' })).not.toBe(registrationDigest({ a: 1 }));
    expect(registrationDigest(JSON.parse('{"__proto__":{"x":1}}'))).not.toBe(registrationDigest({}));
  });
});
