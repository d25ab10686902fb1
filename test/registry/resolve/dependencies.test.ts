import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import fc from 'fast-check';
import semver from 'semver';
import { describe, expect, it } from 'vitest';

import { type DependencyGraph, type Needs, resolveDependencies, ROOT } from '../../../registry/resolve/dependencies.ts';
import type { Packument, Packuments } from '../../../registry/resolve/packuments.ts';
import { DashError } from '../../../format/index.ts';
import { startNpmRegistry } from '../../support/npm-registry.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

interface Version {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}

/** What registries tell, as values: the decisions need no network. */
type World = Readonly<Record<string, Readonly<Record<string, Version>>>>;

const INTEGRITY = `sha512-${'A'.repeat(86)}==`;

function packumentsOf(world: World): Packuments {
  return {
    async get(name): Promise<Packument> {
      const versions = Object.hasOwn(world, name) ? world[name] : undefined;
      if (versions === undefined) throw new DashError('PACKAGE_NOT_FOUND', `\`${name}\` is not on the registry`);
      const documents = Object.entries(versions).map(
        ([version, more]) =>
          [version, { name, version, ...more, dist: { tarball: `https://r.invalid/${name}-${version}.tgz`, integrity: INTEGRITY } }] as const,
      );
      return { name, 'dist-tags': { latest: Object.keys(versions).toSorted(semver.rcompare)[0] ?? '' }, versions: Object.fromEntries(documents) };
    },
    registryOf: async () => undefined,
    forget: async () => false,
  };
}

async function graphOf(root: Partial<Needs>, world: World): Promise<DependencyGraph> {
  const needs: Needs = { name: 'root', version: '1.0.0', dependencies: {}, optionalDependencies: {}, peerDependencies: {}, optionalPeers: [], ...root };
  return resolveDependencies(needs, {
    packuments: packumentsOf(world),
    age: { minAgeMs: 0, exclude: [], now: new Date() },
    firstSeen: { sighting: () => '', save: async () => undefined },
    isKnown: async () => true,
    diagnostics: [],
  });
}

/** What the real npm would install, as `name@version`. */
async function askNpm(dependencies: Readonly<Record<string, string>>, registry: string): Promise<string[]> {
  const dir = await temporaryDirectory();
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'root', version: '1.0.0', dependencies }));
  const flags = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--registry', registry, '--cache', join(dir, 'cache')];
  await promisify(execFile)('npm', ['install', ...flags], { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir } });
  const lock: { readonly packages: Readonly<Record<string, { readonly version: string }>> } = JSON.parse(
    await readFile(join(dir, 'package-lock.json'), 'utf8'),
  );
  const installed = Object.entries(lock.packages).filter(([path]) => path !== '');
  return installed.map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`).sort();
}

const edges = ({ nodes }: DependencyGraph) => Object.fromEntries([...nodes].map(([key, { dependencies }]) => [key, Object.fromEntries(dependencies)]));

describe('a dependency graph', () => {
  it('is resolved to any depth, cycles included', async () => {
    const graph = await graphOf(
      { dependencies: { a: '^1.0.0' } },
      {
        a: { '1.0.0': {}, '1.1.0': { dependencies: { b: '*' } }, '2.0.0': {} },
        b: { '1.0.0': { dependencies: { c: '1' } } },
        c: { '1.0.0': { dependencies: { b: '1' } } },
      },
    );
    expect(edges(graph)).toEqual({ [ROOT]: { a: 'a@1.1.0' }, 'a@1.1.0': { b: 'b@1.0.0' }, 'b@1.0.0': { c: 'c@1.0.0' }, 'c@1.0.0': { b: 'b@1.0.0' } });
  });

  it('uses a version again that satisfies, and holds two where it must', async () => {
    const graph = await graphOf(
      { dependencies: { a: '1', x: '1.0.0' } },
      { a: { '1.0.0': { dependencies: { x: '^1.0.0', y: '2' } } }, x: { '1.0.0': {}, '1.5.0': {} }, y: { '2.0.0': { dependencies: { x: '^1.5.0' } } } },
    );
    expect(edges(graph)).toMatchObject({ 'a@1.0.0': { x: 'x@1.0.0' }, 'y@2.0.0': { x: 'x@1.5.0' } });
  });

  it('follows aliases', async () => {
    const graph = await graphOf(
      { dependencies: { 'string-width-cjs': 'npm:string-width@^4.2.0', 'string-width': '^5.0.0' } },
      { 'string-width': { '4.2.3': {}, '5.1.2': {} } },
    );
    expect(edges(graph)[ROOT]).toEqual({ 'string-width': 'string-width@5.1.2', 'string-width-cjs': 'string-width@4.2.3' });
  });

  it('leaves out what the host provides, and warns of another version', async () => {
    const graph = await graphOf(
      {
        dependencies: { '@mariozechner/pi-coding-agent': '^0.50.0', typebox: '*' },
        peerDependencies: { '@earendil-works/pi-ai': '*', '@sinclair/typebox': '^0.34.0', 'dash-agent': '*' },
      },
      {},
    );
    expect(edges(graph)).toEqual({ [ROOT]: {} });
    expect(graph.diagnostics).toEqual([
      expect.objectContaining({ severity: 'warning', code: 'HOST_VERSION', message: expect.stringContaining('pi-coding-agent@^0.50.0') }),
    ]);
  });

  it('drops optional dependencies that are bound to a platform, wherever it runs', async () => {
    const graph = await graphOf(
      { optionalDependencies: { native: '1', other: '1', plain: '1' }, dependencies: { native: '1' } },
      { native: { '1.0.0': { os: ['linux'] } }, other: { '1.0.0': { cpu: ['x64'] } }, plain: { '1.0.0': { os: ['!win32'] } } },
    );
    expect(edges(graph)[ROOT]).toEqual({ plain: 'plain@1.0.0' });
  });

  it('drops an optional dependency when something below it cannot be had, with everything only it needed', async () => {
    const graph = await graphOf(
      { optionalDependencies: { opt: '1' }, dependencies: { b: '1' } },
      {
        opt: { '1.0.0': { dependencies: { a: '1', deep: '1' } } },
        a: { '1.0.0': {} },
        b: { '1.0.0': {} },
        deep: { '1.0.0': { dependencies: { missing: '1' } } },
      },
    );
    expect(edges(graph)).toEqual({ [ROOT]: { b: 'b@1.0.0' }, 'b@1.0.0': {} });
    expect(graph.diagnostics).toMatchObject([{ code: 'OPTIONAL_LEFT_OUT' }]);
  });

  it('fails with the chain when something that is needed cannot be had', async () => {
    const world = { a: { '1.0.0': { dependencies: { b: '^3.0.0' } } }, b: { '1.0.0': {} } };
    await expect(graphOf({ dependencies: { a: '1' } }, world)).rejects.toMatchObject({
      code: 'DEPENDENCY_NOT_FOUND',
      message: expect.stringContaining('`a@1.0.0` needs `b@^3.0.0`'),
    });
  });

  it.each(['git+https://example.com/x', 'github:a/b', 'file:../x', 'https://example.com/x.tgz', 'workspace:*', 'link:../x', 'npm:../../x'])(
    'refuses a dependency on `%s`',
    async (wanted) => {
      await expect(graphOf({ dependencies: { x: wanted } }, { x: { '1.0.0': {} } })).rejects.toMatchObject({ code: 'DEPENDENCY_NOT_FOUND' });
    },
  );

  describe('with peers', () => {
    it('binds them to what stands beside the package', async () => {
      const graph = await graphOf(
        { dependencies: { plugin: '1', host: '2' } },
        { plugin: { '1.0.0': { peerDependencies: { host: '>=1' } } }, host: { '2.0.0': {}, '3.0.0': {} } },
      );
      expect(edges(graph)).toMatchObject({ [ROOT]: { plugin: 'plugin@1.0.0(host@2.0.0)' }, 'plugin@1.0.0(host@2.0.0)': { host: 'host@2.0.0' } });
    });

    it('binds them to an ancestor, and makes one node for each binding', async () => {
      const world = {
        one: { '1.0.0': { dependencies: { host: '1', plugin: '1' } } },
        two: { '1.0.0': { dependencies: { host: '2', plugin: '1' } } },
        plugin: { '1.0.0': { peerDependencies: { host: '*' } } },
        host: { '1.0.0': {}, '2.0.0': {} },
      };
      const graph = await graphOf({ dependencies: { one: '1', two: '1' } }, world);
      expect(edges(graph)).toMatchObject({ 'plugin@1.0.0(host@1.0.0)': { host: 'host@1.0.0' }, 'plugin@1.0.0(host@2.0.0)': { host: 'host@2.0.0' } });
    });

    it('skips optional ones, adds the others, and only warns when that fails', async () => {
      const world = {
        a: { '1.0.0': { peerDependencies: { there: '1', missing: '1', maybe: '1' }, peerDependenciesMeta: { maybe: { optional: true } } } },
        there: { '1.0.0': {} },
        maybe: { '1.0.0': {} },
      };
      const graph = await graphOf({ dependencies: { a: '1' } }, world);
      expect(edges(graph)['a@1.0.0']).toEqual({ there: 'there@1.0.0' });
      expect(graph.diagnostics).toMatchObject([{ severity: 'warning', code: 'PEER_NOT_FOUND', message: expect.stringContaining('missing') }]);
    });

    it('that ask for each other come to an end', async () => {
      const world = { a: { '1.0.0': { peerDependencies: { b: '1' } } }, b: { '1.0.0': { peerDependencies: { a: '1' } } } };
      const graph = await graphOf({ dependencies: { a: '1', b: '1' } }, world);
      expect(edges(graph)).toMatchObject({ 'a@1.0.0(b@1.0.0)': { b: 'b@1.0.0(a@1.0.0)' }, 'b@1.0.0(a@1.0.0)': { a: 'a@1.0.0(b@1.0.0)' } });
    });
  });

  describe('whatever the world', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const range = fc.constantFrom('*', '1', '^1.0.0', '^1.1.0', '~1.0.0', '>=1.1.0', '2', '1.0.0 || 2.0.0');
    const needs = fc.dictionary(fc.constantFrom(...names), range, { maxKeys: 3 });
    const versions = fc.uniqueArray(fc.constantFrom('1.0.0', '1.1.0', '2.0.0'), { minLength: 1 });
    const world = fc.tuple(
      ...names.map((name) =>
        fc.tuple(
          fc.constant(name),
          versions.chain((list) =>
            fc.tuple(...list.map((version) => fc.tuple(fc.constant(version), fc.record({ dependencies: needs, optionalDependencies: needs })))),
          ),
        ),
      ),
    );
    const build = (entries: readonly (readonly [string, readonly (readonly [string, Version])[]])[], reversed = false): World => {
      const order = <T>(list: readonly T[]) => (reversed ? list.toReversed() : list);
      const flip = (record: Readonly<Record<string, string>> = {}) => Object.fromEntries(order(Object.entries(record)));
      return Object.fromEntries(
        order(entries).map(([name, list]) => [
          name,
          Object.fromEntries(
            order(list).map(([version, more]) => [version, { dependencies: flip(more.dependencies), optionalDependencies: flip(more.optionalDependencies) }]),
          ),
        ]),
      );
    };

    it('satisfies every edge, or names what is missing', async () => {
      await fc.assert(
        fc.asyncProperty(needs, world, async (dependencies, entries) => {
          const known = build(entries);
          const graph = await graphOf({ dependencies }, known).catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'DEPENDENCY_NOT_FOUND' });
            return undefined;
          });
          for (const { key, name, version, dependencies: bound } of graph?.nodes.values() ?? []) {
            const wanted = key === ROOT ? dependencies : { ...known[name]?.[version]?.dependencies, ...known[name]?.[version]?.optionalDependencies };
            for (const [as, target] of bound) expect(semver.satisfies(graph?.nodes.get(target)?.version ?? '', wanted[as] ?? 'never')).toBe(true);
            const required = Object.keys(key === ROOT ? dependencies : (known[name]?.[version]?.dependencies ?? {})).filter(
              (as) => !Object.hasOwn(known[name]?.[version]?.optionalDependencies ?? {}, as),
            );
            for (const as of required) expect(bound.has(as)).toBe(true);
          }
        }),
        { numRuns: 200 },
      );
    });

    it('is what npm answers, where nobody wants two versions of one package', async () => {
      const oneRange = fc.tuple(...names.map(() => range));
      const wants = fc.tuple(fc.subarray(names, { minLength: 1, maxLength: 3 }), ...names.map(() => fc.subarray(names, { maxLength: 3 })));
      for (const [ranges, [ofRoot, ...ofOthers]] of fc.sample(fc.tuple(oneRange, wants), { numRuns: 6, seed: 20_260_101 })) {
        const pick = (wanted: readonly string[]) => Object.fromEntries(wanted.map((name) => [name, ranges[names.indexOf(name)] ?? '*']));
        const manifest = (at: number) => ({ dependencies: pick(ofOthers[at] ?? []) });
        const known: World = Object.fromEntries(
          names.map((name, at) => [name, Object.fromEntries(['1.0.0', '1.1.0', '2.0.0'].map((version) => [version, manifest(at)]))]),
        );
        const registry = await startNpmRegistry(
          ...names.flatMap((name, at) => ['1.0.0', '1.1.0', '2.0.0'].map((version) => ({ name, version, manifest: manifest(at) }))),
        );
        const ours = await graphOf({ dependencies: pick(ofRoot) }, known);
        expect([...ours.nodes.keys()].filter((key) => key !== ROOT).toSorted()).toEqual(await askNpm(pick(ofRoot), registry.url));
      }
    });

    it('is the same under shuffled input', async () => {
      const outcome = (promise: Promise<DependencyGraph>) => promise.then(edges, (error: unknown) => (error instanceof DashError ? error.message : error));
      await fc.assert(
        fc.asyncProperty(needs, world, async (dependencies, entries) => {
          const reversed = Object.fromEntries(Object.entries(dependencies).toReversed());
          expect(await outcome(graphOf({ dependencies: reversed }, build(entries, true)))).toEqual(await outcome(graphOf({ dependencies }, build(entries))));
        }),
        { numRuns: 200 },
      );
    });
  });
});
