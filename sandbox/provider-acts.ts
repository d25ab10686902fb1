import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { ProviderModelRegistration } from '../format/index.ts';
import { Headers, ProviderModelSchema } from './protocol.ts';

/** What a login at a provider brought, in pi's words. `expires` are milliseconds since 1970; what else a package puts in, it gets back. */
export const ProviderLogin = Type.Object({
  access: Type.String({ minLength: 1, maxLength: 65_536 }),
  refresh: Type.Optional(Type.String({ maxLength: 65_536 })),
  expires: Type.Number(),
});
export type ProviderLogin = Static<typeof ProviderLogin>;

/** What only the package's own code can do for a provider: `login` is handed to the package that it belongs to, and to nobody else. */
export type ProviderAct =
  | { readonly kind: 'login' }
  | { readonly kind: 'renew'; readonly login: ProviderLogin }
  /** With what a request goes out. */
  | { readonly kind: 'key'; readonly login: ProviderLogin }
  | { readonly kind: 'models'; readonly login?: ProviderLogin; readonly known: readonly ProviderModelRegistration[] };

const ANSWERS = {
  login: ProviderLogin,
  renew: ProviderLogin,
  key: Type.Object(
    {
      apiKey: Type.Optional(Type.String({ maxLength: 65_536 })),
      headers: Type.Optional(Headers),
      /** Another address than that of the models; it is permitted like that one. */
      baseUrl: Type.Optional(Type.String({ maxLength: 2_048 })),
    },
    { additionalProperties: false },
  ),
  models: Type.Array(ProviderModelSchema, { maxItems: 1_000 }),
} as const;

/** What a package answers to each. */
export type ProviderAnswer<Kind extends ProviderAct['kind']> = Static<(typeof ANSWERS)[Kind]>;

/** An answer is kept on the disk: more than this is no token. */
const MOST_CHARACTERS = 131_072;

/** Reads what a package answered; `undefined` for anything else than what was asked for. */
export function readAnswer<Kind extends ProviderAct['kind']>(kind: Kind, answer: unknown): ProviderAnswer<Kind> | undefined {
  if (!Value.Check(ANSWERS[kind], answer)) return undefined;
  if (kind !== 'models' && JSON.stringify(answer).length > MOST_CHARACTERS) return undefined;
  return answer;
}
