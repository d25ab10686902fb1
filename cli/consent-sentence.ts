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
  return permissions.map(({ permission, reason, inferred }) => ({
    words: describePermission(parsePermission(permission)),
    permission,
    ...(reason !== undefined && { reason }),
    ...(inferred !== undefined && { inferred }),
  }));
}

/** Which program it is makes no difference. */
const THROUGH_PROGRAMS = 'anywhere, through programs where they are not confined';

/** One sentence for all ways out: a list of sentences is not read. */
function together(ways: readonly string[]): string | undefined {
  const could = 'could send what it reads ';
  if (ways.length === 0) return undefined;
  const places = ways
    .map((way) => (way.startsWith(could) ? way.slice(could.length) : way))
    .map((way) => (way.startsWith('anywhere, through `') ? THROUGH_PROGRAMS : way));
  return `it ${could}${enumerate(places, 'or')}`;
}

/** Hosts, programs and variables are each said together, or a list of ten would hide the rest. */
function inWords(permissions: readonly Permission[]): readonly string[] {
  const groups = Map.groupBy(permissions, (permission) => groupOf(permission) ?? formatPermission(permission));
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return '';
    if (group.length === 1 && groupOf(first) !== 'hosts') return describePermission(first);
    const names = group.map(nameOf);
    switch (groupOf(first)) {
      case 'hosts':
        return `reach ${enumerate(names)}`;
      case 'programs':
        return `run ${few(names, 'programs')}`;
      case 'secrets':
        return `see the secret variables ${few(names, 'more')}`;
      default:
        return `see ${names.length} environment variables`;
    }
  });
}

/** Which permissions are said in one breath. What is dangerous keeps its names. */
function groupOf(permission: Permission): 'hosts' | 'programs' | 'variables' | 'secrets' | undefined {
  switch (permission.area) {
    case 'net':
      return permission.port === 443 && permission.methods.length === 0 && permission.path.length === 0 && permission.host.kind === 'name'
        ? 'hosts'
        : undefined;
    case 'exec':
      return 'programs';
    case 'env':
      return looksSecret(permission.name) ? 'secrets' : 'variables';
    default:
      return undefined;
  }
}

function nameOf(permission: Permission): string {
  switch (permission.area) {
    case 'exec':
      return `\`${permission.argv.join(' ')}\``;
    case 'env':
      return permission.name;
    default:
      return formatPermission(permission).slice('net:'.length);
  }
}

/** The first four by name; the details name all of them. */
function few(names: readonly string[], what: string): string {
  return names.length <= 5 ? enumerate(names) : `${names.slice(0, 4).join(', ')} and ${names.length - 4} ${what === 'more' ? 'more' : `more ${what}`}`;
}

function enumerate(parts: readonly string[], last = 'and'): string {
  const all = [...new Set(parts)];
  return all.length <= 1 ? all.join('') : `${all.slice(0, -1).join(', ')} ${last} ${all.at(-1)}`;
}
