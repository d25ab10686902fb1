import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { confine, librariesOnly, osLayer, spawnConfined, type ConfinedCommand, type LiveLayer } from '../os-layer/index.ts';
import { addonPath, CHILD_ENVIRONMENT, ENGINE_FLAGS, sandboxCommand, withLimits, type ChildCommand, type Engine } from './layers.ts';
import { MAX_DATA_KIB, MAX_OPEN_FILES } from './limits.ts';
import { programPath } from './runtime-files.ts';

/** Nothing, nothing, nothing, and the two pipes. */
const STDIO = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;

let ready: Promise<void> | undefined;
let confinement: LiveLayer | undefined;

/**
 * Finds out, once, whether processes of packages can be confined: the layer must be live, and this Node must start in
 * it. Comes before the first {@link spawnSandboxProcess} whose process is given to a package.
 */
export function prepareConfinement(): Promise<void> {
  ready ??= (async () => {
    const layer = await osLayer();
    if (layer.kind !== 'live') return;
    if (await startsIn(layer)) confinement = layer;
  })();
  return ready;
}

async function startsIn(layer: LiveLayer): Promise<boolean> {
  try {
    const child = spawnConfined(confinedNode(['--version'], [], layer, 'jitless'), STDIO);
    return await new Promise((resolve) => child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0)));
  } catch {
    return false; // no more processes or descriptors: the next start says so
  }
}

/**
 * Starts a sandbox process, in a group of its own: a Ctrl-C on the terminal is for the agent, which says what becomes of
 * the package. Where it can be confined it sees libraries and its own program, no network, no other process.
 */
export function spawnSandboxProcess(entryScript: string, engine: Engine): ChildProcess {
  const command = sandboxCommand(entryScript, engine);
  if (confinement === undefined) return spawnPlain(command, engine);
  const child = spawnConfined(confinedNode(command.args, [entryScript, addonPath()], confinement, engine), STDIO);
  // What bubblewrap reads and says keeps nobody from ending.
  for (const stream of child.stdio.slice(STDIO.length)) (stream as Socket | null | undefined)?.unref();
  return child;
}

/** Starts our own program that makes code caches of these scripts, and says them on stdout. It reads them and nothing else. */
export function spawnCacheProducer(scripts: readonly { readonly name: string; readonly path: string }[], engine: Engine): ChildProcess {
  const program = programPath('produce-caches');
  const files = [program, ...scripts.map(({ path }) => path)];
  const allowed = files.map((path) => `--allow-fs-read=${path}`);
  const flags = [...ENGINE_FLAGS[engine], '--no-node-snapshot', '--permission', ...allowed, '--disable-sigusr1', '--no-warnings'];
  const args = [...flags, program, ...scripts.map(({ name, path }) => `${path}=${name}`)];
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const child =
    confinement === undefined
      ? spawn(process.execPath, args, { cwd: '/', env: CHILD_ENVIRONMENT, stdio: [...stdio] })
      : spawnConfined(confinedNode(args, files, confinement, engine, stdio.length), stdio);
  // Nobody waits for it before ending: it is made the next time.
  for (const handle of [child, ...child.stdio]) (handle as Socket | null | undefined)?.unref?.();
  return child;
}

function confinedNode(args: readonly string[], files: readonly string[], layer: LiveLayer, engine: Engine, kept: number = STDIO.length): ConfinedCommand {
  const visible = new Set([process.execPath, ...files, ...librariesElsewhere()]);
  const profile = {
    mounts: [...librariesOnly(), ...[...visible].map((path) => ({ kind: 'read', path }) as const)],
    cwd: '/',
    environment: CHILD_ENVIRONMENT,
    runAs: { kind: 'self' },
    limits: { dataMiB: MAX_DATA_KIB[engine] / 1_024, fileMiB: 0, cpuSeconds: 86_400, openFiles: MAX_OPEN_FILES },
  } as const;
  return confine({ program: process.execPath, args }, profile, layer, kept);
}

function spawnPlain(command: ChildCommand, engine: Engine): ChildProcess {
  const { execPath, args } = withLimits(command, engine);
  return spawn(execPath, args, { cwd: '/', env: CHILD_ENVIRONMENT, stdio: [...STDIO], detached: true });
}

let libraries: readonly string[] | undefined;

/** Libraries that this Node itself has loaded from beside it, as some installations do. */
function librariesElsewhere(): readonly string[] {
  libraries ??= [...new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S+\.so[.\d]*$/gm))].filter(
    (path) => !/^\/(usr|lib\w*|nix\/store|gnu\/store)\//.test(path),
  );
  return libraries;
}
