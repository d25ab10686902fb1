import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { benchInstall } from './install.ts';
import { benchSandbox } from './sandbox.ts';
import { benchSandboxCost } from './sandbox-cost.ts';
import { benchStart } from './start.ts';
import type { Row } from './measure.ts';

/** `npm run bench -- [start|sandbox|sandbox-cost|install] [--quick] [--json]`: measures, prints a table, keeps the document. */
const SUITES: Readonly<Record<string, (options: { quick: boolean }) => Promise<Row[]>>> = {
  start: benchStart,
  sandbox: benchSandbox,
  'sandbox-cost': benchSandboxCost,
  install: benchInstall,
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

const rows: Row[] = [];
for (const [name, suite] of Object.entries(SUITES)) {
  if (positionals.length === 0 || positionals.includes(name)) rows.push(...(await suite({ quick: values.quick })));
}
const [cpu] = cpus();
const document = {
  machine: {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: process.platform,
    node: process.version,
  },
  rows,
};

if (values.json) process.stdout.write(`${JSON.stringify(document)}\n`);
else {
  for (const { name, unit, dash, peers, ratio, target, met } of rows) {
    const others = Object.entries(peers).map(([peer, value]) => `${peer} ${value}`);
    process.stdout.write(
      `${met ? 'ok  ' : 'MISS'} ${name}: ${dash} ${unit} (${others.join(', ')}${ratio === undefined ? '' : `; ${ratio}x`}), target ${target}\n`,
    );
  }
}
if (!values.quick) {
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const file = new URL(`${new Date().toISOString().slice(0, 10)}.json`, directory);
  const measured = new Set(rows.map(({ name }) => name));
  // a run of one suite leaves the day's figures of the others
  const others = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows.filter(({ name }) => !measured.has(name)) : [];
  writeFileSync(file, `${JSON.stringify({ ...document, rows: [...others, ...rows] }, null, 2)}\n`);
}
