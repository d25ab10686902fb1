import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Arm, interleaved, rounded, type Row } from './measure.ts';
import { packagedDash } from './packaged.ts';
import { makeSet, type PackageSet, realSet, serveSet } from './registry-set.ts';

const PEERS = fileURLToPath(new URL('peers/node_modules', import.meta.url));

/** What is there before a run, and what is wanted after it. */
type Kind = 'cold' | 'ready' | 'frozen' | 'warm' | 'one' | 'noop';

/** One package manager in a directory of its own. A kind that it does not have is left out of the row. */
interface Manager extends Partial<Record<Kind, () => Promise<void>>> {
  readonly name: string;
}

interface Trial {
  readonly kind: Kind;
  readonly what: string;
  /** At least so many times as fast as the peer. */
  readonly targets: Readonly<Record<string, number>>;
}

const TRIALS: readonly Trial[] = [
  { kind: 'cold', what: 'nothing there, installed', targets: { npm: 5, pnpm: 1.5 } },
  { kind: 'ready', what: 'nothing there, ready', targets: { npm: 2.5 } },
  { kind: 'frozen', what: 'lock, store and bundles there, offline, ready', targets: { npm: 50, pnpm: 4, bun: 1.3 } },
  { kind: 'warm', what: 'store there, no lock, installed', targets: { npm: 20, pnpm: 2 } },
  { kind: 'one', what: 'one package by name, nothing there, ready', targets: { npm: 2.5, pnpm: 1, pi: 3 } },
  { kind: 'noop', what: 'nothing to do', targets: { 'node -e 0': 1 / 1.3 } },
];

/**
 * Installs one set of packages from a loopback registry, from different beginnings. Dash verifies, compiles and captures
 * what it makes ready, the others unpack it. Peers run where they are installed (`npm install --ignore-scripts` in
 * `bench/peers`); pi is a development dependency.
 */
export async function benchInstall({ quick }: { quick: boolean }): Promise<Row[]> {
  using packaged = packagedDash();
  const set = quick ? makeSet({ roots: 4, dependencies: 30, filesEach: 20 }) : await realSet();
  const rows: Row[] = [];
  for (const latencyMs of quick ? [0] : [0, 20]) {
    await using registry = await serveSet(set, latencyMs);
    const directory = mkdtempSync(join(tmpdir(), 'dash-bench-install-'));
    try {
      const place = (name: string) => join(directory, name);
      const managers = [
        dash(place('dash'), registry.url, set, packaged.bin),
        npm(place('npm'), registry.url, set),
        pnpm(place('pnpm'), registry.url, set),
        bun(place('bun'), registry.url, set),
        pi(place('pi'), registry.url, set),
        bareNode(directory),
      ].flatMap((manager) => manager ?? []);
      const before = registry.requests();
      // where nobody asks the registry, latency changes nothing
      for (const { kind, what, targets } of TRIALS.filter(({ kind: wanted }) => latencyMs === 0 || ['cold', 'ready', 'one'].includes(wanted))) {
        // what was installed by the trial before is not what this one begins with
        if (kind !== 'cold' && kind !== 'one') for (const manager of managers) await manager.cold?.();
        if (kind === 'frozen' || kind === 'noop') await managers[0]?.ready?.();
        const arms = managers.flatMap((manager): Arm[] => (manager[kind] === undefined ? [] : [{ name: manager.name, run: manager[kind] }]));
        const times = await interleaved(arms, { rounds: quick ? 3 : 5, warmup: 1 });
        const name = `install, ${what}: ${kind === 'one' ? '1 package' : `${set.roots.length} packages, ${set.nodes} nodes, ${set.files} files`}, ${latencyMs} ms`;
        rows.push(rowOf(name, arms, times, targets));
      }
      if (registry.requests() === before) throw new Error('nobody asked the registry');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return rows;
}

function rowOf(name: string, arms: readonly Arm[], times: readonly number[], targets: Readonly<Record<string, number>>): Row {
  const [own = Number.NaN] = times;
  const peers = Object.fromEntries(arms.slice(1).map((arm, at) => [arm.name, rounded(times[at + 1] ?? Number.NaN)]));
  const wanted = Object.entries(targets).filter(([peer]) => peers[peer] !== undefined);
  const first = Object.values(peers)[0];
  return {
    name,
    unit: 'ms',
    dash: rounded(own),
    peers,
    ...(first !== undefined && { ratio: rounded(first / own) }),
    target: wanted.map(([peer, times_]) => (times_ < 1 ? `≤ ${rounded(1 / times_)}x ${peer}` : `≥ ${times_}x ${peer}`)).join(', '),
    met: wanted.every(([peer, times_]) => (peers[peer] ?? 0) / own >= times_),
  };
}

function dash(dir: string, registry: string, { roots }: PackageSet, bin: string): Manager {
  const home = join(dir, 'home');
  const env = { DASH_HOME: home, npm_config_registry: registry, npm_config_userconfig: join(dir, 'none'), NODE_COMPILE_CACHE: join(dir, 'compile-cache') };
  mkdirSync(dir, { recursive: true });
  const run = (...args: readonly string[]) => execute(process.execPath, [bin, 'install', '--quiet', ...args], dir, env);
  const empty = (): void => {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home);
  };
  // as package.json names them for the others
  const name = (): void => writeFileSync(join(home, 'settings.json'), JSON.stringify({ packages: roots.map((root) => `npm:${root}`) }));
  return {
    name: 'dash',
    async cold() {
      empty();
      name();
      await run();
    },
    async ready() {
      empty();
      name();
      await run('--wait');
    },
    async frozen() {
      rmSync(join(home, 'state'), { recursive: true, force: true });
      await run('--frozen', '--offline', '--wait');
    },
    async warm() {
      for (const path of ['state', 'dash.lock', 'meta/restores']) rmSync(join(home, path), { recursive: true, force: true });
      await run();
    },
    async one() {
      empty();
      await run(`npm:${roots[0] ?? ''}`);
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
  const cold = async (): Promise<void> => {
    clear(project, join(dir, 'cache'), join(project, 'package-lock.json'));
    await execute('npm', ['install', ...flags], project);
  };
  return {
    name: 'npm',
    cold,
    ready: cold,
    async frozen() {
      clear(project);
      await execute('npm', ['ci', '--prefer-offline', ...flags], project);
    },
    async warm() {
      clear(project, join(project, 'package-lock.json'));
      await execute('npm', ['install', '--prefer-offline', ...flags], project);
    },
    async one() {
      const empty = emptyProject(join(dir, 'one'), join(dir, 'cache'));
      await execute('npm', ['install', set.roots[0] ?? '', ...flags], empty);
    },
    noop: () => execute('npm', ['install', '--prefer-offline', ...flags], project),
  };
}

function pnpm(dir: string, registry: string, set: PackageSet): Manager | undefined {
  const program = join(PEERS, '.bin', 'pnpm');
  if (!existsSync(program)) return undefined;
  const project = projectOf(dir, set);
  const flags = ['--ignore-scripts', '--silent', `--registry=${registry}`, `--store-dir=${join(dir, 'store')}`, `--config.cacheDir=${join(dir, 'cache')}`];
  const cold = async (): Promise<void> => {
    clear(project, join(dir, 'store'), join(dir, 'cache'), join(project, 'pnpm-lock.yaml'));
    await execute(program, ['install', '--no-frozen-lockfile', ...flags], project);
  };
  return {
    name: 'pnpm',
    cold,
    ready: cold,
    async frozen() {
      clear(project);
      await execute(program, ['install', '--frozen-lockfile', '--offline', ...flags], project);
    },
    async warm() {
      clear(project, join(project, 'pnpm-lock.yaml'));
      await execute(program, ['install', '--no-frozen-lockfile', '--prefer-offline', ...flags], project);
    },
    async one() {
      const empty = emptyProject(join(dir, 'one'), join(dir, 'store'), join(dir, 'cache'));
      await execute(program, ['add', set.roots[0] ?? '', ...flags], empty);
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
  const cold = async (): Promise<void> => {
    clear(project, join(dir, 'cache'), join(project, 'bun.lock'));
    await execute(program, ['install', ...flags], project);
  };
  return {
    name: 'bun',
    cold,
    ready: cold,
    async frozen() {
      clear(project);
      await execute(program, ['install', '--frozen-lockfile', ...flags], project);
    },
    async warm() {
      clear(project, join(project, 'bun.lock'));
      await execute(program, ['install', ...flags], project);
    },
    async one() {
      const empty = emptyProject(join(dir, 'one'), join(dir, 'cache'));
      await execute(program, ['add', set.roots[0] ?? '', ...flags], empty);
    },
    noop: () => execute(program, ['install', '--frozen-lockfile', ...flags], project),
  };
}

/** `pi install` takes one package, and calls npm. */
function pi(dir: string, registry: string, { roots }: PackageSet): Manager {
  const program = join(dirname(fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'))), 'cli.js');
  mkdirSync(dir, { recursive: true });
  return {
    name: 'pi',
    async one() {
      const agent = join(dir, 'agent');
      for (const path of [agent, join(dir, 'cache')]) rmSync(path, { recursive: true, force: true });
      await execute(process.execPath, [program, 'install', `npm:${roots[0] ?? ''}`], dir, {
        PI_CODING_AGENT_DIR: agent,
        HOME: dir,
        npm_config_registry: registry,
        npm_config_cache: join(dir, 'cache'),
        npm_config_userconfig: join(dir, 'none'),
      });
    },
  };
}

function bareNode(dir: string): Manager {
  return { name: 'node -e 0', noop: () => execute(process.execPath, ['-e', '0'], dir) };
}

function emptyProject(project: string, ...caches: readonly string[]): string {
  for (const path of [project, ...caches]) rmSync(path, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'bench', version: '1.0.0' }));
  return project;
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
