import { consentLevel, covers, type Diagnostic, formatPermission, parsePermission, parsePermissionSet, permissionSet } from '../../../format/index.ts';
import type { Check } from './check-subject.ts';

const WHERE = { path: 'package.json' };

/** Permissions that people will hesitate to grant, and those that nobody can. */
export const checkPermissions: Check = ({ manifest }) => {
  const requests = [...manifest.dash.permissions, ...manifest.dash.optionalPermissions];
  const set = parsePermissionSet(requests.map(({ permission }) => permission));
  const runsPrograms = set.permissions.some(({ area, deny }) => area === 'exec' && !deny);
  return requests.flatMap(({ permission, reason }): Diagnostic[] => {
    const parsed = parsePermission(permission);
    if (parsed.deny) return [];
    const diagnostics: Diagnostic[] = [];
    if (reason === undefined) {
      diagnostics.push({
        severity: 'warning',
        code: 'REASON_MISSING',
        message: `\`${permission}\` has no reason; it is shown where the user decides`,
        where: WHERE,
      });
    }
    if (parsed.area === 'env' && consentLevel(parsed, set) === 'one-by-one') {
      diagnostics.push({
        severity: 'warning',
        code: 'SECRET_AS_ENV',
        message: `\`${permission}\` reads like a secret; \`secret:${parsed.name}@<host>\` keeps its value out of your code`,
        where: WHERE,
      });
    } else if (consentLevel(parsed, set) === 'policy') {
      diagnostics.push({ severity: 'error', code: 'PERMISSION_NOT_GRANTABLE', message: `\`${permission}\` can be granted by a policy only`, where: WHERE });
    } else if (consentLevel(parsed, set) === 'one-by-one') {
      diagnostics.push({
        severity: 'warning',
        code: 'PERMISSION_BROAD',
        message: `\`${permission}\` is asked for by itself at first use; narrow it if you can`,
        where: WHERE,
      });
    } else if (permission === 'fs:read' || permission === 'fs:write') {
      diagnostics.push({
        severity: 'warning',
        code: 'PERMISSION_BROAD',
        message: `\`${permission}\` is the whole workspace; name the files, as in \`${permission}:./data\``,
        where: WHERE,
      });
    }
    if (parsed.area === 'net' && runsPrograms && !covers(set, permissionSet([{ ...parsed, methods: [], path: [] }]))) {
      diagnostics.push({
        severity: 'warning',
        code: 'PERMISSION_NARROW',
        message: `\`${permission}\` does not let your programs reach it over https, which hides method and path; \`${formatPermission({ ...parsed, methods: [], path: [] })}\` does`,
        where: WHERE,
      });
    }
    return diagnostics;
  });
};
