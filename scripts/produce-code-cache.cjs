// Makes V8 code caches of the guest runtime's scripts after they have run once, so that the functions a start
// needs are in them. Plain JavaScript: it runs under `--jitless` (the flags must be the sandbox's, or V8 refuses the
// cache) where Node's type stripping has no wasm, and under `--no-node-snapshot`, without which the cache of a
// script run here is refused elsewhere. Usage: node --jitless --no-node-snapshot produce-code-cache.cjs DIR core typebox …
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');

const [directory, ...names] = process.argv.slice(2);
const context = vm.createContext(Object.create(null), { codeGeneration: { strings: true, wasm: false } });
const facts = { cwd: '/', home: '/', tmp: '/tmp', agentDir: '/agent', env: {}, platform: 'linux', arch: 'x64', columns: 80 };

const scripts = names.map((name) => ({
  name,
  script: new vm.Script(readFileSync(join(directory, `${name}.js`), 'utf8'), { filename: `dash-runtime:${name}` }),
}));
const [{ script: core }, ...parts] = scripts;
const runtime = core.runInContext(context)(() => undefined, { applySyncPromise: () => '{"value":null}' });
runtime.begin(JSON.stringify({ facts }));
for (const { script } of parts) runtime.addPart(script.runInContext(context));

// What nearly every extension does: read a file, register a tool with a schema, be called with arguments.
const example = vm.runInContext(
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
  const call = (id, call) => runtime.tell(JSON.stringify({ kind: 'call', id, call, context: { mode: 'print', hasUI: false } }));
  call(1, { op: 'event', handler: 0, event: {} });
  call(2, { op: 'tool', name: 'a', toolCallId: '1', args: { c: 'e', d: 1 } });
  setImmediate(() => {
    const made = `${process.platform}-${process.arch}-${process.versions.v8}.cache`;
    for (const { name, script } of scripts) writeFileSync(join(directory, `${name}-${made}`), script.createCachedData());
  });
});
