/**
 * `node bench/full-disk.ts`, as a user who may mount: installs the same packages with npm and with Dash on a file system
 * that is too small, makes it larger, installs again, and counts what is there. Prints a table.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeSet, serveSet } from './registry-set.ts';

const BIN = fileURLToPath(new URL('../bin/dash.js', import.meta.url));

const set = makeSet({ roots: 10, dependencies: 60, filesEach: 20 });
await using registry = await serveSet(set);
const root = mkdtempSync(join(tmpdir(), 'full-disk-'));
const [disk, home] = [join(root, 'disk'), join(root, 'home')];
for (const dir of [disk, home]) mkdirSync(dir);
const mount = (options: string) => execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
const env = { PATH: process.env['PATH'], HOME: home, DASH_HOME: join(disk, 'dash'), npm_config_registry: registry.url, npm_config_cache: join(home, 'npm') };

interface Run {
  readonly exit: number;
  readonly says: string;
}

async function run(command: string, ...args: readonly string[]): Promise<Run> {
  const child = spawn(command, args, { cwd: disk, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [exit] = await once(child, 'close');
  const lines = said.split('\n').filter((line) => /up to date|added|ENOSPC|nospc|DISK_FULL|LOCK_MISSING|USAGE|installed|unchanged/.test(line));
  return { exit, says: (lines.at(0) ?? '').trim().replaceAll(disk, '…') };
}

/** What programs would load: the files of packages, and how many of them are empty. */
function filesBelow(dir: string): string {
  if (!existsSync(dir)) return 'nothing';
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const empty = files.filter((entry) => statSync(join(entry.parentPath, entry.name)).size === 0);
  return files.length === 0 ? 'nothing' : `${files.length} files, ${empty.length} of them empty`;
}

async function compare(who: string, small: string, packages: string, install: () => Promise<Run>): Promise<void> {
  mount(`size=${small}`);
  try {
    writeFileSync(
      join(disk, 'package.json'),
      JSON.stringify({ name: 'x', version: '1.0.0', dependencies: Object.fromEntries(set.roots.map((name) => [name, '1.0.0'])) }),
    );
    const first = await install();
    const left = filesBelow(packages);
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    const again = await install();
    process.stdout.write(`| ${who} | exit ${first.exit}: ${first.says} | ${left} | exit ${again.exit}: ${again.says} | ${filesBelow(packages)} |\n`);
  } finally {
    execFileSync('umount', [disk]);
  }
}

try {
  const version = execFileSync('npm', ['--version'], { encoding: 'utf8', env }).trim();
  process.stdout.write('| | on the full disk | left on it | again, with space | then |\n|---|---|---|---|---|\n');
  const npm = () => run('npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts');
  const dash = () => run(process.execPath, BIN, 'install', ...set.roots.map((name) => `npm:${name}`), '--grant', 'summary');
  await compare(`npm ${version}`, '3m', join(disk, 'node_modules'), npm);
  await compare('Dash', '2m', join(disk, 'dash', 'store'), dash);
} finally {
  rmSync(root, { recursive: true, force: true });
}
