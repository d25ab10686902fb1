import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Dash as it is published: the build, not the sources, in a directory of its own. */
export function packagedDash(): Disposable & { readonly bin: string } {
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-package-'));
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const path of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, path), join(directory, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return { bin: join(directory, 'bin/dash.js'), [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
