import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { misfitOf, readDeclaredSettings, readTyped } from '../../format/index.ts';

const declared = (property: unknown, name = 'a') => readDeclaredSettings({ type: 'object', properties: { [name]: property } });

describe('readDeclaredSettings', () => {
  test('reads what a setting is from its property', () => {
    expect(readDeclaredSettings(undefined)).toEqual({ settings: [], diagnostics: [] });
    expect(
      readDeclaredSettings({
        required: ['b'],
        properties: { a: { type: 'string', title: 'A\u001b[31m\nb', project: true }, b: { sensitive: true, project: true } },
      }).settings,
    ).toMatchObject([
      { name: 'a', description: 'A[31m b', project: true, sensitive: false, required: false },
      { name: 'b', sensitive: true, project: false, required: true },
    ]);
  });

  test.for([
    ['a schema that is not understood', { $ref: '#/x' }, '`$ref` is not understood'],
    ['one deep inside', { items: { anyOf: [{ if: true }] } }, '`if` is not understood'],
    ['one without end', { description: 'x'.repeat(30_000) }, 'longer than 20000 characters'],
    ['no schema', 7, 'it is no schema'],
    ['a default that does not fit', { type: 'number', default: 'x' }, 'must be a number'],
    ['a secret for everybody to read', { sensitive: true, default: 'hunter22' }, 'for everybody to read'],
  ] as const)('says of %s that it is wrong, and believes nothing of it', ([, property, message]) => {
    const { settings, diagnostics } = declared(property);
    expect(diagnostics).toMatchObject([{ code: 'SETTING_DECLARATION_INVALID', message: expect.stringContaining(message) }]);
    expect(settings.every((setting) => setting.default === undefined)).toBe(true);
  });

  test.for(['__proto__', '', '1a', 'a b', 'a\u202eb', 'x'.repeat(65)])('takes no setting %j', (name) => {
    const { settings, diagnostics } = readDeclaredSettings({ properties: JSON.parse(`{${JSON.stringify(name)}: {}}`) });
    expect([settings, diagnostics.length]).toEqual([[], 1]);
  });
});

describe('misfitOf', () => {
  test.for([
    [{ type: 'string' }, 7, 'must be a text'],
    [{ type: ['string', 'null'] }, null, undefined],
    [{ type: 'integer' }, 1.5, 'must be a whole number'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'must be more than 0'],
    [{ enum: [1, { a: [2] }] }, { a: [2] }, undefined],
    [{ const: 'x' }, 'y', 'must be `x`'],
    [{ minLength: 2 }, 'ü', 'must have at least 2 characters'],
    [
      { type: 'array', uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'must not have an entry twice',
    ],
    [{ anyOf: [{ const: 'a' }, { type: 'number' }] }, true, 'must be `a`, or must be a number'],
    [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 1, 'must fit exactly one of 2 forms'],
    [{ not: { const: 1 } }, 1, 'has a form that is excluded'],
    [{ type: 'object', properties: { a: { type: 'object', properties: { b: { type: 'string' } } } } }, { a: { b: 1 } }, 'at `.a.b` must be a text'],
    [{ type: 'object', required: ['toString'] }, {}, 'lacks `toString`'],
    [{ properties: { a: {} }, additionalProperties: false }, { b: 1 }, 'has an entry that it does not know'],
    [{ additionalProperties: { type: 'number' } }, { secret: 'x' }, 'at `.*` must be a number'],
    // to try an expression of a stranger can take for ever
    [{ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`, undefined],
    [{}, 'x'.repeat(20_000), 'is longer than 16384 characters'],
    [false, 1, 'takes no value'],
  ] as const)('%j of %j: %s', ([schema, value, why]) => {
    expect(misfitOf(schema, value)).toBe(why);
  });

  test('never repeats the value', () => {
    const keywords = [
      { type: 'number' },
      { enum: ['x'] },
      { minLength: 99 },
      { maxLength: 1 },
      { not: {} },
      { anyOf: [false, { const: 1 }] },
      { additionalProperties: false },
    ];
    fc.assert(
      fc.property(fc.constantFrom(...keywords), fc.stringMatching(/^[A-Z]{8,20}$/), (schema, secret) => {
        for (const value of [secret, { [secret]: secret }, [secret]]) expect(misfitOf(schema, value) ?? '').not.toContain(secret);
      }),
    );
  });
});

test.for([
  [{ type: 'string' }, '5', '5'],
  [{ type: 'number' }, '5', 5],
  [{ type: ['number', 'string'] }, '5', 5],
  [{ type: 'boolean' }, 'true', true],
  [{ enum: ['on', 1] }, '1', 1],
  [{ enum: ['on'] }, '"on"', 'on'],
  [{ type: 'array' }, '["a"]', ['a']],
  [{ type: 'array' }, 'a', 'a'],
  [{ type: 'string', maxLength: 1 }, '12', '12'],
  [{}, '{"a": 1}', { a: 1 }],
] as const)('readTyped reads for %j what was typed as %s', ([schema, typed, value]) => {
  expect(readTyped(schema, typed)).toEqual(value);
});
