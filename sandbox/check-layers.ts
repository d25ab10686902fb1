import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { url as inspectorUrl } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { osLayer, startProgram } from './os-layer/index.ts';
import { CHILD_ENVIRONMENT, guardAgainstInspectorSignal, sandboxCommand } from './process/layers.ts';

/** One layer of SECURITY.md, tried on this machine just now. */
export interface LayerCheck {
  readonly id: 'jitless' | 'permission' | 'environment' | 'rlimit' | 'watchdog' | 'bubblewrap' | 'seccomp' | 'sigusr1';
  readonly live: boolean;
  /** What it stops, or why it is not live. */
  readonly message: string;
  readonly hint?: string;
}

/** Tries every layer by what it must stop. Nothing is concluded from versions, flags or settings. */
export async function checkLayers(): Promise<readonly LayerCheck[]> {
  const [process, watchdog, confined, signal] = await Promise.all([checkProcess(), checkWatchdog(), checkConfinement(), checkSignal()]);
  return [...process, watchdog, ...confined, signal];
}

/** A process with the flags and the environment of a sandbox process says what it could do. */
async function checkProcess(): Promise<readonly LayerCheck[]> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'dash-layers-')));
  try {
    const script = join(directory, 'probe.cjs');
    await writeFile(script, PROBE);
    const { execPath, args } = sandboxCommand(script);
    const said = await outputOf(execPath, args);
    const could = (what: string): boolean => said === undefined || said.includes(what);
    return [
      layer(
        'jitless',
        !could('wasm'),
        'no WebAssembly and no compiled code in the processes of packages, but for those with `wasm`',
        'WebAssembly runs in a sandbox process',
      ),
      layer(
        'permission',
        !could('files') && !could('children'),
        'no files and no programs for code that left the isolate',
        'a sandbox process reads files or starts programs',
      ),
      layer('environment', !could('environment'), 'processes of packages get no environment', 'a sandbox process sees the environment of the agent'),
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const PROBE = `
const could = [];
if (typeof WebAssembly !== 'undefined') could.push('wasm');
try { require('node:fs').readFileSync(process.execPath); could.push('files'); } catch {}
try { require('node:child_process').spawnSync(process.execPath, ['--version']); could.push('children'); } catch {}
if (Object.keys(process.env).some((name) => name !== 'NODE_NO_WARNINGS')) could.push('environment');
process.stdout.write('ran ' + could.join(' '));
`;

/** `undefined` when it did not run to its end: then nothing is known, and nothing counts as live. */
function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(program, args, { cwd: '/', env: CHILD_ENVIRONMENT, stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('close', () => resolve(text.startsWith('ran ') ? text : undefined));
  });
}

/** A program that starts more processes than it may must be ended. */
async function checkWatchdog(): Promise<LayerCheck> {
  const ends = 'programs with too many processes or too much memory are ended';
  const how = { onOutput: () => undefined, signal: AbortSignal.timeout(20_000), maxProcesses: 2 };
  const fork = { kind: 'plain', program: '/bin/sh', args: ['-c', 'sleep 15 & sleep 15 & sleep 15 & wait'], cwd: '/', environment: {} } as const;
  const { stopped } = await startProgram(fork, how).ended.catch(() => ({ stopped: undefined }));
  return layer('watchdog', stopped === 'processes', ends, 'the processes of a program cannot be counted here');
}

async function checkConfinement(): Promise<readonly LayerCheck[]> {
  const found = await osLayer();
  const live = found.kind === 'live';
  const reason = live ? '' : found.reason;
  const hint = live ? undefined : found.hint;
  return [
    layer('bubblewrap', live, 'programs of packages see what their package was granted; their own processes see no network and nobody else', reason, hint),
    layer('seccomp', live, 'programs of packages get no mounts, namespaces, other processes, local sockets', reason),
    layer('rlimit', live, 'memory, files and time of each program of a package are limited', reason),
  ];
}

/** With Node's default a package's process could open an inspector in the agent: the signal is sent, and none may open. */
async function checkSignal(): Promise<LayerCheck> {
  const before = inspectorUrl();
  guardAgainstInspectorSignal();
  process.kill(process.pid, 'SIGUSR1');
  // A listener of our own to wait for would be the very guard that is tried.
  await new Promise((resolve) => setTimeout(resolve, SIGNAL_WAIT_MS));
  return layer('sigusr1', inspectorUrl() === before, 'no signal opens an inspector in the agent', 'SIGUSR1 opens an inspector in the agent');
}

const SIGNAL_WAIT_MS = 100;

function layer(id: LayerCheck['id'], live: boolean, stops: string, otherwise: string, hint?: string): LayerCheck {
  return { id, live, message: live ? stops : otherwise, ...(!live && hint !== undefined && { hint }) };
}
