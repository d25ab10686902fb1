import { type Diagnostic, DashError, isDashError, parsePermission, type Where } from '../../format/index.ts';
import type { Settings } from './settings-schema.ts';

/** Where a part of the file stands, by its JSON pointer. */
type Locate = (pointer: string) => Where;

/**
 * Looks at the user's rules as their file is read, and not when the first of them would count. One under `allow` that is no
 * rule is left out: it allows nothing. One under `ask` or `deny` may have forbidden what nobody would ask about then, so such
 * a file is not gone by at all.
 *
 * @throws {DashError} SETTINGS_INVALID
 */
export function checkRules(settings: Settings, where: Locate): { readonly settings: Settings; readonly diagnostics: readonly Diagnostic[] } {
  const { permissions } = settings;
  if (permissions === undefined) return { settings, diagnostics: [] };
  for (const key of ['deny', 'ask'] as const) {
    for (const [index, rule] of (permissions[key] ?? []).entries()) {
      const wrong = misreading(rule);
      if (wrong !== undefined) {
        const place = where(`/permissions/${key}/${index}`);
        throw new DashError('SETTINGS_INVALID', `\`${place.path}\`: \`permissions.${key}[${index}]\` is no rule: ${wrong.message}`, {
          hint: `${hintFor(wrong)}; until then nothing in the file counts, for it may have forbidden something`,
          where: place,
          cause: wrong,
        });
      }
    }
  }
  const diagnostics: Diagnostic[] = [];
  const allow = permissions.allow?.filter((rule, index) => {
    const wrong = misreading(rule);
    if (wrong === undefined) return true;
    const message = `\`permissions.allow[${index}]\` is no rule, and allows nothing: ${wrong.message}; ${hintFor(wrong)}`;
    diagnostics.push({ severity: 'error', code: wrong.code, message, where: where(`/permissions/allow/${index}`) });
    return false;
  });
  return diagnostics.length === 0 ? { settings, diagnostics } : { settings: { ...settings, permissions: { ...permissions, allow } }, diagnostics };
}

function misreading(rule: string): DashError | undefined {
  try {
    parsePermission(rule);
    return undefined;
  } catch (error) {
    if (isDashError(error, 'INVALID_PERMISSION')) return error;
    throw error;
  }
}

function hintFor({ hint }: DashError): string {
  return hint ?? 'write it as in PACKAGE_FORMAT.md, e.g. `exec:git push` or `fs:write:./docs/**`';
}
