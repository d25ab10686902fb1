import { Type } from '@sinclair/typebox';
import { defineCapability } from '../define-capability.ts';
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
