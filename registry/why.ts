import { realpath } from 'node:fs/promises';

import { DashError, nearest } from '../format/index.ts';
import { type Grant, listGrants } from './grants.ts';
import { ROOT } from './resolve/dependencies.ts';
import { ignoreMissing } from './store/file-errors.ts';
import { type Generation, generationNumbers, type PackageRecord, readCurrent, readGeneration } from './store/generation.ts';
import { type Scope, type ScopePaths, scopePaths } from './store/store-paths.ts';
import { inWords } from './verify/age.ts';

/** One way by which a package came here. */
export interface Bringing {
  readonly scope: 'user' | 'project';
  /** What was typed. */
  readonly spec: string;
  /** From the package that was asked for to the one in question, e.g. `['weather@1.0.0', 'shout@1.2.0']`. */
  readonly path: readonly string[];
}

/** Why the bytes of an installed package were let in. */
export interface LetIn {
  readonly code: 'TYPED' | 'AGE' | 'INTEGRITY' | 'SCRIPTS_IGNORED';
  readonly message: string;
}

export interface WhyReport {
  readonly name: string;
  readonly broughtBy: readonly Bringing[];
  /** Since when these bytes run, as far back as generations are kept. */
  readonly since: string | null;
  /** Empty for a dependency: what let its root in let it in. */
  readonly letIn: readonly LetIn[];
  readonly grants: readonly Grant[];
}

export interface WhyOptions {
  readonly dashHome: string;
  readonly projectDir: string;
}

/**
 * Tells who brought a package, what let it in, and who granted it what and when. The name may be that of a dependency.
 *
 * @throws {DashError} NOT_INSTALLED, STORE_CORRUPT
 */
export async function why(name: string, { dashHome, projectDir }: WhyOptions): Promise<WhyReport> {
  const dir = await realpath(projectDir).catch(ignoreMissing);
  const scopes: Scope[] = [...(dir === undefined ? [] : [{ kind: 'project' as const, dir }]), { kind: 'user' }];
  const read = await Promise.all(
    scopes.map(async (scope): Promise<Place> => {
      const paths = scopePaths(dashHome, scope);
      return { scope: scope.kind, paths, generation: await readCurrent(paths) };
    }),
  );
  const roots = read.flatMap((place) => Object.values(place.generation?.packages ?? {}).map((record) => ({ place, record })));
  const own = roots.find(({ record }) => [record.name, record.spec, `npm:${record.name}`].includes(name));
  const wanted = own?.record.name ?? name.replace(/^npm:/, '');
  const broughtBy = roots.flatMap(({ place, record }) => pathsTo(wanted, record).map((path): Bringing => ({ scope: place.scope, spec: record.spec, path })));
  if (broughtBy.length === 0) throw notInstalled(name, roots);
  if (own === undefined) return { name: wanted, broughtBy, since: null, letIn: [], grants: [] };
  const since = await sinceWhen(own.record, own.place.paths);
  return { name: wanted, broughtBy, since, letIn: letIn(own.record, own.place.generation, since), grants: await listGrants(dashHome, own.record.grantKey) };
}

interface Place {
  readonly scope: 'user' | 'project';
  readonly paths: ScopePaths;
  readonly generation: Generation | undefined;
}

/** Gives the shortest way from a root to each version of that name in its graph. */
function pathsTo(name: string, { graph }: PackageRecord): string[][] {
  const ways = new Map([[graph.root, [labelOf(graph.root)]]]);
  const queue = [graph.root];
  for (const key of queue) {
    for (const next of Object.values(graph.nodes[key]?.dependencies ?? {})) {
      if (ways.has(next)) continue;
      ways.set(next, [...(ways.get(key) ?? []), labelOf(next)]);
      queue.push(next);
    }
  }
  return [...ways].filter(([key]) => graph.nodes[key]?.name === name).map(([, way]) => way);

  function labelOf(key: string): string {
    const node = graph.nodes[key];
    return key === ROOT && node !== undefined ? `${node.name}@${node.version}` : key;
  }
}

async function sinceWhen(record: PackageRecord, paths: ScopePaths): Promise<string | null> {
  let since: string | null = null;
  for (const number of (await generationNumbers(paths)).toReversed()) {
    const { generation } = await readGeneration(paths, number);
    if (generation.packages[record.name]?.contentHash !== record.contentHash) break;
    since = generation.createdAt;
  }
  return since;
}

function letIn({ name, spec, source }: PackageRecord, generation: Generation | undefined, since: string | null): LetIn[] {
  const entry = generation?.lock.packages[generation.lock.roots[name]?.id ?? ''];
  const published = entry?.publishedAt;
  const ageMs = Date.parse(since ?? '') - Date.parse(published ?? '');
  const by = entry?.publisher === undefined ? '' : ` by ${entry.publisher}`;
  return [
    { code: 'TYPED', message: `\`${spec}\` was asked for` },
    published === undefined || Number.isNaN(ageMs)
      ? { code: 'AGE', message: source.kind === 'directory' ? 'it is linked: it has no age' : 'nobody can say when it was published' }
      : { code: 'AGE', message: `it was published${by} on ${published.slice(0, 10)}, ${inWords(Math.max(0, ageMs))} before it was let in` },
    ...('integrity' in source ? [{ code: 'INTEGRITY' as const, message: `its archive is \`${source.integrity}\`` }] : []),
    ...(source.kind === 'git' ? [{ code: 'INTEGRITY' as const, message: `its files hash to commit \`${source.commit}\`` }] : []),
    ...(entry?.hasInstallScript === true ? [{ code: 'SCRIPTS_IGNORED' as const, message: 'it has install scripts; they never ran' }] : []),
  ];
}

function notInstalled(name: string, roots: readonly { readonly record: PackageRecord }[]): DashError {
  const names = roots.flatMap(({ record: { graph } }) => Object.values(graph.nodes).map((node) => node.name));
  const near = nearest(name, [...new Set(names)]);
  return new DashError('NOT_INSTALLED', `\`${name}\` is neither installed nor needed by what is`, {
    hint: near === undefined ? '`dash list` shows what is installed' : `did you mean \`${near}\`?`,
  });
}
