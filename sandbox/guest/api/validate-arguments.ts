/** The part of typebox's `Value` that is used here. */
interface ValueModule {
  Convert(schema: unknown, value: unknown): unknown;
  Check(schema: unknown, value: unknown): boolean;
  Errors(schema: unknown, value: unknown): Iterable<{ readonly instancePath?: string; readonly path?: string; readonly message: string }>;
}

/**
 * Checks a tool's arguments against its own schema, in the guest: the host never compiles a guest's schema.
 * Models write `"3"` for `3` now and then; what can be converted without loss is.
 *
 * @throws {Error} that tells the model which argument is wrong
 */
export function validateArguments(toolName: string, schema: unknown, args: unknown, requireModule: (name: string) => unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return args;
  const { Value } = requireModule('typebox/value') as { Value: ValueModule };
  const given = args ?? {};
  // nearly every call is right as it is, and every look at it takes as long as a read through the broker
  if (Value.Check(schema, given)) return given;
  const converted = Value.Convert(schema, structuredClone(given));
  if (Value.Check(schema, converted)) return converted;
  const problems = [...Value.Errors(schema, converted)]
    .slice(0, 5)
    .map(({ instancePath, path, message }) => `${(instancePath ?? path ?? '') || 'arguments'}: ${message}`);
  throw Object.assign(new Error(`invalid arguments for \`${toolName}\`: ${problems.join('; ')}`), { code: 'INVALID_ARGUMENTS' });
}
