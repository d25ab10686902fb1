import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is installed: roots, every other one with an extension and the rest with a skill, and a pool of dependencies that they share. */
export interface PackageSet {
  readonly roots: readonly string[];
  readonly nodes: number;
  readonly files: number;
  readonly bytes: number;
  readonly archives: ReadonlyMap<string, Buffer>;
  readonly manifests: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
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
  const archives = new Map<string, Buffer>();
  const manifests = new Map<string, Readonly<Record<string, unknown>>>();
  let files = 0;
  let bytes = 0;
  const add = (manifest: Readonly<Record<string, unknown>> & { readonly name: string }, contents: Readonly<Record<string, string>>): void => {
    const all = { 'package.json': JSON.stringify(manifest), ...contents };
    files += Object.keys(all).length;
    bytes += Object.values(all).reduce((sum, text) => sum + text.length, 0);
    archives.set(manifest.name, tarball(all));
    manifests.set(manifest.name, manifest);
  };
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
    add({ name, version: '1.0.0', main: 'index.js', dependencies: Object.fromEntries(needs.map((need) => [need, '^1.0.0'])) }, { 'index.js': index, ...lib });
  }
  const roots = Array.from({ length: rootCount }, (_, at) => `bench-root-${at}`);
  for (const [at, name] of roots.entries()) {
    const needs = [names[at % names.length], names[(at * 7 + 3) % names.length]].filter((need) => need !== undefined);
    const needed = Object.fromEntries([...new Set(needs)].map((need) => [need, '^1.0.0']));
    const manifest = { name, version: '1.0.0', keywords: ['dash-package'], dependencies: needed };
    const readme = { 'README.md': words(random, 200) };
    if (at % 2 === 0) add({ ...manifest, dash: { extensions: ['index.js'], permissions: ['ui:notify'] } }, { 'index.js': extension(at, needs), ...readme });
    else add({ ...manifest, dash: { skills: ['skills'] } }, { [`skills/skill-${at}/SKILL.md`]: skill(at, words(random, 300)), ...readme });
  }
  return { roots, nodes: rootCount + dependencies, files, bytes, archives, manifests };
}

/** Serves a set on loopback, with a delay for every answer. */
export async function serveSet(
  { archives, manifests }: PackageSet,
  latencyMs = 0,
): Promise<AsyncDisposable & { readonly url: string; readonly requests: () => number }> {
  let requests = 0;
  const published = new Date(Date.now() - 365 * 86_400_000).toISOString();
  const server = createServer((request, response) => {
    requests++;
    void answer(decodeURIComponent(request.url ?? '/')).then(({ status, type, body }) =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'public, max-age=300' }).end(body),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}/`;
  const documents = new Map(
    [...manifests].map(([name, manifest]) => {
      const archive = archives.get(name) ?? Buffer.alloc(0);
      const dist = {
        tarball: `${url}${name}/-/${name}-1.0.0.tgz`,
        integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
        shasum: createHash('sha1').update(archive).digest('hex'),
      };
      return [name, JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { ...manifest, dist } }, time: { '1.0.0': published } })];
    }),
  );

  async function answer(path: string): Promise<{ status: number; type: string; body: string | Buffer }> {
    if (latencyMs > 0) await sleep(latencyMs);
    const [, name = '', file] = /^\/([^/]+)(?:\/-\/(.+))?$/.exec(path) ?? [];
    const body = file === undefined ? documents.get(name) : archives.get(name);
    if (body === undefined) return { status: 404, type: 'application/json', body: '{}' };
    return { status: 200, type: file === undefined ? 'application/json' : 'application/octet-stream', body };
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

function extension(at: number, needs: readonly string[]): string {
  const imports = [...new Set(needs)].map((need) => `import '${need}';`).join('\n');
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
