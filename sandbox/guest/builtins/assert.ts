import { completeModule } from './throwing-members.ts';
import { isDeepLooseEqual, isDeepStrictEqual } from './util/deep-equal.ts';
import { inspecting } from './util/inspect.ts';

// Own code: the npm package `assert` brings 50 KB of shims for engines without Map and Object.is.

interface Failure {
  readonly message?: string | Error;
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly operator: string;
  /** Whether the words are ours, as Node counts it. Default: when the caller gave none. */
  readonly generatedMessage?: boolean;
}

const titles: Readonly<Record<string, string>> = {
  strictEqual: 'Expected values to be strictly equal:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  deepStrictEqual: 'Expected values to be strictly deep-equal:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  partialDeepStrictEqual: 'Expected values to be partially and strictly deep-equal:',
};

/** Node's class. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string | undefined;
  readonly generatedMessage: boolean;

  constructor(options: { message?: string; actual?: unknown; expected?: unknown; operator?: string; generatedMessage?: boolean }) {
    super(
      options.message ??
        `${titles[options.operator ?? ''] ?? options.operator ?? 'assert'}\n\n${inspecting().inspect(options.actual)} !== ${inspecting().inspect(options.expected)}\n`,
    );
    this.actual = options.actual;
    this.expected = options.expected;
    this.operator = options.operator;
    this.generatedMessage = options.generatedMessage ?? options.message === undefined;
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
    throw new AssertionError({ generatedMessage: message === undefined, ...details, message: message ?? words });
  };
  const ok = (value: unknown, message?: string | Error) => {
    if (!value) fail({ message, actual: value, expected: true, operator: '==' }, `The expression evaluated to a falsy value: ${inspecting().inspect(value)}`);
  };
  const compare =
    (operator: string, holds: (actual: unknown, expected: unknown) => boolean, words: string) =>
    (actual: unknown, expected: unknown, message?: string | Error) => {
      if (!holds(actual, expected))
        fail({ message, actual, expected, operator }, `${words}\n\n${inspecting().inspect(actual)}\n\nshould ${operator}\n\n${inspecting().inspect(expected)}`);
    };
  const not = (holds: (actual: unknown, expected: unknown) => boolean) => (actual: unknown, expected: unknown) => !holds(actual, expected);
  // oxlint-disable-next-line eqeqeq -- the legacy comparison is this
  const loose = (actual: unknown, expected: unknown) => actual == expected || (actual !== actual && expected !== expected);
  const strictEqual = compare('strictEqual', Object.is, 'Expected values to be strictly equal:');
  const notStrictEqual = compare('notStrictEqual', not(Object.is), 'Expected "actual" to be strictly unequal to:');
  const deepStrictEqual = compare('deepStrictEqual', isDeepStrictEqual, 'Expected values to be strictly deep-equal:');
  const notDeepStrictEqual = compare('notDeepStrictEqual', not(isDeepStrictEqual), 'Expected "actual" not to be strictly deep-equal to:');

  const partialDeepStrictEqual = compare('partialDeepStrictEqual', isPartOf, 'Expected values to be partially and strictly deep-equal:');

  const assertThrown = (error: unknown, expected: unknown, message: string | Error | undefined) => {
    if (!matchesExpected(error, expected))
      fail({ message, actual: error, expected, operator: 'throws' }, `The error does not match what was expected: ${inspecting().inspect(error)}`);
  };
  const throws = (call: () => unknown, expected?: unknown, message?: string | Error) => {
    let thrown: { error: unknown } | undefined;
    try {
      call();
    } catch (error) {
      thrown = { error };
    }
    if (thrown === undefined)
      fail({ message: typeof expected === 'string' ? expected : message, operator: 'throws', generatedMessage: false }, 'Missing expected exception.');
    else assertThrown(thrown.error, expected, message);
  };
  const rejects = async (promise: Promise<unknown> | (() => Promise<unknown>), expected?: unknown, message?: string | Error) => {
    let thrown: { error: unknown } | undefined;
    try {
      await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
      thrown = { error };
    }
    if (thrown === undefined)
      fail({ message: typeof expected === 'string' ? expected : message, operator: 'rejects', generatedMessage: false }, 'Missing expected rejection.');
    else assertThrown(thrown.error, expected, message);
  };
  const doesNotThrow = (call: () => unknown, message?: string | Error) => {
    try {
      call();
    } catch (error) {
      fail(
        { message, actual: error, operator: 'doesNotThrow', generatedMessage: false },
        `Got unwanted exception.\nActual message: "${error instanceof Error ? error.message : String(error)}"`,
      );
    }
  };
  const doesNotReject = async (promise: Promise<unknown> | (() => Promise<unknown>), message?: string | Error) => {
    try {
      await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
      fail(
        { message, actual: error, operator: 'doesNotReject', generatedMessage: false },
        `Got unwanted rejection.\nActual message: "${error instanceof Error ? error.message : String(error)}"`,
      );
    }
  };
  const match = (text: string, pattern: RegExp, message?: string | Error) => {
    if (typeof text !== 'string' || !pattern.test(text))
      fail(
        { message, actual: text, expected: pattern, operator: 'match' },
        `The input did not match the regular expression ${pattern}. Input:\n\n${inspecting().inspect(text)}\n`,
      );
  };
  const doesNotMatch = (text: string, pattern: RegExp, message?: string | Error) => {
    if (pattern.test(text))
      fail(
        { message, actual: text, expected: pattern, operator: 'doesNotMatch' },
        `The input was expected to not match the regular expression ${pattern}. Input:\n\n${inspecting().inspect(text)}\n`,
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
    partialDeepStrictEqual,
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
          { actual: value, expected: null, operator: 'ifError', generatedMessage: false },
          `ifError got unwanted exception: ${value instanceof Error ? value.message : inspecting().inspect(value)}`,
        );
    },
  };
  return Object.assign((value: unknown, message?: string | Error) => ok(value, message), members) as unknown as Record<string, unknown>;
}

/** Whether everything that is expected is there; more may be. */
function isPartOf(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) return isDeepStrictEqual(actual, expected);
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  if (expected instanceof Map && actual instanceof Map) return [...expected].every(([key, value]) => actual.has(key) && isPartOf(actual.get(key), value));
  const rest = Array.isArray(expected) || expected instanceof Set ? [...(actual as Iterable<unknown>)] : undefined;
  if (rest !== undefined) {
    return [...(expected as Iterable<unknown>)].every((wanted) => {
      const index = rest.findIndex((candidate) => isPartOf(candidate, wanted));
      // each counts once
      if (index >= 0) rest.splice(index, 1);
      return index >= 0;
    });
  }
  const keys = Reflect.ownKeys(expected).filter((key) => Object.prototype.propertyIsEnumerable.call(expected, key));
  if (keys.length === 0) return isDeepStrictEqual(expected, {}) || isDeepStrictEqual(actual, expected);
  return keys.every((key) => Object.hasOwn(actual, key) && isPartOf(Reflect.get(actual, key), Reflect.get(expected, key)));
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
