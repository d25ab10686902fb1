import { readFileSync, writeSync } from 'node:fs';
import { Script, createContext, runInContext } from 'node:vm';

/**
 * Makes V8 code caches of the guest runtime's scripts after they have run once, so that the functions a start needs are in
 * them. It runs under the flags of the sandbox, or V8 refuses the cache, and under `--no-node-snapshot`, without which the
 * cache of a script that ran is refused elsewhere. Usage: node … produce-caches.cjs FILE=NAME …; answers on stdout.
 */
interface Runtime {
  begin(setup: string): void;
  addPart(part: unknown): void;
  addBundle(index: number, bundle: unknown): void;
  tell(text: string): void;
}

const context = createContext(Object.create(null) as object, { codeGeneration: { strings: true, wasm: false } });
const facts = { cwd: '/', home: '/', tmp: '/tmp', agentDir: '/agent', env: {}, platform: 'linux', arch: 'x64', columns: 80 };

const scripts = process.argv.slice(2).map((argument) => {
  const at = argument.lastIndexOf('=');
  const [file, name] = [argument.slice(0, at), argument.slice(at + 1)];
  return { name, script: new Script(readFileSync(file, 'utf8'), { filename: `dash-runtime:${name}` }) };
});
const [core, ...parts] = scripts;
if (core === undefined) throw new Error('produce-caches: no script was named');
const start = core.script.runInContext(context) as (post: () => void, ask: object) => Runtime;
const runtime = start(() => undefined, { applySyncPromise: () => '{"value":null}' });
runtime.begin(JSON.stringify({ facts }));
for (const { script } of parts) runtime.addPart(script.runInContext(context));

// What nearly every extension does: read a file, register a tool with a schema, be called with arguments.
const example: unknown = runInContext(
  `(require, module) => {
    const { Type } = require('typebox');
    const fs = require('fs');
    require('fs/promises');
    require('path').join('a', 'b');
    require('os').homedir();
    require('pi-tui');
    require('pi-coding-agent');
    module.exports = (api) => {
      api.registerTool({ name: 'a', description: 'b', parameters: Type.Object({ c: Type.Optional(Type.String()), d: Type.Number() }), execute: async () => ({ content: [{ type: 'text', text: String(fs.existsSync('x')) }] }) });
      api.on('session_start', () => undefined);
    };
  }`,
  context,
);
runtime.addBundle(0, example);
runtime.tell(JSON.stringify({ kind: 'activate', entries: ['a.js'] }));
setImmediate(() => {
  const call = (id: number, what: object): void => runtime.tell(JSON.stringify({ kind: 'call', id, call: what, context: { mode: 'print', hasUI: false } }));
  call(1, { op: 'event', handler: 0, event: {} });
  call(2, { op: 'tool', name: 'a', toolCallId: '1', args: { c: 'e', d: 1 } });
  setImmediate(() => {
    const answer = Buffer.from(JSON.stringify(scripts.map(({ name, script }) => ({ name, cache: script.createCachedData().toString('base64') }))));
    for (let at = 0; at < answer.length;) at += writeSync(1, answer, at);
  });
});
