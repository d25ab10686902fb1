import ivm from 'isolated-vm';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePermissionSet } from '../format/index.ts';
import { AuditTrail, capturePackage, compilePackage, openPackage, type SandboxedPackage, SpareProcess, portsOfNobody } from '../sandbox/index.ts';
import { processTree } from '../sandbox/os-layer/index.ts';
import type { ProcessListener, SandboxProcess } from '../sandbox/process/sandbox-process.ts';
import { prepareProcess } from '../sandbox/process/spare-process.ts';
import { InProcessRuntime } from './in-process-runtime.ts';
import { interleaved, rounded, type Row } from './measure.ts';

/**
 * One tool call with one brokered read: as a plain function in this process; in an isolate in this process, the least
 * that can be (no runtime, no broker, no trail) and with all of ours but the process; in a process without the operating
 * system's layer; and in one with it, as it runs.
 */
export async function benchSandbox({ quick }: { quick: boolean }): Promise<Row[]> {
  // Before anything else: what is started now, nobody has found a layer for yet.
  using early = new EarlyProcess();
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  const workspace = join(directory, 'workspace');
  const source = join(directory, 'package');
  for (const path of [workspace, source, join(directory, 'home')]) mkdirSync(path);
  const file = join(workspace, 'note.txt');
  writeFileSync(file, 'a line of text\n');
  writeFileSync(
    join(source, 'index.ts'),
    `import { readFileSync } from 'node:fs';
     import { readFile } from 'node:fs/promises';
     export default function (dash) {
       dash.registerTool({ name: 'read', description: 'reads', async execute(id, { path }) { return { content: [{ type: 'text', text: await readFile(path, 'utf8') }] }; } });
       dash.registerTool({ name: 'readSync', description: 'reads', async execute(id, { path }) { return { content: [{ type: 'text', text: readFileSync(path, 'utf8') }] }; } });
     }`,
  );
  const graph = { root: 'bench', nodes: { bench: { name: 'bench', version: '1.0.0', dir: source, dependencies: {} } } };
  const bundles = { directory: join(directory, 'bundles') };
  const bundled = await compilePackage({ graph, entries: ['index.ts'] }, bundles);
  const { compiled } = await capturePackage({ name: 'bench', version: '1.0.0', contentHash: 'bench', graph, compiled: bundled }, bundles);
  using audit = new AuditTrail(join(directory, 'audit'));
  const open = (more: { spare?: SpareProcess } = {}): SandboxedPackage =>
    openPackage(
      { name: 'bench', version: '1.0.0', contentHash: 'bench', graph, compiled, granted: parsePermissionSet(['fs:read']), captured: undefined },
      {
        ports: portsOfNobody('the benchmark has no host'),
        audit,
        bundles,
        workspace,
        home: directory,
        dashHome: join(directory, 'home'),
        environment: {},
        ...more,
      },
    );
  using inside = new InProcessRuntime();
  const opened = open();
  const bare = open({ spare: early });
  const near = open({ spare: inside });
  const call = async (target: SandboxedPackage, tool: string): Promise<void> => {
    const { isError } = await target.callTool(tool, { path: 'note.txt' }, { toolCallId: '1', context });
    if (isError) throw new Error(`the benchmark's \`${tool}\` failed`);
  };
  const isolate = await isolateArm();
  const context = { mode: 'print', hasUI: false } as const;
  try {
    await Promise.all([opened.wake(), bare.wake(), near.wake()]);
    if (isConfined(bare.pid)) throw new Error('the arm without bubblewrap runs in it');
    const layer = isConfined(opened.pid) ? 'dash' : 'dash (this machine has no bubblewrap)';
    const [plain = 0, least = 0, inProcess = 0, inProcessSync = 0, unconfined = 0, unconfinedSync = 0, ours = 0, oursSync = 0] = await interleaved(
      [
        { name: 'plain in-process', run: () => void JSON.stringify({ content: [{ type: 'text', text: readFileSync(file, 'utf8') }] }) },
        { name: 'bare isolate in-process', run: () => isolate(file) },
        { name: 'isolate in-process', run: () => call(near, 'read') },
        { name: 'isolate in-process, synchronous read', run: () => call(near, 'readSync') },
        { name: 'dash without bubblewrap', run: () => call(bare, 'read') },
        { name: 'dash without bubblewrap, synchronous read', run: () => call(bare, 'readSync') },
        { name: layer, run: () => call(opened, 'read') },
        { name: `${layer}, synchronous read`, run: () => call(opened, 'readSync') },
      ],
      { rounds: quick ? 200 : 2_000, warmup: 50 },
    );
    return [
      {
        name: 'tool call with one brokered read',
        unit: 'ms',
        dash: rounded(ours),
        peers: {
          'plain in-process': rounded(plain),
          'bare isolate in-process, no broker': rounded(least),
          'isolate in-process': rounded(inProcess),
          'dash without bubblewrap': rounded(unconfined),
        },
        ratio: rounded(ours / inProcess),
        target: '≤ 0.4 ms, ≤ 2x an isolate in-process',
        met: ours <= 0.4 && ours <= 2 * inProcess,
      },
      {
        name: 'tool call with one synchronous brokered read',
        unit: 'ms',
        dash: rounded(oursSync),
        peers: { 'isolate in-process': rounded(inProcessSync), 'dash without bubblewrap': rounded(unconfinedSync) },
        ratio: rounded(oursSync / inProcessSync),
        target: '≤ 0.4 ms, ≤ 2x an isolate in-process',
        met: oursSync <= 0.4 && oursSync <= 2 * inProcessSync,
      },
    ];
  } finally {
    await Promise.all([opened, bare, near].map((each) => each[Symbol.asyncDispose]()));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One process made before the layer of the operating system was looked for: it runs without. */
class EarlyProcess extends SpareProcess {
  readonly #process = prepareProcess({ guest: () => undefined, ask: (_text, reply) => reply('{}'), stuck: () => undefined, ended: () => undefined });

  override take(listener: ProcessListener): SandboxProcess {
    this.#process.listener = listener;
    return this.#process;
  }

  override [Symbol.dispose](): void {
    this.#process.kill();
    super[Symbol.dispose]();
  }
}

/** Whether it has a network of its own: what confines it is its parent. */
function isConfined(pid: number | undefined): boolean {
  const of = (id: number | string): string => readlinkSync(`/proc/${id}/ns/net`);
  return processTree(pid ?? process.pid).some((id) => of(id) !== of('self'));
}

/** The least an isolate can cost: strings in and out, the host reads the file without asking anybody. */
async function isolateArm(): Promise<(path: string) => Promise<void>> {
  const isolate = new ivm.Isolate({ memoryLimit: 64 });
  const context = await isolate.createContext();
  const read = new ivm.Reference((path: string) => readFileSync(path, 'utf8'));
  const tool = await context.evalClosure(
    `return async (text) => { const { path } = JSON.parse(text); const content = await $0.apply(undefined, [path], { result: { promise: true, copy: true } }); return JSON.stringify({ content: [{ type: 'text', text: content }] }); }`,
    [read],
    { result: { reference: true } },
  );
  return async (path) => {
    await tool.apply(undefined, [JSON.stringify({ path })], { result: { promise: true, copy: true } });
  };
}
