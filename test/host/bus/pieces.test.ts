import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BoundHandler } from '../../../host/bus/delivery.ts';
import { createEventBus, type EventBus } from '../../../host/bus/event-bus.ts';
import type { StreamEvent } from '../../../host/bus/pieces.ts';
import type { AssistantMessage } from '../../../host/model/messages.ts';
import { NO_USAGE } from '../../../host/model/messages.ts';
import { InTestPackage } from '../../support/in-test-package.ts';

type Event = Record<string, unknown>;

/** What a package heard or should have heard, one line for each event. */
type Heard = readonly string[];

const MESSAGE: AssistantMessage = { role: 'assistant', content: [], api: 'a', provider: 'p', model: 'm', usage: NO_USAGE, stopReason: 'stop', timestamp: 1 };
const KINDS = ['text_delta', 'thinking_delta', 'toolcall_delta'] as const;

const piece = (type: (typeof KINDS)[number], contentIndex: number, delta: string): StreamEvent => ({
  type: 'message_update',
  message: MESSAGE,
  assistantMessageEvent: { type, contentIndex, delta, partial: MESSAGE },
});
const start = (contentIndex: number): StreamEvent => ({
  type: 'message_update',
  message: MESSAGE,
  assistantMessageEvent: { type: 'text_start', contentIndex, partial: MESSAGE },
});

/** As a line; pieces of one text that follow each other are the same as one piece. */
function lineOf(event: Event): string {
  const part = event['assistantMessageEvent'] as { type: string; contentIndex: number; delta?: string } | undefined;
  return part === undefined ? String(event['type']) : `${part.type} ${part.contentIndex} ${part.delta ?? ''}`;
}
function joined(lines: Heard): Heard {
  const all: string[] = [];
  for (const line of lines) {
    const [, begin, text] = /^(\w+_delta \d+ )(.*)$/s.exec(line) ?? [];
    const before = all.at(-1);
    if (begin !== undefined && before?.startsWith(begin) === true) all[all.length - 1] = before + text;
    else all.push(line);
  }
  return all;
}

interface Listener {
  readonly heard: string[];
  readonly handlers: readonly (readonly [string, BoundHandler])[];
}

const EVENTS = ['message_update', 'turn_start', 'message_end', 'tool_call'] as const;

/** A package that takes some turns of the event loop for everything it hears. */
function listener(index: number, turns: number): Listener {
  const heard: string[] = [];
  const hear = async (event: Event): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    heard.push(lineOf(event));
  };
  const sandboxed = new InTestPackage(`p${index}`, { on: EVENTS.map((event) => [event, hear]) });
  return {
    heard,
    handlers: EVENTS.map((event, handler) => [event, { package: sandboxed.name, handler, sandboxed, needs: [], toChange: [] }]),
  };
}

function busOf(listeners: readonly Listener[]): EventBus {
  const all = listeners.flatMap(({ handlers }) => handlers);
  return createEventBus({
    handlers: (name) => all.flatMap(([event, handler]) => (event === name ? [handler] : [])),
    hold: () => ({ [Symbol.dispose]: () => undefined }),
    context: () => ({ mode: 'print', hasUI: false }),
    origin: () => undefined,
    report: ({ message }) => expect.unreachable(message),
  });
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
};

it('every package hears every piece once and in its place, whatever else happens and however busy it is', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom(...KINDS), index: fc.nat({ max: 1 }), delta: fc.string({ maxLength: 4, unit: 'grapheme' }) }) },
    { weight: 1, arbitrary: fc.constant('text_start') },
    { weight: 1, arbitrary: fc.constant('turn_start') },
    { weight: 1, arbitrary: fc.constant('message_end') },
    { weight: 1, arbitrary: fc.constant('tool_call') },
    { weight: 1, arbitrary: fc.constant('a moment') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }), async (steps, busy) => {
      const listeners = busy.map((turns, index) => listener(index, turns));
      const bus = busOf(listeners);
      const sent: string[] = [];
      for (const one of steps) {
        if (typeof one === 'object') {
          const event = piece(one.kind, one.index, one.delta);
          sent.push(lineOf({ ...event }));
          bus.stream(event);
        } else if (one === 'text_start') {
          sent.push(lineOf({ ...start(0) }));
          bus.stream(start(0));
        } else if (one === 'turn_start') {
          sent.push('turn_start');
          void bus.notify({ type: 'turn_start' });
        } else if (one === 'message_end') {
          sent.push('message_end');
          await bus.messageEnd(MESSAGE);
          // nobody goes on before all have heard what came before it
          for (const { heard } of listeners) expect(joined(heard)).toEqual(joined(sent));
        } else if (one === 'tool_call') {
          sent.push('tool_call');
          await bus.toolCall({ id: 'c', name: 't', args: {} }, new AbortController().signal);
          for (const { heard } of listeners) expect(joined(heard)).toEqual(joined(sent));
        } else await new Promise((resolve) => setImmediate(resolve));
      }
      await bus.settled();
      for (const { heard } of listeners) expect(joined(heard)).toEqual(joined(sent));
    }),
    { numRuns: 300 },
  );
});

it('pieces are told by themselves after a while, as one', async () => {
  const [one, two] = [listener(0, 0), listener(1, 2)];
  const bus = busOf([one, two]);
  for (const delta of ['a ', 'b ', 'c']) bus.stream(piece('text_delta', 0, delta));
  expect(one.heard).toEqual([]);
  await until(() => one.heard.length > 0 && two.heard.length > 0);
  expect([one.heard, two.heard]).toEqual([['text_delta 0 a b c'], ['text_delta 0 a b c']]);
});

it('a package that is busy gets what came meanwhile as one piece', async () => {
  const gate = Promise.withResolvers<void>();
  const heard: string[] = [];
  const sandboxed = new InTestPackage('slow', {
    on: [
      [
        'message_update',
        async (event) => {
          heard.push(lineOf(event));
          await gate.promise;
        },
      ],
    ],
  });
  const fast = listener(1, 0);
  const slow: Listener = { heard, handlers: [['message_update', { package: 'slow', handler: 0, sandboxed, needs: [], toChange: [] }]] };
  const bus = busOf([slow, fast]);
  for (const [index, delta] of ['a', 'b', 'c', 'd'].entries()) {
    bus.stream(piece('text_delta', 0, delta));
    await until(() => fast.heard.length > index);
  }
  expect(heard).toEqual(['text_delta 0 a']);
  gate.resolve();
  await bus.settled();
  expect(heard).toEqual(['text_delta 0 a', 'text_delta 0 bcd']);
  expect(fast.heard).toEqual(['a', 'b', 'c', 'd'].map((delta) => `text_delta 0 ${delta}`));
});

it('gathers nothing where nobody listens', async () => {
  let asked = 0;
  const bus = createEventBus({
    handlers: () => [],
    hold: () => {
      asked += 1;
      return { [Symbol.dispose]: () => undefined };
    },
    context: () => ({ mode: 'print', hasUI: false }),
    origin: () => undefined,
    report: ({ message }) => expect.unreachable(message),
  });
  bus.stream(piece('text_delta', 0, 'a'));
  await bus.settled();
  expect(asked).toBe(0);
});
