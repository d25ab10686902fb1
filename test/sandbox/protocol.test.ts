import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGuestMessage, parseSyncRequest } from '../../sandbox/protocol.ts';

const VALID = [
  { kind: 'request', id: 1, capability: 'fs.readFile', params: { path: 'a' } },
  { kind: 'cancel', id: 1 },
  { kind: 'subscribe', id: 2, capability: 'fs.watch', params: { path: 'a', recursive: true } },
  { kind: 'unsubscribe', id: 2 },
  { kind: 'result', id: 3, value: { content: [] } },
  { kind: 'result', id: 3, error: { message: 'm', name: 'Error', code: 'E', stack: 's' } },
  { kind: 'update', id: 3, value: null },
  { kind: 'log', level: 'info', text: 'x' },
  {
    kind: 'activated',
    registrations: [
      { tools: [{ name: 't', description: '', parameters: {} }], commands: [], events: [{ event: 'e', handler: 0 }], flags: [], shortcuts: [], providers: [] },
    ],
    failures: [],
  },
];

describe('parseGuestMessage', () => {
  test.each(VALID)('reads %j', (message) => {
    expect(parseGuestMessage(JSON.stringify(message))).toEqual({ ok: true, value: message });
  });

  test.each([
    ['not JSON', '{'],
    ['no object', '1'],
    ['null', 'null'],
    ['an array', '[]'],
    ['an unknown kind', '{"kind":"open"}'],
    ['a kind of the prototype', '{"kind":"constructor"}'],
    ['a host message', '{"kind":"reply","id":1,"text":""}'],
    ['an id below zero', '{"kind":"cancel","id":-1}'],
    ['an id that is no integer', '{"kind":"cancel","id":1.5}'],
    ['an id beyond exactness', '{"kind":"cancel","id":9007199254740993}'],
    ['an id as text', '{"kind":"cancel","id":"1"}'],
    ['a field more', '{"kind":"cancel","id":1,"package":"other"}'],
    ['a capability without a name', '{"kind":"request","id":1,"capability":"","params":1}'],
    ['a request without parameters', '{"kind":"request","id":1,"capability":"x"}'],
    ['a log level of its own', '{"kind":"log","level":"panic","text":""}'],
  ])('refuses %s', (_what, text) => {
    expect(parseGuestMessage(text).ok).toBe(false);
  });

  test.each([
    '{"kind":"cancel","id":1,"__proto__":{"x":1}}',
    '{"kind":"cancel","id":1,"__pr\\u006fto__":{"x":1}}',
    '{"kind":"request","id":1,"capability":"x","params":{"a":{"\\u005f_proto__":{"polluted":1}}}}',
  ])('never lets `__proto__` in, however it is written: %s', (text) => {
    const parsed = parseGuestMessage(text);
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(JSON.stringify(parsed.value)).not.toContain('__proto__');
    const spread = Object.assign({}, (parsed.value as { params?: { a?: object } }).params?.a) as { polluted?: unknown };
    expect(spread.polluted).toBeUndefined();
  });

  test('counts arrays and objects before it makes them, and takes none in a text for one', () => {
    const result = (value: string): string => `{"kind":"result","id":3,"value":${value}}`;
    expect(parseGuestMessage(result(`[${'[],'.repeat(300_000)}[]]`))).toEqual({ ok: false, reason: expect.stringContaining('may hold') });
    expect(parseGuestMessage(result(`[${'{},'.repeat(200_000)}{}]`)).ok).toBe(true);
    for (const text of ['['.repeat(600_000), '\\"[{'.repeat(200_000), '"'.repeat(9), '\\'.repeat(300_000) + '[']) {
      expect(parseGuestMessage(result(JSON.stringify(text)))).toMatchObject({ ok: true, value: { value: text } });
    }
  });

  test('survives nesting deeper than any stack', () => {
    for (const depth of [1_000, 10_000, 1_000_000]) {
      const deep = '['.repeat(depth) + ']'.repeat(depth);
      const parsed = parseGuestMessage(`{"kind":"result","id":1,"value":${deep}}`);
      // Whatever is let in must not blow the stack of what handles it next.
      if (parsed.ok) expect(() => JSON.stringify(parsed.value)).not.toThrow();
    }
  });

  test('never throws on 10,000 mutated messages, and leaves Object.prototype alone', () => {
    const before = Reflect.ownKeys(Object.prototype).length;
    const hostile = fc.oneof(
      fc.constantFrom(
        '__proto__',
        'constructor',
        'prototype',
        '\0',
        '\u2028',
        '{',
        '}',
        '[',
        ']',
        '"',
        '\\u',
        ',',
        ':',
        '1e999',
        '-0',
        '"kind":"request"',
        '"id":',
        'null',
        'true',
      ),
      fc.string({ maxLength: 12, unit: 'binary' }),
    );
    const mutated = fc
      .record({
        message: fc.constantFrom(...VALID),
        edits: fc.array(fc.record({ at: fc.nat(400), remove: fc.nat(20), insert: hostile }), { minLength: 1, maxLength: 6 }),
      })
      .map(({ message, edits }) =>
        edits.reduce(
          (text, { at, remove, insert }) => text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + remove),
          JSON.stringify(message),
        ),
      );
    fc.assert(
      fc.property(mutated, (text) => {
        const parsed = parseGuestMessage(text);
        if (parsed.ok) expect(VALID.map(({ kind }) => kind)).toContain(parsed.value.kind);
        parseSyncRequest(text);
      }),
      { numRuns: 10_000, seed: 20_260 },
    );
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('never throws on arbitrary JSON in every field', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VALID),
        fc.constantFrom('kind', 'id', 'capability', 'params', 'value', 'error', 'registrations', 'failures', 'level', 'text'),
        fc.jsonValue(),
        (message, field, value) => {
          parseGuestMessage(JSON.stringify({ ...message, [field]: value }));
        },
      ),
      { numRuns: 2_000, seed: 7 },
    );
  });
});

describe('parseSyncRequest', () => {
  test('reads a request and nothing else', () => {
    expect(parseSyncRequest('{"capability":"fs.stat","params":null}')).toEqual({ ok: true, value: { capability: 'fs.stat', params: null } });
    for (const text of ['', '{}', '{"capability":"x"}', '{"capability":"x","params":1,"id":1}', '{"capability":1,"params":1}', '[]'])
      expect(parseSyncRequest(text).ok).toBe(false);
  });
});
