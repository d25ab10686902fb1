import { Type, type TSchema } from 'typebox';

/** A schema of some strings, as `enum`, which every provider understands; a union of literals is not. */
export function stringEnum(values: readonly string[], options: { description?: string; default?: string } = {}): TSchema {
  return Type.Unsafe<string>({ type: 'string', enum: [...values], ...options });
}
