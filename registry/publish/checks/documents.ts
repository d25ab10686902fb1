import type { Diagnostic } from '../../../format/index.ts';
import type { Check } from './check-subject.ts';

/** What people look for before they install. */
export const checkDocuments: Check = ({ packageJson, files }) => {
  if (packageJson === undefined) return [];
  const has = (pattern: RegExp) => files.some(({ path }) => pattern.test(path));
  const diagnostics: Diagnostic[] = [];
  if (!has(/^readme(\.\w+)?$/i)) diagnostics.push({ severity: 'warning', code: 'README_MISSING', message: 'there is no README' });
  return diagnostics;
};
