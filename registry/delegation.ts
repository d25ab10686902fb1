import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { DashError } from '../format/index.ts';

/** Set by the host for everything a tool starts. */
const TOOL_PROCESS = 'DASH_TOOL_PROCESS';
/** Deeper than any terminal, shell and build tool nest; a loop in what `/proc` says must end too. */
const MAX_ANCESTORS = 64;

/**
 * Tells whether an agent runs this command: by the variable that its tools hand down, and because a tool can take it
 * away, by the ancestors of the process, whose first environment the kernel remembers. A process that was set free from
 * all its ancestors is not recognised; keeping it from the home of Dash is the operating-system layer's part.
 */
export function isDelegated(env: Readonly<Record<string, string | undefined>> = process.env, proc = '/proc'): boolean {
  if (env[TOOL_PROCESS] !== undefined && env[TOOL_PROCESS] !== '') return true;
  let pid = parentOf('self', proc);
  for (let depth = 0; pid !== undefined && pid > 1 && depth < MAX_ANCESTORS; depth++) {
    if (isToolProcess(pid, proc) || isAgent(pid, proc)) return true;
    pid = parentOf(String(pid), proc);
  }
  return false;
}

/**
 * Refuses to add authority from inside an agent's tool: text of a package could make the model grant to itself.
 *
 * @throws {DashError} DELEGATED_CONSENT
 */
export function assertNotDelegated(env: Readonly<Record<string, string | undefined>> = process.env, proc = '/proc'): void {
  if (!isDelegated(env, proc)) return;
  throw new DashError('DELEGATED_CONSENT', 'an agent may not install packages or grant permissions on its own', {
    hint: 'run the command yourself in a terminal',
  });
}

function isToolProcess(pid: number, proc: string): boolean {
  return readEntries(`${proc}/${pid}/environ`).some((entry) => entry.startsWith(`${TOOL_PROCESS}=`) && entry.length > TOOL_PROCESS.length + 1);
}

/** `node …/dash.js`, or the name it was installed under. The system's shell of the same name is no Node. */
function isAgent(pid: number, proc: string): boolean {
  const [program = '', ...words] = readEntries(`${proc}/${pid}/cmdline`);
  if (!/^node(js)?(-?\d+)?$/.test(basename(program))) return false;
  const script = words.find((word) => !word.startsWith('-'));
  return script !== undefined && ['dash', 'dash-agent', 'dash.js'].includes(basename(script));
}

/** The fourth field; the second is the program's name in brackets, and may hold anything. */
function parentOf(pid: string, proc: string): number | undefined {
  const stat = read(`${proc}/${pid}/stat`);
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return Number.isInteger(parent) ? parent : undefined;
}

function readEntries(path: string): readonly string[] {
  return read(path).split('\0');
}

/** Other users' processes, those that have ended, and systems without `/proc` say nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
