import { Type } from '@sinclair/typebox';
import { CapabilityFailure, defineCapability } from '../define-capability.ts';
import { ProviderRegistrationSchema } from '../protocol.ts';

/** Providers of models that a running package describes; what the factory describes is part of its registrations. */
export const register = defineCapability({
  kind: 'request',
  name: 'provider.register',
  params: Type.Object({ provider: ProviderRegistrationSchema }, { additionalProperties: false }),
  needs: () => [], // saying what there would be sends nothing: that is decided when a conversation is about to be sent
  run: ({ provider }, { providers }) => {
    providers?.register(provider);
    return {};
  },
});

export const unregister = defineCapability({
  kind: 'request',
  name: 'provider.unregister',
  params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false }),
  needs: () => [], // it takes away what is its own
  run: ({ name }, { providers }) => {
    providers?.unregister(name);
    return {};
  },
});

const Name = Type.String({ minLength: 1, maxLength: 256 });
const Words = Type.String({ maxLength: 2_000 });
const Address = Type.String({ maxLength: 4_096 });
const closed = { additionalProperties: false } as const;

/** What a login says and asks on the way, through the dialogs that name the package. */
export const login = defineCapability({
  kind: 'request',
  name: 'provider.login',
  params: Type.Object(
    {
      provider: Name,
      step: Type.Union([
        Type.Object({ kind: Type.Literal('say'), text: Words }, closed),
        Type.Object({ kind: Type.Literal('open'), url: Address, text: Type.Optional(Words) }, closed),
        Type.Object({ kind: Type.Literal('code'), url: Address, code: Type.String({ minLength: 1, maxLength: 256 }) }, closed),
        Type.Object({ kind: Type.Literal('ask'), message: Words, placeholder: Type.Optional(Words) }, closed),
        Type.Object({ kind: Type.Literal('choose'), message: Words, choices: Type.Array(Words, { minItems: 1, maxItems: 100 }) }, closed),
      ]),
    },
    closed,
  ),
  needs: () => [], // the user began it, and sees whose it is
  run: async ({ provider, step }, { ports: { ui }, packageName: by, providers }, { signal }) => {
    if (providers === undefined) throw new CapabilityFailure({ code: 'ERR_NOT_LOGGING_IN', message: 'nobody is logging in' });
    providers.countStep(provider);
    const dialog = { by, signal, isSecret: true } as const;
    const title = (words: string): string => `log in to ${provider}: ${words}`;
    switch (step.kind) {
      case 'say':
        ui.notify(title(step.text), 'info', by);
        return {};
      case 'open':
        ui.notify(title([...(step.text === undefined ? [] : [step.text]), `open ${safeAddress(step.url)}`].join('\n')), 'info', by);
        return {};
      case 'code':
        ui.notify(title(`open ${safeAddress(step.url)} on any machine, and type ${step.code}`), 'info', by);
        return {};
      case 'ask':
        return { answer: await ui.input(title(step.message), step.placeholder, dialog) };
      case 'choose':
        return { answer: await ui.select(title(step.message), step.choices, dialog) };
    }
  },
});

/** Nothing is opened by itself, and no secret travels without encryption. */
function safeAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return url.href;
  throw new CapabilityFailure({ code: 'ERR_INVALID_URL', message: 'a login is opened at an address that begins with https://' });
}
