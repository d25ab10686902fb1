import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';
import { eachLimited } from '../registry/store/each-limited.ts';
import type { Packument } from './registry-set.ts';

/** What extensions are written with; with all that they need, about 240 packages. */
export const LIBRARIES =
  'zod chalk yaml marked cheerio turndown fast-glob execa ws @mozilla/readability semver minimatch diff p-limit nanoid date-fns ajv hono htmlparser2 commander simple-git @modelcontextprotocol/sdk unified remark-parse remark-gfm remark-stringify p-queue fuse.js lodash highlight.js'.split(
    ' ',
  );

/** Versions as they were on this day, so that every run installs the same. */
const AS_OF = '2026-11-10T00:00:00.000Z';
const MIRROR = fileURLToPath(new URL('mirror', import.meta.url));

export interface Mirrored {
  readonly packuments: ReadonlyMap<string, Packument>;
  /** By name and version. */
  readonly archives: ReadonlyMap<string, Buffer>;
}

/** Public packages with their whole packuments, fetched once into `bench/mirror` with the registry that npm uses here. */
export async function mirroredPackages(): Promise<Mirrored> {
  const [lock, registry] = [lockOf(LIBRARIES), npm('config', 'get', 'registry').trim()];
  const wanted = [...lock].map((key) => ({ name: key.slice(0, key.lastIndexOf('@')), version: key.slice(key.lastIndexOf('@') + 1) }));
  const names = [...new Set(wanted.map(({ name }) => name))];
  const packuments = await eachLimited(names, 8, async (name) => {
    const text = await kept(`${name.replace('/', '__')}.json`, () => download(new URL(name.replace('/', '%2f'), registry)));
    return [name, asOf(JSON.parse(text.toString('utf8')) as Packument)] as const;
  });
  const byName = new Map(packuments);
  const archives = await eachLimited(wanted, 8, async ({ name, version }) => {
    const url = byName.get(name)?.versions[version]?.dist.tarball;
    if (url === undefined) throw new Error(`${name}@${version} has no tarball`);
    return [`${name}@${version}`, await kept(`${name.replace('/', '__')}-${version}.tgz`, () => download(new URL(url)))] as const;
  });
  return { packuments: byName, archives: new Map(archives) };
}

/** `name@version` of all that npm would install on that day. */
function lockOf(names: readonly string[]): ReadonlySet<string> {
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-lock-'));
  try {
    const text = keptSync('lock.json', () => {
      writeFileSync(
        join(directory, 'package.json'),
        JSON.stringify({ name: 'bench', version: '1.0.0', dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }),
      );
      npm('install', '--prefix', directory, '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', `--before=${AS_OF}`);
      return readFileSync(join(directory, 'package-lock.json'), 'utf8');
    });
    const { packages } = JSON.parse(text) as { packages: Record<string, { version: string }> };
    return new Set(
      Object.entries(packages)
        .filter(([path]) => path !== '')
        .map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Later versions are left out: whoever resolves gets those that are mirrored. */
function asOf(packument: Packument): Packument {
  const time = packument.time ?? {};
  const isKnown = (version: string): boolean => (time[version] ?? '') < AS_OF;
  const versions = Object.fromEntries(Object.entries(packument.versions).filter(([version]) => isKnown(version)));
  const stable = Object.keys(versions).filter((version) => semver.prerelease(version) === null && semver.valid(version) !== null);
  const latest = packument['dist-tags']['latest'];
  const tags = Object.entries(packument['dist-tags']).filter(([, version]) => versions[version] !== undefined);
  const [newest = ''] = semver.rsort(stable);
  return {
    ...packument,
    versions,
    'dist-tags': { ...Object.fromEntries(tags), latest: latest !== undefined && versions[latest] !== undefined ? latest : newest },
    time: Object.fromEntries(Object.entries(time).filter(([version, date]) => versions[version] !== undefined || (version === 'created' && date !== ''))),
  };
}

async function kept(name: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const path = join(MIRROR, name);
  try {
    return readFileSync(path);
  } catch {
    const bytes = await make();
    save(path, bytes);
    return bytes;
  }
}

function keptSync(name: string, make: () => string): string {
  const path = join(MIRROR, name);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const text = make();
    save(path, text);
    return text;
  }
}

function save(path: string, bytes: Buffer | string): void {
  mkdirSync(MIRROR, { recursive: true });
  writeFileSync(`${path}.tmp`, bytes);
  renameSync(`${path}.tmp`, path);
}

async function download(url: URL): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

function npm(...args: readonly string[]): string {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
