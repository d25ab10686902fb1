import type { CallExpression, Expression, MemberExpression } from 'acorn';
import type { Evaluator } from './evaluator.ts';
import { propertyName } from './scopes.ts';
import { distinct, literal, UNKNOWN, type Value } from './value.ts';

/** What a method gives whose answer follows from what it is called on; `undefined` for every other. */
export function methodAnswer(callee: MemberExpression, { arguments: given }: CallExpression, evaluator: Evaluator): readonly Value[] | undefined {
  const name = propertyName(callee.property, callee.computed);
  const object = callee.object as Expression;
  switch (name) {
    case 'trim':
    case 'trimEnd':
    case 'trimStart':
    case 'toString':
    case 'normalize':
    case 'valueOf': {
      const values = evaluator.valuesOf(object);
      return values.some(({ kind }) => kind === 'text' || kind === 'env') ? values : undefined;
    }
    case 'replace':
    case 'replaceAll': {
      // `base.replace(/\/+$/, '')` keeps the beginning, which is all that counts
      const [pattern] = given;
      const isAtEnd = pattern?.type === 'Literal' && pattern.regex?.pattern.endsWith('$') === true;
      return isAtEnd ? evaluator.valuesOf(object) : undefined;
    }
    case 'concat': {
      const values = evaluator.valuesOf(object);
      return values.every(({ kind }) => kind === 'text')
        ? evaluator.concatenated([values, ...given.map((one) => (one.type === 'SpreadElement' ? [UNKNOWN] : evaluator.valuesOf(one)))])
        : undefined;
    }
    case 'join': {
      const elements = evaluator.elementsOf(object);
      const [separator] = given;
      if (elements === undefined) return undefined;
      const between = separator === undefined || separator.type === 'SpreadElement' ? [literal(',')] : evaluator.valuesOf(separator);
      return evaluator.concatenated(elements.flatMap((element, index) => (index === 0 ? [element] : [between, element])));
    }
    case 'then': {
      const [next] = given;
      return next === undefined || next.type === 'SpreadElement' ? undefined : distinct(evaluator.functionsOf(next).flatMap((fn) => evaluator.answersOf(fn)));
    }
    case 'catch':
    case 'finally':
      return evaluator.valuesOf(object);
    case 'bind': {
      const values = evaluator.valuesOf(object);
      return values.some(({ kind }) => kind === 'function' || kind === 'thing') ? values : undefined;
    }
    default:
      return undefined;
  }
}
