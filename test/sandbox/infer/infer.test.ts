import { build, transform } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { type Inference, type MemberRow, MEMBERS, type ModuleGraph, type ModuleNode } from '../../../format/index.ts';
import { bundle } from '../../../sandbox/compile/bundler.ts';
import { toInference } from '../../../sandbox/infer/to-inference.ts';
import { writePackFile } from '../../support/module-files.ts';
import { temporaryDirectory, writeFiles } from '../../support/sandbox-fixture.ts';

interface Subject {
  readonly files: Readonly<Record<string, string>>;
  /** Of dependencies, by name. */
  readonly packs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Bundles an extension as an install does, and reads what it needs. */
async function infer({ files, packs = {} }: Subject): Promise<Inference> {
  await using directory = await temporaryDirectory('dash-infer-');
  await writeFiles(directory.path, { 'package.json': '{}', ...files });
  const names = Object.keys(packs);
  const others = names.map(async (name): Promise<[string, ModuleNode]> => [
    name,
    { name, version: '1.2.3', pack: await writePackFile(`${directory.path}/packs`, packs[name] ?? {}), dependencies: {} },
  ]);
  const own: ModuleNode = { name: 'probe', version: '1.0.0', dir: directory.path, dependencies: Object.fromEntries(names.map((name) => [name, name])) };
  const graph: ModuleGraph = { root: 'probe', nodes: Object.fromEntries([['probe', own], ...(await Promise.all(others))]) };
  const [reply] = await bundle({ graph, entries: ['index.ts'] }, { build, transform });
  if (reply?.kind !== 'ok' || reply.uses === undefined) throw new Error(JSON.stringify(reply));
  return toInference(reply.uses);
}

/** The permissions that the body of a factory needs, after what stands at the top of its module. */
async function needsOf(body: string, top = ''): Promise<string[]> {
  const { permissions } = await infer({ files: { 'index.ts': `${top}\nexport default function (pi) {\n${body}\n}\n` } });
  return permissions.map(({ permission }) => permission);
}

const tool = (body: string): string => `pi.registerTool({ name: 'probe', execute: async (id, params, signal, update, ctx) => { ${body} } });`;

describe('files', () => {
  const TOP = `import * as fs from 'node:fs'; import { readFile, writeFile as put } from 'fs/promises'; import path, { join } from 'node:path'; import os from 'node:os';`;

  it.for([
    ["fs.readFileSync('notes.txt')", ['fs:read:./notes.txt']],
    ["await readFile('/etc/hosts')", ['fs:read:/etc/hosts']],
    ["await put(join(os.homedir(), '.tool', 'state.json'), '')", ['fs:write:~/.tool/state.json']],
    ["fs.promises.readFile(path.join(process.cwd(), 'a', '..', 'b'))", ['fs:read:./b']],
    ["fs.mkdirSync(path.resolve(ctx.cwd, '.cache', params.name), { recursive: true })", ['fs:write:./.cache']],
    ['fs.writeFileSync(`${os.tmpdir()}/x-${params.id}`, "")', ['fs:write:tmp:/']],
    ["fs.renameSync('a', 'b')", ['fs:read:./a', 'fs:write:./a', 'fs:write:./b']],
    ["fs.copyFileSync('a', 'b')", ['fs:read:./a', 'fs:write:./b']],
    ["fs.openSync('a')", ['fs:read:./a']],
    ["fs.openSync('a', 'w')", ['fs:write:./a']],
    ["fs.openSync('a', 'r+')", ['fs:read:./a', 'fs:write:./a']],
    ["fs.watch('a', () => {})", ['background', 'fs:read:./a']],
    // its own files, and its own directory, need no permission
    ["fs.readFileSync(new URL('./data.json', import.meta.url)); fs.readFileSync(join(import.meta.dirname, 'x'))", []],
    ["const { getAgentDir } = await import('@earendil-works/pi-coding-agent'); fs.writeFileSync(join(getAgentDir(), 'x'), '')", []],
    // what the model names lies in the workspace, as far as anybody can tell
    ['fs.readFileSync(params.path)', ['fs:read']],
    ['const { readFileSync: get } = fs; get(`logs/${params.day}.txt`)', ['fs:read:./logs']],
    // a counter is none of its values
    ["for (let n = 0; n < 9; n++) fs.writeFileSync(`out/${n}.txt`, '')", ['fs:write:./out']],
    // a wider one says it all
    ["fs.readFileSync(params.path); fs.readFileSync('a')", ['fs:read']],
  ] as const)('%s', async ([body, expected]) => {
    expect(await needsOf(tool(body), TOP)).toEqual(expected);
  });
});

describe('hosts', () => {
  it.for([
    ["fetch('https://api.example.com/x')", ['net:api.example.com']],
    ['fetch(`https://api.example.com/${params.id}`)', ['net:api.example.com']],
    ['fetch(`${BASE}/search?q=${params.q}`)', ['net:base.example.com']],
    ['fetch(new URL(`/v1/${params.id}`, BASE))', ['net:base.example.com']],
    ["const url = new URL('https://api.example.com'); url.searchParams.set('q', params.q); fetch(url)", ['net:api.example.com']],
    ["fetch(new Request(BASE + '/x'))", ['net:base.example.com']],
    ['fetch(`https://${params.region}.example.com/`)', ['net:*.example.com']],
    ["fetch('http://localhost:3000/')", ['net:localhost:3000']],
    ["fetch('http://example.com/')", ['net:example.com:80']],
    ["fetch((params.eu ? 'https://eu.example.com' : 'https://us.example.com/').replace(/\\/$/, '') + '/x')", ['net:eu.example.com', 'net:us.example.com']],
    ["https.get({ hostname: 'api.example.com', path: '/' })", ['net:api.example.com']],
    ["http.request('http://api.example.com:8080/x')", ['net:api.example.com:8080']],
    ["fetch('data:text/plain,x')", []],
    // a host that goes on at run time is no host
    ['fetch(`https://api.${params.host}/`)', []],
    ['fetch(`https://${params.tenant}.co.uk/`)', []],
  ] as const)('%s', async ([body, expected]) => {
    expect(await needsOf(tool(body), "import https from 'node:https'; import * as http from 'http'; const BASE = 'https://base.example.com';")).toEqual(
      expected,
    );
  });

  it('says where a host is computed, and what is known of it', async () => {
    const { permissions, computed } = await infer({
      files: { 'index.ts': `export default (pi) => {\n  ${tool('fetch(`https://api.${params.host}/x`)')}\n};` },
    });
    expect(permissions).toEqual([]);
    expect(computed).toMatchObject([{ subject: 'host', known: 'https://api.…/x', what: 'fetch', where: { path: 'index.ts', line: 2 } }]);
  });
});

describe('programs', () => {
  const TOP = `import cp, { exec, spawn } from 'node:child_process'; import { promisify } from 'node:util'; const run = promisify(exec);`;

  it.for([
    // tools of the workspace are of no use without it
    ["cp.execSync('git status --porcelain')", ['exec:git status', 'fs:read']],
    ['await run(`git log -n ${params.n}`)', ['exec:git log', 'fs:read']],
    ["spawn('ps', ['-la'])", ['exec:ps']],
    ["spawn('ps', ['-la'], { cwd: '/proc' })", ['exec:ps', 'fs:read:/proc']],
    ["cp.execSync('git status', { cwd: params.dir })", ['exec:git status', 'fs:read']],
    ["spawn('git', ['-C', '/x', 'log'])", ['exec:git', 'fs:read']],
    ["cp.execFileSync('/usr/bin/env', ['node'])", ['exec:/usr/bin/env']],
    ["cp.execSync('ls | wc -l')", ['exec:sh', 'fs:read']],
    ["spawn('npm run build', { shell: true })", ['exec:npm run', 'fs:read']],
    ["await pi.exec('rg', ['--json', params.pattern], { cwd: ctx.cwd })", ['exec:rg', 'fs:read']],
    ["for (const sub of ['add', 'commit', 'push', 'fetch']) await pi.exec('git', [sub])", ['exec:git', 'fs:read']],
    ['spawn(params.program)', []],
    // programs inside the workspace cannot be named
    ["spawn('./script.sh')", []],
  ] as const)('%s', async ([body, expected]) => {
    expect(await needsOf(tool(body), TOP)).toEqual(expected);
  });
});

describe('the environment', () => {
  it.for([
    ['process.env.EDITOR', ['env:EDITOR']],
    ["process.env['EDITOR'] ?? 'vi'", ['env:EDITOR']],
    ['const { EDITOR, PAGER: pager } = process.env; use(EDITOR, pager)', ['env:EDITOR', 'env:PAGER']],
    ["if ('CI' in process.env) use()", ['env:CI']],
    ['const env = process.env; use(env.EDITOR)', ['env:EDITOR']],
    ['process.env.EDITOR = "vi"; delete process.env.PAGER', []],
  ] as const)('%s', async ([body, expected]) => {
    expect(await needsOf(body, 'const use = (...x) => x;')).toEqual(expected);
  });

  it('offers a key that only goes into a header as one the package never sees', async () => {
    const body = `
      const key = process.env.ACME_API_KEY;
      if (!key) return;
      const headers = () => ({ Authorization: \`Bearer \${key}\`, 'X-Other': process.env.OTHER_TOKEN });
      ${tool("await fetch('https://api.acme.com/v1', { method: 'POST', headers: headers() })")}`;
    expect(await needsOf(body)).toEqual(['net:api.acme.com', 'secret:ACME_API_KEY@api.acme.com', 'secret:OTHER_TOKEN@api.acme.com header x-other']);
  });

  it('takes the options of a function that finds the key for no headers, and its condition for no value', async () => {
    const top = `const resolve = ({ environmentValue, configured }) => environmentValue ?? configured;
      const keyOf = async () => resolve({ environmentValue: process.env.ACME_API_KEY, configured: null });`;
    const body = tool(
      `const key = await keyOf(); await fetch('https://api.acme.com/v1', { headers: { ...(key ? { Authorization: \`Bearer \${key}\` } : {}), 'x-flag': process.env.ACME_TOKEN && 'yes' } })`,
    );
    expect(await needsOf(body, top)).toEqual(['env:ACME_TOKEN', 'net:api.acme.com', 'secret:ACME_API_KEY@api.acme.com']);
  });

  it('gives each key to the host it is named after where one helper finds all keys', async () => {
    const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'];
    const top = `const find = (name) => process.env[name];`;
    const body = [
      ...names.map((name) =>
        tool(`await fetch('https://api.${name}.dev/', { headers: { authorization: find('${name.toUpperCase()}_API_KEY') } })`).replaceAll(
          '"probe"',
          `"${name}"`,
        ),
      ),
      tool(`await fetch('https://api.zeta.dev/', { headers: { authorization: find('GATEWAY_TOKEN') } })`).replaceAll('"probe"', '"zeta"'),
    ].join('\n');
    expect((await needsOf(body, top)).filter((permission) => !permission.startsWith('net:'))).toEqual([
      'env:GATEWAY_TOKEN',
      ...names.map((name) => `secret:${name.toUpperCase()}_API_KEY@api.${name}.dev`).sort(),
    ]);
  });

  it('says when all of it is looked through', async () => {
    const { computed } = await infer({ files: { 'index.ts': 'export default () => { Object.keys(process.env); };' } });
    expect(computed).toMatchObject([{ subject: 'variable', what: 'process.env' }]);
  });
});

describe('the host', () => {
  it.for([
    ["pi.on('agent_end', async (event, ctx) => { ctx.ui.notify('done'); })", ['session:read', 'ui:notify']],
    ["pi.on('before_agent_start', () => ({ systemPrompt: 'x' }))", ['prompt:modify', 'session:read']],
    ["pi.on('before_agent_start', () => undefined)", ['session:read']],
    ["pi.on('context', ({ messages }) => { messages.push({}); })", ['prompt:modify', 'session:read']],
    ["pi.on('tool_call', () => {})", ['tools:intercept']],
    ["pi.on('project_trust', () => {})", []],
    ["pi.registerCommand('x', { handler: async (args, { ui }) => { await ui.select('?', []); } })", ['ui:prompt']],
    ["pi.sendUserMessage('x'); pi.setModel({})", ['session:control', 'session:write']],
    ["pi.registerCommand('c', { handler: (args, ctx) => ctx.newSession({ parentSession: args }) })", ['session:control']],
    [
      "pi.registerCommand('c', { handler: (args, ctx) => ctx.newSession({ setup: async (session) => session.appendSessionInfo('x') }) })",
      ['session:control', 'session:write'],
    ],
    ["pi.registerShortcut('ctrl+x', { handler: (ctx) => ctx.abort() })", ['session:control', 'ui:keys']],
    ["pi.registerProvider('acme', { baseUrl: 'https://llm.acme.com/v1', models: [] })", ['provider:llm.acme.com']],
    ["pi.registerTool({ name: 'read', execute: () => {} })", ['tools:override:read']],
    ["pi.registerTool({ name: 'all', prepareLoadout: () => ({ hiddenDeclarations: ['read'] }), execute: () => {} })", ['prompt:modify']],
    ["pi.registerTool({ name: 'all', prepareLoadout(loadout) { return undefined; }, execute: () => {} })", ['prompt:modify']],
    ["pi.on('session_start', () => { pi.registerTool({ name: 'late' }); })", ['tools:dynamic']],
    ["pi.on('session_start', async (event, ctx) => { ctx.sessionManager.getEntries(); ctx.modelRegistry.find('a', 'b'); })", ['session:read']],
  ] as const)('%s', async ([body, expected]) => {
    expect(await needsOf(body)).toEqual(expected);
  });
});

describe('the one table of members and events', () => {
  const written: Readonly<Record<MemberRow['kind'], (name: string) => string>> = {
    api: (name) => `void pi.${name};`,
    ui: (name) => `pi.registerCommand('x', { handler: async (args, ctx) => { void ctx.ui.${name}; } });`,
    context: (name) => `pi.on('session_start', async (event, ctx) => { void ctx.${name}; });`,
    event: (name) => `pi.on('${name}', () => ({}));`,
  };

  it('is where every need comes from', async () => {
    for (const { kind, name, needs, toChange, delivered } of MEMBERS) {
      const expected = delivered ? [...needs, ...toChange].filter((permission) => !permission.endsWith(':…')).sort() : [];
      expect({ kind, name, needs: await needsOf(written[kind](name)) }).toEqual({ kind, name, needs: expected });
    }
  });
});

describe('the way to a value', () => {
  it('leads through modules, classes, helpers and callbacks', async () => {
    const files = {
      'client.ts': `
        export class Client {
          private base = 'https://field.example.com';
          constructor(private pi, private host = 'https://default.example.com') {}
          get() { return fetch(this.base + '/x'); }
          other() { return fetch(\`\${this.host}/y\`); }
          run(args: string[]) { return this.pi.exec('gh', args); }
        }`,
      'lib.ts': `import fs from 'fs'; export const save = (file: string) => fs.writeFileSync(file, ''); export * as paths from './paths.ts';`,
      'paths.ts': `export enum Kind { A = 'a' } export const NAMES = { log: 'log.txt', state: './state.json' } as const;`,
      'index.ts': `
        import { Client } from './client.ts'; import { save, paths } from './lib.ts';
        const setUp = (api) => { const client = new Client(api, 'https://given.example.com'); client.run(['pr', 'list']); };
        export default async (dash) => {
          setUp(dash);
          save(paths.NAMES.log);
          ['https://one.example.com', 'https://two.example.com'].forEach((url) => fetch(url));
          const { late } = await import('./late.ts');
          late();
        };`,
      'late.ts': `import { readFileSync } from 'node:fs'; export function late() { readFileSync('late.txt'); }`,
    };
    const { permissions } = await infer({ files });
    expect(permissions.map(({ permission }) => permission)).toEqual([
      'exec:gh pr',
      'fs:read',
      'fs:write:./log.txt',
      'net:default.example.com',
      'net:field.example.com',
      'net:given.example.com',
      'net:one.example.com',
      'net:two.example.com',
    ]);
  });

  it('leads through modules that await at their top', async () => {
    const top = "import { readFileSync } from 'node:fs'; const name = await Promise.resolve('a.txt');";
    expect(await needsOf('readFileSync(name); readFileSync("b.txt"); pi.notify("x")', top)).toEqual(['fs:read:./a.txt', 'fs:read:./b.txt', 'ui:notify']);
  });

  it('ends at a value that calls itself', async () => {
    expect(await needsOf("const f = (x) => x > 0 ? f(x - 1) + '/x' : 'https://a.example.com'; let u = f(3); u = u + u; fetch(u)")).toEqual([
      'net:a.example.com',
    ]);
  });
});

describe('dependencies', () => {
  const CJS = `
    const fs = require('fs');
    exports.request = (url) => fetch(url);
    exports.token = process.env.DEP_TOKEN;
    module.exports.load = function (path) { return fs.readFileSync(path); };`;
  const packs = { dep: { 'package.json': JSON.stringify({ name: 'dep', version: '1.2.3', main: 'main.js' }), 'main.js': CJS } };

  it('are told apart from the own code, by name, version and place', async () => {
    const index = `import dep, { load } from 'dep';\nexport default () => {\n  dep.request('https://from-own.example.com');\n  load('x');\n  fetch('https://own.example.com');\n};`;
    const { permissions } = await infer({ files: { 'index.ts': index }, packs });
    const places = permissions.map(({ permission, evidence }) => [permission, evidence[0]?.dependency, evidence[0]?.where.path, evidence[0]?.where.line]);
    expect(places).toEqual([
      ['env:DEP_TOKEN', 'dep@1.2.3', 'dep@1.2.3/main.js', 4],
      ['fs:read:./x', 'dep@1.2.3', 'dep@1.2.3/main.js', 5],
      ['net:from-own.example.com', 'dep@1.2.3', 'dep@1.2.3/main.js', 3],
      ['net:own.example.com', undefined, 'index.ts', 5],
    ]);
  });

  it('ask for nothing where they compute: a library is not what is done with it', async () => {
    const { permissions, computed } = await infer({ files: { 'index.ts': `import { load } from 'dep'; export default () => [load];` }, packs });
    expect(permissions.map(({ permission }) => permission)).not.toContain('fs:read');
    expect(computed).toContainEqual(expect.objectContaining({ subject: 'path to read', dependency: 'dep@1.2.3' }));
  });
});

describe('code that was made to be hard to read', () => {
  it.for([
    ['deep nesting', `export default () => fetch(${'('.repeat(20_000)}'x'${')'.repeat(20_000)});`],
    ['a long sum', `const s = ${Array.from({ length: 20_000 }, (_, index) => `'${index}'`).join(' + ')}; export default () => fetch(s);`],
    ['texts that double', `let s = 'https://a.example.com/'; ${'s = s + s;'.repeat(2_000)} export default () => fetch(s);`],
    [
      'many choices',
      `const pick = (x) => ${Array.from({ length: 12 }, (_, index) => `(x[${index}] ? 'a${index}' : 'b${index}')`).join(' + ')}; export default () => fetch(pick(1));`,
    ],
    [
      'a chain of calls',
      `${Array.from({ length: 3_000 }, (_, index) => `const f${index} = (x) => f${index + 1}(x);`).join('\n')} const f3000 = (x) => fetch(x); export default () => f0('https://a.example.com');`,
    ],
    [
      'lists made of themselves',
      `let a = []; ${Array.from({ length: 1_000 }, (_, index) => `a = [...a, ...a, ${index}];`).join('')} export default () => fetch(a[3]);`,
    ],
    [
      'objects made of themselves',
      `let s = {}; ${Array.from({ length: 1_000 }, (_, index) => `s = { ...s, k${index}: s.k${index - 1} };`).join('')} export default () => fetch(s.k9);`,
    ],
    [
      'thousands of paths',
      `import fs from 'fs'; export default () => { ${Array.from({ length: 5_000 }, (_, index) => `fs.readFileSync('/a${index}/b');`).join('')} };`,
    ],
    ['names of objects', `const o = { __proto__: null, constructor: 'https://c.example.com' }; export default () => fetch(o.constructor);`],
  ] as const)('ends, without an exception: %s', async ([, source]) => {
    const inference = await infer({ files: { 'index.ts': source } });
    expect(Array.isArray(inference.permissions)).toBe(true);
  });

  it('cannot make up a place of its own, nor command a terminal', async () => {
    const body = "const fs = require('fs'); fs.readFileSync('\\uf8f3/secret'); fetch('https://\\u001b[31m.x/' + Math.random())";
    const { permissions, computed } = await infer({ files: { 'index.ts': `export default () => { ${body} };` } });
    expect(permissions.map(({ permission }) => permission)).toEqual(['fs:read']);
    expect(JSON.stringify(computed)).not.toMatch(/\\u001b|\u001b/);
  });
});
