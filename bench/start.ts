import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interleaved, rounded, type Row } from './measure.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the command line costs beside a bare `node -e 0`: the built package, an empty DASH_HOME, a warm compile cache. */
export async function benchStart({ quick }: { quick: boolean }): Promise<Row[]> {
  const home = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  const installed = mkdtempSync(join(tmpdir(), 'dash-bench-package-'));
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const path of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, path), join(installed, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  const bin = join(installed, 'bin/dash.js');
  const node =
    (...args: readonly string[]) =>
    (): void => {
      execFileSync(process.execPath, args, {
        env: { ...process.env, DASH_HOME: home, NODE_COMPILE_CACHE: join(home, 'compile-cache') },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    };
  try {
    const [bare = 0, version = 0, list = 0] = await interleaved(
      [
        { name: 'node -e 0', run: node('-e', '0') },
        { name: 'dash --version', run: node(bin, '--version') },
        { name: 'dash list', run: node(bin, 'list') },
      ],
      { rounds: quick ? 7 : 25, warmup: 2 },
    );
    return [row('dash --version', version, bare), row('dash list', list, bare)];
  } finally {
    for (const path of [home, installed]) rmSync(path, { recursive: true, force: true });
  }
}

function row(name: string, dash: number, bare: number): Row {
  const ratio = dash / bare;
  return { name, unit: 'ms', dash: rounded(dash), peers: { 'node -e 0': rounded(bare) }, ratio: rounded(ratio), target: '≤ 1.5x', met: ratio <= 1.5 };
}
