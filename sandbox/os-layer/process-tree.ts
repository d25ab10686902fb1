import { readFileSync } from 'node:fs';

/** The process and all its descendants, as far as they have not been given to another parent. */
export function processTree(root: number): readonly number[] {
  const all = [root];
  // The list grows while it is walked.
  for (const pid of all) all.push(...childrenOf(pid));
  return all;
}

/** Children of all threads of a process; none where it has ended. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** When a process began, in ticks since the machine did; with its id it names one process. `undefined` where it has ended. */
export function startedAt(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Its name, in parentheses, may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
  } catch {
    return undefined;
  }
}

/** Resident memory in MiB, shared pages counted once for each; 0 where the process has ended. */
export function residentMiB(pid: number): number {
  try {
    const [, resident = '0', shared = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
    return ((Number(resident) - Number(shared)) * 4_096) / 1_048_576;
  } catch {
    return 0;
  }
}
