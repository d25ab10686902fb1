import { Type } from '@sinclair/typebox';
import { NO_SETTING_VALUES } from '../../format/index.ts';
import { defineCapability } from '../define-capability.ts';

/**
 * The package's own settings, sensitive ones among them: who asks is known by the pipe, so there is no package to name. Their
 * values are in no record.
 */
export const readSettings = defineCapability({
  kind: 'request',
  name: 'settings.read',
  params: Type.Object({ name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })) }, { additionalProperties: false }),
  needs: () => [],
  run: ({ name }, { settings = () => NO_SETTING_VALUES }) => {
    const { values } = settings();
    return name === undefined ? Object.fromEntries(values) : { value: values.get(name) };
  },
});
