import { bubblewrapArguments, type CommandLine, type ConfinedCommand, type Tools } from './bubblewrap-arguments.ts';
import type { Profile } from './profile.ts';
import { seccompFilter } from './seccomp-filter.ts';
import type { Machine } from './system-calls.ts';

/** A way to confine programs that has shown on a canary that it does. Only {@link probeLayer} makes one. */
export interface LiveLayer {
  readonly kind: 'live';
  readonly tools: Tools;
  readonly machine: Machine;
}

const filters = new Map<Machine, Buffer>();

/** Gives the command that runs `command` under `profile`: as a program, or with its first `kept` descriptors and at once. */
export function confine(command: CommandLine, profile: Profile, { tools, machine }: Omit<LiveLayer, 'kind'>, kept?: number): ConfinedCommand {
  const filter = filters.get(machine) ?? seccompFilter(machine);
  filters.set(machine, filter);
  return bubblewrapArguments(command, profile, filter, tools, kept);
}
