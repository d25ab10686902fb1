import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HostEvent } from '../host-event.ts';
import type { EventPlace } from './event-store.ts';
import type { AgentState, Row } from './schema.ts';

/** Says of one agent that it is there, and what it is at. */
export interface Presence {
  heard(event: HostEvent): void;
  end(): void;
}

/** An agent that nobody speaks to is noted after this; one that answers and ends is noted when it begins to work. */
const IDLE_AFTER_MS = 1_000;
/** A stream of fragments is one sign of life each so often. */
const SEEN_EVERY_MS = 2_000;

/** Follows the events of one agent, and writes down when it is at something else. */
export function createPresence({ cwd, session }: EventPlace, add: (row: Row) => void): Presence {
  const started = Date.now();
  const fixed = { table: 'agents', id: randomUUID(), pid: process.pid, born: bornOf(process.pid) ?? '', cwd, started } as const;
  let state: AgentState = 'idle';
  let since = started;
  let written = 0;
  let isWorking = false;
  let questions = 0;
  const tools = new Map<string, string>();
  let noted: string | undefined;

  const note = (ended: number | null = null): void => {
    const now = Date.now();
    const doing = [...tools.values()].at(-1) ?? null;
    const next: AgentState = questions > 0 ? 'waiting' : isWorking ? 'working' : 'idle';
    const key = `${next} ${doing ?? ''} ${session()}`;
    if (next !== state) [state, since] = [next, now];
    if (ended === null && key === noted && now - written < SEEN_EVERY_MS) return;
    [noted, written] = [key, now];
    add({ ...fixed, session: session(), state, doing, since, seen: now, ended });
  };
  const timer = setTimeout(note, IDLE_AFTER_MS).unref();

  return {
    heard(event) {
      if (event.type === 'agent_start') isWorking = true;
      else if (event.type === 'agent_settled') {
        isWorking = false;
        tools.clear();
      } else if (event.type === 'user_asked') questions += 1;
      else if (event.type === 'user_answered') questions = Math.max(0, questions - 1);
      else if (event.type === 'tool_execution_start') tools.set(event.toolCallId, event.toolName);
      else if (event.type === 'tool_execution_end') tools.delete(event.toolCallId);
      // what happens before the first prompt is the start, which nobody is made to wait for
      if (isWorking || noted !== undefined || questions > 0) note();
    },
    end() {
      clearTimeout(timer);
      if (noted !== undefined) note(Date.now());
    },
  };
}

/** When a process began, in ticks since the machine did; `undefined` where there is no such process, '' where nobody can tell. */
export function bornOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return isThere(pid) ? '' : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
