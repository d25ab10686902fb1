import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Announcement } from '../../../sandbox/announcement.ts';
import { tellLine } from '../../../sandbox/process/tell-line.ts';
import type { ToGuest } from '../../../sandbox/protocol.ts';

const CONTEXT = { mode: 'print', hasUI: false } as const;
const call = (id: number, event: unknown): ToGuest => ({ kind: 'call', id, call: { op: 'event', handler: 7, event }, context: CONTEXT });
const read = (line: string): unknown => JSON.parse((JSON.parse(line) as { text: string }).text);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('what is told to several is the same as what is told to one, and asks for no answer', () => {
  const event = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
  fc.assert(
    fc.property(event, fc.nat(), (told, id) => {
      const line = tellLine(call(id, new Announcement(told)));
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(read(line)).toEqual(asJson({ ...call(id, told), call: { op: 'event', handler: 7, quiet: true, event: told } }));
      expect(read(tellLine(call(id, told)))).toEqual(asJson(call(id, told)));
    }),
  );
});

test('everybody is told of it as it was when the first was told', () => {
  const event = { said: 'a' };
  const announcement = new Announcement(event);
  const first = read(tellLine(call(1, announcement)));
  event.said = 'b';
  expect(read(tellLine(call(2, announcement)))).toEqual({ ...(first as object), id: 2 });
});
