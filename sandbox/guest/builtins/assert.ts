import { completeModule } from './throwing-members.ts';
import { isDeepLooseEqual, isDeepStrictEqual } from './util/deep-equal.ts';
import { inspect } from './util/inspect.ts';

// Own code: the npm package `assert` brings 50 KB of shims for engines without Map and Object.is.

interface Failure {
  readonly message?: string | Error;
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly operator: string;
}

/** Node's class. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string | undefined;
  readonly generatedMessage: boolean;

  constructor(options: { message?: string; actual?: unknown; expected?: unknown; operator?: string }) {
    super(options.message ?? `${inspect(options.actual)} ${options.operator ?? 'assert'} ${inspect(options.expected)}`);
    this.actual = options.actual;
    this.expected = options.expected;
    this.operator = options.operator;
    this.generatedMessage = options.message === undefined;
  }
}

/** Makes `assert`, or `assert/strict` where the plain names compare strictly. */
export function createAssert(): Record<string, unknown> {
  const plain = makeAssert(false);
  const strict = makeAssert(true);
  Object.assign(strict, { strict });
  Object.assign(plain, { strict });
  completeModule('assert', strict);
  return completeModule('assert', plain);
}

function makeAssert(strict: boolean): Record<string, unknown> {
  const fail = ({ message, ...details }: Failure, words: string): never => {
    if (message instanceof Error) throw message;
    throw new AssertionError({ ...details, message: message ?? words });
  };
  const ok = (value: unknown, message?: string | Error) => {
    if (!value) fail({ message, actual: value, expected: true, operator: '==' }, `The expression evaluated to a falsy value: ${inspect(value)}`);
  };
  const compare =
    (operator: string, holds: (actual: unknown, expected: unknown) => boolean, words: string) =>
    (actual: unknown, expected: unknown, message?: string | Error) => {
      if (!holds(actual, expected))
        fail({ message, actual, expected, operator }, `${words}\n\n${inspect(actual)}\n\nshould ${operator}\n\n${inspect(expected)}`);
    };
  const not = (holds: (actual: unknown, expected: unknown) => boolean) => (actual: unknown, expected: unknown) => !holds(actual, expected);
  // oxlint-disable-next-line eqeqeq -- the legacy comparison is this
  const loose = (actual: unknown, expected: unknown) => actual == expected || (actual !== actual && expected !== expected);
  const strictEqual = compare('strictEqual', Object.is, 'Expected values to be strictly equal:');
  const notStrictEqual = compare('notStrictEqual', not(Object.is), 'Expected "actual" to be strictly unequal to:');
  const deepStrictEqual = compare('deepStrictEqual', isDeepStrictEqual, 'Expected values to be strictly deep-equal:');
  const notDeepStrictEqual = compare('notDeepStrictEqual', not(isDeepStrictEqual), 'Expected "actual" not to be strictly deep-equal to:');

  const assertThrown = (error: unknown, expected: unknown, message: string | Error | undefined) => {
    if (!matchesExpected(error, expected))
      fail({ message, actual: error, expected, operator: 'throws' }, `The error does not match what was expected: ${inspect(error)}`);
  };
  const throws = (call: () => unknown, expected?: unknown, message?: string | Error) => {
    let thrown: { error: unknown } | undefined;
    try {
      call();
    } catch (error) {
      thrown = { error };
    }
    if (thrown === undefined) fail({ message: typeof expected === 'string' ? expected : message, operator: 'throws' }, 'Missing expected exception.');
    else assertThrown(thrown.error, expected, message);
  };
  const rejects = async (promise: Promise<unknown> | (() => Promise<unknown>), expected?: unknown, message?: string | Error) => {
    let thrown: { error: unknown } | undefined;
    try {
      await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
      thrown = { error };
    }
    if (thrown === undefined) fail({ message: typeof expected === 'string' ? expected : message, operator: 'rejects' }, 'Missing expected rejection.');
    else assertThrown(thrown.error, expected, message);
  };
  const doesNotThrow = (call: () => unknown, message?: string | Error) => {
    try {
      call();
    } catch (error) {
      fail(
        { message, actual: error, operator: 'doesNotThrow' },
        `Got unwanted exception.\nActual message: "${error instanceof Error ? error.message : String(error)}"`,
      );
    }
  };
  const doesNotReject = async (promise: Promise<unknown> | (() => Promise<unknown>), message?: string | Error) => {
    try {
      await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
      fail(
        { message, actual: error, operator: 'doesNotReject' },
        `Got unwanted rejection.\nActual message: "${error instanceof Error ? error.message : String(error)}"`,
      );
    }
  };
  const match = (text: string, pattern: RegExp, message?: string | Error) => {
    if (typeof text !== 'string' || !pattern.test(text))
      fail(
        { message, actual: text, expected: pattern, operator: 'match' },
        `The input did not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`,
      );
  };
  const doesNotMatch = (text: string, pattern: RegExp, message?: string | Error) => {
    if (pattern.test(text))
      fail(
        { message, actual: text, expected: pattern, operator: 'doesNotMatch' },
        `The input was expected to not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`,
      );
  };
  const members = {
    ok,
    AssertionError,
    equal: strict ? strictEqual : compare('==', loose, 'Expected values to be loosely equal:'),
    notEqual: strict ? notStrictEqual : compare('!=', not(loose), 'Expected "actual" to be loosely unequal to:'),
    deepEqual: strict ? deepStrictEqual : compare('deepEqual', isDeepLooseEqual, 'Expected values to be loosely deep-equal:'),
    notDeepEqual: strict ? notDeepStrictEqual : compare('notDeepEqual', not(isDeepLooseEqual), 'Expected "actual" not to be loosely deep-equal to:'),
    strictEqual,
    notStrictEqual,
    deepStrictEqual,
    notDeepStrictEqual,
    throws,
    rejects,
    doesNotThrow,
    doesNotReject,
    match,
    doesNotMatch,
    fail: (message?: string | Error) => fail({ message, operator: 'fail' }, 'Failed'),
    ifError: (value: unknown) => {
      if (value !== null && value !== undefined)
        fail(
          { actual: value, expected: null, operator: 'ifError' },
          `ifError got unwanted exception: ${value instanceof Error ? value.message : inspect(value)}`,
        );
    },
  };
  return Object.assign((value: unknown, message?: string | Error) => ok(value, message), members) as unknown as Record<string, unknown>;
}

function matchesExpected(error: unknown, expected: unknown): boolean {
  if (expected === undefined || typeof expected === 'string') return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected === 'function') {
    if (expected.prototype !== undefined && error instanceof expected) return true;
    return !(expected === Error || Object.prototype.isPrototypeOf.call(Error, expected)) && Reflect.apply(expected, undefined, [error]) === true;
  }
  if (typeof expected !== 'object' || expected === null || typeof error !== 'object' || error === null) return false;
  return [...Object.keys(expected), ...(expected instanceof Error ? ['name', 'message'] : [])].every((key) => {
    const [actual, wanted]: unknown[] = [Reflect.get(error, key), Reflect.get(expected, key)];
    return wanted instanceof RegExp && typeof actual === 'string' ? wanted.test(actual) : isDeepStrictEqual(actual, wanted);
  });
}
