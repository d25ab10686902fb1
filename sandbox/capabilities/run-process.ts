import { Type } from '@sinclair/typebox';
import { CapabilityFailure, defineCapability } from '../define-capability.ts';

const closed = { additionalProperties: false } as const;
const Bytes = Type.Union([Type.Object({ text: Type.String() }, closed), Type.Object({ base64: Type.String() }, closed)]);

/**
 * Programs. A child of a package must run in the operating-system layer with the package's own grants, and
 * that layer is not built yet: until it is, every call is answered with a denial, granted or not. Running it
 * with the user's rights instead would make `exec` a way out of everything else.
 */
export const runProcess = defineCapability({
  kind: 'request',
  name: 'exec.run',
  params: Type.Object(
    {
      file: Type.String({ minLength: 1, maxLength: 65_536 }),
      args: Type.Array(Type.String({ maxLength: 1_000_000 }), { maxItems: 10_000 }),
      cwd: Type.Optional(Type.String({ maxLength: 4_096 })),
      env: Type.Optional(Type.Record(Type.String(), Type.String())),
      input: Type.Optional(Bytes),
      timeoutMs: Type.Optional(Type.Number({ minimum: 0 })),
      shell: Type.Boolean(),
      maxBuffer: Type.Optional(Type.Number({ minimum: 0 })),
    },
    closed,
  ),
  needs: ({ file, args, shell }) => [
    { effect: { kind: 'exec', argv: shell ? ['sh', '-c', file] : [file, ...args] }, target: [file, ...args].join(' ').slice(0, 500) },
  ],
  run: ({ file }) => {
    throw new CapabilityFailure({
      code: 'UNSUPPORTED_API',
      syscall: `spawn ${file}`,
      path: file,
      message: `spawn ${file}: programs cannot be run by packages yet, even where \`exec\` is granted: the layer that would confine them is not part of this version`,
    });
  },
});
