import ivm from 'isolated-vm';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePermissionSet } from '../format/index.ts';
import { AuditTrail, capturePackage, compilePackage, openPackage } from '../sandbox/index.ts';
import { interleaved, rounded, type Row } from './measure.ts';
import { NO_HOST } from './no-host.ts';

/**
 * One tool call with one brokered read: as a plain function in this process, in an isolate in this process
 * (no broker, no audit, no process), and ours.
 */
export async function benchSandbox({ quick }: { quick: boolean }): Promise<Row[]> {
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
  const opened = openPackage(
    { name: 'bench', version: '1.0.0', contentHash: 'bench', graph, compiled, granted: parsePermissionSet(['fs:read']), captured: undefined },
    { ports: NO_HOST, audit, bundles, workspace, home: directory, dashHome: join(directory, 'home'), environment: {} },
  );
  const isolate = await isolateArm();
  const context = { mode: 'print', hasUI: false } as const;
  try {
    const [plain = 0, inProcess = 0, ours = 0, oursSync = 0] = await interleaved(
      [
        { name: 'plain in-process', run: () => void JSON.stringify({ content: [{ type: 'text', text: readFileSync(file, 'utf8') }] }) },
        { name: 'isolate in-process', run: () => isolate(file) },
        { name: 'dash', run: async () => void (await opened.callTool('read', { path: 'note.txt' }, { toolCallId: '1', context })) },
        { name: 'dash, synchronous read', run: async () => void (await opened.callTool('readSync', { path: 'note.txt' }, { toolCallId: '1', context })) },
      ],
      { rounds: quick ? 200 : 2_000, warmup: 50 },
    );
    const peers = { 'plain in-process': rounded(plain), 'isolate in-process': rounded(inProcess) };
    return [
      {
        name: 'tool call with one brokered read',
        unit: 'ms',
        dash: rounded(ours),
        peers,
        ratio: rounded(ours / inProcess),
        target: '≤ 0.4 ms at the median',
        met: ours <= 0.4,
      },
      {
        name: 'tool call with one synchronous brokered read',
        unit: 'ms',
        dash: rounded(oursSync),
        peers,
        ratio: rounded(oursSync / inProcess),
        target: '≤ 0.4 ms at the median',
        met: oursSync <= 0.4,
      },
    ];
  } finally {
    await opened[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
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
