import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { ConfinedCommand } from './bubblewrap-arguments.ts';
import { markOfAgent } from './orphans.ts';
import { leakedDescriptors } from './leaked-descriptors.ts';

/**
 * Starts a confined command with `kept` as its own descriptors, in a process group of its own. What bubblewrap reads is
 * handed over, and nothing else that is open in this process goes along.
 */
export function spawnConfined({ program, args, status, descriptors, gate }: ConfinedCommand, kept: readonly ('pipe' | 'ignore')[]): ChildProcess {
  const own = [...kept, ...(gate === undefined ? [] : ['pipe' as const]), 'pipe' as const, ...descriptors.map(() => 'pipe' as const)];
  const leaked = leakedDescriptors().filter((descriptor) => descriptor >= own.length);
  const nothing = leaked.length === 0 ? undefined : openSync('/dev/null', 'r');
  try {
    const rest = Array.from({ length: Math.max(0, (leaked.at(-1) ?? 0) + 1 - own.length) }, (_, index) =>
      nothing !== undefined && leaked.includes(index + own.length) ? nothing : ('ignore' as const),
    );
    const child = spawn(program, args, { stdio: [...own, ...rest], detached: true, cwd: '/', env: markOfAgent() });
    descriptors.forEach((content, index) => {
      const stream = child.stdio[status + 1 + index] as Duplex | null | undefined;
      stream?.on('error', () => undefined); // bubblewrap ended before it read all: its exit says why
      stream?.end(content);
    });
    return child;
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}
