import {
  consentLevel,
  describeCombination,
  describeMax,
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

/** Stands where names are left out. */
export const SHORTENED = '…';

type Asked = Permission & { readonly max?: string };

/** Words the plan for one package. Even one that asks for nothing talks to the user's model. */
export function consentSentence({ quiet, summary, later, granted }: PackagePlan): ConsentSentence {
  const held = [...[...summary, ...quiet].map(toAsked), ...granted.map(parsePermission)];
  // What it may get later counts: reading first and a way out afterwards are one way out.
  const all = parsePermissionSet([...held.map(formatPermission), ...later.map(({ permission }) => permission)]);
  const different = [...new Map(held.toReversed().map((permission) => [formatPermission(permission), permission])).values()].toReversed();
  const dangerousFirst = different.toSorted((a, b) => rank(a) - rank(b));
  const laterOnes = later.filter(({ level }) => level !== 'policy').map(toAsked);
  return {
    does: `it will ${listed(['talk to your model', ...inWords(dangerousFirst)])}`,
    follows: together(describeCombination(all)),
    later: laterOnes.length === 0 ? undefined : `it will ask when it needs to ${listed(inWords(laterOnes))}`,
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
  return permissions.map(({ permission, reason, max, inferred }) => ({
    words: `${describeAsked(toAsked({ permission, ...(max !== undefined && { max }) }))}${runsPrograms && isInPart(parsePermission(permission)) ? '; its programs without https only' : ''}`,
    permission,
    ...(reason !== undefined && { reason }),
    ...(inferred !== undefined && { inferred }),
  }));
}

/** In a tunnel nobody sees method and path. */
function isInPart(permission: Permission): boolean {
  return permission.area === 'net' && !permission.deny && (permission.methods.length > 0 || permission.path.length > 0);
}

/** Says programs, of which there may be dozens, in one breath; every other permission by itself. */
export function describeTogether<P extends PlannedPermission>(permissions: readonly P[]): readonly { readonly words: string; readonly of: readonly P[] }[] {
  const [programs, others] = [permissions.filter(isPlainProgram), permissions.filter((planned) => !isPlainProgram(planned))];
  const rows = others.map((planned) => ({ words: describeAsked(toAsked(planned)), of: [planned] }));
  if (programs.length <= FEW) return [...rows, ...programs.map((planned) => ({ words: describeAsked(toAsked(planned)), of: [planned] }))];
  return [...rows, { words: inWords(programs.map(toAsked)).join(''), of: programs }];
}

function isPlainProgram(planned: PlannedPermission): boolean {
  return groupOf(toAsked(planned)) === 'programs';
}

function toAsked({ permission, max }: Pick<PlannedPermission, 'permission' | 'max'>): Asked {
  return { ...parsePermission(permission), ...(max !== undefined && { max }) };
}

function describeAsked(asked: Asked): string {
  return asked.max === undefined ? describePermission(asked) : `${describePermission(asked)}, ${describeMax(asked.max)}`;
}

/** One sentence for all ways out: a list of sentences is not read. */
function together(ways: readonly string[]): string | undefined {
  if (ways.length === 0) return undefined;
  const account = 'to an account at ';
  const places = ways.map((way) => (way.startsWith(COULD_SEND) ? way.slice(COULD_SEND.length) : way));
  const hosts = places.filter((place) => place.startsWith(account)).map((place) => place.slice(account.length));
  const others = places.filter((place) => !place.startsWith(account));
  return `it ${COULD_SEND}${enumerate([...(hosts.length === 0 ? [] : [`${hosts.length <= FEW ? `${account}${enumerate(hosts, 'or')}` : `to an account at any of ${few(hosts, 'hosts')}`}`]), ...others], 'or')}`;
}

const COULD_SEND = 'could send what it reads ';

/** What is of one kind is said in one breath, the first of it by name; the details name all of it. */
function inWords(permissions: readonly Asked[]): readonly string[] {
  const places = Map.groupBy(permissions.filter(isPlace), nameOf);
  const groups = Map.groupBy(permissions, (permission) => groupIn(permission) ?? formatPermission(permission));
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return '';
    const kind = groupIn(first);
    if (kind === undefined || (group.length === 1 && kind !== 'hosts')) return describeAsked(first);
    const names = [...new Set(group.map(nameOf))];
    switch (kind) {
      case 'hosts':
        return `reach ${few(names, 'hosts')}`;
      case 'programs':
        return `run ${few(
          names.toSorted((a, b) => programRank(a) - programRank(b)),
          'programs',
        )}, which can do no more than the package itself`;
      case 'variables':
        return names.length <= FEW ? `see the environment variables ${enumerate(names)}` : `see ${few(names, 'environment variables')}`;
      case 'secret variables':
        return names.length <= FEW ? `see the secret variables ${enumerate(names)}` : `see ${few(names, 'secret variables')}`;
      case 'secrets':
        return names.length <= FEW ? `use the secrets ${enumerate(names)} without seeing them` : `use, without seeing them, ${few(names, 'secrets')}`;
      case 'places':
        return `read and change ${few(names, 'places')}${group.some(changesWhatRuns) ? WHAT_RUNS : ''}`;
      case 'reads':
        return `read ${few(names, 'places')}`;
      case 'writes':
        return `change ${few(names, 'places')}${group.some(changesWhatRuns) ? WHAT_RUNS : ''}`;
      case 'workspace':
        return 'read and change files in the workspace (what it writes may run at your next test or build)';
      case 'conversation':
        return 'read the conversation and add to it';
      case 'screen':
        return enumerate(
          ['ui:panel', 'ui:prompt', 'ui:keys'].flatMap((area) => (group.some((permission) => permission.area === area) ? [ON_SCREEN[area] ?? ''] : [])),
        );
    }
  });

  function groupIn(permission: Asked): Group | undefined {
    const group = groupOf(permission);
    return (group === 'reads' || group === 'writes') && (places.get(nameOf(permission))?.length ?? 0) > 1 ? 'places' : group;
  }
}

const FEW = 5;
const WHAT_RUNS = ' (can change files that your tools run)';
const ON_SCREEN: Readonly<Record<string, string>> = { 'ui:panel': 'draw panels', 'ui:prompt': 'ask you questions', 'ui:keys': 'react to keys you press' };

type Group =
  | 'hosts'
  | 'programs'
  | 'variables'
  | 'secret variables'
  | 'secrets'
  | 'reads'
  | 'writes'
  /** Read and changed. */
  | 'places'
  | 'workspace'
  | 'conversation'
  | 'screen';

/** `undefined` for what is always said by itself, as what has a limit of its own is. */
function groupOf(permission: Asked): Group | undefined {
  if (permission.max !== undefined) return undefined;
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
      // the package's own places have words of their own
      if (permission.scope.root === 'data' || permission.scope.root === 'tmp') return undefined;
      if (permission.scope.segments.length === 0) return permission.scope.root === 'workspace' ? 'workspace' : undefined;
      return permission.area === 'fs:read' ? 'reads' : 'writes';
    case 'session:read':
    case 'session:write':
      return 'conversation';
    case 'ui:panel':
    case 'ui:prompt':
    case 'ui:keys':
      return 'screen';
    default:
      return undefined;
  }
}

function isPlace(permission: Asked): boolean {
  const group = groupOf(permission);
  return group === 'reads' || group === 'writes';
}

function nameOf(permission: Permission): string {
  switch (permission.area) {
    case 'exec': {
      // One program under several paths, or for several systems, is one program to whoever reads this.
      const [program = '', ...args] = permission.argv;
      return `\`${[program.slice(program.lastIndexOf('/') + 1).replace(/\.(exe|cmd)$/, ''), ...args].join(' ')}\``;
    }
    case 'env':
    case 'secret':
      return permission.name;
    default:
      return formatPermission(permission).replace(/^(net|fs:read|fs:write):/, '');
  }
}

/** Programs that run whatever they are given come first: they say more than a formatter's name. */
function programRank(name: string): number {
  return /^`(sh|bash|zsh|dash|cmd|powershell|pwsh|node|bun|deno|npx|python[\d.]*|perl|ruby)\b/.test(name) ? 0 : 1;
}

function changesWhatRuns(permission: Permission): boolean {
  return describePermission(permission).includes('files that your tools run');
}

/** Five at most; of more than that, how many and the first of them. */
function few(names: readonly string[], what: string, last = 'and'): string {
  return names.length <= FEW ? enumerate(names, last) : `${names.length} ${what}: ${names.slice(0, 4).join(', ')}, ${SHORTENED}`;
}

function enumerate(parts: readonly string[], last = 'and'): string {
  const all = [...new Set(parts)];
  return all.length <= 1 ? all.join('') : `${all.slice(0, -1).join(', ')} ${last} ${all.at(-1)}`;
}

/** With commas while nobody can mistake where one thing ends and the next begins. */
function listed(parts: readonly string[]): string {
  const all = [...new Set(parts)];
  const isPlain = all.length <= 4 && !all.some((part) => part.includes(',')) && !all.slice(0, -1).some((part) => part.includes(' and '));
  return isPlain || all.length <= 1 ? enumerate(all) : `${all.slice(0, -1).join('; ')}; and ${all.at(-1)}`;
}
