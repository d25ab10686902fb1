#!/usr/bin/env node
// No static import: this file must parse and answer on a Node that is too old for the rest.
const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  const message = 'dash needs Node ' + NEEDED + ' or newer; this is Node ' + process.versions.node + ' (' + process.execPath + ')';
  const hint = 'install it from https://nodejs.org, or with a version manager: `nvm install ' + NEEDED + '`';
  if (process.argv.includes('--json')) {
    process.stdout.write(JSON.stringify({ error: { code: 'NODE_TOO_OLD', message: message, hint: hint } }) + '\n');
  } else {
    process.stderr.write('NODE_TOO_OLD: ' + message + '\nhint: ' + hint + '\n');
  }
  process.exitCode = 2;
} else {
  // files of many packages are flushed side by side; read when the first one is
  process.env.UV_THREADPOOL_SIZE ??= '8';
  // not by `import`: that would load what these modules only offer, at every start
  process.getBuiltinModule('node:module').enableCompileCache();
  // a repository checkout runs its sources, also when an older build lies beside them; the package ships the build only
  const source = new URL('../cli/main.ts', import.meta.url);
  const isCheckout = process.getBuiltinModule('node:fs').existsSync(source);
  const { main } = await import(isCheckout ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
  process.exitCode = await main(process.argv.slice(2));
}
