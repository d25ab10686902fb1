import { describe, expect, it } from 'vitest';
import { argumentHint, fillPrompt, parsePrompt, splitArguments } from '../../../skills-lib/index.ts';

describe('prompt templates', () => {
  it.each([
    ['hello $1', ['a', 'b'], 'hello a'],
    ['$@|$ARGUMENTS', ['a', 'b'], 'a b|a b'],
    ['${1:-x}${2:-y}', ['a', ''], 'ay'],
    ['${@:-none}', [], 'none'],
    ['${@:2}|${@:2:1}|${@:0:1}', ['a', 'b', 'c'], 'b c|b|a'],
    ['$3.', ['a'], '.'],
    ['$1', ['$2', 'b'], '$2'],
    ['costs $ 5 and ${HOME}', [], 'costs $ 5 and ${HOME}'],
  ])('fills %j with %j', (body, args, filled) => {
    expect(fillPrompt(body, args)).toBe(filled);
  });

  it.each([
    ['a b', ['a', 'b']],
    [`"a b" 'c d' e`, ['a b', 'c d', 'e']],
    [`x="a b"`, ['x=a b']],
    ['  ', []],
    [`it's`, ['its']],
  ])('splits %j', (text, words) => {
    expect(splitArguments(text)).toEqual(words);
  });

  it.each([
    ['Compare $2 with ${3:-main}, then $2', '<1> <2> [3=main]'],
    ['$1: ${@:2}', '<1> […]'],
    ['${ARGUMENTS:-all}', '[…]'],
    ['It costs $1000', '<1> <2> <3> <4> <5> <6> <7> <8> <9> […]'],
    ['Nothing', undefined],
  ])('says what to type after %j', (body, hint) => {
    expect(argumentHint({ argumentHint: undefined, body })).toBe(hint);
    expect(argumentHint({ argumentHint: '<file>', body })).toBe('<file>');
  });

  it('takes name, description and hint from the file', () => {
    expect(parsePrompt('---\ndescription: Review it\nargument-hint: "<file>"\n---\nReview $1', '/p/review.md')).toMatchObject({
      name: 'review',
      description: 'Review it',
      argumentHint: '<file>',
      body: 'Review $1',
    });
    expect(parsePrompt('Review everything\n', '/p/all.md')).toMatchObject({ name: 'all', description: 'Review everything' });
  });
});

it('reads a template of placeholders without an end', () => {
  const body = '${1:-'.repeat(50_000);
  expect(fillPrompt(body, ['x'])).toBe(body);
  expect(argumentHint({ argumentHint: undefined, body })).toBeUndefined();
});
