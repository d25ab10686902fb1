import { readdirSync, readFileSync } from 'node:fs';
import { startedAt } from './process-tree.ts';

const MARK = 'DASH_CONFINED_BY';

/**
 * Whose a process is, in its own environment: an id alone may be somebody else's by now. A confined program finds it in the
 * environment of its process 1, and learns a number of a process that does not exist for it.
 */
export function markOfAgent(): Readonly<Record<string, string>> {
  own ??= { [MARK]: `${process.pid}-${startedAt(process.pid) ?? 0}` };
  return own;
}

let own: Readonly<Record<string, string>> | undefined;

/** A process that was to confine a program, of an agent that is gone. */
export interface Orphan {
  readonly pid: number;
  readonly started: number;
}

/**
 * Finds what agents left that were killed while bubblewrap made its namespaces: it waits for a word from a process that is
 * gone, for ever, and runs nothing.
 */
export function findOrphans(): readonly Orphan[] {
  return processes().flatMap((pid): readonly Orphan[] => {
    const [, agent, agentStarted] = new RegExp(`(?:^|\\0)${MARK}=(\\d+)-(\\d+)(?:\\0|$)`).exec(textOf(`/proc/${pid}/environ`)) ?? [];
    const started = startedAt(pid);
    if (agent === undefined || started === undefined || startedAt(Number(agent)) === Number(agentStarted)) return [];
    return [{ pid, started }];
  });
}

/** Ends them. @returns how many there were */
export function endOrphans(): number {
  const found = findOrphans().filter(({ pid, started }) => startedAt(pid) === started);
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
  return found.length;
}

/** Programs that build confinements; nobody else's environment is looked into. */
const BUILDERS = new Set(['bwrap', 'prlimit', 'setpriv']);

function processes(): readonly number[] {
  try {
    const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
    return pids.filter((pid) => BUILDERS.has(textOf(`/proc/${pid}/comm`).trim()));
  } catch {
    return []; // no `/proc`, no bubblewrap
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
