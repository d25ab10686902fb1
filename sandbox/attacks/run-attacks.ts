import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePermissionSet } from '../../format/index.ts';
import { AuditTrail } from '../audit-trail.ts';
import { compilePackage } from '../compile/compile-package.ts';
import { openPackage } from '../open-package.ts';
import type { HostPorts } from '../ports.ts';
import { portsOfNobody } from '../ports-of-nobody.ts';
import { ATTACK_PROGRAMS, type AttackProgram } from './programs.ts';
import { setStage } from './stage.ts';

/** What became of one program. */
export interface AttackResult {
  readonly program: AttackProgram;
  readonly contained: boolean;
  /** How it ended, or what it reached. */
  readonly how: string;
  /** The longest time in which the agent answered to nothing. */
  readonly pauseMs: number;
}

/** Longer than this an agent must not stand still, whatever a package does, on a machine that is busy besides. */
export const MAX_PAUSE_MS = 2_000;

/**
 * Runs every program in a process of its own, with grants for its workspace and for nothing else. It is contained
 * when nothing of the stage was reached, the agent went on, its prototypes are as they were, and the process is gone.
 */
export async function runAttacks({
  programs = ATTACK_PROGRAMS,
  signal,
  onResult,
}: {
  readonly programs?: readonly AttackProgram[];
  readonly signal?: AbortSignal;
  readonly onResult?: (result: AttackResult) => void;
} = {}): Promise<readonly AttackResult[]> {
  await using stage = await setStage();
  const source = join(stage.directory, 'package');
  mkdirSync(source);
  writeFileSync(join(source, 'index.js'), extensionOf(programs));
  const graph = { root: 'attack', nodes: { attack: { name: 'attack', version: '1.0.0', dir: source, dependencies: {} } } };
  const bundles = { directory: join(stage.directory, 'bundles') };
  const compiled = await compilePackage({ graph, entries: ['index.js'] }, bundles, signal);
  const [failure] = compiled.failures;
  if (failure !== undefined) throw new Error(`the attacks do not compile: ${failure.error.message}`);
  using audit = new AuditTrail(join(stage.directory, 'audit'));
  mkdirSync(join(stage.directory, 'home'));

  const results: AttackResult[] = [];
  for (const [index, program] of programs.entries()) {
    signal?.throwIfAborted();
    const logs: string[] = [];
    const opened = openPackage(
      { name: 'attack', version: '1.0.0', contentHash: 'attack', graph, compiled, granted: parsePermissionSet(['fs:read', 'fs:write']), captured: undefined },
      {
        ports: NOBODY,
        audit,
        bundles,
        workspace: stage.workspace,
        home: stage.directory,
        dashHome: join(stage.directory, 'home'),
        environment: stage.environment,
        onLog: (_level, text) => logs.push(text.slice(0, 1_000)),
      },
    );
    await opened.wake();
    const { pid } = opened;
    using clock = watchPauses();
    const ended = await opened
      .callTool(`t${index}`, stage.params, { toolCallId: `${index}`, timeoutMs: program.of.timeoutMs, context: { mode: 'print', hasUI: false } })
      .then(
        ({ content, details, isError }) => ({ how: isError ? 'refused' : 'came to nothing', said: JSON.stringify([content, details]) }),
        (error: { code?: string; message?: string }) => ({ how: String(error.code), said: String(error.message) }),
      );
    const pauseMs = Math.round(clock.longestMs());
    opened.kill();
    const problems = [
      stage.reached(`${ended.said}\n${logs.join('\n')}`),
      pauseMs > MAX_PAUSE_MS ? `the agent stood still for ${pauseMs} ms` : undefined,
      Object.keys(Object.prototype).length > 0 ? 'Object.prototype was changed' : undefined,
      (await isGone(pid)) ? undefined : 'its process is still there',
    ].filter((one) => one !== undefined);
    const result = { program, contained: problems.length === 0, how: problems.length === 0 ? ended.how : problems.join(', '), pauseMs };
    results.push(result);
    onResult?.(result);
  }
  return results;
}

/** Every program as a tool of one package, named by its number. */
function extensionOf(programs: readonly AttackProgram[]): string {
  const tools = programs.map(
    ({ body }, index) =>
      `pi.registerTool({ name: 't${index}', description: '', parameters: { type: 'object' }, execute: async function (id, params, signal, onUpdate, ctx) { ${body} } });`,
  );
  return `module.exports = (pi) => {\n${tools.join('\n')}\n};\n`;
}

function watchPauses() {
  let [last, longest] = [performance.now(), 0];
  const tick = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  return { longestMs: () => Math.max(longest, performance.now() - last), [Symbol.dispose]: () => clearInterval(tick) };
}

/** SIGKILL takes effect when the kernel comes to it: asked again for a while. */
async function isGone(pid: number | undefined): Promise<boolean> {
  if (pid === undefined) return true;
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

/** Reads for everybody who comes as far as this. */
const NAIVE_TOOL: HostPorts['agent']['callTool'] = async ({ args }) => ({
  content: [{ type: 'text', text: readFileSync((args as { path: string }).path, 'utf8') }],
});

const NO_HOST = portsOfNobody('an attack has no host');
const NOBODY: HostPorts = {
  ...NO_HOST,
  ui: { ...NO_HOST.ui, notify: () => undefined },
  agent: { ...NO_HOST.agent, callTool: NAIVE_TOOL, emit: () => undefined },
};
