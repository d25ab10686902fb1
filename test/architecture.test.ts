import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Which folder may import which; type imports count. A new arrow is a decision: change the table and say why in the commit. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  cli: ['host', 'registry', 'sandbox', 'skills-lib', 'sdk', 'format'],
  host: ['registry', 'sandbox', 'skills-lib', 'sdk', 'format'],
  sandbox: ['sdk', 'format'],
  registry: ['format'],
  'skills-lib': ['format'],
  sdk: ['format'],
  format: [],
};

/** By which files a folder is entered. Those of `registry` are several, so that `dash list` does not load an HTTP server; the interactive mode alone loads what draws a screen. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  host: ['host/index.ts', 'host/modes/interactive/index.ts'],
  registry: ['registry/index.ts', 'registry/serve/index.ts', 'registry/publish/index.ts', 'registry/configure/index.ts', 'registry/catalog/index.ts'],
};

/**
 * Inside `host/`: the loop knows no sessions, skills or packages; a model knows nothing but its port; what packages bring
 * knows no conversation; modes stand on top. Files of `host/` itself put the parts together.
 */
const HOST_ARROWS: Readonly<Record<string, readonly string[]>> = {
  'host/model': [],
  'host/images': ['host/model/messages'],
  'host/loop': ['host/model'],
  'host/session': ['host/model', 'host/loop'],
  'host/prompt': ['host/model/messages'],
  'host/settings': ['host/model', 'host/images', 'host/prompt'],
  'host/approval': ['host/model', 'host/loop', 'host/tools', 'host/user-interface'],
  'host/tools': ['host/model/messages', 'host/images', 'host/loop', 'host/approval/approval'],
  'host/bus': ['host/model', 'host/loop'],
  'host/packages': ['host/session', 'host/settings', 'host/bus'],
  'host/conversation': ['host/model', 'host/loop', 'host/session', 'host/prompt', 'host/bus', 'host/toolbox', 'host/host-event'],
  'host/export': ['host/model', 'host/loop', 'host/session', 'host/terminal-text'],
  'host/mcp': ['host/model', 'host/loop', 'host/approval', 'host/tools'],
};

/** Third parties have one home each, so that they can be replaced there; `types` of a dev dependency are free. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  'isolated-vm': ['sandbox/isolate.ts'],
  acorn: ['sandbox/infer'],
  esbuild: ['sandbox/compile', 'scripts', 'sandbox/guest/build'],
  'npm-package-arg': ['registry'],
  'npm-pick-manifest': ['registry'],
  'npm-packlist': ['registry/publish'],
  'npm-registry-fetch': ['registry'],
  libnpmpublish: ['registry/publish'],
  semver: ['registry'],
  ssri: ['registry'],
  'simple-git': ['registry'],
  hono: ['registry/serve', 'host/events/dashboard'],
  '@hono/node-server': ['registry/serve', 'host/events/dashboard'],
  'gray-matter': ['skills-lib'],
  'js-yaml': ['skills-lib'],
  commander: ['cli'],
  '@clack/prompts': ['cli'],
  '@agentclientprotocol/sdk': ['host/modes/acp'],
  '@earendil-works/pi-ai': ['host/model', 'sandbox/guest'],
  '@earendil-works/pi-tui': ['host/modes/interactive', 'sandbox/guest'],
  '@silvia-odwyer/photon-node': ['host/images'],
  '@sinclair/typebox': ['format', 'sdk', 'registry', 'sandbox', 'skills-lib', 'host', 'cli'],
  typebox: ['sandbox/guest', 'sdk'],
  tldts: ['format', 'sandbox'],
};

/** Bundled into the guest's scripts when they are built; nothing else may lean on them. */
const GUEST_LIBRARIES = [
  'assert',
  'buffer',
  'core-js',
  'events',
  'fast-text-encoding',
  'readable-stream',
  'string_decoder',
  'web-streams-polyfill',
  'util',
  'process',
];

const NAMELESS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'core', 'shared', 'misc', 'lib']);

interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
}

const FILES = Object.keys(ARROWS).flatMap((folder) => sourcesIn(folder));
const IMPORTS = FILES.flatMap(importsOf);

test('there is something to check', () => {
  expect(FILES.length).toBeGreaterThan(100);
  expect(IMPORTS.filter(({ specifier }) => specifier.startsWith('.')).length).toBeGreaterThan(FILES.length / 2);
});

describe('arrows', () => {
  test('a folder imports only the folders it may', () => {
    const wrong = ours().filter(({ from, to }) => folderOf(from) !== folderOf(to) && !ARROWS[folderOf(from)]?.includes(folderOf(to)));
    expect(wrong.map(shown)).toEqual([]);
  });

  test('another folder is entered by its door', () => {
    const wrong = ours().filter(({ from, to }) => folderOf(from) !== folderOf(to) && !(DOORS[folderOf(to)] ?? [`${folderOf(to)}/index.ts`]).includes(to));
    expect(wrong.map(shown)).toEqual([]);
  });

  test('inside host, the loop knows no sessions, models know only their port, and nothing below knows the modes', () => {
    const wrong = ours().filter(({ from, to }) => {
      const part = hostPart(from);
      if (part === undefined || !to.startsWith('host/') || hostPart(to) === part) return false;
      const allowed = HOST_ARROWS[part];
      return allowed !== undefined && !allowed.some((target) => isIn(to, target));
    });
    const toModes = ours().filter(({ from, to }) => isIn(to, 'host/modes') && isIn(from, 'host') && !isIn(from, 'host/modes') && from !== 'host/index.ts');
    expect([...wrong, ...toModes].map(shown)).toEqual([]);
  });

  test('imports have the ending of the file they name', () => {
    expect(IMPORTS.filter(({ specifier }) => specifier.startsWith('.') && !/\.(ts|json)$/.test(specifier)).map(shown)).toEqual([]);
  });
});

describe('third parties', () => {
  const foreign = IMPORTS.filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:') && !specifier.startsWith('/'));

  test('builtins are imported with `node:`', () => {
    expect(foreign.filter(({ from, specifier }) => builtinModules.includes(specifier) && !isIn(from, 'sandbox/guest')).map(shown)).toEqual([]);
  });

  test('each has one home', () => {
    const wrong = foreign.filter(({ from, specifier }) => {
      const name = packageOf(specifier);
      if (isIn(from, 'sandbox/guest') && GUEST_LIBRARIES.includes(name)) return false;
      return !HOMES[name]?.some((home) => isIn(from, home));
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  test('isolated-vm is loaded in one place', () => {
    const loaders = FILES.filter((file) => /(?:from|import|require)\s*\(?\s*['"]isolated-vm['"]/.test(read(file)));
    expect(loaders.length).toBeLessThanOrEqual(1);
    expect(loaders.filter((file) => !isIn(file, 'sandbox'))).toEqual([]);
  });
});

test('every folder is named after what is in it', () => {
  const folders = new Set(FILES.flatMap((file) => dirname(file).split('/')));
  // the guest's copy of node:util is called what it stands for
  folders.delete('util');
  expect([...folders].filter((folder) => NAMELESS.has(folder))).toEqual([]);
});

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Static, dynamic, re-exporting and type imports alike; comments are skipped, as examples live there. */
function importsOf(file: string): Import[] {
  const text = read(file).replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;])\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^'"`;()]*?from\s*['"]([^'"]+)['"]|(?:^|[\s;}])import\s*['"]([^'"\s,]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => ({
    from: file,
    line: text.slice(0, match.index + match[0].length).split('\n').length,
    specifier: match[1] ?? match[2] ?? match[3] ?? '',
  }));
}

function ours(): (Import & { readonly to: string })[] {
  return IMPORTS.filter(({ specifier }) => specifier.startsWith('.'))
    .map((found) => ({ ...found, to: relative(ROOT, join(ROOT, dirname(found.from), found.specifier)) }))
    .filter(({ to }) => folderOf(to) in ARROWS);
}

function hostPart(file: string): string | undefined {
  return Object.keys(HOST_ARROWS).find((part) => isIn(file, part));
}

/** `a/b` holds `a/b.ts` and everything below `a/b/`. */
function isIn(file: string, place: string): boolean {
  return file === place || file === `${place}.ts` || file.startsWith(`${place}/`);
}

function folderOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function shown({ from, line, specifier }: Import): string {
  return `${from}:${line} imports ${specifier}`;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
