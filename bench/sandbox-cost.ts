import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePermissionSet } from '../format/index.ts';
import {
  AuditTrail,
  capturePackage,
  compilePackage,
  type HostPorts,
  openPackage,
  portsOfNobody,
  type RemoteSurface,
  runAttacks,
  type SandboxedPackage,
  SpareProcess,
  type SurfacePort,
} from '../sandbox/index.ts';
import { median, type Row, rounded } from './measure.ts';

/** What packages cost beside their calls: waking, memory, reloading, neighbours, and how long the agent stands still. */
export async function benchSandboxCost({ quick }: { quick: boolean }): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  for (const path of ['workspace', 'home']) mkdirSync(join(directory, path));
  writeFileSync(join(directory, 'workspace/note.txt'), 'a line of text\n');
  using audit = new AuditTrail(join(directory, 'audit'));
  using spare = new SpareProcess();
  const open = async (name: string): Promise<Open> => {
    const source = join(directory, name);
    mkdirSync(source);
    writeFileSync(join(source, 'index.ts'), SOURCES[name] ?? '');
    const graph = { root: name, nodes: { [name]: { name, version: '1.0.0', dir: source, dependencies: {} } } };
    const bundles = { directory: join(directory, 'bundles') };
    const bundled = await compilePackage({ graph, entries: ['index.ts'] }, bundles);
    const { compiled } = await capturePackage({ name, version: '1.0.0', contentHash: name, graph, compiled: bundled }, bundles);
    const what = { name, version: '1.0.0', contentHash: name, graph, compiled, granted: parsePermissionSet(['fs:read', 'ui:panel']), captured: undefined };
    const where = {
      ports: portsOfNobody('the benchmark has no host'),
      audit,
      bundles,
      workspace: join(directory, 'workspace'),
      home: directory,
      dashHome: join(directory, 'home'),
      environment: {},
    };
    return (options = {}) => openPackage(what, { ...where, ...options });
  };
  try {
    const [core, full, busy] = [await open('core'), await open('full'), await open('busy')];
    const rounds = quick ? 5 : 31;
    return [
      ...(await wakes({ core, full, spare, rounds })),
      ...(await memory({ core, full, spare })),
      await readWhileWaiting(core, quick ? 5 : 51),
      await neighbour(core, busy, quick ? 100 : 1_000),
      await reloads(core, quick ? 50 : 1_000),
      await keyToFrame(await open('panel'), quick ? 200 : 2_000),
      ...(quick ? [] : [await pauses()]),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const SOURCES: Readonly<Record<string, string>> = {
  core: `import { readFileSync } from 'node:fs';
    export default (pi) => {
      pi.registerCommand('nothing', { handler() {} });
      pi.registerCommand('read', { handler(count) { for (let n = 0; n < Number(count); n++) readFileSync('note.txt', 'utf8'); } });
    };`,
  full: `import { Type } from 'typebox'; import { Text } from '@earendil-works/pi-tui';
    export default (pi) => { pi.registerTool({ name: 'x', description: '', parameters: Type.Object({}), execute: () => String(Text) }); pi.registerCommand('nothing', { handler() { Text; } }); };`,
  panel: `import { SelectList } from '@earendil-works/pi-tui';
    export default (pi) => pi.registerCommand('panel', { handler: (args, ctx) => ctx.ui.custom((tui, theme, keys, done) => {
      const items = Array.from({ length: 50 }, (_, index) => ({ value: String(index), label: 'the ' + index + 'th choice', description: 'what it is about' }));
      const paint = (text) => theme.fg('accent', text);
      const list = new SelectList(items, 15, { selectedPrefix: paint, selectedText: paint, description: paint, scrollInfo: paint, noMatch: paint });
      list.onCancel = () => done();
      return list;
    }) });`,
  busy: `export default (pi) => { pi.registerCommand('loop', { handler() { for (;;); } }); };`,
};

const context = { mode: 'print', hasUI: false } as const;
type Open = (options?: { spare?: SpareProcess; ports?: HostPorts }) => SandboxedPackage;

async function wakes({ core, full, spare, rounds }: { core: Open; full: Open; spare: SpareProcess; rounds: number }): Promise<Row[]> {
  const times: Record<'core' | 'full' | 'spare', number[]> = { core: [], full: [], spare: [] };
  for (let round = 0; round < rounds; round++) {
    times.core.push(await wake(core()));
    times.full.push(await wake(full()));
    await ready(spare);
    times.spare.push(await wake(core({ spare })));
  }
  const row = (name: string, values: readonly number[], limit: number): Row => {
    const dash = rounded(median(values));
    return { name, unit: 'ms', dash, peers: {}, target: `≤ ${limit} ms`, met: dash <= limit };
  };
  return [
    row('wake to first result, new process, core runtime', times.core, 60),
    row('wake to first result, new process, with typebox and pi-tui', times.full, 100),
    row('wake to first result, spare process', times.spare, 10),
  ];
}

async function wake(opened: SandboxedPackage): Promise<number> {
  const start = performance.now();
  await opened.runCommand('nothing', '', { context });
  const taken = performance.now() - start;
  opened.kill();
  return taken;
}

/** A spare process that has had the time to run the runtime: what an agent has whose user types. */
async function ready(spare: SpareProcess): Promise<void> {
  spare.keep();
  while (spare.pid === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 300));
}

/** Proportional set size: what is shared with the agent's own Node counts by its share. Eight at once, as an agent has several. */
async function memory({ core, full, spare }: { core: Open; full: Open; spare: SpareProcess }): Promise<Row[]> {
  const of = async (make: Open): Promise<number> => {
    const opened = Array.from({ length: 8 }, () => make());
    for (const one of opened) await one.runCommand('nothing', '', { context });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sizes = opened.map(({ pid }) => treeMiB(pid));
    for (const one of opened) one.kill();
    return median(sizes);
  };
  const row = (name: string, value: number, limit: number): Row => ({
    name,
    unit: 'MB PSS',
    dash: rounded(value),
    peers: {},
    target: `≤ ${limit} MB`,
    met: value <= limit,
  });
  const [small, large] = [await of(core), await of(full)];
  await ready(spare);
  return [
    row('an awake package, core runtime', small, 20),
    row('an awake package, with typebox and pi-tui', large, 30),
    row('none awake: the spare process', treeMiB(spare.pid), 35),
  ];
}

/** With what it started: where packages are confined, the process that runs one is the child of what confines it. */
function treeMiB(pid: number | undefined): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + treeMiB(Number(child)), pssMiB(pid));
}

function pssMiB(pid: number | undefined): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1024;
}

/** What one more synchronous read adds to a call: a hundred in one call, without what the call itself takes. */
async function readWhileWaiting(make: Open, rounds: number): Promise<Row> {
  const opened = make();
  const time = async (count: number): Promise<number> => {
    const start = performance.now();
    await opened.runCommand('read', String(count), { context });
    return performance.now() - start;
  };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(((await time(100)) - (await time(0))) / 100);
  opened.kill();
  const dash = rounded(median(times));
  return { name: 'one synchronous read', unit: 'ms', dash, peers: {}, target: '≤ 0.15 ms', met: dash <= 0.15 };
}

async function neighbour(make: Open, busy: Open, rounds: number): Promise<Row> {
  const opened = make();
  const medianRead = async (): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await opened.runCommand('read', '1', { context });
      times.push(performance.now() - start);
    }
    return median(times);
  };
  await medianRead(); // warms
  const alone = await medianRead();
  const loop = busy();
  await loop.wake();
  void loop.runCommand('loop', '', { context, timeoutMs: 120_000 }).catch(() => undefined);
  const beside = await medianRead();
  loop.kill();
  opened.kill();
  const ratio = rounded(beside / alone);
  return {
    name: 'a read beside a package in a busy loop',
    unit: 'ms',
    dash: rounded(beside),
    peers: { alone: rounded(alone) },
    ratio,
    target: '≤ 1.5x',
    met: ratio <= 1.5,
  };
}

async function reloads(make: Open, count: number): Promise<Row> {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  for (let round = 0; round < 20; round++) await wake(make());
  const [before, files] = [pssMiB(process.pid), descriptors()];
  for (let round = 0; round < count; round++) await wake(make());
  const grown = pssMiB(process.pid) - before;
  const met = grown < 20 && descriptors() <= files + 4;
  return { name: `growth of the agent over ${count} reloads`, unit: 'MB PSS', dash: rounded(grown), peers: {}, target: '< 20 MB, no descriptors', met };
}

async function pauses(): Promise<Row> {
  const results = await runAttacks();
  const dash = Math.max(...results.map(({ pauseMs }) => pauseMs));
  return { name: `longest pause of the agent under ${results.length} attacks`, unit: 'ms', dash, peers: {}, target: '≤ 250 ms', met: dash <= 250 };
}

/** A list of pi's in an isolate: from the arrow key to the frame with the next choice, ready to be drawn. */
async function keyToFrame(panel: Open, keys: number): Promise<Row> {
  const shown = Promise.withResolvers<RemoteSurface>();
  const nobody = portsOfNobody('the benchmark has no host');
  const opened = panel({ ports: { ...nobody, ui: { ...nobody.ui, surfaces: screenOf(shown.resolve) } } });
  const running = opened.runCommand('panel', '', { context: { mode: 'tui', hasUI: true } }).catch(() => undefined);
  const surface = await shown.promise;
  surface.focus(true);
  surface.resize(80);
  while (surface.frame === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const times: number[] = [];
  for (let key = 0; key < keys; key++) {
    const start = performance.now();
    await surface.key('\u001B[B');
    times.push(performance.now() - start);
  }
  opened.kill();
  await running;
  const dash = rounded(median(times));
  return { name: 'a key to the new frame of a component', unit: 'ms', dash, peers: {}, target: '≤ 2 ms', met: dash <= 2 };
}

/** A screen that shows the one panel there is. */
function screenOf(show: (surface: RemoteSurface) => void): SurfacePort {
  const colors = { accent: '#8abeb7' };
  return {
    scene: () => ({
      version: 1,
      columns: 80,
      rows: 24,
      theme: { name: 'bench', mode: 'truecolor', colors },
      themes: ['bench'],
      keys: {},
      kittyKeys: false,
      toolsExpanded: false,
      branch: null,
      statuses: {},
      providers: 1,
    }),
    open(surface) {
      show(surface);
      return { drawn: () => undefined, signal: () => undefined, closed: () => undefined };
    },
    complete: async () => undefined,
    theme: () => undefined,
    setTheme: () => false,
    stale: () => undefined,
  };
}
