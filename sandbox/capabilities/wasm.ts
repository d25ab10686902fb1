import { Type } from '@sinclair/typebox';
import { CapabilityFailure, defineCapability } from '../define-capability.ts';
import { needArea } from './ui.ts';

/** Asked for by a guest that finds no WebAssembly: its process was started without. */
export const use = defineCapability({
  kind: 'request',
  name: 'wasm.use',
  params: Type.Object({ member: Type.String({ minLength: 1, maxLength: 100 }) }, { additionalProperties: false }),
  needs: ({ member }) => needArea('wasm', `WebAssembly.${member}`),
  run: (_, { packageName }) => {
    throw new CapabilityFailure({
      code: 'EAGAIN',
      message: `EAGAIN: \`wasm\` was granted while ${packageName} was running: it is there from its next call on`,
    });
  },
});
