import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Arm, interleaved, rounded, type Row } from './measure.ts';
import { makeSet, type PackageSet, serveSet } from './registry-set.ts';

const BIN = fileURLToPath(new URL('../bin/dash.js', import.meta.url));
const PEERS = fileURLToPath(new URL('peers/node_modules', import.meta.url));

/** One package manager in a directory of its own. */
interface Manager {
  readonly name: string;
  /** Nothing is there: no cache, no lock. */
  cold(): Promise<void>;
  /** The lock and the cache are there; what was installed is not. */
  frozen(): Promise<void>;
  /** Everything is there. */
  noop(): Promise<void>;
}

/**
 * Installs one set of packages from a loopback registry: with nothing there, with lock and cache, with everything. Dash
 * verifies, compiles and activates what it installs, the others unpack it. Peers run where they are installed
 * (`npm install --ignore-scripts` in `bench/peers`).
 */
export async function benchInstall({ quick }: { quick: boolean }): Promise<Row[]> {
  const set = makeSet(quick ? { roots: 4, dependencies: 30, filesEach: 20 } : { roots: 15, dependencies: 185, filesEach: 64 });
  const rows: Row[] = [];
  for (const latencyMs of quick ? [0] : [0, 20]) {
    await using registry = await serveSet(set, latencyMs);
    const directory = mkdtempSync(join(tmpdir(), 'dash-bench-install-'));
    try {
      const managers = [dash, npm, pnpm, bun].flatMap((make) => make(join(directory, make.name), registry.url, set) ?? []);
      const before = registry.requests();
      for (const manager of managers) await manager.cold();
      for (const kind of ['cold', 'frozen', 'noop'] as const) {
        const arms: Arm[] = managers.map((manager) => ({ name: manager.name, run: () => manager[kind]() }));
        const times = await interleaved(arms, { rounds: quick ? 3 : 5, warmup: kind === 'cold' ? 0 : 1 });
        rows.push(rowOf(`${kind}, ${set.roots.length} packages, ${set.nodes} nodes, ${set.files} files, ${latencyMs} ms`, kind, managers, times));
      }
      if (registry.requests() === before) throw new Error('nobody asked the registry');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return rows;
}

/** At least so many times as fast as npm. */
const TARGETS = { cold: 2.5, frozen: 50, noop: 5 } as const;

function rowOf(name: string, kind: keyof typeof TARGETS, managers: readonly Manager[], times: readonly number[]): Row {
  const [own = Number.NaN, npmTime = Number.NaN] = times;
  const peers = Object.fromEntries(managers.slice(1).map((manager, at) => [manager.name, rounded(times[at + 1] ?? Number.NaN)]));
  const ratio = npmTime / own;
  return {
    name: `install ${name}`,
    unit: 'ms',
    dash: rounded(own),
    peers,
    ratio: rounded(ratio),
    target: `≥ ${TARGETS[kind]}x npm`,
    met: ratio >= TARGETS[kind],
  };
}

function dash(dir: string, registry: string, { roots }: PackageSet): Manager {
  const home = join(dir, 'home');
  const env = { DASH_HOME: home, npm_config_registry: registry, npm_config_userconfig: join(dir, 'none'), NODE_COMPILE_CACHE: join(dir, 'compile-cache') };
  mkdirSync(dir, { recursive: true });
  const run = (...args: readonly string[]) => execute(process.execPath, [BIN, 'install', '--quiet', ...args], dir, env);
  return {
    name: 'dash',
    async cold() {
      rmSync(home, { recursive: true, force: true });
      await run(...roots.map((name) => `npm:${name}`));
    },
    async frozen() {
      rmSync(join(home, 'state'), { recursive: true, force: true });
      await run('--frozen', '--offline');
    },
    noop: () => run(),
  };
}

function npm(dir: string, registry: string, set: PackageSet): Manager {
  const project = projectOf(dir, set);
  const flags = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--package-lock',
    '--loglevel=error',
    `--registry=${registry}`,
    `--cache=${join(dir, 'cache')}`,
  ];
  return {
    name: 'npm',
    async cold() {
      clear(project, join(dir, 'cache'), join(project, 'package-lock.json'));
      await execute('npm', ['install', ...flags], project);
    },
    async frozen() {
      clear(project);
      await execute('npm', ['ci', '--prefer-offline', ...flags], project);
    },
    noop: () => execute('npm', ['install', '--prefer-offline', ...flags], project),
  };
}

function pnpm(dir: string, registry: string, set: PackageSet): Manager | undefined {
  const program = join(PEERS, '.bin', 'pnpm');
  if (!existsSync(program)) return undefined;
  const project = projectOf(dir, set);
  const flags = ['--ignore-scripts', '--silent', `--registry=${registry}`, `--store-dir=${join(dir, 'store')}`, `--config.cacheDir=${join(dir, 'cache')}`];
  return {
    name: 'pnpm',
    async cold() {
      clear(project, join(dir, 'store'), join(dir, 'cache'), join(project, 'pnpm-lock.yaml'));
      await execute(program, ['install', '--no-frozen-lockfile', ...flags], project);
    },
    async frozen() {
      clear(project);
      await execute(program, ['install', '--frozen-lockfile', '--offline', ...flags], project);
    },
    noop: () => execute(program, ['install', '--frozen-lockfile', '--offline', ...flags], project),
  };
}

function bun(dir: string, registry: string, set: PackageSet): Manager | undefined {
  const program = ['bun-linux-x64', 'bun-linux-x64-baseline', 'bun-linux-aarch64', 'bun-darwin-aarch64']
    .map((name) => join(PEERS, '@oven', name, 'bin/bun'))
    .find(existsSync);
  if (program === undefined) return undefined;
  const project = projectOf(dir, set);
  const flags = ['--ignore-scripts', '--silent', `--registry=${registry}`, `--cache-dir=${join(dir, 'cache')}`];
  return {
    name: 'bun',
    async cold() {
      clear(project, join(dir, 'cache'), join(project, 'bun.lock'));
      await execute(program, ['install', ...flags], project);
    },
    async frozen() {
      clear(project);
      await execute(program, ['install', '--frozen-lockfile', ...flags], project);
    },
    noop: () => execute(program, ['install', '--frozen-lockfile', ...flags], project),
  };
}

function projectOf(dir: string, { roots }: PackageSet): string {
  const project = join(dir, 'project');
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'bench', version: '1.0.0', dependencies: Object.fromEntries(roots.map((name) => [name, '^1.0.0'])) }),
  );
  return project;
}

function clear(project: string, ...paths: readonly string[]): void {
  for (const path of [join(project, 'node_modules'), ...paths]) rmSync(path, { recursive: true, force: true });
}

function execute(program: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${errors.slice(-2000)}`))));
  });
}
