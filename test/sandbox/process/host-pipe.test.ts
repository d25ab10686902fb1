import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeHostMessage, readHostMessages } from '../../../sandbox/process/host-pipe.ts';
import type { HostMessage } from '../../../sandbox/protocol.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => new Uint8Array(value));
const script = fc.record({ name: fc.string(), source: bytes, cache: bytes }, { requiredKeys: ['name', 'source'] });
const scripts = fc.array(script, { maxLength: 3 });
const message: fc.Arbitrary<HostMessage> = fc.oneof(
  fc.record({ kind: fc.constant('prepare' as const), memoryMiB: fc.nat(), core: script, parts: scripts, warm: fc.array(fc.string(), { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('open' as const), parts: scripts, setup: fc.string(), bundles: scripts, produceCache: fc.boolean() }),
  fc.record({ kind: fc.constant('tell' as const), text: fc.string() }),
  fc.record({ kind: fc.constant('reply' as const), id: fc.nat(), text: fc.string() }),
  fc.constant({ kind: 'rest' as const }),
);

test('every message arrives as it was, wherever the pipe cuts it', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.integer({ min: 1, max: 17 }), (messages, size) => {
      const whole = Buffer.concat(messages.flatMap((one) => encodeHostMessage(one).map((piece) => Buffer.from(piece))));
      const stream = new PassThrough();
      const heard: HostMessage[] = [];
      readHostMessages(stream, (one) => heard.push(one));
      for (let at = 0; at < whole.length; at += size) stream.emit('data', whole.subarray(at, at + size));
      expect(heard).toEqual(messages);
    }),
  );
});
