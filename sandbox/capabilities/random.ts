import { Type } from '@sinclair/typebox';
import { defineCapability } from '../define-capability.ts';

/** Random bytes: a bare V8 has no source of its own, and `Math.random` must not stand in for one. */
export const randomBytes = defineCapability({
  kind: 'request',
  name: 'crypto.random',
  params: Type.Object({ size: Type.Integer({ minimum: 0, maximum: 65_536 }) }, { additionalProperties: false }),
  needs: () => [],
  run: ({ size }, { random }) => ({ base64: random(size).toString('base64') }),
});
