import { Socket } from 'node:net';
import { createIsolate, loadAddon, type GuestIsolate } from '../isolate.ts';
import type { ChildMessage, HostMessage } from '../protocol.ts';
import { readHostMessages } from './host-pipe.ts';
import { FLOOD_LINES_PER_SECOND, MAX_GUEST_LINE, MAX_TIMERS, STUCK_AFTER_MS, TELL_WORK_MS } from './limits.ts';
import { createNativeWork } from './native-work.ts';

/**
 * The sandbox process: no authority, one isolate, two pipes. It owns the guest's timers (they need no
 * decision) and forwards everything else unread. Started as `node … entry.js <path of the addon>`.
 */
const PIPE_IN = 3;
const PIPE_OUT = 4;

const addonPath = process.argv[2];
if (addonPath === undefined) throw new Error('entry: the path of the addon is missing');
const ivm = loadAddon(addonPath);
const output = new Socket({ fd: PIPE_OUT, readable: false, writable: true });
const input = new Socket({ fd: PIPE_IN, readable: true, writable: false });

let guest: GuestIsolate | undefined;
let dead = false;
let running: { since: number; waits: number } | undefined;
let nextRequest = 1;
const waiting = new Map<number, (text: string) => void>();
const timers = new Map<number, NodeJS.Timeout>();

// The agent is gone: nothing here may outlive it. SIGKILL, because a process with a wedged isolate never gets
// through its own exit handlers.
for (const stream of [input, output]) stream.on('error', leave);
input.on('end', leave);

function leave(): void {
  process.kill(process.pid, 'SIGKILL');
}

readHostMessages(input, (message) => void receive(message));

async function receive(message: HostMessage): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      prepared = prepare(message);
      return;
    case 'open':
      return open(message);
    case 'rest':
      return void queue.then(() => say({ kind: 'resting', timers: timers.size }));
    case 'tell':
      return tell(message.text);
    case 'reply': {
      const resolve = waiting.get(message.id);
      waiting.delete(message.id);
      resolve?.(message.text);
      return;
    }
  }
}

let prepared: Promise<GuestIsolate | undefined> = Promise.resolve(undefined);

async function prepare({ memoryMiB, core, parts, warm }: HostMessage & { kind: 'prepare' }): Promise<GuestIsolate | undefined> {
  try {
    const isolate = await createIsolate(ivm, { memoryMiB, core, post, ask, onCatastrophe: (reason) => die('catastrophe', reason) });
    for (const part of parts) await isolate.addPart(part);
    for (const module of warm) await isolate.warm(module);
    return isolate;
  } catch (error) {
    die('load', error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

async function open(message: HostMessage & { kind: 'open' }): Promise<void> {
  try {
    const isolate = await prepared;
    if (isolate === undefined) return; // said already
    const { caches, rejected } = await isolate.open(message);
    guest = isolate;
    told = process.cpuUsage();
    say({ kind: 'opened', caches: [...caches], rejected: [...rejected] });
  } catch (error) {
    die('load', error instanceof Error ? error.message : String(error));
  }
}

/** Messages are handed over one after the other: the isolate has one thread anyway. */
let queue: Promise<void> = Promise.resolve();
function tell(text: string): Promise<void> {
  queue = queue.then(async () => {
    if (guest === undefined || dead) return;
    running = { since: performance.now(), waits: 0 };
    try {
      await guest.tell(text);
    } catch (error) {
      // The bootstrap catches everything a guest throws. What arrives here is the isolate's own end, or a promise
      // that the guest rejected and nobody waits for: isolated-vm throws that at us.
      const message = error instanceof Error ? error.message : String(error);
      if (guest.isDisposed) die('memory', message);
      else post(`M${JSON.stringify({ kind: 'log', level: 'error', text: `unhandled rejection: ${message.slice(0, 2_000)}` })}`);
    } finally {
      running = undefined;
      tellWork();
    }
  });
  return queue;
}

let told = process.cpuUsage();

/** Whatever in this process took a processor did so for the guest: its code, the collector, hashing and ciphers. */
function tellWork(): void {
  const { user, system } = process.cpuUsage(told);
  const ms = Math.floor((user + system) / 1_000);
  if (ms < TELL_WORK_MS) return;
  told = process.cpuUsage();
  say({ kind: 'worked', ms });
}

setInterval(() => {
  if (running === undefined || running.waits > 0) return;
  tellWork();
  const ms = performance.now() - running.since;
  if (ms > STUCK_AFTER_MS) say({ kind: 'stuck', ms: Math.round(ms) });
}, STUCK_AFTER_MS / 2).unref();

/** What the guest posts: `T` begins a timer order, `M` a message for the agent. Anything else is dropped. */
function post(text: unknown): void {
  if (typeof text !== 'string' || dead) return;
  if (text.startsWith('T')) return timer(text);
  if (!text.startsWith('M') || !withinFlood()) return;
  if (text.length > MAX_GUEST_LINE || text.includes('\n')) return die('flood', 'a message is too large');
  // first what was worked until here: the message may be the one that stops the clocks
  tellWork();
  output.write(`g${text.slice(1)}\n`);
}

const work = createNativeWork();

/** What the guest waits for: `N` is work of this process, anything else is for the agent to answer. */
async function ask(text: unknown): Promise<string> {
  if (typeof text === 'string' && text.startsWith('N') && text.length <= MAX_GUEST_LINE) return work(text.slice(1));
  if (typeof text !== 'string' || text.length > MAX_GUEST_LINE || text.includes('\n') || dead || !withinFlood()) {
    return '{"kind":"answer","id":0,"error":{"code":"SANDBOX_BUDGET","message":"the request is too large or there are too many"}}';
  }
  const id = nextRequest++;
  const current = running;
  if (current !== undefined) current.waits++;
  const answer = await new Promise<string>((resolve) => {
    waiting.set(id, resolve);
    output.write(`s${id} ${text}\n`);
  });
  if (current !== undefined) {
    current.waits--;
    current.since = performance.now();
  }
  return answer;
}

/** `T+<id> <ms>` starts, `T-<id>` cancels. */
function timer(order: string): void {
  const [idText = '', delayText = '0'] = order.slice(2).split(' ');
  const id = Number(idText);
  if (order[1] === '-') {
    clearTimeout(timers.get(id));
    timers.delete(id);
    return;
  }
  if (timers.size >= MAX_TIMERS) return die('flood', `more than ${MAX_TIMERS} timers`);
  const delay = Math.min(Math.max(Number(delayText) || 0, 1), 2_147_483_647);
  timers.set(
    id,
    setTimeout(() => {
      timers.delete(id);
      void tell(`{"kind":"timer","id":${id}}`);
    }, delay),
  );
}

let windowStart = 0;
let windowLines = 0;
function withinFlood(): boolean {
  const now = performance.now();
  if (now - windowStart > 1_000) {
    windowStart = now;
    windowLines = 0;
  }
  windowLines++;
  if (windowLines <= FLOOD_LINES_PER_SECOND) return true;
  die('flood', `more than ${FLOOD_LINES_PER_SECOND} messages in a second`);
  return false;
}

function die(reason: (ChildMessage & { kind: 'dead' })['reason'], message: string): void {
  if (dead) return;
  dead = true;
  for (const handle of timers.values()) clearTimeout(handle);
  timers.clear();
  say({ kind: 'dead', reason, message: message.slice(0, 2_000) });
}

function say(message: ChildMessage): void {
  output.write(`c${JSON.stringify(message)}\n`);
}
