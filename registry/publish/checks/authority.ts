import {
  type ComputedSubject,
  covers,
  type DashSection,
  type Diagnostic,
  formatPermission,
  GRANTED_BY_INSTALLING,
  type Inference,
  type InferredPermission,
  looksSecret,
  parsePermission,
  type Permission,
  permissionSet,
} from '../../../format/index.ts';

const MANIFEST = { path: 'package.json' };

/**
 * Compares what a package declares with what its code was seen to need. What is used and not declared is denied when it
 * happens; what is declared and not used is a reason to say no.
 */
export function checkAuthority({ kind, permissions, optionalPermissions }: DashSection, inference: Inference | undefined): Diagnostic[] {
  if (inference === undefined) return [];
  const declared = [...permissions, ...optionalPermissions].map(({ permission }) => parsePermission(permission)).filter(({ deny }) => !deny);
  const notRead: Diagnostic[] =
    inference.incomplete === undefined
      ? []
      : [{ severity: 'info', code: 'CODE_NOT_READ', message: `its permissions were not compared with its code: ${inference.incomplete}` }];
  if (kind !== 'dash' && declared.length === 0) return [...notRead, ...askedInstead(inference)];
  return [
    ...notRead,
    ...inference.permissions.flatMap((used) => undeclared(used, declared)),
    ...computed(inference, declared),
    ...(inference.incomplete === undefined ? declared.filter((one) => isUnused(one, inference)).map(unused) : []),
  ];
}

/** A package that was made for another host: its users are asked all the same. */
function askedInstead({ permissions }: Inference): Diagnostic[] {
  const asked = permissions.filter(({ permission }) => !GRANTED_BY_INSTALLING.includes(permission));
  if (asked.length === 0) return [];
  const list = asked.map(({ permission }) => `\`${permission}\``).join(', ');
  return [{ severity: 'info', code: 'PERMISSIONS_INFERRED', message: `declares no permissions; who installs it is asked for what its code needs: ${list}` }];
}

function undeclared(used: InferredPermission, declared: readonly Permission[]): Diagnostic[] {
  const { permission, evidence, places, atMost } = used;
  const wanted = parsePermission(permission);
  const [first] = evidence;
  if (first === undefined || GRANTED_BY_INSTALLING.includes(permission) || declared.some((one) => isMeant(one, wanted))) return [];
  // where a path is computed, whatever is declared of its kind may be all of it
  if (atMost === true && declared.some(({ area }) => area === wanted.area)) return [];
  const isOwn = first.dependency === undefined;
  if (!isOwn && wanted.area === 'env' && !looksSecret(wanted.name)) return [];
  const more = places > 1 ? `, and in ${places - 1} more ${places === 2 ? 'place' : 'places'}` : '';
  return [
    {
      severity: isOwn && atMost !== true ? 'error' : 'warning',
      code: 'PERMISSION_UNDECLARED',
      message: `\`${first.what}\` needs \`${permission}\`${more}, which is not declared; add it to \`permissions\`, or to \`optionalPermissions\` if it can do without`,
      where: first.where,
    },
  ];
}

const AREAS: Readonly<Record<ComputedSubject, readonly Permission['area'][]>> = {
  host: ['net', 'secret', 'provider'],
  'path to read': ['fs:read'],
  'path to write': ['fs:write'],
  command: ['exec'],
  variable: ['env', 'secret'],
  tool: ['tool'],
};

/** One word for each kind of target that nobody can read from the code, where nothing of the kind is declared. */
function computed({ computed: uses }: Inference, declared: readonly Permission[]): Diagnostic[] {
  const own = Map.groupBy(
    // paths are among the permissions already, as the workspace
    uses.filter(({ dependency, subject }) => dependency === undefined && !subject.startsWith('path')),
    ({ subject }) => subject,
  );
  return [...own].flatMap(([subject, [first, ...others]]): Diagnostic[] => {
    if (first === undefined || declared.some(({ area }) => AREAS[subject].includes(area))) return [];
    const more = others.length === 0 ? '' : `, and in ${others.length} more ${others.length === 1 ? 'place' : 'places'}`;
    const message = `the ${subject} of \`${first.what}\` is computed${more}; declare what it can be, or it is asked for when it happens`;
    return [{ severity: 'warning', code: 'PERMISSION_COMPUTED', message, where: first.where }];
  });
}

/** What code does without a call that could be seen: timers, servers, what is behind a handle. */
const UNSEEN: readonly Permission['area'][] = ['background', 'listen', 'node', 'clipboard:read', 'clipboard:write', 'tools:dynamic', 'tools:override', 'tool'];

function isUnused(declared: Permission, { permissions, computed: uses }: Inference): boolean {
  if (UNSEEN.includes(declared.area)) return false;
  if (uses.some(({ subject }) => AREAS[subject].includes(declared.area))) return false;
  return !permissions.some(({ permission, atMost }) => {
    const used = parsePermission(permission);
    return isMeant(declared, used) || (atMost === true && used.area === declared.area);
  });
}

function unused(permission: Permission): Diagnostic {
  const message = `\`${formatPermission(permission)}\` is declared, and nothing in the code was seen to use it`;
  return { severity: 'info', code: 'PERMISSION_UNUSED', message, where: MANIFEST };
}

/** One is the other, or a part of it: `net:GET:host` for a `fetch` of the host, `exec:git` for `git status`. */
function isMeant(declared: Permission, used: Permission): boolean {
  const isSameVariable =
    (declared.area === 'env' || declared.area === 'secret') && (used.area === 'env' || used.area === 'secret') && declared.name === used.name;
  return isSameVariable || covers(permissionSet([declared]), permissionSet([used])) || covers(permissionSet([used]), permissionSet([declared]));
}
