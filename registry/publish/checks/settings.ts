import { type Diagnostic, looksSecret, readDeclaredSettings } from '../../../format/index.ts';
import type { Check } from './check-subject.ts';

/** Settings that nobody could make, and secrets that would be shown. */
export const checkSettings: Check = ({ manifest }) => {
  const { settings, diagnostics } = readDeclaredSettings(manifest.dash.settings);
  return [
    ...diagnostics.map((diagnostic): Diagnostic => ({ ...diagnostic, severity: 'error' })),
    ...settings.flatMap(({ name, sensitive }): Diagnostic[] =>
      sensitive || !looksSecret(name)
        ? []
        : [
            {
              severity: 'warning',
              code: 'SETTING_LOOKS_SECRET',
              message: `the setting \`${name}\` reads like a secret; \`"sensitive": true\` keeps it one`,
              where: { path: 'package.json' },
            },
          ],
    ),
  ];
};
