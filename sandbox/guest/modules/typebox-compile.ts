import type { TProperties, TSchema } from 'typebox';
import { Check, Clean, Convert, Create, Decode, Default, Encode, Errors, Parse } from 'typebox/value';

/**
 * The validator of `typebox/compile` over `typebox/value`: the compiler writes source for `new Function`, which a
 * package's few checks do not pay back.
 */
export class Validator {
  readonly #schema: TSchema;
  readonly #context: TProperties;

  constructor(context: TProperties, schema: TSchema) {
    this.#context = context;
    this.#schema = schema;
  }

  IsAccelerated(): boolean {
    return false;
  }

  Context(): TProperties {
    return this.#context;
  }

  Type(): TSchema {
    return this.#schema;
  }

  Check(value: unknown): boolean {
    return Check(this.#context, this.#schema, value);
  }

  Errors(value: unknown): unknown {
    return Errors(this.#context, this.#schema, value);
  }

  Parse(value: unknown): unknown {
    return Parse(this.#context, this.#schema, value);
  }

  Clean(value: unknown): unknown {
    return Clean(this.#context, this.#schema, value);
  }

  Convert(value: unknown): unknown {
    return Convert(this.#context, this.#schema, value);
  }

  Create(): unknown {
    return Create(this.#context, this.#schema);
  }

  Default(value: unknown): unknown {
    return Default(this.#context, this.#schema, value);
  }

  Decode(value: unknown): unknown {
    return Decode(this.#context, this.#schema, value);
  }

  Encode(value: unknown): unknown {
    return Encode(this.#context, this.#schema, value);
  }
}

/** Makes a validator of a schema, or of a schema in a context of named ones. */
export function Compile(...args: readonly [TSchema] | readonly [TProperties, TSchema]): Validator {
  const [first, second] = args;
  return second === undefined ? new Validator({}, first as TSchema) : new Validator(first as TProperties, second);
}
