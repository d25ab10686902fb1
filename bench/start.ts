import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleaved, rounded, type Row } from './measure.ts';
import { packagedDash } from './packaged.ts';

/** What the command line costs beside a bare `node -e 0`: the built package, an empty DASH_HOME, a warm compile cache. */
export async function benchStart({ quick }: { quick: boolean }): Promise<Row[]> {
  const home = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  using packaged = packagedDash();
  const { bin } = packaged;
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
    rmSync(home, { recursive: true, force: true });
  }
}

function row(name: string, dash: number, bare: number): Row {
  const ratio = dash / bare;
  return { name, unit: 'ms', dash: rounded(dash), peers: { 'node -e 0': rounded(bare) }, ratio: rounded(ratio), target: '≤ 1.5x', met: ratio <= 1.5 };
}
