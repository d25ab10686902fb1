import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIBRARIES, mirroredPackages } from './mirrored-packages.ts';

/** What a registry says of a package, as far as it is read here. */
export interface Packument {
  readonly name: string;
  readonly 'dist-tags': Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly dist: { readonly tarball: string } }>>;
  readonly time?: Readonly<Record<string, string>>;
}

/** What is installed: roots, every other one with an extension and the rest with a skill, and what those need. */
export interface PackageSet {
  readonly roots: readonly string[];
  readonly nodes: number;
  readonly files: number;
  /** With the path of each tarball in place of its address. */
  readonly packuments: ReadonlyMap<string, Packument>;
  /** By that path. */
  readonly archives: ReadonlyMap<string, Buffer>;
}

/** Thirty roots over public packages, fifteen of them with an extension that imports two. */
export async function realSet(): Promise<PackageSet> {
  const { packuments, archives } = await mirroredPackages();
  const set = emptySet();
  const places = new Map<string, Packument>();
  for (const [name, packument] of packuments) {
    const versions = Object.entries(packument.versions).map(([version, manifest]) => [
      version,
      { ...manifest, dist: { ...manifest.dist, tarball: placeOf(name, version) } },
    ]);
    places.set(name, { ...packument, versions: Object.fromEntries(versions) });
  }
  for (const [name, packument] of places) set.packuments.set(name, packument);
  for (const [key, archive] of archives) {
    const at = key.lastIndexOf('@');
    set.archives.set(placeOf(key.slice(0, at), key.slice(at + 1)), archive);
    set.files += filesIn(archive);
  }
  const random = seeded(7);
  const roots = Array.from({ length: LIBRARIES.length }, (_, at) => `bench-root-${at}`);
  for (const [at, name] of roots.entries())
    addRoot(
      set,
      name,
      at,
      [LIBRARIES[at], LIBRARIES[at + 1]].filter((need) => need !== undefined),
      '*',
      random,
    );
  return { ...set, roots, nodes: roots.length + archives.size };
}

/** Makes the set in memory, the same every time. */
export function makeSet({
  roots: rootCount,
  dependencies,
  filesEach,
}: {
  readonly roots: number;
  readonly dependencies: number;
  readonly filesEach: number;
}): PackageSet {
  const random = seeded(7);
  const set = emptySet();
  const names = Array.from({ length: dependencies }, (_, at) => `bench-dep-${at}`);
  for (const [at, name] of names.entries()) {
    // each needs a few that come later: a graph without circles, a few levels deep
    const needs = [at * 2 + 1, at * 2 + 2].flatMap((next) => names[next] ?? []);
    const lib = Object.fromEntries(
      Array.from({ length: filesEach - 2 }, (_, file) => [
        `lib/${file}.js`,
        `exports.value = ${JSON.stringify(words(random, 40 + Math.floor(random() * 120)))};\n`,
      ]),
    );
    const index = `${needs.map((need) => `require('${need}');`).join('\n')}\n${Object.keys(lib)
      .slice(0, 3)
      .map((path) => `require('./${path}');`)
      .join('\n')}\n`;
    add(
      set,
      { name, version: '1.0.0', main: 'index.js', dependencies: Object.fromEntries(needs.map((need) => [need, '^1.0.0'])) },
      { 'index.js': index, ...lib },
    );
  }
  const roots = Array.from({ length: rootCount }, (_, at) => `bench-root-${at}`);
  for (const [at, name] of roots.entries()) {
    const needs = [names[at % names.length], names[(at * 7 + 3) % names.length]].filter((need) => need !== undefined);
    addRoot(set, name, at, needs, '^1.0.0', random);
  }
  return { ...set, roots, nodes: rootCount + dependencies };
}

interface GrowingSet {
  files: number;
  readonly packuments: Map<string, Packument>;
  readonly archives: Map<string, Buffer>;
}

function emptySet(): GrowingSet {
  return { files: 0, packuments: new Map(), archives: new Map() };
}

function addRoot(set: GrowingSet, name: string, at: number, needs: readonly string[], range: string, random: () => number): void {
  const manifest = { name, version: '1.0.0', keywords: ['dash-package'] };
  const readme = { 'README.md': words(random, 200) };
  const dependencies = Object.fromEntries(needs.map((need) => [need, range]));
  if (at % 2 === 0)
    add(set, { ...manifest, dependencies, dash: { extensions: ['index.js'], permissions: ['ui:notify'] } }, { 'index.js': extension(at, needs), ...readme });
  else add(set, { ...manifest, dash: { skills: ['skills'] } }, { [`skills/skill-${at}/SKILL.md`]: skill(at, words(random, 300)), ...readme });
}

/** A package with one version, published a year ago. */
function add(set: GrowingSet, manifest: Readonly<Record<string, unknown>> & { readonly name: string }, contents: Readonly<Record<string, string>>): void {
  const { name } = manifest;
  const archive = tarball({ 'package.json': JSON.stringify(manifest), ...contents });
  const dist = {
    tarball: placeOf(name, '1.0.0'),
    integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
    shasum: createHash('sha1').update(archive).digest('hex'),
  };
  const published = new Date(Date.now() - 365 * 86_400_000).toISOString();
  set.packuments.set(name, { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { ...manifest, dist } }, time: { '1.0.0': published } });
  set.archives.set(dist.tarball, archive);
  set.files += Object.keys(contents).length + 1;
}

function placeOf(name: string, version: string): string {
  return `${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
}

/** Counts plain files in a tarball. */
function filesIn(archive: Buffer): number {
  const tar = gunzipSync(archive);
  let files = 0;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0;
    if (tar[at + 156] === 0x30 || tar[at + 156] === 0) files++;
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** Serves a set on loopback as the public registry does: short or whole packuments, compressed; with a delay for every answer. */
export async function serveSet(
  { archives, packuments }: Pick<PackageSet, 'archives' | 'packuments'>,
  latencyMs = 0,
): Promise<AsyncDisposable & { readonly url: string; readonly requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const isShort = request.headers.accept?.includes('application/vnd.npm.install-v1+json') === true;
    void answer(decodeURIComponent(request.url ?? '/').slice(1), isShort).then(({ status, headers, body }) =>
      response.writeHead(status, { ...headers, 'cache-control': 'public, max-age=300' }).end(body),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}/`;
  const documents = new Map(
    [...packuments].map(([name, packument]) => {
      const whole = withAddresses(packument, url);
      return [name, { whole: gzipSync(JSON.stringify(whole)), short: gzipSync(JSON.stringify(abbreviated(whole))) }];
    }),
  );

  async function answer(path: string, isShort: boolean): Promise<{ status: number; headers: Record<string, string>; body: string | Buffer }> {
    if (latencyMs > 0) await sleep(latencyMs);
    const archive = archives.get(path);
    if (archive !== undefined) return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: archive };
    const document = documents.get(path);
    if (document === undefined) return { status: 404, headers: { 'content-type': 'application/json' }, body: '{}' };
    const type = isShort ? 'application/vnd.npm.install-v1+json' : 'application/json';
    return { status: 200, headers: { 'content-type': type, 'content-encoding': 'gzip' }, body: isShort ? document.short : document.whole };
  }

  return {
    url,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function withAddresses(packument: Packument, url: string): Packument {
  const versions = Object.entries(packument.versions).map(([version, manifest]) => [
    version,
    { ...manifest, dist: { ...manifest.dist, tarball: `${url}${manifest.dist.tarball}` } },
  ]);
  return { ...packument, versions: Object.fromEntries(versions) };
}

const SHORT_FIELDS =
  'name version deprecated dependencies devDependencies optionalDependencies peerDependencies peerDependenciesMeta bundleDependencies bin directories dist engines os cpu libc hasInstallScript funding'.split(
    ' ',
  );

/** @see https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md#abbreviated-metadata-format */
function abbreviated({ name, 'dist-tags': tags, versions, time }: Packument): unknown {
  const short = Object.entries(versions).map(([version, manifest]) => [
    version,
    Object.fromEntries(SHORT_FIELDS.flatMap((field) => (manifest[field] === undefined ? [] : [[field, manifest[field]]]))),
  ]);
  return {
    name,
    modified: Object.values(time ?? {})
      .sort()
      .at(-1),
    'dist-tags': tags,
    versions: Object.fromEntries(short),
  };
}

/** Of packages that have no main entry point. */
const ENTRIES: Readonly<Record<string, string>> = { '@modelcontextprotocol/sdk': '@modelcontextprotocol/sdk/client/index.js' };

function extension(at: number, needs: readonly string[]): string {
  // one that nothing uses would be left out of the bundle
  const imports = [...new Set(needs)]
    .map((need, index) => `import * as need${index} from '${ENTRIES[need] ?? need}';\nglobalThis.used${index} = need${index};`)
    .join('\n');
  return `${imports}\nexport default (dash) => dash.registerTool({ name: 'tool_${at}', description: 'does nothing', parameters: { type: 'object' }, execute: async () => ({ content: [] }) });\n`;
}

function skill(at: number, body: string): string {
  return `---\nname: skill-${at}\ndescription: Use when number ${at} is wanted.\n---\n${body}\n`;
}

function tarball(files: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(files).map(([path, text]) => {
    const data = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(`package/${path}`, 0);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write('0', 156);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
  });
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
}

function words(random: () => number, count: number): string {
  return Array.from({ length: count }, () => Math.floor(random() * 2 ** 24).toString(36)).join(' ');
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
