import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Row } from '../bench/measure.ts';

/**
 * `npm run bench:tables`: writes `docs/benchmarks.md` from the newest result of each suite in `bench/results`. No figure
 * in it is typed.
 */
interface Result {
  readonly suite: string;
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly node: string };
  readonly rows: readonly Row[];
}

const RESULTS = new URL('../bench/results/', import.meta.url);
export const PAGE = new URL('../docs/benchmarks.md', import.meta.url);

const ABOUT: Readonly<Record<string, string>> = {
  start: 'What a command costs beside a bare `node -e 0`.',
  install:
    'Against npm, pnpm, bun and `pi install`, from a registry on loopback that answers at once or after 20 ms. *Installed* is verified, in the store and locked; *ready* is compiled and captured as well, which the others do not do.',
  host: 'The agent beside pi 0.87.1, and 1.5.2 where its tarball can be had: all as published, a model on loopback, an empty home; sessions are opened in a process of their own, without its start.',
  interactive: 'The screen beside pi 0.87.1, both on a pseudo-terminal of 120 by 40, with a model on loopback.',
  extensions:
    'The agent with extensions that bring a tool and a command each, beside pi 0.87.1 with the same files; nobody calls them, so here they sleep. Then what a piece of a streaming answer costs where packages listen: pi runs its handlers, which do nothing here, while the stream waits.',
  'sandbox-cost': 'What packages cost that are installed, awake, reloaded and busy.',
  sandbox: 'What it costs that a tool runs in an isolate in a process of its own.',
};

export function benchmarksPage(): string {
  const names = readdirSync(RESULTS).filter((name) => /^[a-z-]+-\d{4}-\d\d-\d\d\.json$/.test(name));
  const newest = new Map(names.sort().map((name) => [name.slice(0, -'-2026-01-01.json'.length), name]));
  const sections = [...newest.values()].sort().map((name) => section(JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8'))));
  return `# Benchmarks

Made by \`npm run bench\` and \`npm run bench:tables\`. All arms of a row ran in turn, round by round, in one run; the figures
are medians. Ratios travel, milliseconds do not. A target that was missed says so.

${sections.join('\n')}`;
}

function section({ suite, date, machine, rows }: Result): string {
  const head = `## ${suite}\n\n${ABOUT[suite] ?? ''}\n\n${date}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}.\n`;
  const lines = rows.map(({ name, unit, dash, peers, missing = {}, target, met }) => {
    const others = Object.entries(peers).map(([peer, value]) => `${peer} ${figure(value)} (${(value / dash).toFixed(1)}x)`);
    others.push(...Object.keys(missing).map((peer) => `${peer} was not to be had`));
    return `| ${name} | ${figure(dash)} ${unit} | ${others.join(', ')} | ${target} | ${met ? 'met' : '**missed**'} |`;
  });
  return `${head}\n| what | Dash | others | target | |\n|---|---:|---|---|---|\n${lines.join('\n')}\n`;
}

function figure(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Math.round(value * 100) / 100);
}

if (import.meta.main) writeFileSync(PAGE, benchmarksPage());
