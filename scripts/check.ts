import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Everything that is checked without running the program; all parts run, whichever fails. */
const PARTS = [
  { name: 'tsc', command: ['tsc', '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'oxlint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'oxfmt', command: ['oxfmt', '--check'] },
  { name: 'knip', command: ['knip'] },
  { name: 'build', command: ['node', 'scripts/build.ts'] },
  { name: 'publint', command: ['publint', 'run', '--strict'] },
] as const;

const root = join(import.meta.dirname, '..');
const failed: string[] = [];
for (const { name, command } of PARTS) {
  const [program, ...args] = command;
  const begin = performance.now();
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  console.log(`check: ${name} ${status === 0 ? 'passed' : 'failed'} in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.log(`check: ${failed.join(', ')} failed`);
  process.exitCode = 1;
}
