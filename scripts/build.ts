import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Compiles the package into `dist/`. `dist/guest` is made by the set-up step and stays. */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

// a file that was renamed would stay in the package for ever
for (const name of readdirSync(dist)) {
  if (name !== 'guest') rmSync(join(dist, name), { recursive: true });
}
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
