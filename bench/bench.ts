import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { benchExtensions } from './extensions.ts';
import { benchHost } from './host.ts';
import { benchInteractive } from './interactive.ts';
import { benchInstall } from './install.ts';
import { benchSandbox } from './sandbox.ts';
import { benchSandboxCost } from './sandbox-cost.ts';
import { benchStart } from './start.ts';
import type { Row } from './measure.ts';

/** `npm run bench -- [start|sandbox|sandbox-cost|install|host|interactive] [--quick] [--json]`: measures, prints a table, keeps the document. */
const SUITES: Readonly<Record<string, (options: { quick: boolean }) => Promise<Row[]>>> = {
  start: benchStart,
  sandbox: benchSandbox,
  'sandbox-cost': benchSandboxCost,
  install: benchInstall,
  host: benchHost,
  extensions: benchExtensions,
  interactive: benchInteractive,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !Object.hasOwn(SUITES, name));
if (unknown !== undefined) {
  process.stderr.write(`error: no benchmark \`${unknown}\`\nhint: there are ${Object.keys(SUITES).join(', ')}\n`);
  process.exit(2);
}

const suites: Record<string, readonly Row[]> = {};
for (const [name, suite] of Object.entries(SUITES)) {
  if (positionals.length === 0 || positionals.includes(name)) suites[name] = await suite({ quick: values.quick });
}
const [cpu] = cpus();
const machine = {
  cpu: cpu?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  platform: process.platform,
  node: process.version,
};

if (values.json) process.stdout.write(`${JSON.stringify({ machine, suites })}\n`);
else {
  for (const { name, unit, dash, peers, missing = {}, ratio, target, met } of Object.values(suites).flat()) {
    const others = [
      ...Object.entries(peers).map(([peer, value]) => `${peer} ${value}`),
      ...Object.entries(missing).map(([peer, why]) => `${peer} not to be had: ${why}`),
    ];
    process.stdout.write(
      `${met ? 'ok  ' : 'MISS'} ${name}: ${dash} ${unit} (${others.join(', ')}${ratio === undefined ? '' : `; ${ratio}x`}), target ${target}\n`,
    );
  }
}
// each suite has a file of its own: measuring one again leaves the others as they were
if (!values.quick) {
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  for (const [suite, rows] of Object.entries(suites)) {
    writeFileSync(new URL(`${suite}-${date}.json`, directory), `${JSON.stringify({ suite, date, machine, rows }, null, 2)}\n`);
  }
}
