import {
  consentLevel,
  describeCombination,
  describePermission,
  formatPermission,
  looksSecret,
  parsePermission,
  parsePermissionSet,
  type Permission,
} from '../format/index.ts';
import type { PackagePlan, PlannedPermission } from '../registry/index.ts';

/** What installing a package means, in three short texts that people read. */
export interface ConsentSentence {
  /** What it will do without asking again. */
  readonly does: string;
  /** What follows from the combination, where something does. */
  readonly follows: string | undefined;
  /** What it will ask for when it needs it, where there is something. */
  readonly later: string | undefined;
}

/** Words the plan for one package. Even one that asks for nothing talks to the user's model. */
export function consentSentence({ quiet, summary, later, granted }: PackagePlan): ConsentSentence {
  const now = [...summary, ...quiet].map(({ permission }) => permission);
  const held = [...now, ...granted];
  // What it may get later counts: reading first and a way out afterwards are one way out.
  const all = parsePermissionSet([...held, ...later.map(({ permission }) => permission)]);
  const dangerousFirst = [...new Set(held)].map(parsePermission).toSorted((a, b) => rank(a) - rank(b));
  const laterOnes = later.filter(({ level }) => level !== 'policy');
  return {
    does: `it will ${enumerate(['talk to your model', ...inWords(dangerousFirst)])}`,
    follows: together(describeCombination(all)),
    later:
      laterOnes.length === 0
        ? undefined
        : `it will ask, when it needs it, to ${enumerate(inWords(laterOnes.map(({ permission }) => parsePermission(permission))))}`,
  };

  function rank(permission: Permission): number {
    return ['one-by-one', 'summary', 'quiet', 'policy'].indexOf(consentLevel(permission, all));
  }
}

/** Everything about each permission: the words, the permission itself, and what the author says, or where its code needs it. */
export function permissionRows(
  permissions: readonly PlannedPermission[],
): readonly (Pick<PlannedPermission, 'permission' | 'reason' | 'inferred'> & { readonly words: string })[] {
  const runsPrograms = permissions.some(({ permission }) => parsePermission(permission).area === 'exec');
  return permissions.map(({ permission, reason, inferred }) => ({
    words: `${describePermission(parsePermission(permission))}${runsPrograms && isInPart(parsePermission(permission)) ? '; its programs without https only' : ''}`,
    permission,
    ...(reason !== undefined && { reason }),
    ...(inferred !== undefined && { inferred }),
  }));
}

/** In a tunnel nobody sees method and path. */
function isInPart(permission: Permission): boolean {
  return permission.area === 'net' && !permission.deny && (permission.methods.length > 0 || permission.path.length > 0);
}

/** One sentence for all ways out: a list of sentences is not read. */
function together(ways: readonly string[]): string | undefined {
  if (ways.length === 0) return undefined;
  const account = 'to an account at ';
  const places = ways.map((way) => (way.startsWith(COULD_SEND) ? way.slice(COULD_SEND.length) : way));
  const hosts = places.filter((place) => place.startsWith(account)).map((place) => place.slice(account.length));
  const others = places.filter((place) => !place.startsWith(account));
  return `it ${COULD_SEND}${enumerate([...(hosts.length === 0 ? [] : [`${account}${few(hosts, 'hosts', 'or')}`]), ...others], 'or')}`;
}

const COULD_SEND = 'could send what it reads ';

/** What is of one kind is said in one breath, the first of it by name; the details name all of it. */
function inWords(permissions: readonly Permission[]): readonly string[] {
  const groups = Map.groupBy(permissions, (permission) => groupOf(permission) ?? formatPermission(permission));
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return '';
    const kind = groupOf(first);
    if (kind === undefined || (group.length === 1 && kind !== 'hosts')) return describePermission(first);
    const names = [...new Set(group.map(nameOf))];
    switch (kind) {
      case 'hosts':
        return `reach ${few(names, 'hosts')}`;
      case 'programs':
        return `run ${few(names, 'programs')}, confined to what it may do itself`;
      case 'variables':
        return `see ${names.length} environment variables`;
      case 'secret variables':
        return `see the secret variables ${few(names, 'others')}`;
      case 'secrets':
        return `use ${few(names, 'secrets')} without seeing them`;
      case 'reads':
        return `read ${few(names, 'places')}`;
      case 'writes':
        return `change ${few(names, 'places')}${group.some(changesWhatRuns) ? ' (can change files that your tools run)' : ''}`;
    }
  });
}

type Group = 'hosts' | 'programs' | 'variables' | 'secret variables' | 'secrets' | 'reads' | 'writes';

/** `undefined` for what is always said by itself. */
function groupOf(permission: Permission): Group | undefined {
  switch (permission.area) {
    case 'net':
      return permission.port === 443 && permission.methods.length === 0 && permission.path.length === 0 && permission.host.kind === 'name'
        ? 'hosts'
        : undefined;
    case 'exec':
      return 'programs';
    case 'env':
      return looksSecret(permission.name) ? 'secret variables' : 'variables';
    case 'secret':
      return 'secrets';
    case 'fs:read':
    case 'fs:write':
      // the workspace and the package's own places have words of their own
      return permission.scope.segments.length === 0 || permission.scope.root === 'data' || permission.scope.root === 'tmp'
        ? undefined
        : permission.area === 'fs:read'
          ? 'reads'
          : 'writes';
    default:
      return undefined;
  }
}

function nameOf(permission: Permission): string {
  switch (permission.area) {
    case 'exec':
      return `\`${permission.argv.join(' ')}\``;
    case 'env':
    case 'secret':
      return permission.name;
    default:
      return formatPermission(permission).replace(/^(net|fs:read|fs:write):/, '');
  }
}

function changesWhatRuns(permission: Permission): boolean {
  return describePermission(permission).includes('files that your tools run');
}

/** Not more than five by name. */
function few(names: readonly string[], what: string, last = 'and'): string {
  return names.length <= 5 ? enumerate(names, last) : `${names.slice(0, 4).join(', ')} ${last} ${names.length - 4} other ${what === 'others' ? 'ones' : what}`;
}

function enumerate(parts: readonly string[], last = 'and'): string {
  const all = [...new Set(parts)];
  return all.length <= 1 ? all.join('') : `${all.slice(0, -1).join(', ')} ${last} ${all.at(-1)}`;
}
