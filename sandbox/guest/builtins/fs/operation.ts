import type { GuestLink } from '../../link.ts';
import { toSystemError, type SystemCall } from '../system-error.ts';

/** One question to the broker. */
export interface Question {
  readonly capability: string;
  readonly params: unknown;
}

/**
 * A file operation told once, for the synchronous, the promise and the callback form: it yields its questions
 * and is resumed with the answers.
 */
export type Operation<T> = Generator<Question, T, unknown>;

/** Asks the broker within an operation; a failure is worded for `call`. */
export function* ask(call: SystemCall, capability: string, params: unknown): Operation<Readonly<Record<string, unknown>>> {
  try {
    return (yield { capability, params }) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw toSystemError(error, call);
  }
}

/** Runs an operation while the isolate's thread waits. */
export function runSync<T>(link: GuestLink, operation: Operation<T>): T {
  try {
    let step = operation.next();
    while (!step.done) {
      let answer: unknown;
      try {
        answer = link.requestSync(step.value.capability, step.value.params);
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      step = operation.next(answer);
    }
    return step.value;
  } catch (error) {
    throw asOfCaller(error);
  }
}

/** Runs an operation without blocking. */
export async function runAsync<T>(link: GuestLink, operation: Operation<T>, signal?: AbortSignal): Promise<T> {
  try {
    let step = operation.next();
    while (!step.done) {
      let answer: unknown;
      try {
        answer = await link.request(step.value.capability, step.value.params, signal);
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      step = operation.next(answer);
    }
    return step.value;
  } catch (error) {
    throw asOfCaller(error);
  }
}

const { captureStackTrace } = Error;

/** A stack has ten places: the way of a question through here would leave none for the line that asked. */
function asOfCaller(error: unknown): unknown {
  if (error instanceof Error && 'syscall' in error) captureStackTrace(error, asOfCaller);
  return error;
}
